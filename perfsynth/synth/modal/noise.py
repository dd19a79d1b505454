"""The noise between the modes of a key, and what is told from it: how modes start, and where they are stronger."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np

from perfsynth.synth.modal.envelopes import LOUD_SHARE, TAIL_S, Shared, continued, follow, hats, voiced, window
from perfsynth.synth.modal.grid import (
    EDGES_HZ,
    EULER,
    FRAME,
    HOP,
    N_BANDS,
    N_TIMES,
    NOISE_FLOOR_LN,
    RATE,
    TIMES_S,
    band_positions,
    band_weights,
    cell_edges_s,
)

RAMPS = (24, 48, 96, 144, 192, 288, 384, 576, 768)  # samples in which modes may start
RAMP_FRAMES = 8
START = RAMP_FRAMES * HOP  # samples
LEAST_NOISE = 0.02  # of the power in a band
NOISE_MARGIN = 1.5  # times the noise is not lifted into the modes
FINE, FINE_FROM_S = 2048, 0.04  # samples of the frames that measure noise once the attack is over
QUIETEST = 4  # the noise is that of the quietest fourth of the bins of a band: what modes leave is in the others


def band_ln_power(x: np.ndarray, frame: int = FRAME) -> np.ndarray:
    """(n_frames, N_BANDS) logarithm of noise power in each band; frame i is around sample i * frame / 4.

    Means of logarithms: a mode that is left over, or a steep slope, hardly moves them. It is the power of a bin
    of `FRAME` samples, whatever `frame` is.
    """
    taper = np.sqrt(np.hanning(frame + 1)[:frame]).astype(np.float32)
    padded = np.pad(x.astype(np.float32), frame // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, frame)[:: frame // 4]
    weights = band_weights(frame)
    shares = (weights / np.maximum(weights.sum(axis=0), 1e-9)).astype(np.float32)
    parts = []
    for start in range(0, len(frames), 2048):
        power = np.abs(np.fft.rfft(frames[start : start + 2048] * taper, axis=1)) ** 2
        parts.append(np.log(power + 1e-20).astype(np.float32) @ shares)
    return np.concatenate(parts) + EULER + np.log(FRAME / frame)


def valley_ln_power(x: np.ndarray) -> np.ndarray:
    """What `band_ln_power` tells, of what is lowest in each band: a row for every FINE // 4 samples.

    Half of the bins may be full of what modes have left; a mean would be 10 dB too high.
    """
    taper = np.hanning(FINE + 1)[:FINE].astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(x.astype(np.float32), FINE // 2), FINE)[:: FINE // 4]
    edges = _band_bins()
    parts = []
    for start in range(0, len(frames), 2048):
        power = np.abs(np.fft.rfft(frames[start : start + 2048] * taper, axis=1)) ** 2
        lowest = [(high - low) // QUIETEST for low, high in edges]
        bands = [
            np.partition(power[:, low:high], k, axis=1)[:, k] for (low, high), k in zip(edges, lowest, strict=True)
        ]
        parts.append(np.log(np.stack(bands, axis=1) + 1e-20))
    return np.concatenate(parts)


def _band_bins() -> list[tuple[int, int]]:
    """The bins of each band in frames of FINE samples, one at least."""
    edges = np.rint(EDGES_HZ * FINE / RATE).astype(int)
    return [(int(low), max(int(high), int(low) + 1)) for low, high in pairwise(edges)]


@lru_cache(maxsize=1)
def _valley_bias() -> np.ndarray:
    """(N_BANDS,) by how much `valley_ln_power` of white noise differs from its power in a bin of `FRAME`."""
    white = np.random.default_rng(0).standard_normal(20 * RATE)
    return np.asarray(valley_ln_power(white).mean(axis=0) - np.log(FRAME / 2))


def between(x: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """(N_BANDS, N_TIMES) logarithm of the power of `rest`, what the modes leave of `x`."""
    head = slice(0, START + FRAME)
    whole, tonal = (_cells(band_ln_power(y[head]), HOP) for y in (x, x - rest))
    # While the modes start, what they miss is not noise.
    room = np.log(np.maximum(np.exp(whole) - np.exp(tonal), LEAST_NOISE * np.exp(whole)))
    starting = TIMES_S < START / RATE
    ln = _cells(valley_ln_power(rest) - _valley_bias(), FINE // 4)
    early = TIMES_S < FINE_FROM_S
    ln[:, early] = _cells(band_ln_power(rest[: round(2 * FINE_FROM_S * RATE)]), HOP)[:, early]
    ln[:, starting] = np.minimum(ln, room)[:, starting]
    last = max(int(np.searchsorted(TIMES_S, max(len(x) / RATE - TAIL_S, 0.05))) - 1, 4)
    return np.maximum(continued(ln / 2, last) * 2, NOISE_FLOOR_LN)


def mean_power(ln_noise: np.ndarray, length_s: float) -> float:
    """Mean square over a time from the onset on, of noise whose (2, N_BANDS, N_TIMES) ln power is on the grid."""
    in_bins = np.exp(np.einsum("cbi,fb->cfi", ln_noise, band_weights()))
    variance = in_bins.mean(axis=(0, 1)) * 2 / FRAME
    at = np.linspace(0, length_s, 500)
    return float(np.interp(at, TIMES_S, variance).mean())


def _cells(ln: np.ndarray, hop: int) -> np.ndarray:
    """(N_BANDS, N_TIMES) means of (n_frames, N_BANDS) over the cells of the grid."""
    edges = cell_edges_s() * RATE / hop
    low = np.minimum(np.floor(edges[:-1]).astype(int), len(ln) - 1)
    high = np.clip(np.ceil(edges[1:]).astype(int), low + 1, len(ln))
    total = np.concatenate([np.zeros((1, ln.shape[1])), np.cumsum(ln, axis=0, dtype=np.float64)])
    return np.asarray(((total[high] - total[low]) / (high - low)[:, None]).T)


def ramp_of(samples: np.ndarray, hz: np.ndarray, ln_amplitude: np.ndarray, phase: np.ndarray) -> int:
    """The start, in samples, whose bands leak least over those of the recording without missing its own."""
    n = min(len(samples), RAMP_FRAMES * HOP + FRAME)
    recorded = np.stack([band_ln_power(samples[:n, channel])[:RAMP_FRAMES] for channel in range(2)])
    weight = np.clip((recorded - recorded.max() + 9) / 9, 0, 1)
    costs = []
    for ramp in RAMPS:
        tonal = voiced(hz, ln_amplitude, phase, ramp, n)
        excess = np.stack([band_ln_power(tonal[:, channel])[:RAMP_FRAMES] for channel in range(2)]) - recorded
        leak = (np.maximum(0, excess - 0.5) ** 2).sum()
        costs.append(leak + 2 * (weight * np.minimum(0, excess) ** 2).sum())
    return RAMPS[int(np.argmin(costs))]


def lifted(modes: Shared, rest: list[np.ndarray], hz: np.ndarray, width_s: float, ln_noise: np.ndarray) -> Shared:
    """Modes that also have the power in which the layers differ, as far as it is no noise.

    Parameters
    ----------
    modes, hz
        Of one key.
    rest
        What they leave of each layer, (n, 2).
    width_s
        Of the window through which they are looked for there.
    ln_noise
        (n_layers, 2, N_BANDS, N_TIMES) as `between` finds it.
    """
    width, hop = window(width_s)
    # In power: a bin of a noise frame has FRAME / 2 for a variance of 1, a Hann window of n samples 6 / n.
    per_bin = 6 / width / (FRAME / 2)
    ends_s = np.array([len(left) / RATE - TAIL_S for left in rest])
    last = max(int(np.searchsorted(TIMES_S, ends_s.max())) - 2, 4)
    trusted = (ends_s[:, None] > TIMES_S) | (np.arange(N_TIMES) <= 4)
    ln_amplitude = np.empty_like(modes.ln_amplitude)
    for channel in range(2):
        size = np.maximum(np.abs(modes.gain[:, :, channel, None]), 1e-6)
        above = np.empty((len(rest), *ln_amplitude[:, channel].shape))
        for layer, left in enumerate(rest):
            power = np.abs(follow(left[:, channel], hz, width, hop)) ** 2
            noisy = np.exp(_at_bands(ln_noise[layer, channel], hz))
            above[layer] = (hats(len(power), hop / RATE) @ power).T - NOISE_MARGIN * per_bin * noisy
        # Hum is as strong in soft layers as in loud ones, so it counts as little as it does in the loud ones.
        more = np.min([_shared_power(above, size, trusted, share) for share in (LOUD_SHARE, 0.0)], axis=0)
        ln = 0.5 * np.log(np.exp(2 * modes.ln_amplitude[:, channel]) + more)
        ln_amplitude[:, channel] = continued(ln, last)
    return Shared(ln_amplitude, modes.phase, modes.gain)


def _shared_power(above: np.ndarray, size: np.ndarray, trusted: np.ndarray, loud_share: float) -> np.ndarray:
    """(k, N_TIMES) power that the layers have in common, of powers (n_layers, k, N_TIMES) at gains of some size."""
    weight = size ** (-2 * loud_share) * trusted[:, None, :]
    return np.maximum((weight * above).sum(axis=0) / np.maximum((weight * size**2).sum(axis=0), 1e-12), 0.0)


def _at_bands(ln: np.ndarray, hz: np.ndarray) -> np.ndarray:
    """(k, N_TIMES) a table of bands, (N_BANDS, N_TIMES), at some frequencies."""
    position = band_positions(hz)
    low = np.minimum(position.astype(int), N_BANDS - 2)
    share = (position - low)[:, None]
    return np.asarray(ln[low] * (1 - share) + ln[low + 1] * share)
