"""The generator of HiFi-GAN (Kong et al. 2020): transposed convolutions, each followed by residual blocks."""

from __future__ import annotations

from dataclasses import dataclass

import torch  # noqa: TID253  imported only by networks
from torch import Tensor, nn  # noqa: TID253
from torch.nn.utils.parametrizations import weight_norm  # noqa: TID253

SLOPE = 0.1  # of the leaky rectifiers


@dataclass(frozen=True)
class GeneratorConfig:
    """Sizes; those of version 2 of the paper (appendix A.1), for a hop of 256."""

    inputs: int = 80
    channels: int = 128
    rates: tuple[int, ...] = (8, 8, 2, 2)  # of upsampling; their product is the hop
    kernels: tuple[int, ...] = (16, 16, 4, 4)
    block_kernels: tuple[int, ...] = (3, 7, 11)
    dilations: tuple[int, ...] = (1, 3, 5)


class Generator(nn.Module):
    """Features at the frame rate in, audio out."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.enter = weight_norm(nn.Conv1d(config.inputs, config.channels, 7, padding=3))
        self.raise_rate, self.blocks = nn.ModuleList(), nn.ModuleList()
        for i, (rate, kernel) in enumerate(zip(config.rates, config.kernels, strict=True)):
            width = config.channels >> (i + 1)
            raised = nn.ConvTranspose1d(2 * width, width, kernel, rate, padding=(kernel - rate) // 2)
            self.raise_rate.append(weight_norm(_normal(raised)))
            self.blocks.append(nn.ModuleList([_Residual(width, k, config.dilations) for k in config.block_kernels]))
        self.leave = weight_norm(_normal(nn.Conv1d(config.channels >> len(config.rates), 1, 7, padding=3)))

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, T) -> (B, 1, hop T), full scale 1."""
        x = self.enter(features)
        for raise_rate, blocks in zip(self.raise_rate, self.blocks, strict=True):
            x = raise_rate(nn.functional.leaky_relu(x, SLOPE))
            assert isinstance(blocks, nn.ModuleList)
            x = torch.stack([block(x) for block in blocks]).mean(dim=0)
        # The default slope here, as in the published code.
        return torch.tanh(self.leave(nn.functional.leaky_relu(x)))

    def context(self) -> int:
        """Frames on each side that a sample depends on, at most."""
        config, reach, rate = self.config, 3.0, 1
        widest = max(config.block_kernels) - 1
        for step, kernel in zip(config.rates, config.kernels, strict=True):
            rate *= step
            reach += (kernel + widest / 2 * (sum(config.dilations) + len(config.dilations))) / rate
        return int(reach + 3 / rate) + 1


class _Residual(nn.Module):
    """Dilated and plain convolutions in turn, each pair around a shortcut (the paper's ResBlock1)."""

    def __init__(self, width: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.dilated = nn.ModuleList([_same(width, kernel, dilation) for dilation in dilations])
        self.plain = nn.ModuleList([_same(width, kernel, 1) for _ in dilations])

    def forward(self, x: Tensor) -> Tensor:
        for dilated, plain in zip(self.dilated, self.plain, strict=True):
            y = dilated(nn.functional.leaky_relu(x, SLOPE))
            x = x + plain(nn.functional.leaky_relu(y, SLOPE))
        return x


def _same(width: int, kernel: int, dilation: int) -> nn.Module:
    layer = nn.Conv1d(width, width, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2)
    return weight_norm(_normal(layer))


def _normal(layer: nn.Module) -> nn.Module:
    nn.init.normal_(layer.weight, 0.0, 0.01)  # type: ignore[arg-type]
    return layer
