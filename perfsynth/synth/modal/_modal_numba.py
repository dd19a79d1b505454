"""The numba kernels of the modal piano: partials, noise power and recorded attacks, each added to a block.

Times are samples after the onset of the note. The ln damping of a note is linear between its breakpoints, and
its end is the last of them. All phases are absolute, so blocks of any length give the same sound.
"""

from __future__ import annotations

import numpy as np
from numba import njit  # noqa: TID253 (a kernel file, imported inside functions only)

STEP = 64  # samples, counted from the onset: amplitudes are linear within one
LN_SILENT = -14.5  # nepers, 5e-7 of full scale: no mode is heard below
SILENT = np.exp(LN_SILENT)


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
    """Add the modes of one note to `out`, (n, 2) float32, whose first sample is sample `begin` of the piece.

    `omega` (k,) radians a sample, `ln_amplitude` and `phase` (k, 2, n_times) at `times`, the phase beside what
    `omega` turns from the onset on; the sound begins `start` samples after it and rises as half a cosine in `ramp`
    samples.
    """
    end = begin + len(out)
    last = int(break_at[-1])
    first_step = max(begin - onset, 0) // STEP
    stop_step = (min(end - onset, last) + STEP - 1) // STEP
    n_steps = stop_step - first_step
    if n_steps <= 0:
        return
    cell, share, damping = _pieces(first_step, n_steps, times, break_at, break_ln)
    # Between two steps of one piece every mode turns and falls by a factor that is the same all along it.
    inside, begins = np.empty(n_steps, np.bool_), np.empty(n_steps, np.bool_)
    for i in range(n_steps):
        inside[i] = cell[i] == cell[i + 1]
        begins[i] = i == 0 or not inside[i - 1] or abs(share[i + 1] - 2 * share[i] + share[i - 1]) > 1e-9
        begins[i] = begins[i] or abs(damping[i + 1] - 2 * damping[i] + damping[i - 1]) > 1e-9
    n_padded = n_steps * STEP
    sums = np.zeros((2, n_padded), np.float32)
    cosine, sine = np.empty(STEP, np.float32), np.empty(STEP, np.float32)
    for k in range(len(omega)):
        for i in range(STEP):
            cosine[i], sine[i] = np.cos(omega[k] * i), np.sin(omega[k] * i)
        step = np.exp(1j * omega[k] * STEP)
        for channel in range(2):
            ln, turn = ln_amplitude[k, channel], phase[k, channel]
            if ln[cell[0] : cell[-1] + 2].max() + damping[0] < LN_SILENT - 0.5:
                continue  # no step of it would be heard
            a = _wave(ln, turn, cell[0], share[0], damping[0], omega[k] * (first_step * STEP))
            factor = 0j
            for i in range(n_steps):
                if inside[i]:
                    if begins[i]:
                        along, low = share[i + 1] - share[i], cell[i]
                        size = np.exp(along * (ln[low + 1] - ln[low]) + damping[i + 1] - damping[i])
                        factor = size * np.exp(1j * (along * (turn[low + 1] - turn[low])))
                    b = a * factor
                else:
                    angle = omega[k] * ((first_step + i) * STEP)
                    b = _wave(ln, turn, cell[i + 1], share[i + 1], damping[i + 1], angle)
                if a.real**2 + a.imag**2 + b.real**2 + b.imag**2 > SILENT**2:
                    _add(sums[channel], i * STEP, a, b, cosine, sine)
                a = b * step
    base = onset + first_step * STEP - begin
    for i in range(max(0, -base), min(n_padded, len(out) - base)):
        since = first_step * STEP + i - start
        if since < 0:
            continue
        gain = 1.0 if since >= ramp else 0.5 - 0.5 * np.cos(np.pi * since / ramp)
        out[base + i, 0] += gain * sums[0, i]
        out[base + i, 1] += gain * sums[1, i]


@njit(cache=True)
def _pieces(
    first_step: int, n_steps: int, times: np.ndarray, break_at: np.ndarray, break_ln: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each step lies on the grid, cell and share of it, and its ln damping."""
    cell = np.empty(n_steps + 1, np.int64)
    share = np.empty(n_steps + 1)
    damping = np.empty(n_steps + 1)
    for i in range(n_steps + 1):
        at = (first_step + i) * STEP
        damping[i] = _between(at, break_at, break_ln) if at < int(break_at[-1]) else -60.0
        low = min(max(int(np.searchsorted(times, at, side="right")) - 1, 0), len(times) - 2)
        cell[i] = low
        share[i] = min(max((at - times[low]) / (times[low + 1] - times[low]), 0.0), 1.0)
    return cell, share, damping


@njit(cache=True, inline="always")
def _wave(ln: np.ndarray, phase: np.ndarray, cell: int, share: float, damping: float, angle: float) -> complex:
    """Amplitude and phase between two points of the grid, turned by an angle."""
    size = np.exp(ln[cell] + share * (ln[cell + 1] - ln[cell]) + damping)
    return size * np.exp(1j * (phase[cell] + share * (phase[cell + 1] - phase[cell]) + angle % (2 * np.pi)))


@njit(cache=True, fastmath=True)
def _add(out: np.ndarray, at: int, a: complex, b: complex, cosine: np.ndarray, sine: np.ndarray) -> None:
    """Add STEP samples of a mode whose complex amplitude goes straight from a to b."""
    re, im = np.float32(a.real), np.float32(a.imag)
    d_re, d_im = np.float32((b.real - a.real) / STEP), np.float32((b.imag - a.imag) / STEP)
    for i in range(STEP):
        t = np.float32(i)
        out[at + i] += (re + d_re * t) * cosine[i] - (im + d_im * t) * sine[i]


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
    n_play = min(int((len(recording) - 3) / speed), int(break_at[-1]))
    first, stop = max(0, begin - onset), min(n_play, begin + len(out) - onset)
    at = first
    while at < stop:
        step = at // STEP * STEP
        level = gain * np.exp(_between(step, break_at, break_ln))
        slope = (gain * np.exp(_between(step + STEP, break_at, break_ln)) - level) / STEP
        after = min(step + STEP, stop)
        for i in range(at, after):
            factor = np.float32(level + slope * (i - step))
            low = int(i * speed)
            t = np.float32(i * speed - low)
            for channel in range(2):
                value = np.float32(recording[low, channel]) if speed == 1.0 else _cubic(recording, low, t, channel)
                out[onset + i - begin, channel] += factor * value
        at = after


@njit(cache=True, inline="always", fastmath=True)
def _cubic(recording: np.ndarray, low: int, t: np.float32, channel: int) -> np.float32:
    """The value a share `t` after sample `low` (Catmull and Rom 1974)."""
    before = np.float32(recording[max(low - 1, 0), channel])
    a, b = np.float32(recording[low, channel]), np.float32(recording[low + 1, channel])
    after = np.float32(recording[low + 2, channel])
    half = np.float32(0.5)
    slope_a, slope_b, d = half * (b - before), half * (after - a), a - b
    return ((d + d + slope_a + slope_b) * t - d - d - d - slope_a - slope_a - slope_b) * t * t + slope_a * t + a
