"""``griffin-lim``: phases that fit the magnitudes, found by iteration (Griffin and Lim 1984; Perraudin et al. 2013).

Long spectrograms are done in windows. The frames before a window keep the phases that they have been given, and
all frames are added up by one inverse transform, so there is no seam.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from perfsynth.dsp.mel import PRESETS, Preset, filterbank
from perfsynth.errors import UsageError
from perfsynth.types import AudioStream, Spectrogram

ITERATIONS = 32
MOMENTUM = 0.99  # Perraudin et al. 2013, their best
WINDOW = 512  # frames that are found at once
CONTEXT = 32  # frames before them that stay, and after them that are found again with the next window
INVERSION_STEPS = 24  # of the multiplicative updates that undo a mel bank
PADDED_FFT = 2048  # samples: enough for the window of a preset that pads far beyond it
_TINY = 1e-12


def vocode(
    spectrogram: Spectrogram, *, iterations: int = ITERATIONS, device: str = "cpu", seed: int = 0
) -> AudioStream:
    """Sound a spectrogram of any preset; see `perfsynth.vocode.core.vocode`.

    Parameters
    ----------
    spectrogram
        Of any preset.
    iterations
        More take longer and fit better.
    device
        ``cpu`` computes with numpy, any other one with torch.
    seed
        Of the first phases.

    Raises
    ------
    UsageError
        When there are no iterations.
    """
    if iterations < 1:
        raise UsageError(f"iterations {iterations}: Griffin-Lim needs at least 1")
    preset = PRESETS[spectrogram.preset]
    if preset.bank == "midi":
        preset = replace(preset, n_fft=PADDED_FFT)
    search = _Search(_Transform.of(preset), iterations, device)
    blocks = _blocks(spectrogram.values, search, preset, seed)
    n_samples = max(spectrogram.values.shape[1] - 1, 1) * preset.hop
    return AudioStream(blocks, preset.sample_rate, 1, n_samples / preset.sample_rate)


@dataclass(frozen=True)
class _Transform:
    """A centred short-time Fourier transform and its inverse."""

    window: np.ndarray  # (n_fft,)
    hop: int

    @classmethod
    def of(cls, preset: Preset) -> _Transform:
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(preset.window_length) / preset.window_length)
        before = (preset.n_fft - preset.window_length) // 2
        window = np.pad(hann, (before, preset.n_fft - preset.window_length - before))
        return cls(window.astype(np.float32), preset.hop)

    def forward(self, samples: np.ndarray, n_frames: int) -> np.ndarray:
        """(n_frames, n_bins) complex64 of audio that starts half a window before frame 0."""
        from scipy.fft import rfft

        frames = np.lib.stride_tricks.sliding_window_view(samples, len(self.window))[:: self.hop][:n_frames]
        return np.asarray(rfft(frames * self.window, axis=1))

    def added(self, spectrum: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The overlapping frames added up, from half a window before frame 0, and the sum of squared windows."""
        from scipy.fft import irfft

        size = len(self.window)
        frames = irfft(spectrum, size, axis=1).astype(np.float32) * self.window
        n_samples = (len(spectrum) - 1) * self.hop + size
        out, weight = np.zeros(n_samples, np.float32), np.zeros(n_samples, np.float32)
        square = self.window**2
        for i, frame in enumerate(frames):
            out[i * self.hop : i * self.hop + size] += frame
            weight[i * self.hop : i * self.hop + size] += square
        return out, weight

    def inverse(self, spectrum: np.ndarray) -> np.ndarray:
        """Audio of some frames, as long as `forward` needs it."""
        out, weight = self.added(spectrum)
        return out / np.maximum(weight, 1e-4)


