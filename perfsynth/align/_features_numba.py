"""The loops of `perfsynth.align.features`: notes drawn as partials that decay, and rises that fade."""

from __future__ import annotations

import numba  # noqa: TID253  a kernel: imported only from inside functions
import numpy as np


@numba.njit(cache=True, nogil=True, fastmath=False)
def draw(
    levels: np.ndarray,
    risen: np.ndarray,
    band: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    above: np.ndarray,
    amplitude: np.ndarray,
    held: np.ndarray,
    released: np.ndarray,
) -> None:
    """Raise `levels` and `risen` (n, b) to the partials of notes (k,) from frame `first` to `last`, and their release.

    `above` and `amplitude` (p,) are the partials, in bands; `held` decays from the onset, `released` from the end.
    """
    n, n_bands = levels.shape
    for note in range(len(band)):
        begin, length = first[note], last[note] - first[note]
        for partial in range(len(above)):
            column = band[note] + above[partial]
            if column < 0 or column >= n_bands:
                continue
            for frame in range(begin, min(begin + length + len(released), n)):
                after = frame - begin
                level = held[after] if after < length else held[length] * released[after - length]
                level = amplitude[partial] * level
                if level > levels[frame, column]:
                    levels[frame, column] = level
            if amplitude[partial] > risen[begin, column]:
                risen[begin, column] = amplitude[partial]


@numba.njit(cache=True, nogil=True, fastmath=False)
def fade(frames: np.ndarray, decay: np.float32) -> None:
    """Raise each of (n, b) frames to the one before, faded by `decay`, in place."""
    for frame in range(1, frames.shape[0]):
        for band in range(frames.shape[1]):
            faded = frames[frame - 1, band] * decay
            if faded > frames[frame, band]:
                frames[frame, band] = faded
