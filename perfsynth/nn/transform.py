"""The short-time Fourier transform of a preset and its inverse, for channels of sound."""

from __future__ import annotations

import torch  # noqa: TID253  imported only by networks
from torch import Tensor, nn  # noqa: TID253

from perfsynth.dsp.mel import Preset

CENTRE_LN, SPREAD_LN = -6.0, 3.0  # nepers: about the mean and the deviation of mel bands of music


class Transform(nn.Module):
    """Sound to spectra and back, the same Hann window both ways."""

    window: Tensor

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.n_fft, self.hop = preset.n_fft, preset.hop
        self.register_buffer("window", torch.hann_window(preset.n_fft), persistent=False)

    def forward(self, sound: Tensor) -> Tensor:
        """(B, C, n) -> (B, C, F, n // hop + 1) complex."""
        spectra = torch.stft(
            sound.float().flatten(0, 1), self.n_fft, self.hop, window=self.window, center=True, pad_mode="constant",
            return_complex=True,
        )  # fmt: skip
        return spectra.unflatten(0, sound.shape[:2])

    def inverse(self, spectra: Tensor, n_samples: int) -> Tensor:
        """(B, C, F, T) complex -> (B, C, n_samples)."""
        sound = torch.istft(
            spectra.flatten(0, 1), self.n_fft, self.hop, window=self.window, center=True, length=n_samples
        )
        return sound.unflatten(0, spectra.shape[:2])


def exact(sound: Tensor) -> torch.autocast:
    """Where spectra are worked on: in full precision, whatever the layers between run in."""
    return torch.autocast(sound.device.type, enabled=False)


def standard(ln_bands: Tensor) -> Tensor:
    """Logarithmic mel bands around 0, as networks like to read them."""
    return (ln_bands - CENTRE_LN) / SPREAD_LN
