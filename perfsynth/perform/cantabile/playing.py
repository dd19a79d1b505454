"""From the curves of the network to keys and pedals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.expression import time_at
from perfsynth.perform.cantabile.graces import graces, room_before
from perfsynth.perform.cantabile.pedalling import pedal_controls
from perfsynth.perform.cantabile.rolling import within_chords
from perfsynth.perform.keys import keys_of, lift_before_restrike
from perfsynth.perform.ornaments import SIGNS
from perfsynth.types import Performance, Score

SHORTEST_KEY_S = 0.025  # one key in a hundred of people under a staccato dot is shorter; their median is 49 ms
BRIEF_S = 0.05  # what would be shorter is half as far below it, in octaves; half of theirs are 39 to 68 ms
SHORTEST_LOG2, LONGEST_LOG2 = -5.0, 3.0  # of the length written: beyond, nobody plays
STEADIEST, FREEST = 0.1, 6.0  # beat periods stay within these factors of their mean
OVERLAP_S = 0.2  # that a key is held beyond the written end at most, however long it would be; short overlaps stay
MOST_ROOM = 0.2  # of a piece, that runs of small notes take from its time
LAST_HELD, LAST_S = 1.5, 3.5  # people hold the last keys half as long again, up to the median of their long ones
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
    freedom: float = 1.0  # how much of the time that they ask for rolled chords, small notes and last keys take, 0 to 1


def chord_times(curves: Curves, room_s: np.ndarray | float = 0.0) -> np.ndarray:
    """When each chord is played, (m,) s from the first; their mean tempo is exactly the one asked for.

    From each chord to the next lies half of its step and (m,) `room_s` of the next at the least: room for small notes.
    """
    beat = curves.chord_beat
    period = np.clip(np.exp(curves.log_beat_period), STEADIEST, FREEST)[:-1]
    steps = np.diff(beat) * period
    total_beats = beat[-1] - beat[0]
    if total_beats <= 0:
        return np.zeros(len(beat))
    total_s = curves.beat_period_s * total_beats
    least_s = np.broadcast_to(room_s, len(beat))[1:]
    least_s = least_s * min(1.0, MOST_ROOM * total_s / max(float(least_s.sum()), 1e-9))
    steps_s = steps * _scale(steps, least_s, total_s)
    return np.concatenate([[0.0], np.cumsum(np.maximum(steps_s, steps_s / 2 + least_s))])


def _scale(steps: np.ndarray, least_s: np.ndarray, total_s: float) -> float:
    """The x for which the greater of ``x steps`` and ``x steps / 2 + least_s`` adds up to a total.

    The sum grows with x in straight pieces: a step goes over from the second to the first at its own limit.
    """
    limit = 2 * least_s / steps
    order = np.argsort(limit)
    halved, room_s = (np.append(np.cumsum(one[order][::-1])[::-1], 0.0) for one in (steps / 2, least_s))
    scale = (total_s - room_s) / (steps.sum() - halved)  # were the steps of the smallest limits beyond theirs, by count
    return float(scale[np.argmax(scale <= np.append(limit[order], np.inf))])


def play(score: Score, curves: Curves) -> Performance:
    """Keys and pedals for every note of a score, in its order; the first sound or rest is at 0 s."""
    notes = score.notes
    beat = curves.chord_beat
    time_s = chord_times(curves, curves.freedom * room_before(notes, curves.chord, len(beat)))
    onset_s = time_s[curves.chord] + within_chords(notes, curves.chord, time_s, curves.asynchrony_s, curves.freedom)
    grid_s = time_at(np.stack([np.floor(notes["onset_beat"] + 1e-6) + k for k in (0, 1)]), beat, time_s)
    plain = notes["marks"] & SIGNS == 0  # an ornament goes on for as long as its note is written
    held = np.exp2(np.clip(curves.articulation * plain, SHORTEST_LOG2, LONGEST_LOG2))
    duration_s = notes["duration_beat"] * (grid_s[1] - grid_s[0]) * held
    end_s = time_at(notes["onset_beat"] + notes["duration_beat"], beat, time_s)
    over_s = np.maximum(onset_s + duration_s - end_s, 0.0)
    over_beat = np.maximum(notes["onset_beat"] + notes["duration_beat"] - beat[-1], 0.0)
    last_s = time_s[-1] + over_beat * curves.beat_period_s + LINGER_S
    last_held_s = np.maximum(duration_s, np.minimum(LAST_HELD**curves.freedom * duration_s, LAST_S))
    duration_s = np.where(
        over_beat > 0, np.minimum(last_held_s, last_s - onset_s), duration_s - over_s**2 / (over_s + OVERLAP_S)
    )
    onset_s, duration_s = graces(notes, curves.chord, time_s, onset_s, duration_s, curves.freedom)
    start_s = min(float(time_at(np.zeros(1), beat, time_s)[0]) if beat[0] > 0 else 0.0, float(onset_s.min()))
    played = keys_of(notes)
    played["onset_s"] = onset_s - start_s
    brief_s = np.sqrt(BRIEF_S * np.clip(duration_s, SHORTEST_KEY_S**2 / BRIEF_S, BRIEF_S))
    played["duration_s"] = np.maximum(duration_s, brief_s)
    played["velocity"] = np.clip(np.rint(curves.velocity), 1, 127)
    lift_before_restrike(played)
    over_at_s = float((played["onset_s"] + played["duration_s"]).max())
    return Performance(played, pedal_controls(curves, time_s - start_s, over_at_s, score.parts), score.parts)
