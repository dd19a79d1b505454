"""The network of the neural vocoder: what plays a spectrogram's notes is filtered to its bands, and coloured further.

Like `source-filter`, it first gives every frame of the exciter the bands that are wanted; ConvNeXt blocks over both
then say what remains, as logarithmic gains for every source, channel, band and frame, and how much noise stands
where the exciter has nothing. The gains start at one and the noise at next to nothing,
so that before training it is `source-filter`. Where no sound is wanted there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import torch  # noqa: TID253  imported only inside functions
from torch import Tensor, nn  # noqa: TID253

from perfsynth.dsp.colouring import Colour, shares
from perfsynth.dsp.mel import MOST, PRESETS, filterbank
from perfsynth.nn.convnext import Stack, context
from perfsynth.nn.gains import Gains
from perfsynth.nn.transform import SPREAD_LN, Transform, exact, standard
from perfsynth.synth.neural_exciter import CHANNELS, SOURCES

INPUTS = (SOURCES + 1) * CHANNELS  # those of the exciter, and as many channels of noise as it has
PRESET = PRESETS["perfsynth-44k"]
N_BINS = PRESET.n_fft // 2 + 1
FIRST = Colour()  # the filter that it starts from
# Nepers: noise before anything is learnt, beside the bands wanted in each channel. At most it is as loud as these; in
# the mean of left and right, which are independent, 3 dB less.
NOISE_LN = -4.0
SILENT = 1e-7


@dataclass(frozen=True)
class Config:
    """Sizes."""

    width: int = 192
    layers: int = 6
    bands: int = 256  # of the gains

    @property
    def context(self) -> int:
        """Frames on each side that a frame of the result depends on."""
        return context(self.layers)


class Vocoder(Stack):
    """Exciter, noise and bands in, sound out."""

    bank: Tensor
    shares: Tensor

    def __init__(self, config: Config) -> None:
        # Read are the bands of each source, those wanted, and the filter between them.
        super().__init__((SOURCES * CHANNELS + 2) * PRESET.n_bands, config.width, config.layers, conditions=1)
        self.config = config
        self.gains = Gains(config.width, SOURCES * CHANNELS, config.bands, N_BINS)
        self.noise = Gains(config.width, CHANNELS, config.bands, N_BINS, start_ln=NOISE_LN)
        self.transform = Transform(PRESET)
        self.register_buffer("bank", torch.from_numpy(filterbank(PRESET)), persistent=False)
        self.register_buffer("shares", torch.from_numpy(shares(PRESET)).T, persistent=False)

    def forward(self, exciter: Tensor, values: Tensor) -> Tensor:
        """Make sound with the bands of a spectrogram.

        Parameters
        ----------
        exciter
            (B, 6, n): the modes left and right, the rest left and right, white noise of deviation 1 left and right.
        values
            (B, 128, n // hop + 1) ln bands of the mean of left and right.

        Returns
        -------
        Tensor
            (B, 2, n).
        """
        with exact(exciter):
            sources, hiss = self.transform(exciter).split((SOURCES * CHANNELS, CHANNELS), dim=1)
            wanted = torch.exp(values.float().clamp_max(MOST[PRESET.logarithm]))
            wanted = torch.where(wanted > 1.001 * PRESET.floor, wanted, 0.0)
            filtered = self._filter(sources, wanted)
            heard = self._heard(sources, values.float(), filtered)
        x = self.seen(heard, torch.zeros(len(values), dtype=torch.long, device=values.device))
        with exact(exciter):
            coloured = self._coloured(sources, hiss, wanted, filtered, x.float())
            return self.transform.inverse(coloured, exciter.shape[-1])

    def _coloured(self, sources: Tensor, hiss: Tensor, wanted: Tensor, filtered: Tensor, x: Tensor) -> Tensor:
        """(B, 4, F, T), (B, 2, F, T) complex, (B, 128, T), (B, 128, T), (B, T, width) -> (B, 2, F, T) complex."""
        parts = sources * (self.shares @ filtered)[:, None] * self.gains(x)
        level = self.shares @ (wanted / self.bank.sum(dim=1).clamp_min(SILENT)[:, None])
        made: Tensor = parts.unflatten(1, (SOURCES, CHANNELS)).sum(dim=1)
        return made + hiss * self.noise(x) * (level / self._level_of_noise())[:, None]

    def _filter(self, sources: Tensor, wanted: Tensor) -> Tensor:
        """(B, 128, T) gains after which the sources together have the bands wanted; see `perfsynth.dsp.colouring`."""
        together = sources.unflatten(1, (SOURCES, CHANNELS)).sum(dim=1).mean(dim=1)
        bands = self.bank @ together.abs()
        around = 2 * FIRST.valley_bands + 1
        highest = nn.functional.max_pool2d(bands, (around, 1), stride=1, padding=(FIRST.valley_bands, 0))
        least = 10 ** (-FIRST.valley_db / 20) * highest + SILENT
        return (wanted / torch.maximum(bands, least)).clamp(0, FIRST.most)

    def _heard(self, sources: Tensor, values: Tensor, filtered: Tensor) -> Tensor:
        """(B, inputs, T): the bands of the sources, those wanted, and the filter."""
        bands = torch.log((self.bank @ sources.abs()).clamp_min(PRESET.floor)).flatten(1, 2)
        levels = standard(torch.cat([bands, values], dim=1))
        gains = torch.log(filtered.clamp_min(1 / FIRST.most)) / SPREAD_LN
        return torch.cat([levels, gains], dim=1)

    def _level_of_noise(self) -> float:
        """The mean magnitude of the transform of white noise: that of a Rayleigh distribution."""
        return sqrt(pi / 4 * float(self.transform.window.square().sum()))
