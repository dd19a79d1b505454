"""What the written dynamics mean as MIDI velocity: levels, hairpins, accents."""

from __future__ import annotations

import numpy as np

from perfsynth.types import Mark, Score

# MIDI velocities of the dynamics, as notation programs play them (16 steps a level around mf = 80), less 16,
# so that an unmarked score sits at 64, the middle of the range.
LEVELS = {"pppp": 8, "ppp": 12, "pp": 22, "p": 36, "mp": 50, "mf": 64, "f": 80, "ff": 96, "fff": 112, "ffff": 124}
UNMARKED = 64
HAIRPIN = 14  # velocity steps that a hairpin gains when no dynamic follows it: one level
# Accents hold for the notes at their own onset only: their gain in velocity steps.
ACCENTS = {"sf": 20, "sfz": 20, "sffz": 30, "fz": 20, "rf": 14, "rfz": 14, "fp": 20, "sfp": 20, "sfpp": 20}
AFTER_ACCENT = {"fp": "p", "sfp": "p", "sfpp": "pp"}
MARK_GAINS = {Mark.ACCENT: 12, Mark.MARCATO: 20}


def velocities(score: Score) -> np.ndarray:
    """MIDI velocity (1..127) of each note from the dynamics in force, accents added.

    Velocities that a score MIDI states are taken as they are.
    """
    notes = score.notes
    level = np.zeros(len(notes))
    rows = score.directions
    for part in np.unique(notes["part"]):
        for staff in np.unique(notes["staff"][notes["part"] == part]):
            here = (notes["part"] == part) & (notes["staff"] == staff)
            heard = rows[(rows["part"] == part) & np.isin(rows["staff"], (0, staff))]
            if not np.any(heard["kind"] == "dynamic"):  # piano scores write them once, under the upper staff
                heard = rows[rows["part"] == part]
            level[here] = _dynamic_curve(heard, notes["onset_beat"][here])
    for mark, gain in MARK_GAINS.items():
        level += gain * (notes["marks"] & mark != 0)
    stated = notes["velocity"] > 0
    return np.where(stated, notes["velocity"], np.clip(np.rint(level), 1, 127)).astype(int)


def _dynamic_curve(rows: np.ndarray, onset_beat: np.ndarray) -> np.ndarray:
    """Velocity at each onset: steps at the dynamics, ramps along the hairpins, spikes at the accents."""
    steps = [(-np.inf, float(UNMARKED))]
    spikes = np.zeros(len(onset_beat))
    for row in rows[(rows["kind"] == "dynamic")]:
        text = str(row["text"])
        if text in ACCENTS:
            spikes[np.abs(onset_beat - row["onset_beat"]) < 1e-6] = ACCENTS[text]
        settled = AFTER_ACCENT.get(text, text)
        if settled in LEVELS:
            steps.append((float(row["onset_beat"]), float(LEVELS[settled])))
    curve = _levels_at(steps, onset_beat)
    for row in rows[np.isin(rows["kind"], ("crescendo", "diminuendo"))]:
        begin, end = float(row["onset_beat"]), float(row["end_beat"])
        if end <= begin:
            continue
        change = _hairpin_change(steps, begin, end, str(row["kind"]))
        following = min((beat for beat, _ in steps if beat > begin + 1e-6), default=np.inf)
        within = (onset_beat > begin) & (onset_beat < min(max(end, begin), following))
        curve[within] += change * (onset_beat[within] - begin) / (end - begin)
        after = (onset_beat >= end) & (onset_beat < following)  # what was gained holds until the next dynamic
        curve[after] += change
    return curve + spikes


def _levels_at(steps: list[tuple[float, float]], onset_beat: np.ndarray) -> np.ndarray:
    beats, values = (np.array(column) for column in zip(*sorted(steps), strict=True))
    return values[np.searchsorted(beats, onset_beat + 1e-6, side="right") - 1]


def _hairpin_change(steps: list[tuple[float, float]], begin: float, end: float, kind: str) -> float:
    """Velocity steps gained along a hairpin: up to the dynamic written at its end, else one level."""
    direction = 1 if kind == "crescendo" else -1
    start = _levels_at(steps, np.array([begin]))[0]
    aims = [value for beat, value in steps if begin < beat <= end + 1.0]  # the goal may stand a beat late
    if aims and (aims[0] - start) * direction > 0:
        return float(aims[0] - start)
    return float(direction * HAIRPIN)
