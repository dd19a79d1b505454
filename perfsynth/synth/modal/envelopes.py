"""How the partials of one recording decay, how they start, and what noise lies between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.synth.modal.grid import EULER, FRAME, HOP, N_TIMES, ONSET, RATE, TIMES_S, band_weights, cell_edges_s

FLOOR_LN = -16.0  # nepers re full scale: no partial is followed further down
NOISE_FLOOR_LN = -32.0  # of power
RAMPS = (24, 48, 96, 144, 192, 288, 384, 576, 768)  # samples in which partials may start
RAMP_FRAMES = 8
TAIL_S = 0.6  # the end of a recording, which is faded, is not trusted
LEAST_NOISE = 0.02  # of the power in a band
REFINED_S = 2.0  # of each recording that frequencies are refined on
MAX_SHIFT = 0.002  # of the frequency, 3.5 cents: more is another partial
_BATCH = 256  # frames at once


@dataclass(frozen=True)
class Envelopes:
    """One recording of two channels."""

    ln_amplitude: np.ndarray  # (2, n_partials, N_TIMES)
    phase: np.ndarray  # (2, n_partials) radians at the start of the recording
    ln_noise: np.ndarray  # (2, N_BANDS, N_TIMES) of power
    ramp: int  # samples


def analyse(samples: np.ndarray, hz: np.ndarray) -> Envelopes:
    """Analyse one recording (n, 2) at `RATE` for partials at `hz`."""
    from perfsynth.synth.modal._analysis_numba import resynthesise

    width, hop = _window(hz)
    followed = [_follow(samples[:, channel], hz, width, hop) for channel in range(2)]
    length_s, settled = len(samples) / RATE, min(width // 2, round(0.02 * RATE)) // hop
    ln_amplitude = np.stack([_on_grid(np.abs(envelopes) ** 2, hop / RATE, length_s) for envelopes in followed])
    phase = np.stack([np.angle(envelopes[min(settled, len(envelopes) - 1)]) for envelopes in followed])
    ramp = _ramp(samples, followed, hz, hop)
    tonal = [resynthesise(envelopes, hop, hz / RATE, len(samples), ONSET, ramp) for envelopes in followed]
    ln_noise = np.stack([_noise(samples[:, channel], tonal[channel]) for channel in range(2)])
    return Envelopes(ln_amplitude, phase, ln_noise, ramp)


def voiced(hz: np.ndarray, ln_amplitude: np.ndarray, phase: np.ndarray, ramp: int, n_samples: int) -> np.ndarray:
    """(n_samples, 2) float32: partials alone, (k, 2, N_TIMES) nepers and (k, 2) radians, undamped."""
    from perfsynth.synth.modal._modal_numba import add_partials

    out = np.zeros((n_samples, 2), np.float32)
    whole = np.array([0.0, n_samples + 1.0])
    add_partials(
        out, 0, 0, 2 * np.pi * hz / RATE, ln_amplitude.astype(np.float32), np.ascontiguousarray(phase),
        TIMES_S * RATE, whole, np.zeros(2), float(ONSET), float(ramp),
    )  # fmt: skip
    return out


def refined(layers: list[np.ndarray], hz: np.ndarray) -> np.ndarray:
    """Frequencies at which the phases of the partials stand still, over the time in which they are loud."""
    width, hop = _window(hz)
    turning = np.zeros(len(hz), complex)
    for samples in layers:
        for channel in range(2):
            envelopes = _follow(samples[: round(REFINED_S * RATE), channel], hz, width, hop)[width // hop :]
            products = (envelopes[1:] * np.conj(envelopes[:-1])).sum(axis=0)
            turning += products / max(float(np.abs(products).max(initial=0.0)), 1e-30)
    shift = np.angle(turning) * RATE / (2 * np.pi * hop)
    return hz + np.where(np.abs(shift) < MAX_SHIFT * hz, shift, 0.0)


def _window(hz: np.ndarray) -> tuple[int, int]:
    """Width and hop, in samples, of the window that tells the partials apart."""
    width = int(np.clip(4 / hz[0], 0.014, 0.120) * RATE)
    return width, int(np.clip(width / RATE / 8, 0.002, 0.010) * RATE)


def _follow(x: np.ndarray, hz: np.ndarray, width: int, hop: int) -> np.ndarray:
    """(n_frames, n_partials) complex amplitude around each frame, phases referred to sample 0."""
    half = width // 2
    offsets = np.arange(-half, half)
    window = 0.5 + 0.5 * np.cos(np.pi * offsets / half)
    kernel = (window[:, None] * np.exp(-2j * np.pi * offsets[:, None] * hz / RATE)).astype(np.complex64)
    padded = np.pad(x.astype(np.float32), half)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * half)[::hop]
    centres = np.arange(len(frames)) * hop
    # Before the string sounds there is nothing: only the part of the window after it counts.
    covered = np.concatenate([[0.0], np.cumsum(window)])
    before = np.clip(ONSET - centres + half, 0, 2 * half)
    mass = np.maximum(covered[-1] - covered[before], 0.15 * covered[-1])
    basis = np.concatenate([kernel.real, kernel.imag], axis=1)
    parts = [frames[start : start + _BATCH] @ basis for start in range(0, len(frames), _BATCH)]
    product = np.concatenate(parts)
    n = len(hz)
    turned = np.exp(-2j * np.pi * ((centres[:, None] * hz / RATE) % 1.0))
    return ((product[:, :n] + 1j * product[:, n:]) * turned * (2 / mass[:, None])).astype(np.complex64)


def _on_grid(power: np.ndarray, hop_s: float, length_s: float) -> np.ndarray:
    """(n_partials, N_TIMES) half the logarithm of mean power around each time; past the end it goes on falling."""
    edges = cell_edges_s() / hop_s
    total = np.concatenate([np.zeros((1, power.shape[1])), np.cumsum(power, axis=0, dtype=np.float64)])
    low = np.minimum(np.floor(edges[:-1]).astype(int), len(power) - 1)
    high = np.clip(np.ceil(edges[1:]).astype(int), low + 1, len(power))
    mean = (total[high] - total[low]) / (high - low)[:, None]
    ln = np.maximum(0.5 * np.log(mean + 1e-30), FLOOR_LN).T
    last = max(int(np.searchsorted(TIMES_S, max(length_s - TAIL_S, 0.05))) - 1, 4)
    return _continued(ln, last)


def _continued(ln: np.ndarray, last: int) -> np.ndarray:
    """Values after `last` on the line through the seconds before it, at least as steep as 0.2 nepers a second."""
    if last >= N_TIMES - 1:
        return ln
    first = max(0, last - 6)
    span = TIMES_S[last] - TIMES_S[first]
    slope = np.minimum((ln[:, last] - ln[:, first]) / span, -0.2)
    ln = ln.copy()
    ln[:, last + 1 :] = ln[:, last, None] + slope[:, None] * (TIMES_S[last + 1 :] - TIMES_S[last])
    return np.maximum(ln, FLOOR_LN)


def band_ln_power(x: np.ndarray) -> np.ndarray:
    """(n_frames, N_BANDS) logarithm of noise power in each band; frame i is around sample i * HOP.

    Means of logarithms: a partial that is left over, or a steep slope, hardly moves them.
    """
    window = np.sqrt(np.hanning(FRAME + 1)[:FRAME]).astype(np.float32)
    padded = np.pad(x.astype(np.float32), FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    weights = band_weights()
    shares = (weights / np.maximum(weights.sum(axis=0), 1e-9)).astype(np.float32)
    parts = []
    for start in range(0, len(frames), 2048):
        power = np.abs(np.fft.rfft(frames[start : start + 2048] * window, axis=1)) ** 2
        parts.append(np.log(power + 1e-20).astype(np.float32) @ shares)
    return np.concatenate(parts) + EULER


def _noise(x: np.ndarray, tonal: np.ndarray) -> np.ndarray:
    """(N_BANDS, N_TIMES) logarithm of the power that the partials, as they were followed, leave."""
    rest, whole = band_ln_power(x - tonal), band_ln_power(x)[:RAMP_FRAMES]
    # While the partials start, what they miss is not noise.
    room = np.exp(whole) - np.exp(band_ln_power(tonal)[:RAMP_FRAMES])
    rest[:RAMP_FRAMES] = np.minimum(rest[:RAMP_FRAMES], np.log(np.maximum(room, LEAST_NOISE * np.exp(whole))))
    last = max(int(np.searchsorted(TIMES_S, max(len(x) / RATE - TAIL_S, 0.05))) - 1, 4)
    return np.maximum(_continued(_cells(rest) / 2, last) * 2, NOISE_FLOOR_LN)


def _cells(ln: np.ndarray) -> np.ndarray:
    """(N_BANDS, N_TIMES) means of (n_frames, N_BANDS) over the cells of the grid."""
    edges = cell_edges_s() * RATE / HOP
    low = np.minimum(np.floor(edges[:-1]).astype(int), len(ln) - 1)
    high = np.clip(np.ceil(edges[1:]).astype(int), low + 1, len(ln))
    total = np.concatenate([np.zeros((1, ln.shape[1])), np.cumsum(ln, axis=0, dtype=np.float64)])
    return ((total[high] - total[low]) / (high - low)[:, None]).T


def _ramp(samples: np.ndarray, followed: list[np.ndarray], hz: np.ndarray, hop: int) -> int:
    """The start, in samples, whose bands leak least over those of the recording without missing its own."""
    from perfsynth.synth.modal._analysis_numba import resynthesise

    n = min(len(samples), RAMP_FRAMES * HOP + FRAME)
    recorded = np.stack([band_ln_power(samples[:n, channel])[:RAMP_FRAMES] for channel in range(2)])
    weight = np.clip((recorded - recorded.max() + 9) / 9, 0, 1)
    costs = []
    for ramp in RAMPS:
        voiced = [resynthesise(envelopes, hop, hz / RATE, n, ONSET, ramp) for envelopes in followed]
        excess = np.stack([band_ln_power(y)[:RAMP_FRAMES] for y in voiced]) - recorded
        leak = (np.maximum(0, excess - 0.5) ** 2).sum()
        costs.append(leak + 2 * (weight * np.minimum(0, excess) ** 2).sum())
    return RAMPS[int(np.argmin(costs))]
