"""The network of the neural engine: it hears the modal piano and says how each of its sources is to be coloured.

The exciter's sources are transformed, ConvNeXt blocks over their mel bands give logarithmic gains for every source,
channel, band and frame, and the inverse transform of what they colour is the sound (Vocos, Siuzdak 2024, with gains
on an exciter where that has magnitudes and phases). Optionally a residual that is free in phase is added, as strong
as the exciter is around it. Everything that is learnt starts at zero: without training it sounds like the exciter,
and where the exciter is silent it is silent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch  # noqa: TID253  imported only inside functions
from torch import Tensor, nn  # noqa: TID253

from perfsynth.dsp.mel import PRESETS, filterbank
from perfsynth.nn.convnext import KERNEL, ConditionedNorm, ConvNeXt

SOURCES, CHANNELS = 2, 2
PRESET = PRESETS["perfsynth-44k"]
FLOOR = 1e-5
CENTRE_LN, SPREAD_LN = -6.0, 3.0  # nepers: about the mean and the deviation of mel bands
MOST_LN = 4.0  # nepers, 35 dB: gains stay below
FINE_BINS = 96  # 2 kHz: up to here every bin has a gain of its own


@dataclass(frozen=True)
class Config:
    """Sizes."""

    width: int = 192
    layers: int = 6
    bands: int = 256  # of the gains
    residual: bool = False
    instruments: tuple[str, ...] = ("salamander",)

    @property
    def context(self) -> int:
        """Frames on each side that a frame of the result depends on."""
        return (self.layers + 1) * (KERNEL // 2)


class Neural(nn.Module):
    """Exciter in, sound out."""

    bank: Tensor
    hats: Tensor
    window: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        conditions, inputs = len(config.instruments), SOURCES * CHANNELS
        self.enter = nn.Conv1d(inputs * PRESET.n_bands, config.width, KERNEL, padding=KERNEL // 2)
        self.first = ConditionedNorm(config.width, conditions)
        self.blocks = nn.ModuleList([ConvNeXt(config.width, conditions, config.layers) for _ in range(config.layers)])
        self.last = ConditionedNorm(config.width, conditions)
        self.gains = _zero(nn.Linear(config.width, inputs * config.bands))
        n_bins = PRESET.n_fft // 2 + 1
        self.residual = _zero(nn.Linear(config.width, 2 * CHANNELS * n_bins)) if config.residual else None
        self.register_buffer("bank", torch.from_numpy(filterbank(PRESET)), persistent=False)
        self.register_buffer("hats", torch.from_numpy(hats(config.bands, n_bins)), persistent=False)
        self.register_buffer("window", torch.hann_window(PRESET.n_fft), persistent=False)

    def forward(self, exciter: Tensor, instrument: Tensor) -> Tensor:
        """(B, 4, n), the modes left and right and the rest left and right, (B,) -> (B, 2, n)."""
        size, inputs, n_samples = exciter.shape
        with torch.autocast(exciter.device.type, enabled=False):
            flat = exciter.float().reshape(size * inputs, n_samples)
            spectrum = torch.stft(
                flat, PRESET.n_fft, PRESET.hop, window=self.window, center=True, pad_mode="constant",
                return_complex=True,
            ).view(size, inputs, PRESET.n_fft // 2 + 1, -1)  # fmt: skip
            coloured = self.coloured(spectrum, instrument)
            sound = torch.istft(
                coloured.flatten(0, 1), PRESET.n_fft, PRESET.hop, window=self.window, center=True, length=n_samples
            )
        return sound.view(size, CHANNELS, n_samples)

    def coloured(self, spectrum: Tensor, instrument: Tensor) -> Tensor:
        """(B, 4, F, T) complex, (B,) -> (B, 2, F, T) complex."""
        size, inputs, n_bins, n_frames = spectrum.shape
        x = self.features(spectrum, instrument)
        gain = MOST_LN * torch.tanh(self.gains(x).float() / MOST_LN)
        gain = torch.exp(gain.view(size, n_frames, inputs, self.config.bands) @ self.hats)
        parts = spectrum * gain.permute(0, 2, 3, 1)
        made = parts.view(size, SOURCES, CHANNELS, n_bins, n_frames).sum(dim=1)
        if self.residual is None:
            return made
        free = self.residual(x).float().view(size, n_frames, CHANNELS, n_bins, 2)
        level = self._level(spectrum.view(size, SOURCES, CHANNELS, n_bins, n_frames).sum(dim=1))
        return made + level * torch.view_as_complex(free).permute(0, 2, 3, 1)

    def features(self, spectrum: Tensor, instrument: Tensor) -> Tensor:
        """(B, 4, F, T), (B,) -> (B, T, width)."""
        mel = torch.log((self.bank @ spectrum.abs()).clamp_min(FLOOR))
        x = self.enter(((mel - CENTRE_LN) / SPREAD_LN).flatten(1, 2)).transpose(1, 2)
        x = self.first(x, instrument)
        for block in self.blocks:
            x = block(x, instrument)
        return self.last(x, instrument)

    def _level(self, spectrum: Tensor) -> Tensor:
        """The magnitude around each bin."""
        magnitude = spectrum.abs().flatten(0, 1)
        around = nn.functional.avg_pool2d(magnitude[:, None], (9, 1), stride=1, padding=(4, 0))
        return around[:, 0].view(spectrum.shape)


def hats(bands: int, n_bins: int) -> np.ndarray:
    """(bands, n_bins) float32 that interpolates from bands to bins: every bin at first, then geometric."""
    fine = np.arange(FINE_BINS)
    centre = np.concatenate([fine, np.geomspace(FINE_BINS, n_bins - 1, bands - FINE_BINS)])
    place = np.interp(np.arange(n_bins), centre, np.arange(bands))
    return np.clip(1 - np.abs(place - np.arange(bands)[:, None]), 0, 1).astype(np.float32)


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
