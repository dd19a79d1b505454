"""The numba kernel of the analysis: partials back from their complex envelopes."""

from __future__ import annotations

import numpy as np
from numba import njit  # noqa: TID253 (a kernel file, imported inside functions only)


@njit(cache=True, fastmath=True)
def resynthesise(
    envelopes: np.ndarray, hop: int, cycles: np.ndarray, n_samples: int, onset: int, ramp: int
) -> np.ndarray:
    """(n_samples,) float32 sum of partials whose complex envelopes are linear between frames `hop` samples apart.

    `cycles` are frequencies in cycles a sample. Nothing sounds before `onset`; from there it rises as half a
    cosine in `ramp` samples.
    """
    out = np.zeros(n_samples, np.float32)
    n_frames = len(envelopes)
    for k in range(envelopes.shape[1]):
        turn = 2 * np.pi * cycles[k]
        step_re, step_im = np.cos(turn), np.sin(turn)
        for frame in range((n_samples + hop - 1) // hop):
            a = envelopes[min(frame, n_frames - 1), k]
            b = envelopes[min(frame + 1, n_frames - 1), k]
            start = frame * hop
            angle = turn * start
            c, s = np.cos(angle), np.sin(angle)
            re, im = a.real * c - a.imag * s, a.real * s + a.imag * c
            d = (b - a) / hop
            d_re, d_im = d.real * c - d.imag * s, d.real * s + d.imag * c
            for i in range(min(hop, n_samples - start)):
                out[start + i] += re + i * d_re
                re, im = re * step_re - im * step_im, re * step_im + im * step_re
                d_re, d_im = d_re * step_re - d_im * step_im, d_re * step_im + d_im * step_re
    for i in range(min(n_samples, onset + ramp)):
        out[i] *= 0.0 if i < onset else 0.5 - 0.5 * np.cos(np.pi * (i - onset) / ramp)
    return out
