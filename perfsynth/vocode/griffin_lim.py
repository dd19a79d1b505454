"""``griffin-lim``: phases that fit the magnitudes, found by iteration (Griffin and Lim 1984; Perraudin et al. 2013).

Long spectrograms are done in windows. The frames before a window keep the phases that they have been given, and
all frames are added up by one inverse transform, so there is no seam.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from perfsynth.dsp.mel import PRESETS, Preset, filterbank, magnitudes_of_bands
from perfsynth.dsp.pitches import pitch_hz
from perfsynth.dsp.stft import Adder, Transform
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
    search = _Search(Transform.of(preset), iterations, device)
    blocks = _blocks(spectrogram.values, search, preset, seed)
    n_samples = preset.n_samples(spectrogram.values.shape[1])
    return AudioStream(blocks, preset.sample_rate, 1, n_samples / preset.sample_rate)


@dataclass(frozen=True)
class _Search:
    """How phases are looked for."""

    transform: Transform
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
    before = np.zeros((0, preset.n_fft // 2 + 1), np.complex64)
    adder = Adder(search.transform, preset.n_samples(n_frames))
    for start in range(0, n_frames, WINDOW):
        stop = min(start + WINDOW, n_frames)
        ahead = min(stop + CONTEXT, n_frames)
        rng = np.random.default_rng([seed % 2**64, start])
        found = search.phases(magnitudes(values[:, start:ahead].T, preset), before, rng)
        before = found[max(stop - start - CONTEXT, 0) : stop - start]
        block = adder.add(found[: stop - start], last=stop == n_frames)
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
    bands = magnitudes_of_bands(values, preset)
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
    centre = pitch_hz(np.arange(preset.n_bands))
    hz = np.arange(preset.n_fft // 2 + 1) * preset.sample_rate / preset.n_fft
    used = (sums > 0) & (centre < preset.sample_rate / 2)
    level = bands[:, used] / sums[used]
    high = np.clip(np.searchsorted(centre[used], hz), 1, int(used.sum()) - 1)
    share = np.clip((hz - centre[used][high - 1]) / (centre[used][high] - centre[used][high - 1]), 0, 1)
    return np.asarray(level[:, high - 1] * (1 - share) + level[:, high] * share, np.float32)
