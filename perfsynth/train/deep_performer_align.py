"""How ``deep-performer-align`` learns: squared error of onsets and durations in frames (Dong et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

from perfsynth.data.nasap import pianist_of
from perfsynth.data.pieces import Piece, pieces
from perfsynth.expression import played_notes
from perfsynth.known import commonest
from perfsynth.perform.deep_performer_align import (
    FRAME_S,
    SEGMENT,
    STEPS_PER_BEAT,
    Config,
    DeepPerformerAlign,
    segment_notes,
)
from perfsynth.train.configured import Configured

FEWEST_NOTES = 32
FARTHEST = 8.0  # quarter notes that a note may stray; what strays farther is an alignment error


@dataclass(frozen=True)
class Settings:
    """What a batch is made of."""

    segments: int = 16
    pianists: int = 16  # told apart: those with the most performances


@dataclass(frozen=True)
class Pair:
    """The notes of a score that a performance plays, and when."""

    notes: np.ndarray  # SCORE_NOTE
    onset_s: np.ndarray
    duration_s: np.ndarray
    pianist: str


def pairs_of(piece: Piece) -> list[Pair]:
    """The performances of a piece, as far as they play its notes."""
    score, made = piece.scores["musicxml"], []
    for name, performance in piece.performances.items():
        row = played_notes(score, performance)
        notes = performance.notes[row[row >= 0]]
        made.append(Pair(score.notes[row >= 0], notes["onset_s"], notes["duration_s"], pianist_of(name)))
    return [pair for pair in made if len(pair.notes) >= FEWEST_NOTES]


class DeepPerformerAlignTask(Configured):
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

    def network(self) -> DeepPerformerAlign:
        """A network with fresh weights."""
        return DeepPerformerAlign(self.config)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Notes (B, T, 3), pianists (B,), frames a step (B,), padding (B, T) and frames (B, T, 2)."""
        chosen = [self.pairs[rng.integers(len(self.pairs))] for _ in range(self.settings.segments)]
        starts = [int(rng.integers(0, max(len(pair.notes) - SEGMENT, 0) + 1)) for pair in chosen]
        return stacked(list(zip(chosen, starts, strict=True)), self.config.pianists)

    def loss(self, network: nn.Module, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """Squared error in frames, onsets less their mean over each segment."""
        onset, duration = squared_errors(network, batch)
        return onset + duration, {"onset": float(onset.detach()), "duration": float(duration.detach())}

    @torch.inference_mode()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """Root mean squared errors in ms over the notes of the validation split; ``score`` is minus their sum."""
        rows = [(pair, start) for pair in self.held_out for start in range(0, len(pair.notes) - FEWEST_NOTES, SEGMENT)]
        batches = [stacked(rows[i : i + 16], self.config.pianists) for i in range(0, len(rows), 16)]
        errors = torch.tensor([squared_errors(network, batch) for batch in batches], dtype=torch.double)
        share = torch.tensor([int(_known(batch[-1]).sum()) for batch in batches], dtype=torch.double)
        onset, duration = ((share / share.sum()) @ errors).sqrt().mul(FRAME_S * 1000).tolist()
        return {"valid_onset_ms": onset, "valid_duration_ms": duration, "score": -(onset + duration)}


def stacked(segments: list[tuple[Pair, int]], pianists: tuple[str, ...]) -> tuple[Tensor, ...]:
    """The batch of some pairs, each from one of its notes on, of the pianists that are told apart.

    Alignment errors are left out: nan stands for what strays by more than `FARTHEST` from a steady tempo.
    """
    notes = np.zeros((len(segments), SEGMENT, 3), np.int64)
    frames = np.full((len(segments), SEGMENT, 2), np.nan, np.float32)
    padded = np.ones((len(segments), SEGMENT), bool)
    rate, who = np.zeros(len(segments), np.float32), np.zeros(len(segments), np.int64)
    for index, (pair, start) in enumerate(segments):
        rows = slice(start, start + SEGMENT)
        steps = segment_notes(pair.notes[rows])
        size = len(steps)
        onset = pair.onset_s[rows] / FRAME_S
        notes[index, :size], padded[index, :size] = steps, False
        slope = np.polyfit(steps[:, 1], onset, 1)[0] if np.ptp(steps[:, 1]) else 1.0
        rate[index] = np.clip(slope, 0.2, 20.0)
        strays = onset - rate[index] * steps[:, 1]
        strays = strays - np.median(strays)
        near = np.abs(strays) < FARTHEST * STEPS_PER_BEAT * rate[index]
        frames[index, :size, 0] = np.where(near, rate[index] * steps[:, 1] + strays, np.nan)
        frames[index, :size, 1] = pair.duration_s[rows] / FRAME_S
        who[index] = pianists.index(pair.pianist) if pair.pianist in pianists else len(pianists)
    return tuple(torch.from_numpy(array) for array in (notes, who, rate, padded, frames))


def squared_errors(network: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
    """Mean squared error of onsets and of durations, in frames squared, over the notes whose times are known."""
    notes, performer, rate, padded, frames = batch
    shaped = network(notes, performer, rate, padded)
    known = _known(frames)
    difference = torch.where(known[..., None], shaped - torch.nan_to_num(frames), 0.0)
    count = known.sum(dim=1).clamp(min=1)
    middle = difference[..., 0].sum(dim=1) / count  # where a segment begins is not the model's to know
    onset = torch.where(known, difference[..., 0] - middle[:, None], 0.0)
    return (onset**2).sum() / count.sum(), (difference[..., 1] ** 2).sum() / count.sum()


def _known(frames: Tensor) -> Tensor:
    """(B, 256) bool: the notes of (B, 256, 2) frames that are there and whose times are known."""
    return torch.isfinite(frames).all(dim=-1)
