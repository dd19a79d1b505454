"""How ``cantabile`` learns: crops of human performances, and how well the network's curves follow them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor  # noqa: TID253

from perfsynth.data.pieces import pieces
from perfsynth.perform.cantabile.columns import OPTIONAL
from perfsynth.perform.cantabile.crops import Crop, cut, stacked
from perfsynth.perform.cantabile.interpretation import Players
from perfsynth.perform.cantabile.network import VELOCITY, VELOCITY_STEPS, Batch, Cantabile, Config, Shape, elapsed
from perfsynth.perform.cantabile.reading import groups
from perfsynth.perform.cantabile.shaping import Calibration
from perfsynth.train.cantabile_examples import Example, examples_of
from perfsynth.train.cantabile_targets import Target, targets
from perfsynth.train.cantabile_validation import cases, figures, interpretations
from perfsynth.train.cantabile_variety import varied
from perfsynth.train.configured import Configured
from perfsynth.train.losses import correlation_loss, masked_huber


@dataclass(frozen=True)
class Weights:
    """How much each part of the loss counts."""

    tempo: float = 1.0
    tempo_windows: float = 0.7
    tempo_step: float = 0.15
    velocity: float = 1.0
    velocity_segments: float = 0.3
    articulation: float = 1.0
    asynchrony: float = 0.6
    duration: float = 0.3
    pedal: float = 0.6
    lift: float = 0.6
    scale: float = 0.1
    statistics: float = 0.1


@dataclass(frozen=True)
class Settings:
    """What a batch is made of."""

    crops: int = 12
    chords: int = 384
    drop_group: float = 0.25  # chance that a group of optional columns is left out of a crop
    drop_all: float = 0.15  # chance that all of them are, as in flat MIDI
    drop_composer: float = 0.5
    midi_share: float = 0.35  # of the crops that are read from the score MIDI where there is one
    drop_column: float = 0.0  # chance that any one column is left out of a crop
    transpose: int = 0  # semitones that a crop is moved by at most, up or down
    weights: Weights = field(default_factory=Weights)


class CantabileTask(Configured):
    """What the training loop asks of a model: batches, losses, validation."""

    config: Config
    settings: Settings

    def __init__(self, corpus: Path, model: dict[str, Any], settings: dict[str, Any], splits: tuple[str, ...]) -> None:
        note_groups, chord_groups = groups()
        self.config = Config(len(note_groups), len(chord_groups), flags=len(OPTIONAL), **model)
        weights = Weights(**settings.pop("weights", {}))
        self.settings = Settings(**settings, weights=weights)
        self.examples = [examples_of(piece) for split in splits for piece in pieces(corpus, split)]
        self.examples = [made for made in self.examples if made.get("musicxml")]
        self.held_out = cases(corpus)
        share = np.array([np.sqrt(len(made["musicxml"])) for made in self.examples])
        self.share = share / share.sum()

    def validate(self, network: Cantabile) -> dict[str, float]:
        """Agreement with humans on the validation split."""
        return figures(self.held_out, interpretations(Players((network,)), self.held_out), Calibration())

    def network(self) -> Cantabile:
        """A network with fresh weights."""
        return Cantabile(self.config)

    def batch(self, rng: np.random.Generator) -> tuple[Batch, Target]:
        """A batch of random crops and their targets."""
        chosen = [self._crop(rng) for _ in range(self.settings.crops)]
        batch = stacked([crop for crop, *_ in chosen])
        return batch, targets(chosen, batch.mask.shape[1])

    def _crop(self, rng: np.random.Generator) -> tuple[Crop, Example, int]:
        made = self.examples[rng.choice(len(self.examples), p=self.share)]
        midi = made.get("midi") and rng.random() < self.settings.midi_share
        group = made["midi" if midi else "musicxml"]
        chosen = group[rng.integers(len(group))]
        size = len(chosen.reading.chord_beat)
        first = int(rng.integers(0, max(size - self.settings.chords, 0) + 1))
        absent: set[str] = set()
        if rng.random() < self.settings.drop_all:
            absent = {"dynamics", "tempo", "marks"} | ({"staff", "meter"} if rng.random() < 0.5 else set())
        elif rng.random() < 0.6:
            absent = {name for name in OPTIONAL if rng.random() < self.settings.drop_group}
        composer = 0 if rng.random() < self.settings.drop_composer else chosen.composer
        crop = cut(
            chosen.reading, first, min(first + self.settings.chords, size), absent=frozenset(absent), composer=composer
        )
        if self.settings.drop_column or self.settings.transpose:
            crop = varied(crop, rng, drop_column=self.settings.drop_column, transpose=self.settings.transpose)
        return crop, chosen, first

    def loss(self, network: Cantabile, batch: tuple[Batch, Target]) -> tuple[Tensor, dict[str, float]]:
        """The weighted loss of a batch, and its parts."""
        crops, target = batch
        parts = losses(network(crops), crops, target)
        weights = self.settings.weights
        total = torch.stack([getattr(weights, name) * value for name, value in parts.items()]).sum()
        return total, {name: float(value.detach()) for name, value in parts.items()}


def losses(shape: Shape, batch: Batch, target: Target) -> dict[str, Tensor]:
    """Each part of the loss, unweighted."""
    crops = len(batch.mask)
    crop = target.crop_of_note
    log_period = (shape.log_beat_period - target.written_tempo).clamp(-4, 4)
    time_s = elapsed(log_period, target.step_beat).reshape(-1)
    high = (target.grid_low + 1).clamp(max=len(time_s) - 1)
    at_s = time_s[target.grid_low] * (1 - target.grid_share) + time_s[high] * target.grid_share
    curve = torch.log((at_s[target.grid_pair + 1] - at_s[target.grid_pair]).clamp(min=1e-3))
    per_note = torch.exp(log_period).reshape(-1)[batch.chord]
    held = target.notated_beat * per_note * torch.exp2(shape.articulation.clamp(-4, 3))
    step_weighted = torch.where(target.step_beat >= 0.2, target.log_step, torch.nan)
    step_crop = torch.arange(crops)[:, None].expand_as(step_weighted).reshape(-1)
    known, lifted = torch.isfinite(target.pedal), torch.isfinite(target.lift)
    return {
        "tempo": correlation_loss(curve, target.grid_log, target.grid_crop, crops),
        "tempo_windows": correlation_loss(curve, target.grid_log, target.grid_window, target.n_windows, fewest=16),
        "tempo_step": correlation_loss(log_period.reshape(-1), step_weighted.reshape(-1), step_crop, crops),
        "velocity": correlation_loss(shape.velocity, target.velocity, crop, crops),
        "velocity_segments": correlation_loss(
            shape.velocity, target.velocity, target.segment_of_note, target.n_segments
        ),
        "articulation": correlation_loss(shape.articulation, target.articulation, crop, crops),
        "asynchrony": correlation_loss(shape.asynchrony, target.asynchrony, crop, crops),
        "duration": correlation_loss(held, target.duration_s, crop, crops),
        "pedal": torch.nn.functional.binary_cross_entropy_with_logits(shape.pedal[known], target.pedal[known]),
        "lift": torch.nn.functional.binary_cross_entropy_with_logits(shape.lift[lifted], target.lift[lifted]),
        "scale": masked_huber(shape.articulation, target.articulation)
        + masked_huber(curve, _relative(target.grid_log, target.grid_crop, crops))
        + masked_huber(shape.velocity, (target.velocity - VELOCITY) / VELOCITY_STEPS),
        "statistics": masked_huber(shape.statistics, target.statistics),
    }


def _relative(values: Tensor, group: Tensor, n_groups: int) -> Tensor:
    """Values less their group's mean."""
    known = torch.isfinite(values)
    count = values.new_zeros(n_groups).index_add(0, group[known], torch.ones_like(values[known]))
    total = values.new_zeros(n_groups).index_add(0, group[known], values[known])
    return values - (total / count.clamp(min=1))[group]