@dataclass(frozen=True)
class _Search:
    """How phases are looked for."""

    transform: _Transform
    iterations: int
    device: str

    def phases(self, magnitude: np.ndarray, before: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(n, n_bins) complex64 of these magnitudes; the frames `before` them stay as they are."""
        if not magnitude.any():
            return magnitude.astype(np.complex64)
        turns = rng.uniform(0, 2 * np.pi, magnitude.shape)
        spectrum = np.concatenate([before, magnitude * np.exp(1j * turns)]).astype(np.complex64)
        if self.device == "cpu":
            return self._on_processor(magnitude, spectrum)
        from perfsynth.vocode._griffin_lim_torch import phased

        transform = self.transform
        return phased(
            magnitude, spectrum, transform.window, hop=transform.hop, iterations=self.iterations, momentum=MOMENTUM,
            device=self.device,
        )  # fmt: skip

    def _on_processor(self, magnitude: np.ndarray, spectrum: np.ndarray) -> np.ndarray:
        known = len(spectrum) - len(magnitude)
        last = spectrum
        for _ in range(self.iterations):
            consistent = self.transform.forward(self.transform.inverse(spectrum), len(spectrum))
            pushed = (consistent + MOMENTUM * (consistent - last))[known:]
            last = consistent
            spectrum[known:] = magnitude * pushed / np.maximum(np.abs(pushed), _TINY)
        return spectrum[known:]


def _blocks(values: np.ndarray, search: _Search, preset: Preset, seed: int) -> Iterator:
    """(n, 1) float32: the windows one after the other, what they leave over added to the next."""
    n_frames = values.shape[1]
    size, hop = preset.n_fft, preset.hop
    before = np.zeros((0, size // 2 + 1), np.complex64)
    rest, rest_weight = np.zeros(size, np.float32), np.zeros(size, np.float32)
    skip = size // 2  # the first frame is around the first sample
    left = max(n_frames - 1, 1) * hop
    for start in range(0, n_frames, WINDOW):
        stop = min(start + WINDOW, n_frames)
        ahead = min(stop + CONTEXT, n_frames)
        rng = np.random.default_rng([seed % 2**64, start])
        found = search.phases(magnitudes(values[:, start:ahead].T, preset), before, rng)
        made, weight = search.transform.added(found[: stop - start])
        made[:size] += rest
        weight[:size] += rest_weight
        n_done = (stop - start) * hop if stop < n_frames else len(made)
        block = made[:n_done] / np.maximum(weight[:n_done], 1e-4)
        rest, rest_weight = (np.pad(part[n_done:], (0, size))[:size] for part in (made, weight))
        before = found[max(stop - start - CONTEXT, 0) : stop - start]
        block, skip = block[skip:][:left], max(skip - len(block), 0)
        left -= len(block)
        if len(block):
            yield block[:, None]


def magnitudes(values: np.ndarray, preset: Preset) -> np.ndarray:
    """Magnitudes of each bin of the preset's FFT behind logarithms of bands.

    Parameters
    ----------
    values
        (n_frames, n_bands) in the preset's logarithm; what lies at its floor is silence.
    preset
        Its FFT may be shorter than that of the spectrogram when its bank is ``midi``.

    Returns
    -------
    ndarray
        (n_frames, n_fft // 2 + 1) float32.
    """
    limited = np.minimum(values.astype(np.float32), 20.0 if preset.logarithm == "ln" else 8.0)
    bands = np.exp(limited) if preset.logarithm == "ln" else np.power(np.float32(10.0), limited)
    bands = np.where(bands > 1.001 * preset.floor, bands, 0.0).astype(np.float32)
    if preset.bank == "linear":
        return bands
    return _spread(bands, preset) if preset.bank == "midi" else _unbanked(bands, filterbank(preset))


def _unbanked(bands: np.ndarray, bank: np.ndarray) -> np.ndarray:
    """The non-negative magnitudes whose bands are nearest (Lee and Seung 1999, with squared error)."""
    wanted = bands @ bank
    found = wanted / np.maximum(bank.sum(axis=1) @ bank, _TINY)
    for _ in range(INVERSION_STEPS):
        found = found * wanted / np.maximum((found @ bank.T) @ bank, _TINY)
    return np.asarray(found, np.float32)


def _spread(bands: np.ndarray, preset: Preset) -> np.ndarray:
    """Magnitudes between the centres of bands narrower than a bin: each band over the sum of its weights."""
    whole = PRESETS[preset.name]
    bank = filterbank(whole)
    sums = bank.sum(axis=1)
    centre = 440.0 * 2.0 ** ((np.arange(preset.n_bands) - 69) / 12)
    hz = np.arange(preset.n_fft // 2 + 1) * preset.sample_rate / preset.n_fft
    used = (sums > 0) & (centre < preset.sample_rate / 2)
    level = bands[:, used] / sums[used]
    high = np.clip(np.searchsorted(centre[used], hz), 1, int(used.sum()) - 1)
    share = np.clip((hz - centre[used][high - 1]) / (centre[used][high] - centre[used][high - 1]), 0, 1)
    return np.asarray(level[:, high - 1] * (1 - share) + level[:, high] * share, np.float32)
