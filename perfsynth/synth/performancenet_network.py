"""PerformanceNet (Wang and Yang 2019): piano rolls to a logarithmic spectrogram, by ContourNet and TextureNet."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch  # noqa: TID253  imported only inside functions
from torch import Tensor, nn  # noqa: TID253

from perfsynth.synth.roll import N_PITCHES

DEPTH = 5  # layers of the U-net (section "ContourNet")
STEP = 2**DEPTH  # frames that the narrowest layer sees as one
ENCODER = (256, 512, 1024, 2048, 4096)  # channels, doubled from the 128 pitches on
DECODER = (2048, 1025, 1025, 1025, 1025)  # until there are as many as bins, then no fewer
EDGES = (512, 1024)  # channels of the two layers that read onsets and offsets
BANDS = (2, 4, 8, 16)  # of the multi-band residual blocks (figure 3)
SLOPE = 0.2  # of the leaky rectifiers
CENTRE_LN, SPREAD_LN = -5.0, 3.0  # nepers: what the output is relative to, of ln magnitudes
EPS = 1e-3  # of the instance norms: what hardly changes in time is not blown up


@dataclass(frozen=True)
class Config:
    """Sizes, and what the paper's ablations leave out; all divisors 1 is the paper's size.

    Differs: the paper gives the channels from 128 to 4,096 to 1,025 and no kernel sizes. Kernels of 4 (to halve and
    double time), 16 and 3 make 252 M parameters.
    """

    divisor: int = 1  # of the channels within ContourNet
    narrowest: int = 256  # channels of the decoder, at least, however large the divisor
    texture_divisor: int = 1  # of the channels within the sub-blocks of TextureNet
    bins: int = 1025
    velocity: bool = True  # Differs: the paper's roll is binary; a piano's loudness is in the velocities
    edges: bool = True  # without: no onset/offset encoder
    texture: bool = True  # without: ContourNet alone
    instrument: str = ""  # whose recordings it learnt from


class PerformanceNet(nn.Module):
    """ContourNet makes a first spectrogram, TextureNet adds what overtones and timbre need."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.contour = ContourNet(config)
        blocks = [MultiBandResidual(config.bins, bands, config.texture_divisor) for bands in BANDS]
        self.texture = nn.Sequential(*blocks) if config.texture else None

    def forward(self, roll: Tensor, edges: Tensor) -> Tensor:
        """(B, 128, T) sounding notes, (B, 128, T) onsets and offsets -> (B, bins, T) ln magnitudes."""
        n_frames = roll.shape[-1]
        missing = -n_frames % STEP
        x = self.contour(*(nn.functional.pad(given, (0, missing)) for given in (roll, edges)))
        if self.texture is not None:
            x = self.texture(x)
        return CENTRE_LN + SPREAD_LN * x[..., :n_frames]


class ContourNet(nn.Module):
    """A U-net along time whose channels grow from the pitches to the bins (section "ContourNet")."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        down = [N_PITCHES, *(max(width // config.divisor, 1) for width in ENCODER)]
        up = [down[-1], *(max(width // config.divisor, min(width, config.narrowest)) for width in DECODER)]
        extra = [max(width // config.divisor, 1) for width in EDGES] if config.edges else [0, 0]
        self.down = nn.ModuleList([_Down(a, b) for a, b in pairwise(down)])
        # The deeper of the two edge layers goes into the first layer of the decoder, the other into the second.
        sides = [down[-2] + extra[1], down[-3] + extra[0], *reversed(down[:-3])]
        self.up = nn.ModuleList([
            _Up(a, side, b, config.bins if index == DEPTH - 1 else b)
            for index, (a, side, b) in enumerate(zip(up[:-1], sides, up[1:], strict=True))
        ])  # fmt: skip
        self.edges = _Edges(*extra) if config.edges else None

    def forward(self, roll: Tensor, edges: Tensor) -> Tensor:
        """(B, 128, T), (B, 128, T) -> (B, bins, T); T is a multiple of `STEP`."""
        x, skips = roll, []
        for down in self.down:
            skips.append(x)
            x = down(x)
        told = list(self.edges(edges)) if self.edges is not None else []
        for up, skip in zip(self.up, reversed(skips), strict=True):
            x = up(x, torch.cat([skip, told.pop()], dim=1) if told else skip)
        return x


class _Down(nn.Module):
    """Half as many frames, by a convolution instead of pooling; then a plain convolution."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.halve = nn.Conv1d(before, after, 4, 2, padding=1)
        self.plain = nn.Conv1d(after, after, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return _rectified(self.plain(_rectified(self.halve(x))))


class _Up(nn.Module):
    """Twice as many frames; then two convolutions over them and what comes from the side."""

    def __init__(self, before: int, side: int, inner: int, after: int) -> None:
        super().__init__()
        self.widen = nn.ConvTranspose1d(before, inner, 4, 2, padding=1)
        self.join = nn.Conv1d(inner + side, inner, 3, padding=1)
        self.plain = nn.Conv1d(inner, after, 3, padding=1)

    def forward(self, x: Tensor, side: Tensor) -> Tensor:
        x = torch.cat([_rectified(self.widen(x)), side], dim=1)
        return self.plain(_rectified(self.join(x)))


class _Edges(nn.Module):
    """The onset/offset encoder: two convolutions that come to the frame rates of the decoder's first two layers."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(N_PITCHES, first, 16, 8, padding=4)
        self.second = nn.Conv1d(first, second, 4, 2, padding=1)

    def forward(self, edges: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 128, T) -> (B, first, T / 8), (B, second, T / 16)."""
        x = _rectified(self.first(edges))
        return x, _rectified(self.second(x))


class MultiBandResidual(nn.Module):
    """A multi-band residual block (figure 4): each band has its own convolutions over time, what comes in is added.

    Differs: the last norm has a gain for each bin, which starts at 0, so that a block begins as what it adds to.
    """

    def __init__(self, bins: int, bands: int, divisor: int) -> None:
        super().__init__()
        self.widths = [len(part) for part in torch.arange(bins).tensor_split(bands)]
        self.bands = nn.ModuleList([_band(width, max(width // divisor, 1)) for width in self.widths])

    def forward(self, x: Tensor) -> Tensor:
        """(B, bins, T) -> (B, bins, T)."""
        parts = x.split(self.widths, dim=1)
        return x + torch.cat([band(part) for band, part in zip(self.bands, parts, strict=True)], dim=1)


def _band(width: int, inner: int) -> nn.Module:
    last = nn.InstanceNorm1d(width, EPS, affine=True)
    nn.init.zeros_(last.weight)
    return nn.Sequential(
        nn.Conv1d(width, inner, 3, padding=1),
        nn.InstanceNorm1d(inner, EPS, affine=True),
        nn.LeakyReLU(SLOPE),
        nn.Conv1d(inner, width, 3, padding=1),
        last,
    )


def _rectified(x: Tensor) -> Tensor:
    return nn.functional.leaky_relu(x, SLOPE)
