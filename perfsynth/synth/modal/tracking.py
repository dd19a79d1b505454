"""Find the modes of a key: stretched harmonics f_k = k f0 sqrt(1 + B k^2), and what else rings when it is struck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.dsp.pitches import pitch_hz
from perfsynth.synth.modal.grid import RATE

N_FFT = 2**17
MAX_PARTIALS = 110
MAX_HZ = 16500.0
FOUND = 4.0  # times the median around it: a peak this high is a partial
# Inharmonicity of a grand, as a first guess: key, B.
_B_KEYS = (21, 33, 48, 60, 72, 84, 96, 108)
_B = (2.4e-4, 8.2e-5, 1.1e-4, 2.9e-4, 6.4e-4, 1.8e-3, 5.4e-3, 1.4e-2)
# Beside the partials: the soundboard, strings behind the bridge, longitudinal and phantom partials.
MAX_OTHERS = 40
OTHERS_FOUND = 12.0  # times the median around it
OTHERS_S, OTHERS_WINDOW_S = 0.06, 1.5
OTHERS_GAP_HZ = 12.0  # modes nearer to one another cannot be told apart
LOWEST_HZ = 25.0
AROUND_HZ = 120.0
OTHERS_DB = -75.0  # below the strongest peak: not heard
HUM_DB = -1.0  # what falls less from one window to the next does not belong to the piano
WEIGHED_S = 2.0  # of each recording tell how loud it is


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
    length = int(np.interp(key, [57, 72, 84, 96, 108], [2.5, 1.2, 0.5, 0.25, 0.15]) * RATE)
    power = _spectrum(layers[len(layers) // 4 :], int((0.051 if key < 66 else 0.007) * RATE), length)
    f0 = pitch_hz(key)
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


def others(layers: list[np.ndarray], hz: np.ndarray) -> np.ndarray:
    """Frequencies of up to `MAX_OTHERS` modes, the strongest first, that stand out beside partials at `hz`."""
    start, length = int(OTHERS_S * RATE), int(OTHERS_WINDOW_S * RATE)
    power, later = (_spectrum(layers[len(layers) // 4 :], start + i * length, length) for i in range(2))
    step = RATE / N_FFT
    floor = _floor(power, round(AROUND_HZ / step))
    peaks = np.flatnonzero((power[1:-1] >= power[:-2]) & (power[1:-1] > power[2:])) + 1
    heard = (power[peaks] > OTHERS_FOUND * floor[peaks]) & (power[peaks] > power.max() * 10 ** (OTHERS_DB / 10))
    falling = later[peaks] < power[peaks] * 10 ** (HUM_DB / 10)
    peaks = peaks[heard & falling & (peaks * step > LOWEST_HZ) & (peaks * step < MAX_HZ)]
    known = list(hz)
    for at in peaks[np.argsort(-power[peaks])]:
        if len(known) - len(hz) >= MAX_OTHERS:
            break
        place = (at + _shift(power, at)) * step
        if np.abs(np.array(known) - place).min() >= OTHERS_GAP_HZ:
            known.append(place)
    return np.array(known[len(hz) :])


def _floor(power: np.ndarray, around: int) -> np.ndarray:
    """The median of the bins around each bin, interpolated between every half width."""
    at = np.arange(0, len(power), around // 2)
    medians = [np.median(power[max(0, i - around) : i + around + 1]) for i in at]
    return np.interp(np.arange(len(power)), at, medians)


def _spectrum(layers: list[np.ndarray], start: int, length: int) -> np.ndarray:
    """Sum of the power spectra of all recordings, each weighted alike."""
    total = np.zeros(N_FFT // 2 + 1)
    for samples in layers:
        piece = samples[start : start + length]
        if len(piece) == 0:
            continue
        window = np.hanning(len(piece))[:, None]
        power = (np.abs(np.fft.rfft(piece * window, N_FFT, axis=0)) ** 2).sum(axis=1)
        total += power / max(float((samples[: int(WEIGHED_S * RATE)] ** 2).sum()), 1e-30)
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
    return (at + _shift(power, at)) * step, strength


def _shift(power: np.ndarray, at: int) -> float:
    """How many bins beside `at` the peak lies: a parabola through three logarithms."""
    below, centre, above = np.log(power[at - 1 : at + 2] + 1e-30) / 2
    bend = below - 2 * centre + above
    return float(0.5 * (below - above) / bend) if bend < 0 else 0.0


def _refit(hits: list[tuple[int, float, float]], f0: float, inharmonicity: float) -> tuple[float, float]:
    """f0 and B by weighted least squares on (f_k / k)^2 = f0^2 + f0^2 B k^2."""
    k, hz, strength = (np.array(column, float) for column in zip(*hits, strict=True))
    weight = np.sqrt(np.minimum(strength, 20.0))
    design = np.stack([np.ones_like(k), k * k], axis=1) * weight[:, None]
    (square, product), *_ = np.linalg.lstsq(design, (hz / k) ** 2 * weight, rcond=None)
    if square <= 0 or product <= 0:
        return f0, inharmonicity
    return float(np.sqrt(square)), float(product / square)
