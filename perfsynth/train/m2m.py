"""How ``m2m`` learns: masked cross-entropy of three heads, balanced by GradNorm (Tang 2025; Chen 2018)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253
from torch.nn import functional as F  # noqa: TID253

from perfsynth.data.nasap import pianist_of
from perfsynth.data.pieces import Piece, pieces
from perfsynth.expression import played_notes
from perfsynth.known import commonest
from perfsynth.perform.m2m import score_tokens
from perfsynth.perform.m2m_network import HEADS, M2M, Config
from perfsynth.tokens import seed as vocabulary
from perfsynth.train.configured import Configured
from perfsynth.types import Performance, Score

SHIFTS = range(-3, 3)  # semitones of augmentation
BINS = range(-6, 6)  # velocity bins of augmentation
NOT_A_TARGET = vocabulary.PAD
NOTES = vocabulary.BLOCK - 2
PULLS = tuple(f"pull_{name}" for name in HEADS)  # norms of the heads' gradients in the shared layer


@dataclass(frozen=True)
class Pair:
    """A score and a performance of it, note by note, as tokens."""

    score: np.ndarray  # (n, 6)
    performed: np.ndarray  # (n, 3) of HEADS
    pianist: str


@dataclass(frozen=True)
class Settings:
    """What a batch is made of."""

    blocks: int = 16
    pianists: int = 6  # told apart: those with the most performances
    gradnorm_rate: float = 1e-3
    gradnorm_alpha: float = 0.0


def pairs_of(piece: Piece) -> list[Pair]:
    """The performances of a piece, as far as they play its notes."""
    score = piece.scores.get("midi", piece.scores["musicxml"])
    return [
        pair
        for name, performance in piece.performances.items()
        if (pair := pair_of(score, performance, pianist_of(name))) is not None
    ]


def pair_of(score: Score, performance: Performance, pianist: str) -> Pair | None:
    """Tokens of the notes that a performance plays, in score order; None when they are too few."""
    ids, order = score_tokens(score)
    row = played_notes(score, performance)[order]
    ids, row = ids[row >= 0], row[row >= 0]
    if len(row) < NOTES // 4:
        return None
    ids[:, vocabulary.FIELDS.index("ioi")] = vocabulary.ioi_of(vocabulary.onsets_of(ids)) + vocabulary.SPECIAL
    notes = performance.notes[row]
    performed = vocabulary.performed_ids(notes["onset_s"], notes["duration_s"], notes["velocity"])
    return Pair(ids, performed, pianist)


class M2MTask(Configured):
    """What the training loop asks of a model: batches, losses, validation."""

    config: Config
    settings: Settings

    def __init__(self, corpus: Path, model: dict[str, Any], settings: dict[str, Any], splits: tuple[str, ...]) -> None:
        self.config = Config(**model)
        self.settings = Settings(**settings)
        self.pairs = [pair for split in splits for piece in pieces(corpus, split) for pair in pairs_of(piece)]
        self.held_out = [pair for piece in pieces(corpus, "valid") for pair in pairs_of(piece)[:2]]
        names = commonest((pair.pianist for pair in self.pairs), self.settings.pianists)
        self.config = replace(self.config, pianists=self.config.pianists or names)
        self.weights = torch.ones(len(HEADS))
        self.first: Tensor | None = None

    def network(self) -> M2M:
        """A network with fresh weights."""
        return M2M(self.config)

    def state_dict(self) -> dict[str, Any]:
        """What GradNorm has come to."""
        return {"weights": self.weights, "first": self.first}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take it up."""
        self.weights, self.first = state["weights"], state["first"]

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Blocks of score tokens (B, 256, 6), performed tokens (B, 256, 3) and pianists (B,)."""
        rows = [self._block(rng) for _ in range(self.settings.blocks)]
        columns = [torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)]
        return columns[0], columns[1], columns[2]

    def _block(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        pair = self.pairs[rng.integers(len(self.pairs))]
        start = int(rng.integers(0, max(len(pair.score) - NOTES, 0) + 1))
        score, performed = (part[start : start + NOTES].astype(np.int64) for part in (pair.score, pair.performed))
        return _augmented(score.copy(), performed.copy(), rng, self._pianist(pair.pianist))

    def _pianist(self, name: str) -> int:
        names = self.config.pianists
        return names.index(name) if name in names else len(names)

    def loss(self, network: nn.Module, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """The balanced loss of a batch, its parts, and how hard each of them pulls the shared layer."""
        parts = torch.stack(head_losses(network, batch))
        inner: Any = getattr(network, "module", network)
        norms = torch.stack([
            torch.autograd.grad(part, inner.shared.weight, retain_graph=True)[0].norm() for part in parts
        ])  # fmt: skip
        figures = dict(zip((*HEADS, *PULLS), [*parts.tolist(), *norms.tolist()], strict=True))
        return (self.weights.to(parts.device) * parts).sum(), figures

    def adapt(self, figures: dict[str, float]) -> None:
        """One step of GradNorm: weights move so that all heads pull the shared layer alike."""
        parts, norms = (torch.tensor([figures[name] for name in names]) for names in (HEADS, PULLS))
        if not torch.isfinite(torch.cat([parts, norms])).all():  # one broken batch must not end a run
            return
        self.first = parts if self.first is None else self.first
        pull = self.weights * norms
        progress = parts / self.first
        aim = pull.mean() * (progress / progress.mean()) ** self.settings.gradnorm_alpha
        slope = torch.sign(pull - aim) * norms
        weights = (self.weights - self.settings.gradnorm_rate * slope).clamp(min=0.01)
        self.weights = weights * len(HEADS) / weights.sum()

    @torch.inference_mode()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """Cross-entropy of each head over the validation split; ``score`` is minus their sum."""
        totals = np.zeros(len(HEADS))
        for pair in self.held_out:
            starts = range(0, max(len(pair.score) - NOTES // 2, 1), NOTES)
            rows = [_plain(pair, start, self._pianist(pair.pianist)) for start in list(starts)[:8]]
            batch = tuple(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))
            totals += np.array([float(loss) for loss in head_losses(network, batch)])
        means = totals / len(self.held_out)
        return {f"valid_{name}": float(m) for name, m in zip(HEADS, means, strict=True)} | {
            "score": -float(means.sum())
        }


def _augmented(
    score: np.ndarray, performed: np.ndarray, rng: np.random.Generator, pianist: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A block, transposed and played louder or softer."""
    shift = int(rng.choice(SHIFTS))
    pitches = score[:, 0] + shift
    if pitches.min() >= vocabulary.SPECIAL and pitches.max() < vocabulary.SIZES["pitch"]:
        score[:, 0] = pitches
    performed[:, 0] = np.clip(
        performed[:, 0] + int(rng.choice(BINS)), vocabulary.SPECIAL, vocabulary.SIZES["velocity"] - 1
    )
    return _framed(score), _framed(performed), np.array(pianist)


def _plain(pair: Pair, start: int, pianist: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    score, performed = (part[start : start + NOTES].astype(np.int64) for part in (pair.score, pair.performed))
    return _framed(score), _framed(performed), np.array(pianist)


def _framed(ids: np.ndarray) -> np.ndarray:
    return vocabulary.to_blocks(ids)[0].astype(np.int64)


def head_losses(network: nn.Module, batch: Any) -> list[Tensor]:
    """Cross-entropy of each head over the notes of a batch; BOS, EOS and padding are no notes."""
    tokens, performed, pianist = batch
    logits = network(tokens, pianist)
    target = torch.where(performed >= vocabulary.SPECIAL, performed, NOT_A_TARGET)
    return [
        F.cross_entropy(head.transpose(1, 2), target[..., index], ignore_index=NOT_A_TARGET)
        for index, head in enumerate(logits)
    ]
