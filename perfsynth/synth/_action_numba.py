"""The numba kernel of `perfsynth.synth.action`: how each struck string is damped."""

from __future__ import annotations

import numpy as np
from numba import njit  # noqa: TID253 (a kernel file, imported inside functions only)


@njit(cache=True)
def damp(
    onset_s: np.ndarray,
    key_index: np.ndarray,
    next_s: np.ndarray,
    rate: np.ndarray,
    damper_s: np.ndarray,
    damper_contact: np.ndarray,
    hold_offset: np.ndarray,
    hold_start_s: np.ndarray,
    hold_end_s: np.ndarray,
    restrike_rate: float,
    floor_ln: float,
    ring_s: np.ndarray,
    fade_rate: float,
    tolerance_ln: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Breakpoints of the ln damping of every strike: offsets (n + 1,), times and ln values (m,)."""
    n_notes, n_most = len(onset_s), 0
    for k in range(len(hold_offset) - 1):
        n_most = max(n_most, hold_offset[k + 1] - hold_offset[k])
    raw_t, raw_l = np.empty(len(damper_s) + 3 * n_most + 8), np.empty(len(damper_s) + 3 * n_most + 8)
    offset = np.zeros(n_notes + 1, np.int64)
    times, lns = np.empty(4 * n_notes + 16), np.empty(4 * n_notes + 16)
    for i in range(n_notes):
        k = key_index[i]
        holds = slice(hold_offset[k], hold_offset[k + 1])
        end = min(next_s[i], onset_s[i] + ring_s[k])
        n = _walk(
            onset_s[i], end, rate[k], damper_s, damper_contact, hold_start_s[holds], hold_end_s[holds],
            floor_ln, raw_t, raw_l,
        )  # fmt: skip
        if raw_l[n - 1] > floor_ln:
            rate_after = restrike_rate if next_s[i] <= end else fade_rate
            raw_t[n] = raw_t[n - 1] + (raw_l[n - 1] - floor_ln) / rate_after
            raw_l[n] = floor_ln
            n += 1
        if offset[i] + n > len(times):
            room = np.empty(2 * len(times) + n)
            times, lns = _moved(times, room.copy()), _moved(lns, room)
        offset[i + 1] = offset[i] + _simplify(raw_t, raw_l, n, tolerance_ln, times[offset[i] :], lns[offset[i] :])
    return offset, times[: offset[-1]].copy(), lns[: offset[-1]].copy()


@njit(cache=True)
def _moved(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    new[: len(old)] = old
    return new


@njit(cache=True)
def _walk(
    onset: float,
    end: float,
    rate: float,
    damper_s: np.ndarray,
    contact: np.ndarray,
    hold_start: np.ndarray,
    hold_end: np.ndarray,
    floor_ln: float,
    raw_t: np.ndarray,
    raw_l: np.ndarray,
) -> int:
    """Follow the damper of one string from `onset` until the floor or `end`; the number of vertices written."""
    raw_t[0], raw_l[0] = onset, 0.0
    n, t, level = 1, onset, 0.0
    h = np.searchsorted(hold_start, onset, side="right") - 1
    while t < end and level > floor_ln:
        if h >= 0 and t < hold_end[h]:
            t = min(hold_end[h], end)
            raw_t[n], raw_l[n] = t, level
            n += 1
            continue
        until = min(hold_start[h + 1], end) if h + 1 < len(hold_start) else end
        j = np.searchsorted(damper_s, t, side="right") - 1
        while t < until and level > floor_ln:
            after = min(damper_s[j + 1], until) if j + 1 < len(damper_s) else until
            slope = rate * contact[j]
            if level - slope * (after - t) < floor_ln:
                after = t + (level - floor_ln) / slope
                level = floor_ln
            else:
                level -= slope * (after - t)
            t = after
            raw_t[n], raw_l[n] = t, level
            n += 1
            j += 1
        h += 1
    return n


@njit(cache=True)
def _simplify(
    raw_t: np.ndarray, raw_l: np.ndarray, n: int, tolerance: float, times: np.ndarray, lns: np.ndarray
) -> int:
    """Drop vertices that a straight line passes within `tolerance` (a swinging door); how many are left.

    The curve never rises, so at most its fall divided by the tolerance are left, however many there were.
    """
    times[0], lns[0] = raw_t[0], raw_l[0]
    m, low, high = 1, -np.inf, np.inf
    for i in range(1, n):
        span = raw_t[i] - times[m - 1]
        if span <= 0.0:
            continue
        fall = raw_l[i] - lns[m - 1]
        if not low <= fall / span <= high:
            times[m], lns[m] = raw_t[i - 1], raw_l[i - 1]
            m += 1
            span = raw_t[i] - times[m - 1]
            fall = raw_l[i] - lns[m - 1]
            low, high = -np.inf, np.inf
        low = max(low, (fall - tolerance) / span)
        high = min(high, (fall + tolerance) / span)
    times[m], lns[m] = raw_t[n - 1], raw_l[n - 1]
    return m + 1
