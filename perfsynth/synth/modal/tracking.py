"""Find the partials of a key: stretched harmonics f_k = k f0 sqrt(1 + B k^2) that stand out of its spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.synth.modal.grid import RATE

N_FFT = 2**17
MAX_PARTIALS = 110
MAX_HZ = 16500.0
FOUND = 4.0  # times the median around it: a peak this high is a partial
# Inharmonicity of a grand, as a first guess: key, B.
_B_KEYS = (21, 33, 48, 60, 72, 84, 96, 108)
_B = (2.4e-4, 8.2e-5, 1.1e-4, 2.9e-4, 6.4e-4, 1.8e-3, 5.4e-3, 1.4e-2)


@dataclass(frozen=True)
class Partials:
    """Where the partials of one key lie."""

    f0: float  # Hz
    inharmonicity: float
    hz: np.ndarray  # (n_partials,) measured where found, else predicted


def track(layers: list[np.ndarray], key: int) -> Partials:
    """Find the partials of `key` in its recordings.

    Parameters
    ----------
    layers
        Recordings (n, 2) at `RATE`, softest first; the softest quarter is not used.
    key
        MIDI note number.
    """
    power = _spectrum(layers[len(layers) // 4 :], key)
    f0 = 440.0 * 2 ** ((key - 69) / 12)
    inharmonicity = float(np.exp(np.interp(key, _B_KEYS, np.log(_B))))
    hits: list[tuple[int, float, float]] = []  # k, Hz, strength
    for k in range(1, MAX_PARTIALS + 1):
        expected = k * f0 * np.sqrt(1 + inharmonicity * k * k)
        if expected > MAX_HZ:
            break
        width = (0.02 if key <= 80 else 0.03) * expected if k <= 4 else max(0.006 * expected, 2.5, 0.04 * f0)
        found = _peak(power, expected, min(width, 0.35 * f0), f0)
        if found is not None:
            hits.append((k, *found))
            if len(hits) >= 3:
                f0, inharmonicity = _refit(hits[-40:], f0, inharmonicity)
    n_partials = max((k for k, _, _ in hits), default=1)
    numbers = np.arange(1, n_partials + 1)
    hz = numbers * f0 * np.sqrt(1 + inharmonicity * numbers**2)
    for k, measured, _ in hits:
        hz[k - 1] = measured
    return Partials(f0, inharmonicity, hz)


def _spectrum(layers: list[np.ndarray], key: int) -> np.ndarray:
    """Sum of the power spectra of all recordings, each weighted alike."""
    length = int(np.interp(key, [57, 72, 84, 96, 108], [2.5, 1.2, 0.5, 0.25, 0.15]) * RATE)
    start = int((0.051 if key < 66 else 0.007) * RATE)
    total = np.zeros(N_FFT // 2 + 1)
    for samples in layers:
        piece = samples[start : start + length]
        window = np.hanning(len(piece))[:, None]
        power = (np.abs(np.fft.rfft(piece * window, N_FFT, axis=0)) ** 2).sum(axis=1)
        total += power / max(power.mean(), 1e-30)
    return total


def _peak(power: np.ndarray, expected: float, width: float, f0: float) -> tuple[float, float] | None:
    """Frequency and strength of the highest bin within `width` Hz, if it stands out."""
    step = RATE / N_FFT
    low, high = round((expected - width) / step), round((expected + width) / step) + 1
    if low < 2 or high >= len(power) - 2:
        return None
    at = low + int(np.argmax(power[low:high]))
    around = power[max(0, round((expected - 0.5 * f0) / step)) : round((expected + 0.5 * f0) / step) + 1]
    strength = float(power[at] / max(np.median(around), 1e-30))
    if strength < FOUND or not power[at - 1] <= power[at] >= power[at + 1]:
        return None
    below, centre, above = np.log(power[at - 1 : at + 2] + 1e-30) / 2
    bend = below - 2 * centre + above
    shift = 0.5 * (below - above) / bend if bend < 0 else 0.0
    return (at + shift) * step, strength


def _refit(hits: list[tuple[int, float, float]], f0: float, inharmonicity: float) -> tuple[float, float]:
    """f0 and B by weighted least squares on (f_k / k)^2 = f0^2 + f0^2 B k^2."""
    k, hz, strength = (np.array(column, float) for column in zip(*hits, strict=True))
    weight = np.sqrt(np.minimum(strength, 20.0))
    design = np.stack([np.ones_like(k), k * k], axis=1) * weight[:, None]
    (square, product), *_ = np.linalg.lstsq(design, (hz / k) ** 2 * weight, rcond=None)
    if square <= 0 or product <= 0:
        return f0, inharmonicity
    return float(np.sqrt(square)), float(product / square)
