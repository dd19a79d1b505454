"""Spectrogram presets: each defined once, computed alike in numpy and in torch.

All are centred: frame i is around sample ``i * hop``, and the ends are padded with zeros, as
`librosa.stft` does. Magnitudes, not powers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from perfsynth.dsp.pitches import pitch_hz

if TYPE_CHECKING:
    import torch


BLOCK = 512  # frames at once
MOST = {"ln": 20.0, "log10": 8.0}  # of what a logarithm can say before its exponential is no float any more


@dataclass(frozen=True)
class Preset:
    """How a spectrogram is computed."""

    name: str
    sample_rate: int  # Hz
    n_fft: int  # samples
    window_length: int  # samples, Hann
    hop: int  # samples
    bank: Literal["mel", "midi", "linear"]
    n_bands: int
    fmin: float = 0.0  # Hz, of a mel bank
    fmax: float = 0.0
    logarithm: Literal["ln", "log10"] = "ln"
    floor: float = 1e-5  # magnitudes below it are raised to it before the logarithm

    def frame_times_s(self, n_frames: int) -> np.ndarray:
        """Centre of each frame, in seconds."""
        return np.arange(n_frames) * (self.hop / self.sample_rate)

    def n_samples(self, n_frames: int) -> int:
        """How long the audio of so many frames is: from the centre of the first to that of the last, a hop at least."""
        return max(n_frames - 1, 1) * self.hop


PRESETS = {
    preset.name: preset
    for preset in (
        # The parameters of the public 44.1 kHz vocoders with 128 bands and a hop of 512.
        Preset("perfsynth-44k", 44100, 2048, 2048, 512, "mel", 128, 0.0, 22050.0),
        # Dong et al. 2022: 16 kHz, hop 256. The rest is not stated there and is HiFi-GAN's custom.
        Preset("deep-performer-16k", 16000, 1024, 1024, 256, "mel", 80, 0.0, 8000.0),
        # Shi et al. 2023: 12 ms hop, 50 ms window, one band a semitone.
        Preset("m2a-24k", 24000, 32768, 1200, 288, "midi", 128, logarithm="log10"),
        # Wang and Yang 2019: linear frequency.
        Preset("performancenet-44k", 44100, 2048, 2048, 256, "linear", 1025),
    )
}


@cache
def filterbank(preset: Preset) -> np.ndarray:
    """Weights (n_bands, n_fft // 2 + 1) float32 from magnitudes to bands; the identity for a linear preset."""
    if preset.bank == "mel":
        import librosa

        bank = librosa.filters.mel(
            sr=preset.sample_rate, n_fft=preset.n_fft, n_mels=preset.n_bands, fmin=preset.fmin, fmax=preset.fmax
        )
        return np.asarray(bank, np.float32)
    if preset.bank == "midi":
        return _semitone_bank(preset)
    return np.eye(preset.n_bands, dtype=np.float32)


def _semitone_bank(preset: Preset) -> np.ndarray:
    """Triangles from semitone to semitone over the MIDI notes, each of peak 1 / (f[m+1] - f[m-1])."""
    notes = np.arange(-1, preset.n_bands + 1)
    centre = pitch_hz(notes)
    bins = np.arange(preset.n_fft // 2 + 1) * preset.sample_rate / preset.n_fft
    low, mid, high = (centre[offset : offset + preset.n_bands, None] for offset in range(3))
    rise, fall = (bins - low) / (mid - low), (high - bins) / (high - mid)
    return (np.clip(np.minimum(rise, fall), 0.0, None) / (high - low)).astype(np.float32)


def spectrogram(samples: np.ndarray, preset: Preset) -> np.ndarray:
    """Spectrogram of mono audio.

    Parameters
    ----------
    samples
        (n,) float, at the preset's rate.
    preset
        One of `PRESETS`.

    Returns
    -------
    ndarray
        (n_bands, n // hop + 1) float32, in the preset's logarithm.
    """
    bank = filterbank(preset)
    bands = [bank @ magnitude if preset.bank != "linear" else magnitude for magnitude in _magnitudes(samples, preset)]
    logarithm = np.log if preset.logarithm == "ln" else np.log10
    return logarithm(np.maximum(np.concatenate(bands, axis=1), preset.floor)).astype(np.float32)


def _magnitudes(samples: np.ndarray, preset: Preset) -> Iterator[np.ndarray]:
    """|STFT|, (n_fft // 2 + 1, at most `BLOCK` frames) at a time, so that long audio fits in memory."""
    from scipy.fft import rfft

    window = window_of(preset)
    half = preset.n_fft // 2
    padded = np.pad(np.asarray(samples, np.float32), (half, half))
    frames = np.lib.stride_tricks.sliding_window_view(padded, preset.n_fft)[:: preset.hop]
    for start in range(0, len(frames), BLOCK):
        yield np.abs(rfft(frames[start : start + BLOCK] * window, axis=1)).T.astype(np.float32)


def window_of(preset: Preset) -> np.ndarray:
    """(n_fft,) float32: a periodic Hann window, centred in the frame."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(preset.window_length) / preset.window_length)
    before = (preset.n_fft - preset.window_length) // 2
    return np.pad(hann, (before, preset.n_fft - preset.window_length - before)).astype(np.float32)


def magnitudes_of_bands(values: np.ndarray, preset: Preset) -> np.ndarray:
    """The magnitudes behind a preset's logarithm, float32 of the same shape; what lies at its floor is silence."""
    limited = np.minimum(values.astype(np.float32), MOST[preset.logarithm])
    bands = np.exp(limited) if preset.logarithm == "ln" else np.power(np.float32(10.0), limited)
    return np.where(bands > 1.001 * preset.floor, bands, 0.0).astype(np.float32)


def spectrogram_torch(samples: torch.Tensor, preset: Preset) -> torch.Tensor:
    """The same for a batch of tensors, differentiable, on their device.

    Parameters
    ----------
    samples
        (batch, n) float32, at the preset's rate.
    preset
        One of `PRESETS`.

    Returns
    -------
    Tensor
        (batch, n_bands, n // hop + 1) float32.
    """
    import torch

    window = torch.from_numpy(window_of(preset)).to(samples)
    spectrum = torch.stft(
        samples, preset.n_fft, preset.hop, window=window, center=True, pad_mode="constant", return_complex=True
    )
    magnitude = spectrum.abs()
    if preset.bank != "linear":
        magnitude = torch.from_numpy(filterbank(preset)).to(samples) @ magnitude
    logarithm = torch.log if preset.logarithm == "ln" else torch.log10
    return logarithm(magnitude.clamp_min(preset.floor))
