"""Distances of spectra: log-mel, absolute dB, and short-time spectra at five resolutions.

They answer different questions. The log-mel distance counts every cell alike, so the noise floor weighs as much as
the notes; it is what the literature reports. The absolute error leaves out what lies 60 dB below the loudest, which
is nearer to what is heard. The spectral convergence looks at the strongest partials alone and follows their phase
and beating; the distance of log magnitudes is its counterpart for the weak ones. They are read side by side.

All take what `Spectra` holds, computed once for each recording.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.dsp.mel import PRESETS, Preset, spectrogram
from perfsynth.evaluate.matching import RATE

RANGE_DB = 60.0
DB_PER_LN = 20 / np.log(10)
RESOLUTIONS = tuple(
    Preset(f"stft-{n_fft}", RATE, n_fft, n_fft, n_fft // 4, "linear", n_fft // 2 + 1)
    for n_fft in (512, 1024, 2048, 4096, 8192)
)
FLOOR = 1e-4  # of the largest magnitude of the reference: -80 dB


@dataclass(frozen=True)
class Spectra:
    """Spectrograms of one channel, each (n_bands, n_frames) float32."""

    mel_16k: np.ndarray  # ln, preset deep-performer-16k
    mel_44k: np.ndarray  # ln, preset perfsynth-44k
    magnitudes: tuple[np.ndarray, ...]  # linear, one for each of RESOLUTIONS


def analyse(audio: np.ndarray) -> Spectra:
    """Spectra of one channel, (n,) float at 44.1 kHz."""
    import soxr

    at_16k = soxr.resample(np.asarray(audio, np.float32), RATE, PRESETS["deep-performer-16k"].sample_rate)
    return Spectra(
        spectrogram(at_16k, PRESETS["deep-performer-16k"]),
        spectrogram(audio, PRESETS["perfsynth-44k"]),
        tuple(np.exp(spectrogram(audio, preset)) for preset in RESOLUTIONS),
    )


def log_mel(generated: np.ndarray, reference: np.ndarray) -> float:
    """Mean (ln g - ln r)^2 over all cells of two ln-mel spectrograms, in neper^2 (Dong et al. 2022, Table 2)."""
    return float(((generated - reference) ** 2).mean())


def absolute_db(generated: np.ndarray, reference: np.ndarray) -> float:
    """Mean |20 log10 g/r| in dB over the cells where the reference lies within 60 dB of its loudest.

    Both are ln-mel spectrograms of the same shape.
    """
    heard = reference > reference.max() - RANGE_DB / DB_PER_LN
    return float(np.abs(generated - reference)[heard].mean() * DB_PER_LN)


def spectral_convergence(generated: Spectra, reference: Spectra) -> float:
    """Mean over the resolutions of |G - R| / |R|, Frobenius norms of magnitudes: 0 equal, 1 as far as silence."""
    ratios = [
        np.linalg.norm(g - r) / max(float(np.linalg.norm(r)), 1e-12)
        for g, r in zip(generated.magnitudes, reference.magnitudes, strict=True)
    ]
    return float(np.mean(ratios))


def log_magnitude(generated: Spectra, reference: Spectra) -> float:
    """Mean over the resolutions and cells of |ln G - ln R| in neper; nothing lies lower than -80 dB of max R."""
    distances = []
    for g, r in zip(generated.magnitudes, reference.magnitudes, strict=True):
        floor = max(FLOOR * float(r.max()), 1e-12)
        distances.append(np.abs(np.log(np.maximum(g, floor)) - np.log(np.maximum(r, floor))).mean())
    return float(np.mean(distances))
