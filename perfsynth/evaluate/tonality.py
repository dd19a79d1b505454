"""How tonal and how flat the sound is in each critical band.

A piano's band holds partials (peaks that turn their phase evenly) over noise (no peaks, any phase). Two classical
numbers tell them apart, and a synthesis can be wrong in either: a vocoder fills the valleys between partials
(flatness too high), or makes the partials tremble (tonality too low) while the level of the band is right.

- Spectral flatness: geometric over arithmetic mean of the power of the bins of a band, in dB; 0 for a flat
  spectrum, far below for a few peaks (Johnston 1988, Transform coding of audio signals).
- Tonality: how well magnitude and phase of a bin follow from its two past frames. With the prediction
  r' = 2 r1 - r2, p' = 2 p1 - p2 the unpredictability is c = |X - r' e^{ip'}| / (|X| + |r'|), its mean over a band
  weighted by energy, and the index min(1, max(0, -0.299 - 0.43 ln c)) (ISO/IEC 11172-3, psychoacoustic model 2).
  Differs: frames of 2048 by 512 samples and Bark bands, where the standard has 1024 and thirds of a Bark.

Bands are the 24 of Zwicker 1961, up to 15.5 kHz.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from perfsynth.evaluate.matching import RATE

BARK_HZ = (
    0, 100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150, 3700, 4400, 5300, 6400,
    7700, 9500, 12000, 15500,
)  # fmt: skip
N_FFT = 2048  # samples, 46 ms
HOP = 512
RANGE_DB = 60.0
TINY = 1e-12


@dataclass(frozen=True)
class Bark:
    """Cells of 24 bands, each array (24, n_frames)."""

    level_db: np.ndarray  # mean power of the bins
    flatness_db: np.ndarray  # 0 flat, negative peaky
    tonality: np.ndarray  # 0 noise .. 1 tone


def analyse(audio: np.ndarray) -> Bark:
    """Level, flatness and tonality of one channel, (n,) float at 44.1 kHz, at least four frames long."""
    from scipy.signal import ShortTimeFFT

    frames = ShortTimeFFT(np.hanning(N_FFT + 1)[:N_FFT], HOP, RATE).stft(np.asarray(audio, np.float64))
    power = np.abs(frames) ** 2 + TINY
    chaos = _unpredictability(frames)
    rows = [_band(low, high, power, chaos) for low, high in pairwise(BARK_HZ)]
    level, flatness, tonality = (np.stack(column) for column in zip(*rows, strict=True))
    return Bark(level, flatness, tonality)


def _unpredictability(frames: np.ndarray) -> np.ndarray:
    """c of each bin and frame, 0..1; 1 in the two frames that have no past."""
    magnitude, phase = np.abs(frames), np.angle(frames)
    found = np.ones(frames.shape)
    # The turn by the hop is common to all three frames and cancels in 2 p1 - p2.
    expected = (2 * magnitude[:, 1:-1] - magnitude[:, :-2]) * np.exp(1j * (2 * phase[:, 1:-1] - phase[:, :-2]))
    found[:, 2:] = np.abs(frames[:, 2:] - expected) / (magnitude[:, 2:] + np.abs(expected) + TINY)
    return found


def _band(low_hz: float, high_hz: float, power: np.ndarray, chaos: np.ndarray) -> tuple[np.ndarray, ...]:
    bins = slice(round(low_hz * N_FFT / RATE), max(round(high_hz * N_FFT / RATE), round(low_hz * N_FFT / RATE) + 1))
    energy = power[bins]
    mean = energy.mean(axis=0)
    flatness = 10 * (np.log10(energy).mean(axis=0) - np.log10(mean))
    unpredictable = (energy * chaos[bins]).sum(axis=0) / energy.sum(axis=0)
    tonality = np.clip(-0.299 - 0.43 * np.log(np.maximum(unpredictable, TINY)), 0.0, 1.0)
    return 10 * np.log10(mean), flatness, tonality


def heard(reference: Bark) -> np.ndarray:
    """Which cells lie within 60 dB of the loudest: (24, n_frames) bool."""
    is_heard: np.ndarray = reference.level_db > reference.level_db.max() - RANGE_DB
    return is_heard


def flatness_distance(generated: Bark, reference: Bark) -> float:
    """Mean |difference| of the flatness in dB over the cells heard in the reference."""
    return float(np.abs(generated.flatness_db - reference.flatness_db)[heard(reference)].mean())


def tonality_distance(generated: Bark, reference: Bark) -> float:
    """Mean |difference| of the tonality, 0..1, over the cells heard in the reference."""
    return float(np.abs(generated.tonality - reference.tonality)[heard(reference)].mean())


def by_band(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Mean of each band over the cells marked, (24,); nan for a band without any."""
    count = where.sum(axis=1)
    means = np.where(where, values, 0.0).sum(axis=1) / np.maximum(count, 1)
    return np.where(count > 0, means, np.nan)
