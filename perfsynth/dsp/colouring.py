"""Colouring: a source is filtered, frame by frame, until its bands are those of a spectrogram.

Bands tell how loud each region is, not where its partials are nor in which phase; a source that plays the same notes
tells that. Each frame depends on itself alone, so a long piece is done block by block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from perfsynth.dsp.mel import Preset, filterbank, magnitudes_of_bands
from perfsynth.dsp.stft import Adder, Transform

BLOCK_BINS = 2**18  # of spectra that are held at once: 512 frames of 1,024 samples
SILENT = 1e-7  # magnitude of a band


@dataclass(frozen=True)
class Colour:
    """How far a source is bent.

    Attributes
    ----------
    rounds
        How often the gains are corrected, as neighbouring bands share bins.
    most
        The largest gain of a round, 10 being 20 dB.
    valley_db, valley_bands
        So far below the loudest of the bands around it, a band of the source is none of its own: its gain is that of
        one no lower.
    share
        Of each band, (n_bands,), what the source makes; noise the rest. All by default.
    noise
        How much of what the source does not reach noise fills, as a factor of its magnitude.
    by_power
        Whether the bands of the source are of the power of its channels, not of their mean: that of channels which
        have little in common, as in a room, cancels them, and would be brought up until they are far too loud.
    """

    rounds: int = 1
    most: float = 10.0
    valley_db: float = 40.0
    valley_bands: int = 4
    share: np.ndarray | None = None
    noise: float = 0.0
    by_power: bool = False


def coloured(
    source: Iterable[np.ndarray], values: np.ndarray, preset: Preset, *, colour: Colour, n_channels: int = 2,
    seed: int = 0,
) -> Iterator[np.ndarray]:  # fmt: skip
    """A source with the bands of a spectrogram.

    Parameters
    ----------
    source
        (n, n_channels) float32 blocks at the preset's rate, from frame 0 on; silence follows where it ends.
    values
        (n_bands, n_frames) in the preset's logarithm, of the mean of the channels. What is silent in it is silent.
    preset
        What the values are of.
    colour
        How far the source is bent.
    n_channels
        Of source and result.
    seed
        Of the noise.

    Returns
    -------
    Iterator of ndarray
        (n, n_channels) float32 blocks, together ``(n_frames - 1) * hop`` samples, at least one hop.
    """
    transform, n_frames = Transform.of(preset), values.shape[1]
    adders = [Adder(transform, max(n_frames - 1, 1) * preset.hop) for _ in range(n_channels)]
    lead = np.zeros((preset.n_fft // 2, n_channels), np.float32)
    held, hiss = _Held(source, lead), _Held(_hiss(n_channels, seed), lead)
    block = max(BLOCK_BINS // (preset.n_fft // 2), 1)
    for start in range(0, n_frames, block):
        stop = min(start + block, n_frames)
        size, done = (stop - start - 1) * preset.hop + preset.n_fft, (stop - start) * preset.hop
        spectrum = _spectra(transform, held.next(size, done), stop - start)
        noise = _spectra(transform, hiss.next(size, done), stop - start) if colour.noise else None
        bent = bend(spectrum, magnitudes_of_bands(values[:, start:stop].T, preset), preset, colour, noise)
        parts = [adder.add(bent[:, index], last=stop == n_frames) for index, adder in enumerate(adders)]
        if len(parts[0]):
            yield np.stack(parts, axis=1)


def _spectra(transform: Transform, samples: np.ndarray, n_frames: int) -> np.ndarray:
    """(n_frames, n_channels, n_bins) of (n, n_channels)."""
    return np.stack([transform.forward(channel, n_frames) for channel in samples.T], axis=1)


def _hiss(n_channels: int, seed: int) -> Iterator[np.ndarray]:
    """White noise without end, in time, so that overlapping frames agree about it."""
    rng = np.random.default_rng([seed % 2**64, 5])
    while True:
        yield rng.standard_normal((65536, n_channels), dtype=np.float32)


class _Held:
    """The part of a source that the next frames look at."""

    def __init__(self, source: Iterable[np.ndarray], before: np.ndarray) -> None:
        self.source, self.samples = iter(source), before

    def next(self, n_samples: int, done: int) -> np.ndarray:
        """The next `n_samples`, of which the first `done` are not needed again."""
        parts, size = [self.samples], len(self.samples)
        while size < n_samples:
            part = next(self.source, None)
            parts.append(np.zeros((n_samples - size, self.samples.shape[1]), np.float32) if part is None else part)
            size += len(parts[-1])
        samples = np.concatenate(parts)
        self.samples = samples[done:]
        return samples[:n_samples]


def bend(
    spectrum: np.ndarray, wanted: np.ndarray, preset: Preset, colour: Colour, noise: np.ndarray | None = None
) -> np.ndarray:
    """Give spectra the bands wanted.

    Parameters
    ----------
    spectrum
        (n_frames, n_channels, n_bins) complex.
    wanted
        (n_frames, n_bands) magnitudes.
    preset
        Whose bands they are.
    colour
        How far to go.
    noise
        Spectra of white noise, of the shape of `spectrum`, to fill what the source does not reach.

    Returns
    -------
    ndarray
        (n_frames, n_channels, n_bins) complex.
    """
    magnitude = np.sqrt(np.square(np.abs(spectrum)).mean(axis=1)) if colour.by_power else np.abs(spectrum.mean(axis=1))
    tonal = wanted if colour.share is None else wanted * colour.share
    gain = np.ones_like(magnitude)
    for _ in range(colour.rounds):
        bands = _bands(magnitude * gain, preset)
        least = 10 ** (-colour.valley_db / 20) * _highest(bands, colour.valley_bands) + SILENT
        gain *= _between(np.clip(tonal / np.maximum(bands, least), 0, colour.most), preset)
    bent = spectrum * gain[:, None]
    if noise is not None:
        left = np.sqrt(np.maximum(wanted**2 - _bands(magnitude * gain, preset) ** 2, 0.0))
        flat = np.abs(noise.mean(axis=1)).mean() * np.maximum(filterbank(preset).sum(axis=1), SILENT)
        bent = bent + noise * _between(colour.noise * left / flat, preset)[:, None]
    return np.asarray(bent)


def _bands(magnitude: np.ndarray, preset: Preset) -> np.ndarray:
    return magnitude if preset.bank == "linear" else magnitude @ filterbank(preset).T


def _highest(bands: np.ndarray, around: int) -> np.ndarray:
    """The highest of each band and those around it."""
    from scipy.ndimage import maximum_filter1d

    return np.asarray(maximum_filter1d(bands, 2 * around + 1, axis=1, mode="constant"))


def _between(bands: np.ndarray, preset: Preset) -> np.ndarray:
    """(n_frames, n_bands) factors as (n_frames, n_bins): those of each bin, by the weights of its bands."""
    return bands if preset.bank == "linear" else bands @ shares(preset)


@cache
def shares(preset: Preset) -> np.ndarray:
    """(n_bands, n_bins) float32: how much each band says of a bin; columns of bins that no band holds are zero."""
    bank = filterbank(preset)
    peaks = bank / np.maximum(bank.max(axis=1, keepdims=True), 1e-12)
    total = peaks.sum(axis=0)
    return np.asarray(np.where(total > 1e-6, peaks / np.maximum(total, 1e-12), 0.0), np.float32)
