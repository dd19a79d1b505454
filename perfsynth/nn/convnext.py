"""ConvNeXt blocks over time (Liu et al. 2022; Siuzdak 2024, Vocos)."""

from __future__ import annotations

import torch  # noqa: TID253  imported only by networks
from torch import Tensor, nn  # noqa: TID253

KERNEL = 7  # frames


class ConditionedNorm(nn.Module):
    """Layer norm whose scale and shift belong to one of several conditions; all start alike."""

    def __init__(self, width: int, conditions: int) -> None:
        super().__init__()
        self.scale = nn.Embedding(conditions, width)
        self.shift = nn.Embedding(conditions, width)
        nn.init.ones_(self.scale.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(B, T, C), (B,) -> (B, T, C)."""
        x = nn.functional.layer_norm(x, x.shape[-1:], eps=1e-6)
        return x * self.scale(condition)[:, None] + self.shift(condition)[:, None]


class ConvNeXt(nn.Module):
    """A depthwise convolution over time, then two pointwise layers; what comes in is added."""

    def __init__(self, width: int, conditions: int, layers: int) -> None:
        super().__init__()
        self.along = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2, groups=width)
        self.norm = ConditionedNorm(width, conditions)
        self.expand = nn.Linear(width, 3 * width)
        self.contract = nn.Linear(3 * width, width)
        self.gain = nn.Parameter(torch.full((width,), 1 / layers))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(B, T, C), (B,) -> (B, T, C)."""
        y = self.along(x.transpose(1, 2)).transpose(1, 2)
        y = self.contract(nn.functional.gelu(self.expand(self.norm(y, condition))))
        return x + self.gain * y
