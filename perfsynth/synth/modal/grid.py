"""The time grid of envelopes, the bands of the noise and their floors, shared by analysis and synthesis."""

from __future__ import annotations

import numpy as np

RATE = 48000  # Hz, at which a piano is analysed
ONSET = 40  # samples at `RATE` before the string starts to sound: recordings are cut 1 ms before
N_TIMES = 48
# Seconds after the start of the recording: 3 ms apart at first, half a second apart in the end.
TIMES_S = 0.02 * ((1 + 14 / 0.02) ** (np.arange(N_TIMES) / (N_TIMES - 1)) - 1)
EDGES_HZ = np.concatenate(
    [[0, 60, 120, 180, 260, 360, 480, 620, 780, 960, 1180], np.geomspace(1450, 22000, 16)]
)  # of the 26 noise bands
N_BANDS = len(EDGES_HZ) - 1
FRAME, HOP = 512, 128  # samples of a noise frame, square root Hann twice
FLOOR_LN = -16.0  # nepers re full scale: no mode is followed further down
NOISE_FLOOR_LN = -32.0  # the same, of noise power
EULER = 0.5772  # by which the mean logarithm of noise power lies below the logarithm of its mean


def cell_edges_s() -> np.ndarray:
    """(n_times + 1,) borders half way between the times of the grid."""
    between = (TIMES_S[1:] + TIMES_S[:-1]) / 2
    return np.concatenate([[0.0], between, [TIMES_S[-1] + 1.0]])


def band_weights(frame: int = FRAME) -> np.ndarray:
    """(frame // 2 + 1, n_bands) shares of each FFT bin in each band, triangles over the band index."""
    position = band_positions(np.arange(frame // 2 + 1) * RATE / frame)
    return np.clip(1 - np.abs(position[:, None] - np.arange(N_BANDS)), 0, 1)


def band_positions(hz: np.ndarray) -> np.ndarray:
    """Where frequencies lie between the centres of the bands, 0 to N_BANDS - 1."""
    centres = np.sqrt(np.maximum(EDGES_HZ[:-1], 20.0) * EDGES_HZ[1:])
    return np.interp(hz, centres, np.arange(N_BANDS))
