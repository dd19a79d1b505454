"""When each note stops sounding: its key is up, and so is the pedal, or its string is struck again.

A pedal that comes up is heard in many bands at once, and in those of a note if it still rings. A small network chooses
among moments from the key's release on, by the fall of the note's own band and of all bands, and by what is played
around; it was fitted to played piano pieces whose pedal is known (``benchmarks/alignment_offsets.py``).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from perfsynth.align.bands import Bands
from perfsynth.align.ends import AGAIN_S, NEIGHBOUR_S, SHORTEST_S, gaps, level_at, likeliest_s, struck_again_s
from perfsynth.align.features import FRAME_S
from perfsynth.align.perceptron import shipped
from perfsynth.dsp.semitones import LOWEST, N_BANDS

RATIOS = np.exp(np.linspace(0, np.log(30), 36))  # of the time that the key was down
SHORT, LONG = round(0.06 / FRAME_S), round(0.15 / FRAME_S)  # frames to either side of a fall
BLOCK_NOTES, BLOCK_FRAMES = 1024, 16384


def sound_off_s(heard: Bands, pitch: np.ndarray, onset_s: np.ndarray, offset_s: np.ndarray) -> np.ndarray:
    """Times in s at which notes stop sounding, (n,): not before `offset_s`, nor after the same pitch is struck again.

    Parameters
    ----------
    heard
        The recording.
    pitch : (n,) int
        As they sound.
    onset_s, offset_s : (n,)
        When keys go down and up; nan for notes that are not played, which stay nan.
    """
    found = offset_s.copy()
    rows = np.flatnonzero(np.isfinite(onset_s))
    again_s = struck_again_s(pitch[rows], onset_s[rows])
    falls, onsets = overall_falls(heard.levels), np.unique(onset_s[rows])
    network = shipped("align-offsets", "sounding")
    for first in range(0, len(rows), BLOCK_NOTES):
        part = slice(first, first + BLOCK_NOTES)
        block = rows[part]
        seen, times = described(
            heard.levels, falls, pitch[block], onset_s[block], offset_s[block], again_s[part], onsets
        )
        found[block] = onset_s[block] + likeliest_s(network(seen), times - onset_s[block, None])
    return np.asarray(np.maximum(np.minimum(found, heard.length_s), offset_s))


def overall_falls(levels: np.ndarray) -> np.ndarray:
    """How much all bands of (n, 88) levels fall around each frame, over 0.12 s and 0.3 s: (n, 2)."""
    made = np.zeros((len(levels), 2), np.float32)
    for column, reach in enumerate((SHORT, LONG)):
        for first in range(reach, len(levels) - reach, BLOCK_FRAMES):
            last = min(first + BLOCK_FRAMES, len(levels) - reach)
            fallen = levels[first - reach : last - reach] - levels[first + reach : last + reach]
            made[first:last, column] = np.maximum(fallen, 0, out=fallen).mean(axis=1)
    return made


def described(
    levels: np.ndarray,
    falls: np.ndarray,
    pitch: np.ndarray,
    onset_s: np.ndarray,
    offset_s: np.ndarray,
    again_s: np.ndarray,
    onsets_s: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """What is known of each candidate, (n, 36, 19) float32, and its time, (n, 36)."""
    length_s = np.maximum(offset_s - onset_s, SHORTEST_S)[:, None]
    start_s, up_s = onset_s[:, None], onset_s[:, None] + length_s
    again = np.maximum(again_s[:, None], up_s)
    times = np.minimum(start_s + length_s * RATIOS, again)
    own, octave = (np.clip(pitch - LOWEST + above, 0, N_BANDS - 1)[:, None] for above in (0, 12))
    frames = np.clip(np.rint(times / FRAME_S).astype(int), 0, len(levels) - 1)

    level = partial(level_at, levels)
    struck = np.maximum(level(start_s + 0.05, own), level(start_s + 0.1, own))
    now = level(times, own)
    until, since = gaps(times, onsets_s)
    columns = (
        now - struck,
        level(times - 0.06, own) - now,
        now - level(times + 0.06, own),
        level(times - 0.15, own) - level(times + 0.15, own),
        level(times - 0.06, octave) - level(times + 0.06, octave),
        now - np.minimum.accumulate(now, axis=1),
        level(up_s - 0.05, own) - level(up_s + 0.1, own),
        level(up_s, own) - now,
        10 * falls[frames, 0],
        10 * falls[frames, 1],
        np.log(RATIOS)[None],
        np.log(length_s),
        np.log(times - start_s),
        ((pitch - 60) / 24)[:, None],
        now,
        3 * np.clip(until, -NEIGHBOUR_S, NEIGHBOUR_S),
        3 * np.clip(since, -NEIGHBOUR_S, NEIGHBOUR_S),
        np.clip(again - times, 0, AGAIN_S),
        times >= again,
    )
    return np.stack([np.broadcast_to(column, times.shape) for column in columns], axis=-1).astype(np.float32), times
