"""A centred short-time Fourier transform, and its inverse as frames come: in blocks, without a seam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.dsp.mel import Preset, window_of

LEAST_WEIGHT = 1e-4  # of the squared windows over a sample, below which it is at an end and fades


@dataclass(frozen=True)
class Transform:
    """Frames of audio as spectra, and back."""

    window: np.ndarray  # (n_fft,)
    hop: int  # samples

    @classmethod
    def of(cls, preset: Preset) -> Transform:
        """With the window of a preset, in the middle of its FFT."""
        return cls(window_of(preset), preset.hop)

    def forward(self, samples: np.ndarray, n_frames: int) -> np.ndarray:
        """(n_frames, n_bins) complex64 of (n,) audio that starts half a window before frame 0."""
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
        return out / np.maximum(weight, LEAST_WEIGHT)


class Adder:
    """Takes spectra, some frames at a time, and gives back audio, from the middle of the first frame on.

    Parameters
    ----------
    transform
        What the spectra are of.
    n_samples
        How many samples there are to be.
    """

    def __init__(self, transform: Transform, n_samples: int) -> None:
        size = len(transform.window)
        self.transform, self.left = transform, n_samples
        self.skip = size // 2  # the first frame is around the first sample
        self.rest, self.rest_weight = np.zeros(size, np.float32), np.zeros(size, np.float32)

    def add(self, spectrum: np.ndarray, *, last: bool) -> np.ndarray:
        """(n,) float32: the samples to which no later frame adds anything; with the last frames all that are left."""
        size, hop = len(self.transform.window), self.transform.hop
        made, weight = self.transform.added(spectrum)
        made[:size] += self.rest
        weight[:size] += self.rest_weight
        n_done = len(made) if last else len(spectrum) * hop
        block = made[:n_done] / np.maximum(weight[:n_done], LEAST_WEIGHT)
        self.rest, self.rest_weight = (np.pad(part[n_done:], (0, size))[:size] for part in (made, weight))
        block, self.skip = block[self.skip :], max(self.skip - len(block), 0)
        block = block[: self.left]
        self.left -= len(block)
        return np.asarray(block)
