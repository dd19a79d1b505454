"""From the curves of the network to keys and pedals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.expression import time_at
from perfsynth.perform.keys import lift_before_restrike
from perfsynth.types import CONTROL, PERFORMED_NOTE, SUSTAIN, Performance, Score

ASYNCHRONY_S = 0.02  # unit of the network's asynchrony
MOST_ASYNCHRONY_S = 0.12
SHORTEST_KEY_S = 0.03
LIFT_S = 0.03  # s after its chord that a foot lifts; median of human ones in (n)ASAP
UP_S = 0.13  # s that it stays up before it goes down again, likewise
LEVEL, LEVEL_SCALE = 64.0, 20.0  # velocity at 0 and units of the network's velocity
SHORTEST_LOG2, LONGEST_LOG2 = -5.0, 3.0  # of the length written: beyond, nobody plays
STEADIEST, FREEST = 0.1, 6.0  # beat periods stay within these factors of their mean
LINGER_S = 2.0  # beyond the length that is written, at the mean tempo, that the last keys are held at most


@dataclass(frozen=True)
class Curves:
    """How a score is to be played; n notes, m chords, p pedal samples. All expressive zeros mean deadpan."""

    chord: np.ndarray  # (n,)
    chord_beat: np.ndarray  # (m,)
    beat_period_s: float  # mean over the piece
    log_beat_period: np.ndarray  # (m,) from each chord to the next, relative
    velocity: np.ndarray  # (n,) 1..127
    articulation: np.ndarray  # (n,) log2
    asynchrony_s: np.ndarray  # (n,)
    pedal_beat: np.ndarray  # (p,)
    pedal_down: np.ndarray  # (p,) bool
    pedal_lift: np.ndarray  # (m,) bool: where down, cleared for a moment at this chord


def chord_times(curves: Curves) -> np.ndarray:
    """When each chord is played, (m,) s from the first; their mean tempo is exactly the one asked for."""
    beat = curves.chord_beat
    period = np.clip(np.exp(curves.log_beat_period), STEADIEST, FREEST)[:-1]
    steps = np.diff(beat) * period
    total_beats = beat[-1] - beat[0]
    if total_beats <= 0:
        return np.zeros(len(beat))
    scale = curves.beat_period_s * total_beats / steps.sum()
    return np.concatenate([[0.0], np.cumsum(steps * scale)])


def play(score: Score, curves: Curves) -> Performance:
    """Keys and pedals for every note of a score, in its order; the first sound or rest is at 0 s."""
    notes = score.notes
    time_s = chord_times(curves)
    beat = curves.chord_beat
    onset_s = time_s[curves.chord] + _within_chord(curves, notes["grace"] > 0)
    grid_s = time_at(np.stack([np.floor(notes["onset_beat"] + 1e-6) + k for k in (0, 1)]), beat, time_s)
    held = np.exp2(np.clip(curves.articulation, SHORTEST_LOG2, LONGEST_LOG2))
    duration_s = notes["duration_beat"] * (grid_s[1] - grid_s[0]) * held
    over_beat = np.maximum(notes["onset_beat"] + notes["duration_beat"] - beat[-1], 0.0)
    last_s = time_s[-1] + over_beat * curves.beat_period_s + LINGER_S
    duration_s = np.where(over_beat > 0, np.minimum(duration_s, last_s - onset_s), duration_s)
    onset_s, duration_s = _graces(notes, curves.chord, time_s, onset_s, duration_s)
    start_s = min(float(time_at(np.zeros(1), beat, time_s)[0]) if beat[0] > 0 else 0.0, float(onset_s.min()))
    played = np.zeros(len(notes), PERFORMED_NOTE)
    for name in ("note_id", "pitch", "part"):
        played[name] = notes[name]
    played["onset_s"] = onset_s - start_s
    played["duration_s"] = np.maximum(duration_s, SHORTEST_KEY_S)
    played["velocity"] = np.clip(np.rint(curves.velocity), 1, 127)
    lift_before_restrike(played)
    return Performance(played, pedal_controls(curves, time_s - start_s), score.parts)


def _within_chord(curves: Curves, grace: np.ndarray) -> np.ndarray:
    """Asynchrony about the mean of each chord's main notes."""
    main = ~grace
    count = np.bincount(curves.chord[main], minlength=len(curves.chord_beat))
    total = np.bincount(curves.chord[main], curves.asynchrony_s[main], len(curves.chord_beat))
    centred = curves.asynchrony_s - (total / np.maximum(count, 1))[curves.chord]
    return np.where(main & (count[curves.chord] > 1), np.clip(centred, -MOST_ASYNCHRONY_S, MOST_ASYNCHRONY_S), 0.0)


GRACE_S = 0.06  # s, about the median of human ones in (n)ASAP


def _graces(
    notes: np.ndarray, chord: np.ndarray, time_s: np.ndarray, onset_s: np.ndarray, duration_s: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Grace notes one after the other, as written, into their beat, never before half the way from the last chord."""
    grace = np.flatnonzero(notes["grace"] > 0)
    if len(grace) == 0:
        return onset_s, duration_s
    onset_s, duration_s = onset_s.copy(), duration_s.copy()
    line = np.unique(
        np.stack([chord[grace], notes["part"][grace], notes["staff"][grace]]), axis=1, return_inverse=True
    )[1]
    for group in np.split(grace[np.argsort(line, kind="stable")], np.cumsum(np.bincount(line))[:-1]):
        here = chord[group[0]]
        room_s = (time_s[here] - time_s[here - 1]) / 2 if here else 0.5
        each_s = min(GRACE_S, max(room_s, 0.02) / len(group))
        onset_s[group] = time_s[here] - each_s * np.arange(len(group), 0, -1)
        duration_s[group] = each_s * 1.05
    return onset_s, duration_s


def pedal_controls(curves: Curves, time_s: np.ndarray) -> np.ndarray:
    """Sustain pedal messages, part 0: down and up as `pedal_down` says, up for a moment at each `pedal_lift`."""
    edges = np.flatnonzero(np.diff(curves.pedal_down.astype(int), prepend=0, append=0))
    grid_s = time_at(np.append(curves.pedal_beat, curves.pedal_beat[-1:] + 1), curves.chord_beat, time_s)
    downs_s, ups_s = grid_s[edges[0::2]], grid_s[edges[1::2]]
    lifts_s = time_s[curves.pedal_lift] + LIFT_S
    until_s = np.append(np.diff(time_s), 1.0)[curves.pedal_lift]
    again_s = lifts_s + np.minimum(UP_S, until_s / 2)
    run = np.searchsorted(downs_s, lifts_s) - 1
    inside = np.zeros(len(lifts_s), bool)
    if len(downs_s):
        held = lifts_s > downs_s[np.maximum(run, 0)] + UP_S  # not just after it went down
        inside = (run >= 0) & held & (again_s < ups_s[np.maximum(run, 0)])
    times_s = np.concatenate([downs_s, ups_s, lifts_s[inside], again_s[inside]])
    down = np.repeat([127, 0, 0, 127], [len(downs_s), len(ups_s), inside.sum(), inside.sum()])
    order = np.lexsort([down, times_s])
    controls = np.zeros(len(times_s), CONTROL)
    controls["time_s"], controls["number"], controls["value"] = np.maximum(times_s, 0.0)[order], SUSTAIN, down[order]
    return controls
