"""The network of the neural engine: it hears the modal piano and says how each of its sources is to be coloured.

The exciter's sources are transformed, ConvNeXt blocks over their mel bands give logarithmic gains for every source,
channel, band and frame, and the inverse transform of what they colour is the sound (Vocos, Siuzdak 2024, with gains
on an exciter where that has magnitudes and phases). Optionally a residual that is free in phase is added, as strong
as the exciter is around it. Everything that is learnt starts at zero: without training it sounds like the exciter,
and where the exciter is silent it is silent.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch  # noqa: TID253  imported only inside functions
from torch import Tensor, nn  # noqa: TID253

from perfsynth.dsp.mel import PRESETS, filterbank
from perfsynth.nn.convnext import Stack, context
from perfsynth.nn.gains import Gains
from perfsynth.nn.transform import Transform, exact, standard
from perfsynth.synth.neural_exciter import CHANNELS, SOURCES

PRESET = PRESETS["perfsynth-44k"]
FLOOR = 1e-5


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
        return context(self.layers)


class Neural(Stack):
    """Exciter in, sound out."""

    bank: Tensor

    def __init__(self, config: Config) -> None:
        inputs, n_bins = SOURCES * CHANNELS, PRESET.n_fft // 2 + 1
        super().__init__(inputs * PRESET.n_bands, config.width, config.layers, len(config.instruments))
        self.config = config
        self.gains = Gains(config.width, inputs, config.bands, n_bins)
        self.residual = _zero(nn.Linear(config.width, 2 * CHANNELS * n_bins)) if config.residual else None
        self.register_buffer("bank", torch.from_numpy(filterbank(PRESET)), persistent=False)
        self.transform = Transform(PRESET)

    def forward(self, exciter: Tensor, instrument: Tensor) -> Tensor:
        """(B, 4, n), the modes left and right and the rest left and right, (B,) -> (B, 2, n)."""
        with exact(exciter):
            spectrum = self.transform(exciter)
            bands = torch.log((self.bank @ spectrum.abs()).clamp_min(FLOOR))
        x = self.seen(standard(bands).flatten(1, 2), instrument)
        with exact(exciter):
            return self.transform.inverse(self._coloured(spectrum, x.float()), exciter.shape[-1])

    def _coloured(self, spectrum: Tensor, x: Tensor) -> Tensor:
        """(B, 4, F, T) complex, (B, T, width) -> (B, 2, F, T) complex."""
        size, _, n_bins, n_frames = spectrum.shape
        parts = spectrum * self.gains(x)
        made = parts.view(size, SOURCES, CHANNELS, n_bins, n_frames).sum(dim=1)
        if self.residual is None:
            return made
        free = self.residual(x).view(size, n_frames, CHANNELS, n_bins, 2)
        level = self._level(spectrum.view(size, SOURCES, CHANNELS, n_bins, n_frames).sum(dim=1))
        return made + level * torch.view_as_complex(free).permute(0, 2, 3, 1)

    def _level(self, spectrum: Tensor) -> Tensor:
        """The magnitude around each bin."""
        magnitude = spectrum.abs().flatten(0, 1)
        around = nn.functional.avg_pool2d(magnitude[:, None], (9, 1), stride=1, padding=(4, 0))
        return around[:, 0].view(spectrum.shape)


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
