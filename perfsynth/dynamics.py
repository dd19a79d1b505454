"""What the written dynamics mean as MIDI velocity: levels, hairpins, accents."""

from __future__ import annotations

import numpy as np

from perfsynth.types import Mark, Score

# MIDI velocities of the dynamics, as notation programs play them (16 steps a level around mf = 80), less 16,
# so that an unmarked score sits at 64, the middle of the range.
LEVELS = {
    "n": 1, "pppppp": 4, "ppppp": 6, "pppp": 8, "ppp": 12, "pp": 22, "p": 36, "mp": 50, "mf": 64, "pf": 72, "f": 80,
    "ff": 96, "fff": 112, "ffff": 124, "fffff": 126, "ffffff": 127,
}  # fmt: skip
HAIRPIN_RANGE = (LEVELS["pppp"], LEVELS["ffff"])  # beyond which only a sign leads
UNMARKED = 64
HAIRPINS = ("crescendo", "diminuendo")
HAIRPIN = 14  # velocity steps that a hairpin gains when no dynamic follows it: one level
MOST_GAINED = 1.5 * HAIRPIN  # by all the hairpins since a dynamic, unless one of them leads further, to the next
# Accents hold for the notes at their own onset only: their gain in velocity steps.
ACCENTS = {
    "sf": 20, "sfz": 20, "sffz": 30, "fz": 20, "rf": 14, "rfz": 14, "fp": 20, "sfp": 20, "sfzp": 20, "sfpp": 20,
}  # fmt: skip
AFTER_ACCENT = {"fp": "p", "sfp": "p", "sfzp": "p", "sfpp": "pp"}
BESIDE_BEATS = 1.0  # within which a staff's own level outweighs that of another staff
LATE_BEATS = 2.0  # a first level that comes sooner holds from the beginning
MARK_GAINS = {Mark.ACCENT: 12, Mark.MARCATO: 20}


def velocities(score: Score) -> np.ndarray:
    """MIDI velocity (1..127) of each note from the dynamics in force, accents added.

    Velocities that a score MIDI states are taken as they are.
    """
    level, accent = loudness(score)
    return np.clip(np.rint(level + accent), 1, 127).astype(int)


def loudness(score: Score) -> tuple[np.ndarray, np.ndarray]:
    """Velocity that the dynamics in force give each note, and what its own accents add to it, both (n,).

    Velocities that a score MIDI states are levels without accents.
    """
    notes = score.notes
    level, accent = np.zeros(len(notes)), np.zeros(len(notes))
    for part in np.unique(notes["part"]):
        rows = score.directions[score.directions["part"] == part]
        for staff in np.unique(notes["staff"][notes["part"] == part]):
            here = (notes["part"] == part) & (notes["staff"] == staff)
            onset_beat = notes["onset_beat"][here]
            level[here] = _dynamic_curve(_in_force(rows, staff), onset_beat)
            accent[here] = _accents(rows, staff, onset_beat)
    for mark, gain in MARK_GAINS.items():
        accent += gain * (notes["marks"] & mark != 0)
    stated = notes["velocity"] > 0
    return np.where(stated, notes["velocity"], level), np.where(stated, 0.0, accent)


def _in_force(rows: np.ndarray, staff: int) -> np.ndarray:
    """The levels and hairpins that a staff obeys: its own, and another's where it has none of its own beside it.

    Piano scores write most dynamics once, under the upper staff.
    """
    rows = rows[np.isin(rows["text"], (*LEVELS, *AFTER_ACCENT)) | np.isin(rows["kind"], HAIRPINS)]
    own = np.isin(rows["staff"], (0, staff))
    levels = rows["kind"] == "dynamic"
    places = np.sort(rows["onset_beat"][own & levels])
    first = np.searchsorted(places, rows["onset_beat"] - BESIDE_BEATS, side="right")
    last = np.searchsorted(places, rows["onset_beat"] + BESIDE_BEATS, side="left")
    return rows[own | (first >= last)]


def _accents(rows: np.ndarray, staff: int, onset_beat: np.ndarray) -> np.ndarray:
    """What the accents among the dynamics add at each onset: those of the staff, or where it has none of those above.

    What is meant for both hands stands under the upper staff.
    """
    rows = rows[np.isin(rows["text"], tuple(ACCENTS)) & (rows["staff"] <= staff)]
    own = np.isin(rows["staff"], (0, staff))
    gain = np.zeros(len(onset_beat))
    for row in rows[own] if own.any() else rows:
        gain[np.abs(onset_beat - row["onset_beat"]) < 1e-6] = ACCENTS[str(row["text"])]
    return gain


def _dynamic_curve(rows: np.ndarray, onset_beat: np.ndarray) -> np.ndarray:
    """Velocity at each onset: steps at the dynamics, ramps along the hairpins."""
    signs = rows[rows["kind"] == "dynamic"]
    levels = [float(LEVELS[AFTER_ACCENT.get(text, text)]) for text in signs["text"].tolist()]
    steps = sorted(zip(signs["onset_beat"].tolist(), levels, strict=True))
    late = not steps or steps[0][0] >= onset_beat.min() + LATE_BEATS
    steps.insert(0, (-np.inf, float(UNMARKED) if late else steps[0][1]))
    gain, low, high = (np.full(len(onset_beat), bound) for bound in (0.0, -MOST_GAINED, MOST_GAINED))
    for row in rows[np.isin(rows["kind"], HAIRPINS)]:
        begin, end = float(row["onset_beat"]), float(row["end_beat"])
        if end <= begin:
            continue
        change = _hairpin_change(steps, begin, end, str(row["kind"]))
        following = min((beat for beat, _ in steps if beat > begin + 1e-6), default=np.inf)
        within = (onset_beat > begin) & (onset_beat < following)  # what was gained holds until the next dynamic
        gain[within] += change * np.minimum((onset_beat[within] - begin) / (end - begin), 1.0)
        low[within], high[within] = np.minimum(low[within], change), np.maximum(high[within], change)
    curve = _levels_at(steps, onset_beat) + np.clip(gain, low, high)
    softest, loudest = HAIRPIN_RANGE
    written = [level for _, level in steps]
    return np.clip(curve, min(softest, *written), max(loudest, *written))


def _levels_at(steps: list[tuple[float, float]], onset_beat: np.ndarray) -> np.ndarray:
    beats, values = (np.array(column) for column in zip(*steps, strict=True))
    return values[np.searchsorted(beats, onset_beat + 1e-6, side="right") - 1]


def _hairpin_change(steps: list[tuple[float, float]], begin: float, end: float, kind: str) -> float:
    """Velocity steps gained along a hairpin: up to the dynamic written at its end, else one level."""
    direction = 1 if kind == "crescendo" else -1
    start = _levels_at(steps, np.array([begin]))[0]
    aims = [value for beat, value in steps if begin < beat <= end + 1.0]  # the goal may stand a beat late
    if aims and (aims[0] - start) * direction > 0:
        return float(aims[0] - start)
    return float(direction * HAIRPIN)
