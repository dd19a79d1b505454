"""The numba kernel of `perfsynth.synth.sampler`: recordings times damping, summed."""

from __future__ import annotations

import numpy as np
from numba import njit  # noqa: TID253 (a kernel file, imported inside functions only)

BLOCK = 64  # samples, counted from the onset: the envelope is linear within one


@njit(cache=True, fastmath=True)
def mix(
    out: np.ndarray,
    begin: int,
    pcm: np.ndarray,
    onset: np.ndarray,
    start: np.ndarray,
    length: np.ndarray,
    gain: np.ndarray,
    offset: np.ndarray,
    break_at: np.ndarray,
    break_ln: np.ndarray,
) -> None:
    """Add voices to `out`, (2 n,) float32 interleaved, whose first sample is sample `begin` of the piece.

    Voices are rows of onset, start in `pcm` (2 m,) int16, length (samples) and gain; the ln damping of voice i is
    linear between break_at[offset[i]:offset[i + 1]], in samples after the onset, and its end is the last of them.
    """
    end = begin + len(out) // 2
    for i in range(len(onset)):
        j, last = offset[i], offset[i + 1] - 1
        n_voice = min(length[i], int(break_at[last]) + 1)
        at = max(begin - onset[i], 0) // BLOCK * BLOCK
        stop = min(end - onset[i], n_voice)
        if at >= stop:
            continue
        while j < last - 1 and break_at[j + 1] <= at:
            j += 1
        level = _level(at, j, last, break_at, break_ln) * gain[i]
        while at < stop:
            after = at + BLOCK
            while j < last - 1 and break_at[j + 1] <= after:
                j += 1
            next_level = _level(after, j, last, break_at, break_ln) * gain[i]
            first, until = max(at, begin - onset[i]), min(after, stop)
            to, source = 2 * (onset[i] + first - begin), 2 * (start[i] + first)
            if next_level == level:
                factor = np.float32(level)
                for s in range(2 * (until - first)):
                    out[to + s] += factor * np.float32(pcm[source + s])
            else:
                step = (next_level - level) / BLOCK
                for s in range(until - first):
                    factor = np.float32(level + step * (first - at + s))
                    out[to + 2 * s] += factor * np.float32(pcm[source + 2 * s])
                    out[to + 2 * s + 1] += factor * np.float32(pcm[source + 2 * s + 1])
            at, level = after, next_level


@njit(cache=True, inline="always")
def _level(at: float, j: int, last: int, break_at: np.ndarray, break_ln: np.ndarray) -> float:
    """The damping factor at a time that lies between breakpoints j and j + 1; 0 after the last one."""
    if at >= break_at[last]:
        return 0.0
    share = (at - break_at[j]) / (break_at[j + 1] - break_at[j])
    ln = break_ln[j] + share * (break_ln[j + 1] - break_ln[j])
    return 1.0 if ln == 0.0 else np.exp(ln)
