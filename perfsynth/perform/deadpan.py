"""``deadpan``: the score exactly as written, the zero of every comparison.

Tempo marks and words set the tempo, notated dynamics the velocity, articulation signs the duration, pedal marks the
pedal. What is left to the player (rubato, ritardandi, fermatas, ornaments, voicing) is left out.
"""

from __future__ import annotations

import numpy as np

from perfsynth.dynamics import velocities
from perfsynth.perform.keys import keys_of, strikes
from perfsynth.perform.tempo_words import stated_tempos
from perfsynth.tempo import beats_to_seconds, scaled_to, tempo_map
from perfsynth.types import CONTROL, SUSTAIN, Mark, Performance, Score

# Share of the written duration that a sign leaves (Mark -> share); without a sign a note is held in full.
SHARES = {Mark.STACCATO: 0.5, Mark.STACCATISSIMO: 0.25, Mark.PORTATO: 0.75, Mark.MARCATO: 0.85}
GRACE_S = 0.08  # s, one short grace note, played before the beat


def perform(score: Score, *, bpm: float | None = None, seed: int = 0) -> Performance:
    """Play `score` as written; see `perfsynth.perform.core.perform`. `seed` changes nothing: nothing is random."""
    notes = score.notes
    onset_beat, duration_beat = _written_times(notes)
    start_beat = min(0.0, float(onset_beat.min()))
    tempos = tempo_map(stated_tempos(score))
    if bpm is not None:
        end_beat = float((onset_beat + duration_beat).max())
        tempos = scaled_to(tempos, bpm, start_beat=start_beat, end_beat=end_beat)
    onset_s = beats_to_seconds(onset_beat, tempos)
    end_s = beats_to_seconds(onset_beat + duration_beat, tempos)
    onset_s, end_s = _play_short_graces(notes, onset_s, end_s)
    zero_s = min(float(beats_to_seconds(np.array([start_beat]), tempos)[0]), float(onset_s.min()))

    played = keys_of(notes)
    played["onset_s"] = onset_s - zero_s
    played["duration_s"] = (end_s - onset_s) * _held_share(notes["marks"])
    played["velocity"] = velocities(score)
    return Performance(played, _pedals(score, tempos, zero_s), score.parts)


def _written_times(notes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Onset and duration in beats; a single unslashed grace note (an appoggiatura) takes half of its main note."""
    onset_beat, duration_beat = notes["onset_beat"].copy(), notes["duration_beat"].copy()
    for graces, mains in _grace_groups(notes):
        if len(graces) > 1 or len(mains) == 0 or notes["grace"][graces[0]] != 2:
            continue
        share = duration_beat[mains].min() / 2
        duration_beat[graces] = share
        onset_beat[mains] += share
        duration_beat[mains] -= share
    return onset_beat, duration_beat


def _play_short_graces(notes: np.ndarray, onset_s: np.ndarray, end_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put short grace notes, slashed or in groups, one after the other just before their beat."""
    onset_s, end_s = onset_s.copy(), end_s.copy()
    for graces, _ in _grace_groups(notes):
        graces = graces[end_s[graces] <= onset_s[graces]]
        if len(graces) == 0:
            continue
        before_s = onset_s[graces[0]]
        stroke = strikes(notes[graces])
        onset_s[graces] = before_s - GRACE_S * (stroke[-1] + 1 - stroke)
        end_s[graces] = onset_s[graces] + GRACE_S
    empty = end_s <= onset_s  # notes written without length
    end_s[empty] = onset_s[empty] + GRACE_S
    return onset_s, end_s


def _grace_groups(notes: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Indices of the grace notes at one place, and of the notes in the same voice that they precede."""
    groups = []
    if not np.any(notes["grace"]):
        return []
    key = [notes[field] for field in ("voice", "part", "onset_beat")]
    order = np.lexsort([np.arange(len(notes)), *key])
    edges = np.flatnonzero(np.any([np.diff(column[order]) != 0 for column in key], axis=0)) + 1
    for group in np.split(order, edges):
        graces = group[notes["grace"][group] > 0]
        mains = group[notes["grace"][group] == 0]
        if len(graces):
            groups.append((graces, mains))
    return groups


def _held_share(marks: np.ndarray) -> np.ndarray:
    share = np.ones(len(marks))
    for mark, value in SHARES.items():
        share = np.where(marks & mark, np.minimum(share, value), share)
    tenuto_staccato = (marks & Mark.STACCATO != 0) & (marks & Mark.TENUTO != 0)  # together they mean portato
    return np.where(tenuto_staccato, SHARES[Mark.PORTATO], share)


def _pedals(score: Score, tempos: np.ndarray, zero_s: float) -> np.ndarray:
    """Sustain pedal down and up at the pedal marks."""
    rows = score.directions[score.directions["kind"] == "pedal"]
    rows = rows[rows["end_beat"] > rows["onset_beat"]]
    controls = np.zeros(2 * len(rows), CONTROL)
    controls["time_s"] = beats_to_seconds(np.concatenate([rows["onset_beat"], rows["end_beat"]]), tempos) - zero_s
    controls["number"] = SUSTAIN
    controls["value"] = np.repeat([127, 0], len(rows))
    controls["part"] = np.tile(rows["part"], 2)
    controls["time_s"] = np.maximum(controls["time_s"], 0.0)
    return controls[np.lexsort([controls["value"], controls["time_s"]])]  # a change of pedal: up, then down
