"""The network of ``m2m``: six token embeddings, an encoder with relative positions, three heads.

Tang et al. 2025; what the paper leaves open follows its predecessor (Tang et al. 2023, RHEPP) and its release.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch  # noqa: TID253  imported only where a model is loaded or trained
from torch import Tensor, nn  # noqa: TID253
from torch.nn import functional as F  # noqa: TID253

from perfsynth.tokens.seed import BLOCK, FIELDS, PAD, SIZES

HEADS = ("velocity", "ioi", "duration")  # what is predicted of a note


@dataclass(frozen=True)
class Config:
    """Sizes; the defaults are the paper's."""

    embeddings: tuple[int, ...] = (32, 64, 256, 256, 128, 256)  # of FIELDS
    hidden: int = 256
    layers: int = 4
    heads: int = 4
    feed_forward: int = 256
    dropout: float = 0.1
    pianists: tuple[str, ...] = ()


class RelativeAttention(nn.Module):
    """Self-attention with an embedding of the distance met by both query and key (Huang et al. 2020, method 4)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.n_heads, self.width = config.heads, config.hidden // config.heads
        self.project = nn.Linear(config.hidden, 3 * config.hidden)
        self.out = nn.Linear(config.hidden, config.hidden)
        self.distance = nn.Embedding(2 * BLOCK - 1, self.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, padded: Tensor) -> Tensor:
        """(B, T, hidden) and (B, T) bool, True where padded -> (B, T, hidden)."""
        batch, length, _ = x.shape
        query, key, value = self.project(x).view(batch, length, 3, self.n_heads, self.width).permute(2, 0, 3, 1, 4)
        place = torch.arange(length, device=x.device)
        distance = self.distance(place[:, None] - place[None, :] + BLOCK - 1)  # (T, T, width)
        scores = query @ key.transpose(-1, -2)
        scores = (
            scores + torch.einsum("bhld,lrd->bhlr", query, distance) + torch.einsum("bhrd,lrd->bhlr", key, distance)
        )
        scores = (scores / self.width**0.5).masked_fill(padded[:, None, None], float("-inf"))
        weights = self.dropout(F.softmax(scores, dim=-1))
        joined = (weights @ value).transpose(1, 2).reshape(batch, length, -1)
        mixed: Tensor = self.out(joined)
        return mixed


class Layer(nn.Module):
    """Attention and feed-forward, each with a residual and a normalisation after it, as in BERT."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.attention = RelativeAttention(config)
        self.feed = nn.Sequential(
            nn.Linear(config.hidden, config.feed_forward), nn.GELU(), nn.Linear(config.feed_forward, config.hidden)
        )
        self.norms = nn.ModuleList([nn.LayerNorm(config.hidden) for _ in range(2)])
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, padded: Tensor) -> Tensor:
        """(B, T, hidden) -> (B, T, hidden)."""
        x = self.norms[0](x + self.dropout(self.attention(x, padded)))
        out: Tensor = self.norms[1](x + self.dropout(self.feed(x)))
        return out


class M2M(nn.Module):
    """Score tokens to the logits of performed velocity, inter-onset interval and duration."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embeddings = nn.ModuleList(
            [
                nn.Embedding(SIZES[name], size, padding_idx=PAD)
                for name, size in zip(FIELDS, config.embeddings, strict=True)
            ]
        )
        self.enter = nn.Linear(sum(config.embeddings), config.hidden)
        self.layers = nn.ModuleList([Layer(config) for _ in range(config.layers)])
        self.pianist = nn.Embedding(len(config.pianists) + 1, config.hidden)  # the last one is anybody
        self.shared = nn.Linear(config.hidden, config.hidden)  # on which GradNorm balances the heads
        self.heads = nn.ModuleList([nn.Linear(config.hidden, SIZES[name]) for name in HEADS])

    def forward(self, tokens: Tensor, pianist: Tensor) -> tuple[Tensor, ...]:
        """(B, T, 6) token ids and (B,) pianists -> logits (B, T, size) of `HEADS`."""
        padded = tokens[..., 0] == PAD
        scaled = [
            table(tokens[..., i]) * size**0.5
            for i, (table, size) in enumerate(zip(self.embeddings, self.config.embeddings, strict=True))
        ]
        x = self.enter(torch.cat(scaled, dim=-1))
        for layer in self.layers:
            x = layer(x, padded)
        x = self.shared(x + self.pianist(pianist)[:, None])
        return tuple(head(x) for head in self.heads)
