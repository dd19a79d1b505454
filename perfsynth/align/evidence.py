"""How clearly a pitch can be heard to begin at a time: a small network over its partials and the moments around.

It sees ten bands around a note (the note, its neighbours, its partials, the octave below) and the mean of all, in
`CONTEXT` frames before and after a moment, and gives the log-likelihood ratio, up to a constant, that the note begins
there. It was fitted by ``benchmarks/alignment_onsets.py``.
"""

from __future__ import annotations

import numpy as np

from perfsynth.align.features import FRAME_S
from perfsynth.align.perceptron import shipped
from perfsynth.dsp.semitones import LOWEST, N_BANDS

CONTEXT = 9  # frames to either side, 52 ms
AROUND = (-12, -1, 0, 1, 12, 19, 24, 28, 31, 36)  # semitones from the note
N_INPUTS = (len(AROUND) + 1) * (2 * CONTEXT + 1) + 2
BLOCK_NOTES = 128


def inputs(levels: np.ndarray, pitch: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """What the network sees.

    Parameters
    ----------
    levels : (n_frames, 88) float32
        Compressed, as `perfsynth.align.bands.bands` hears them.
    pitch : (n,) int
        As they sound.
    frames : (n, w) int
        Consecutive moments.

    Returns
    -------
    (n, w, N_INPUTS) float32
    """
    n, w = frames.shape
    reach = frames[:, :1] + np.arange(-CONTEXT, w + CONTEXT)
    reach = np.clip(reach, 0, len(levels) - 1)
    band = pitch[:, None] - LOWEST + np.array(AROUND)
    heard = (band >= 0) & (band < N_BANDS)
    around = levels[reach[:, :, None], np.clip(band, 0, N_BANDS - 1)[:, None, :]] * heard[:, None, :]
    everything = levels[reach].mean(axis=2, keepdims=True)
    seen = np.concatenate([4 * around, 16 * everything], axis=2)
    windows = np.lib.stride_tricks.sliding_window_view(seen, 2 * CONTEXT + 1, axis=1)
    made = np.empty((n, w, N_INPUTS), np.float32)
    made[:, :, :-2].reshape(windows.shape)[:] = windows  # a view of it: nothing but its last axis is divided
    made[:, :, -2] = ((pitch - 60) / 24)[:, None]
    made[:, :, -1] = ((pitch - 60) / 24)[:, None] ** 2
    return made


def evidence(levels: np.ndarray, pitch: np.ndarray, onset_s: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Log-likelihood ratios of an onset of each pitch around its time.

    Parameters
    ----------
    levels : (n_frames, 88) float32
        Compressed, as `perfsynth.align.bands.bands` hears them.
    pitch, onset_s : (n,)
        Notes, as they sound.
    grid : (w,)
        Seconds before and after `onset_s`, `FRAME_S` apart.

    Returns
    -------
    (n, w) float32
    """
    model = shipped("align-onsets")
    found = np.empty((len(pitch), len(grid)), np.float32)
    for first in range(0, len(pitch), BLOCK_NOTES):
        rows = slice(first, first + BLOCK_NOTES)
        frames = np.rint((onset_s[rows, None] + grid) / FRAME_S).astype(int)
        found[rows] = model(inputs(levels, pitch[rows], frames))
    return found
