"""Frechet distance between two sets of fixed mel-modulation features.

How alike two recordings sound on the whole, whatever they play when: each set of features is taken for a normal
distribution, and the distance is that between two of them,

    d^2 = |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)).

The features come from no trained network, so this is not the Frechet audio distance of the literature and must not
be compared with it. They are the envelope's modulations: the ln-mel spectrogram (no lower than 80 dB below its
loudest) in 16 bands, cut into windows of 0.74 s, each band's amplitude of modulation pooled to 0, 1.3-2.7, 2.7-5.4,
5.4-11, 11-22 and 22-43 Hz, the bands reduced to 6 cosine coefficients. So they are 36 numbers in neper: spectral
shape, attacks, decays, beating and warble.

Few windows make the distance too large, by the same amount for all candidates of the same length; read it beside
the calibration ladder.
"""

from __future__ import annotations

import numpy as np

from perfsynth.errors import InputError

N_BANDS = 16
WINDOW = 64  # frames of perfsynth-44k: 0.74 s
HOP = 16
RANGE_LN = 80 / 20 * np.log(10)
OCTAVES = ((0, 1), (1, 2), (2, 4), (4, 8), (8, 16), (16, 33))  # bins of a transform of WINDOW frames
N_COSINES = 6


def modulations(mel: np.ndarray) -> np.ndarray:
    """Features of one ln-mel spectrogram.

    Parameters
    ----------
    mel
        (128, n_frames) ln magnitude, preset ``perfsynth-44k``.

    Returns
    -------
    ndarray
        (n_windows, 36) float64; a spectrogram shorter than a window is one, its last frame held.
    """
    if mel.ndim != 2 or mel.shape[0] % N_BANDS:
        raise InputError(f"a spectrogram of shape {mel.shape}: (128, n_frames) is needed")
    raised = np.maximum(mel, mel.max() - RANGE_LN).astype(np.float64)
    bands = raised.reshape(N_BANDS, -1, raised.shape[1]).mean(axis=1)
    bands = np.pad(bands, ((0, 0), (0, max(0, WINDOW - bands.shape[1]))), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(bands, WINDOW, axis=1)[:, ::HOP]
    mean = windows.mean(axis=-1, keepdims=True)
    spectrum = np.abs(np.fft.rfft((windows - mean) * np.hanning(WINDOW), axis=-1)) / WINDOW
    pooled = [windows.mean(axis=-1), *(np.sqrt((spectrum[..., a:b] ** 2).sum(axis=-1)) for a, b in OCTAVES[1:])]
    cells = np.stack(pooled, axis=-1)  # (bands, windows, octaves)
    reduced = np.einsum("kb,bwo->wok", _cosines(), cells)
    return reduced.reshape(len(reduced), -1)


def _cosines() -> np.ndarray:
    """The first rows of the orthonormal cosine transform over the bands, (N_COSINES, N_BANDS)."""
    rows = np.cos(np.pi / N_BANDS * np.outer(np.arange(N_COSINES), np.arange(N_BANDS) + 0.5))
    rows *= np.sqrt(2 / N_BANDS)
    rows[0] /= np.sqrt(2)
    return rows


def frechet_distance(one: np.ndarray, other: np.ndarray) -> float:
    """d^2 between two sets of features, each (n, d), n at least 2, in the square of their unit.

    Raises
    ------
    InputError
        When they differ in d, or one has fewer than two rows.
    """
    if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[1] or min(len(one), len(other)) < 2:
        raise InputError(f"features of shape {one.shape} and {other.shape}: two sets of rows of one length are needed")
    first, second = (np.cov(features, rowvar=False) for features in (one, other))
    # tr (S1 S2)^(1/2) is the sum of the roots of the eigenvalues of S1^(1/2) S2 S1^(1/2), which is symmetric.
    values, vectors = np.linalg.eigh(first)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ second @ root), 0)).sum()
    shift = ((one.mean(axis=0) - other.mean(axis=0)) ** 2).sum()
    return float(max(shift + np.trace(first) + np.trace(second) - 2 * cross, 0.0))
