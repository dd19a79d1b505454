"""Feed-forward Transformer blocks (Ren et al. 2019, FastSpeech): attention, then convolutions over time."""

from __future__ import annotations

import math

import torch  # noqa: TID253  imported only by networks
from torch import Tensor, nn  # noqa: TID253


class FFTBlock(nn.Module):
    """Self-attention and two convolutions, each around a shortcut, each followed by a layer norm."""

    def __init__(self, width: int, heads: int, inner: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.widen = nn.Conv1d(width, inner, kernel, padding=kernel // 2)
        self.narrow = nn.Conv1d(inner, width, 1)
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, padded: Tensor | None = None) -> Tensor:
        """(B, T, C), (B, T) true where there is nothing -> (B, T, C), zero where there is nothing."""
        y, _ = self.attention(x, x, x, key_padding_mask=padded, need_weights=False)
        x = _masked(self.first(x + self.dropout(y)), padded)
        y = self.narrow(torch.relu(self.widen(x.transpose(1, 2)))).transpose(1, 2)
        return _masked(self.second(x + self.dropout(y)), padded)


def _masked(x: Tensor, padded: Tensor | None) -> Tensor:
    return x if padded is None else x.masked_fill(padded[..., None], 0.0)


def sinusoids(place: Tensor, width: int) -> Tensor:
    """Sines and cosines of positions (Vaswani et al. 2017): (B, T) -> (B, T, width)."""
    rates = torch.exp(torch.arange(0, width, 2, device=place.device) * (-math.log(10000.0) / width))
    angles = place[..., None].float() * rates
    return torch.cat([torch.sin(angles), torch.cos(angles)], dim=-1)
