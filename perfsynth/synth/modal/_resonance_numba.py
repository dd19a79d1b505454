"""The numba kernel of string resonance: all modes of all strings that are free to ring, sample by sample."""

from __future__ import annotations

import numpy as np
from numba import njit  # noqa: TID253 (a kernel file, imported inside functions only)

STILL = 1e-7  # full scale: a damped mode below that has stopped


@njit(cache=True, fastmath=True)
def ring(
    drive: np.ndarray,
    first: int,
    step: int,
    damping: np.ndarray,
    gain: np.ndarray,
    string: np.ndarray,
    pole: np.ndarray,
    coupling: np.ndarray,
    shape: np.ndarray,
    state: np.ndarray,
) -> np.ndarray:
    """(n, 2) float32: what the strings answer to `drive`, (n,) float32, whose first sample is number `first`.

    Every `step` samples, counted from sample 0, a string has another `damping` (n_steps, n_strings), a factor a
    sample, and is driven with another `gain`. A mode j belongs to `string[j]`; it turns by `pole` (2, n_modes) a
    sample, is driven by its `coupling` and is heard left and right as `shape` (4, n_modes): re, im, re, im.
    `state` (2, n_modes) is brought forward.
    """
    n, n_modes = len(drive), len(string)
    out = np.zeros((n, 2), np.float32)
    row = np.empty(n_modes, np.int64)
    re, im = np.empty(n_modes, np.float32), np.empty(n_modes, np.float32)
    turn_re, turn_im = np.empty(n_modes, np.float32), np.empty(n_modes, np.float32)
    left_re, left_im = np.empty(n_modes, np.float32), np.empty(n_modes, np.float32)
    right_re, right_im = np.empty(n_modes, np.float32), np.empty(n_modes, np.float32)
    push = np.empty(n_modes, np.float32)
    start = 0
    while start < n:
        at = (first + start) // step - first // step
        stop = min(n, (at + first // step + 1) * step - first)
        count = 0
        for j in range(n_modes):
            s = string[j]
            if gain[at, s] == 0 and abs(state[0, j]) + abs(state[1, j]) < STILL:
                state[0, j] = state[1, j] = 0
                continue
            row[count] = j
            re[count], im[count] = state[0, j], state[1, j]
            turn_re[count], turn_im[count] = pole[0, j] * damping[at, s], pole[1, j] * damping[at, s]
            push[count] = coupling[j] * gain[at, s]
            left_re[count], left_im[count] = shape[0, j], shape[1, j]
            right_re[count], right_im[count] = shape[2, j], shape[3, j]
            count += 1
        for i in range(start, stop):
            x = drive[i]
            left = right = np.float32(0)
            for j in range(count):
                a = re[j] * turn_re[j] - im[j] * turn_im[j] + x * push[j]
                b = re[j] * turn_im[j] + im[j] * turn_re[j]
                re[j], im[j] = a, b
                left += a * left_re[j] - b * left_im[j]
                right += a * right_re[j] - b * right_im[j]
            out[i, 0], out[i, 1] = left, right
        for j in range(count):
            state[0, row[j]], state[1, row[j]] = re[j], im[j]
        start = stop
    return out
