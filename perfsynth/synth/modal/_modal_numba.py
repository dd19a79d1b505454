"""The numba kernels of the modal piano: partials, noise power and recorded attacks, each added to a block.

Times are samples after the onset of the note. The ln damping of a note is linear between its breakpoints, and
its end is the last of them. All phases are absolute, so blocks of any length give the same sound.
"""

from __future__ import annotations

import numpy as np
from numba import njit  # noqa: TID253 (a kernel file, imported inside functions only)

STEP = 64  # samples, counted from the onset: amplitudes are linear within one
SILENT = 3e-7  # full scale


@njit(cache=True, inline="always")
def _between(at: float, points: np.ndarray, values: np.ndarray) -> float:
    """Linear interpolation, held at both ends."""
    if at <= points[0]:
        return values[0]
    if at >= points[-1]:
        return values[-1]
    low = int(np.searchsorted(points, at, side="right")) - 1
    share = (at - points[low]) / (points[low + 1] - points[low])
    return values[low] + share * (values[low + 1] - values[low])


@njit(cache=True, fastmath=True)
def add_partials(
    out: np.ndarray,
    begin: int,
    onset: int,
    omega: np.ndarray,
    ln_amplitude: np.ndarray,
    phase: np.ndarray,
    times: np.ndarray,
    break_at: np.ndarray,
    break_ln: np.ndarray,
    start: float,
    ramp: float,
) -> None:
    """Add the partials of one note to `out`, (n, 2) float32, whose first sample is sample `begin` of the piece.

    `omega` (k,) radians a sample, `ln_amplitude` (k, 2, n_times) at `times`, `phase` (k, 2) at the onset; the sound
    begins `start` samples after it and rises as half a cosine in `ramp` samples.
    """
    end = begin + len(out)
    last = int(break_at[-1])
    first_step = max(begin - onset, 0) // STEP
    stop_step = (min(end - onset, last) + STEP - 1) // STEP
    n_steps = stop_step - first_step
    if n_steps <= 0:
        return
    damping = np.empty(n_steps + 1)
    cell = np.empty(n_steps + 1, np.int64)
    share = np.empty(n_steps + 1)
    for i in range(n_steps + 1):
        at = (first_step + i) * STEP
        damping[i] = _between(at, break_at, break_ln) if at < last else -60.0
        low = min(max(int(np.searchsorted(times, at, side="right")) - 1, 0), len(times) - 2)
        cell[i] = low
        share[i] = min(max((at - times[low]) / (times[low + 1] - times[low]), 0.0), 1.0)
    n_padded = n_steps * STEP
    left, right = np.zeros(n_padded, np.float32), np.zeros(n_padded, np.float32)
    cosine, sine = np.empty(STEP, np.float32), np.empty(STEP, np.float32)
    for k in range(len(omega)):
        for i in range(STEP):
            cosine[i], sine[i] = np.cos(omega[k] * i), np.sin(omega[k] * i)
        a_left = a_right = -1.0
        for i in range(n_steps):
            if a_left < 0:
                a_left = _amplitude(ln_amplitude[k, 0], cell[i], share[i], damping[i])
                a_right = _amplitude(ln_amplitude[k, 1], cell[i], share[i], damping[i])
            b_left = _amplitude(ln_amplitude[k, 0], cell[i + 1], share[i + 1], damping[i + 1])
            b_right = _amplitude(ln_amplitude[k, 1], cell[i + 1], share[i + 1], damping[i + 1])
            if a_left + a_right + b_left + b_right > SILENT:
                turned = (omega[k] * ((first_step + i) * STEP)) % (2 * np.pi)
                _add(left, i * STEP, a_left, b_left, turned + phase[k, 0], cosine, sine)
                _add(right, i * STEP, a_right, b_right, turned + phase[k, 1], cosine, sine)
            a_left, a_right = b_left, b_right
    base = onset + first_step * STEP - begin
    for i in range(max(0, -base), min(n_padded, len(out) - base)):
        since = first_step * STEP + i - start
        if since < 0:
            continue
        gain = 1.0 if since >= ramp else 0.5 - 0.5 * np.cos(np.pi * since / ramp)
        out[base + i, 0] += gain * left[i]
        out[base + i, 1] += gain * right[i]


@njit(cache=True, inline="always")
def _amplitude(ln: np.ndarray, cell: int, share: float, damping: float) -> float:
    return np.exp(ln[cell] + share * (ln[cell + 1] - ln[cell]) + damping)


@njit(cache=True, fastmath=True)
def _add(out: np.ndarray, at: int, a: float, b: float, angle: float, cosine: np.ndarray, sine: np.ndarray) -> None:
    """Add STEP samples of one partial whose amplitude goes from a to b."""
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    level, slope = np.float32(a), np.float32((b - a) / STEP)
    for i in range(STEP):
        out[at + i] += (level + slope * np.float32(i)) * (c * cosine[i] - s * sine[i])


@njit(cache=True, fastmath=True)
def add_noise(
    power: np.ndarray,
    first_frame: int,
    hop: int,
    onset: int,
    ln_noise: np.ndarray,
    times: np.ndarray,
    break_at: np.ndarray,
    break_ln: np.ndarray,
) -> None:
    """Add the noise power of one note to `power`, (n_frames, 2, n_bands), frame i around sample i * hop."""
    n_frames, _, n_bands = power.shape
    for i in range(max(0, (onset + hop - 1) // hop - first_frame), n_frames):
        at = (first_frame + i) * hop - onset
        if at >= break_at[-1]:
            break
        damping = 2 * _between(at, break_at, break_ln)
        low = min(max(int(np.searchsorted(times, at, side="right")) - 1, 0), len(times) - 2)
        share = min(max((at - times[low]) / (times[low + 1] - times[low]), 0.0), 1.0)
        for channel in range(2):
            for band in range(n_bands):
                a, b = ln_noise[channel, band, low], ln_noise[channel, band, low + 1]
                power[i, channel, band] += np.exp(a + share * (b - a) + damping)


@njit(cache=True, fastmath=True)
def add_recording(
    out: np.ndarray,
    begin: int,
    onset: int,
    recording: np.ndarray,
    speed: float,
    gain: float,
    break_at: np.ndarray,
    break_ln: np.ndarray,
) -> None:
    """Add a recording, (m, 2) int16, read at `speed` by cubic interpolation, to `out`."""
    n_table = len(recording)
    n_play = min(int((n_table - 3) / speed), int(break_at[-1]))
    first, stop = max(0, begin - onset), min(n_play, begin + len(out) - onset)
    for i in range(first, stop):
        at = i * speed
        low = int(at)
        t = at - low
        level = gain * np.exp(_between(i, break_at, break_ln))
        for channel in range(2):
            before = recording[max(low - 1, 0), channel]
            a, b, after = recording[low, channel], recording[low + 1, channel], recording[low + 2, channel]
            slope_a, slope_b = 0.5 * (b - before), 0.5 * (after - a)
            d = a - b
            value = ((2 * d + slope_a + slope_b) * t - 3 * d - 2 * slope_a - slope_b) * t * t + slope_a * t + a
            out[onset + i - begin, channel] += level * value
