"""When each key is released: a small network over moments between the onset and well past the written end.

A damper is heard as a fall of the note's partials where no pedal holds them; elsewhere it is a guess from how such
notes are played. The network weighs both, and how far notes around fall where they are written to end, which says
whether there is a pedal; it was fitted to piano pieces whose keys are known (``benchmarks/alignment_offsets.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from perfsynth.align.bands import Bands
from perfsynth.align.ends import AGAIN_S, NEIGHBOUR_S, SHORTEST_S, gaps, level_at, likeliest_s, struck_again_s
from perfsynth.align.perceptron import shipped
from perfsynth.dsp.semitones import LOWEST, N_BANDS

RATIOS = np.exp(np.linspace(np.log(0.12), np.log(1.8), 32))  # of the written duration, as played
STEP = float(np.log(RATIOS[1] / RATIOS[0]))
WITHIN = STEP * np.array([-0.375, -0.125, 0.125, 0.375])  # moments nearer to a candidate than to the next
AFTER_LAST_BEATS = 16.0  # over which the tempo is taken to go on
AROUND_S = 4.0  # before and after a note, in which others tell of the pedal
BLOCK_NOTES = 1024


def key_up_s(heard: Bands, notes: np.ndarray, onset_s: np.ndarray, semitones: int) -> np.ndarray:
    """Times in s at which keys go up, (n,), nan for notes that are not played.

    Parameters
    ----------
    heard
        The recording.
    notes : (n,) `SCORE_NOTE`
        Sorted by onset.
    onset_s : (n,)
        nan for notes that are not played.
    semitones
        By which the recording sounds higher than written.
    """
    end_s = onset_s + SHORTEST_S
    rows = np.flatnonzero(np.isfinite(onset_s) & (notes["duration_beat"] > 0))
    if len(rows):
        around = surroundings(heard.levels, notes[rows], onset_s[rows], semitones)
        network = shipped("align-offsets")
        for first in range(0, len(rows), BLOCK_NOTES):
            seen, times = described(heard.levels, around, slice(first, first + BLOCK_NOTES))
            block = rows[first : first + BLOCK_NOTES]
            end_s[block] = onset_s[block] + likeliest_s(network(seen), times - onset_s[block, None])
    return np.where(np.isfinite(onset_s), np.maximum(np.minimum(end_s, heard.length_s), onset_s), np.nan)


@dataclass(frozen=True)
class Surroundings:
    """What is known of n notes that are played, sorted by their place in the score.

    Attributes
    ----------
    pitch, onset_s : (n,)
        As they sound.
    written_s : (n,)
        When the position at which each ends in the score is played.
    again_s : (n,)
        When the same pitch begins again, inf where it does not.
    fallen : (n, 2)
        How far notes around have fallen a tenth of a second after their written ends: since they were struck, and
        within 0.2 s.
    onsets_s
        When any note begins, ascending.
    """

    pitch: np.ndarray
    onset_s: np.ndarray
    written_s: np.ndarray
    again_s: np.ndarray
    fallen: np.ndarray
    onsets_s: np.ndarray


def surroundings(levels: np.ndarray, notes: np.ndarray, onset_s: np.ndarray, semitones: int) -> Surroundings:
    """What is known of (n,) `SCORE_NOTE` that are played at `onset_s`, in a recording of (f, 88) levels."""
    pitch = notes["pitch"].astype(int) + semitones
    written_s, again_s = written_end_s(notes, onset_s), struck_again_s(pitch, onset_s)
    fallen = _fallen(levels, _bands(pitch), onset_s, written_s, again_s)
    return Surroundings(pitch, onset_s, written_s, again_s, fallen, np.unique(onset_s))


def written_end_s(notes: np.ndarray, onset_s: np.ndarray) -> np.ndarray:
    """When the position at which each note ends in the score is played; past the end at the median tempo."""
    beats, first = np.unique(notes["onset_beat"], return_index=True)
    times = np.maximum.accumulate(onset_s[first])
    period_s = float(np.median(np.diff(times) / np.diff(beats))) if len(beats) > 1 else 0.5
    knots = np.append(beats, beats[-1] + AFTER_LAST_BEATS)
    end_beat = notes["onset_beat"] + notes["duration_beat"]
    return np.asarray(np.interp(end_beat, knots, np.append(times, times[-1] + AFTER_LAST_BEATS * period_s)))


def _fallen(
    levels: np.ndarray, own: np.ndarray, onset_s: np.ndarray, written_s: np.ndarray, again_s: np.ndarray
) -> np.ndarray:
    """`Surroundings.fallen`: means over the notes within `AROUND_S` whose string is not struck again by then."""
    level = partial(level_at, levels)
    end_s = np.maximum(written_s, onset_s + 0.1)
    after = level(end_s + 0.1, own)
    falls = np.stack([_struck(levels, onset_s, own) - after, level(end_s - 0.1, own) - after], axis=1)
    free = again_s > end_s + 0.1
    order = np.argsort(onset_s, kind="stable")
    weighed = np.column_stack([falls, np.ones(len(own))]) * free[:, None]
    sums = np.concatenate([np.zeros((1, 3)), np.cumsum(weighed[order], axis=0)])
    first = np.searchsorted(onset_s[order], onset_s - AROUND_S)
    last = np.searchsorted(onset_s[order], onset_s + AROUND_S, side="right")
    total = sums[last] - sums[first]
    return np.asarray(total[:, :2] / np.maximum(total[:, 2:], 1))


def _bands(pitch: np.ndarray, above: int = 0) -> np.ndarray:
    """The band of what lies so many semitones above each pitch."""
    return np.clip(pitch - LOWEST + above, 0, N_BANDS - 1)


def _struck(levels: np.ndarray, onset_s: np.ndarray, band: np.ndarray) -> np.ndarray:
    """The level of a band when a note in it has begun."""
    return np.maximum(level_at(levels, onset_s + 0.05, band), level_at(levels, onset_s + 0.1, band))


def described(levels: np.ndarray, around: Surroundings, part: slice) -> tuple[np.ndarray, np.ndarray]:
    """What is known of each candidate for the end of some notes, (n, 32, 29) float32, and its time, (n, 32)."""
    pitch, start_s = around.pitch[part], around.onset_s[part, None]
    length_s = np.maximum(around.written_s[part, None] - start_s, SHORTEST_S)
    times = start_s + length_s * RATIOS
    moments = start_s[..., None] + (length_s * RATIOS)[..., None] * np.exp(WITHIN)
    own, octave, below, above = (_bands(pitch, semitones)[:, None] for semitones in (0, 12, -1, 1))

    level = partial(level_at, levels)

    def fall(at_s: np.ndarray, reach_s: float, band: np.ndarray) -> np.ndarray:
        return level(at_s - reach_s, band) - level(at_s + reach_s, band)

    def alone(at_s: np.ndarray) -> np.ndarray:
        """How far the note stands out from the bands beside it."""
        return level(at_s, own) - (level(at_s, below) + level(at_s, above)) / 2

    struck, now = _struck(levels, start_s, own), level(times, own)
    until, since = gaps(times, around.onsets_s)
    again_s = around.again_s[part, None] - times
    earliest_s = start_s + 0.05
    columns = (
        now - struck,
        level(times - 0.06, own) - now,
        now - level(times + 0.06, own),
        fall(times, 0.15, own),
        level(times, octave) - np.maximum(level(start_s + 0.05, octave), 1e-3),
        fall(times, 0.06, octave),
        np.log(RATIOS)[None],
        np.log(length_s),
        np.log(RATIOS) + np.log(length_s),
        ((pitch - 60) / 24)[:, None],
        now,
        3 * np.clip(until, -NEIGHBOUR_S, NEIGHBOUR_S),
        3 * np.clip(since, -NEIGHBOUR_S, NEIGHBOUR_S),
        fall(moments, 0.03, own[..., None]).max(axis=2),
        fall(moments, 0.06, own[..., None]).max(axis=2),
        level(start_s + length_s * RATIOS * np.exp(-STEP / 2), own)
        - level(start_s + length_s * RATIOS * np.exp(STEP / 2), own),
        fall(moments, 0.06, octave[..., None]).max(axis=2),
        now - level(times + 0.15, own),
        level(times + 0.3, own) - struck,
        np.minimum.accumulate(now, axis=1) - struck,
        level(np.maximum(times - 0.4, earliest_s), own) - level(np.maximum(times - 0.1, earliest_s), own),
        level(times + 0.1, own) - level(times + 0.4, own),
        np.clip(again_s, -NEIGHBOUR_S, AGAIN_S),
        again_s <= 0.005,
        alone(times - 0.08),
        alone(times + 0.08),
        alone(times + 0.2),
        2 * around.fallen[part, :1],
        4 * around.fallen[part, 1:],
    )
    return np.stack([np.broadcast_to(column, times.shape) for column in columns], axis=-1).astype(np.float32), times
