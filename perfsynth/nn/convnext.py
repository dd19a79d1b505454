"""ConvNeXt blocks over time (Liu et al. 2022; Siuzdak 2024, Vocos)."""

from __future__ import annotations

from typing import Any

import torch  # noqa: TID253  imported only by networks
from torch import Tensor, nn  # noqa: TID253

KERNEL = 7  # frames


class ConditionedNorm(nn.Module):
    """Layer norm whose scale and shift belong to one of several conditions; all start alike.

    Weights that know fewer conditions can be loaded: those that are new begin as the first one.
    """

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

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: Any) -> None:
        for name, own in (("scale.weight", self.scale), ("shift.weight", self.shift)):
            given = state_dict.get(prefix + name)
            if given is not None and len(given) < own.num_embeddings:
                state_dict[prefix + name] = torch.cat([given, given[:1].expand(own.num_embeddings - len(given), -1)])
        super()._load_from_state_dict(state_dict, prefix, *rest)


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


class Stack(nn.Module):
    """A convolution into the width of the stack, blocks of `ConvNeXt`, and a norm behind."""

    def __init__(self, inputs: int, width: int, layers: int, conditions: int) -> None:
        super().__init__()
        self.enter = nn.Conv1d(inputs, width, KERNEL, padding=KERNEL // 2)
        self.first = ConditionedNorm(width, conditions)
        self.blocks = nn.ModuleList([ConvNeXt(width, conditions, layers) for _ in range(layers)])
        self.last = ConditionedNorm(width, conditions)

    def seen(self, x: Tensor, condition: Tensor) -> Tensor:
        """(B, inputs, T), (B,) -> (B, T, width)."""
        x = self.first(self.enter(x).transpose(1, 2), condition)
        for block in self.blocks:
            x = block(x, condition)
        return self.last(x, condition)


def context(layers: int) -> int:
    """Frames on each side that a frame of a `Stack` depends on."""
    return (layers + 1) * (KERNEL // 2)
