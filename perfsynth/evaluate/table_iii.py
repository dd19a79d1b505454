"""Chroma and spectrogram distance as in Table III of Tang et al. 2025, both ways of normalising them.

Each divides a difference by the size of one of the two sides. The paper's released code divides by the synthesised
one, so that a louder or fuller synthesis is nearer to everything; dividing by the reference is what the words of the
paper say. Both are given. Neither says much about timbre: a hiss at -40 dB alone costs as much on the second as
another piano.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from perfsynth.dsp.mel import PRESETS, spectrogram
from perfsynth.evaluate.matching import RATE

PRESET = PRESETS["m2a-24k"]
CHROMA_HOP = 512  # samples at 24 kHz, librosa's default
ACTIVE = 0.3  # a chroma above it counts as sounding
REFERENCE_DB = 20.0  # taken off every cell in dB


@dataclass(frozen=True)
class TableIII:
    """What the two distances are computed from, of one channel."""

    chroma: np.ndarray  # (12, n_frames), 0..1
    decibels: np.ndarray  # (128, n_frames), semitone bands


def analyse(audio: np.ndarray) -> TableIII:
    """Chroma and spectrogram of one channel, (n,) float at 44.1 kHz, computed at 24 kHz."""
    import librosa
    import soxr

    samples = soxr.resample(np.asarray(audio, np.float32), RATE, PRESET.sample_rate)
    with warnings.catch_warnings():
        # Of short or silent audio, about what the numbers say anyway.
        warnings.simplefilter("ignore", UserWarning)
        chroma = librosa.feature.chroma_cqt(y=samples, sr=PRESET.sample_rate, hop_length=CHROMA_HOP)
    return TableIII(chroma, 20 * spectrogram(samples, PRESET) - REFERENCE_DB)


def chroma_distance(one: TableIII, other: TableIII) -> float:
    """sum |clip(A, 0, 1) - clip(B, 1e-5, 1 - 1e-5)| / count(A > 0.3), A and B the chroma of `one` and `other`.

    The reference first is the default of this project, the generated first the paper's released code.
    """
    difference = np.abs(np.clip(one.chroma, 0, 1) - np.clip(other.chroma, 1e-5, 1 - 1e-5)).sum()
    return float(difference / max(np.count_nonzero(one.chroma > ACTIVE), 1))


def spectrogram_distance(one: TableIII, other: TableIII) -> float:
    """sqrt(sum (A - B)^2 / sum A^2) of the cells in dB, no lower than -100, less 20; `one` as in `chroma_distance`."""
    return float(np.sqrt(((one.decibels - other.decibels) ** 2).sum() / (one.decibels**2).sum()))
