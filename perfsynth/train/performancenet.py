"""How ``performancenet`` learns: squared error of ln magnitudes in chunks (Wang and Yang 2019, "Experiment").

Chunks begin anywhere, so that they overlap by all but a frame: the paper's augmentation, taken to its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

from perfsynth.errors import InputError
from perfsynth.synth.performancenet import CHUNK, PRESET, given_rolls, windowed
from perfsynth.synth.performancenet_network import STEP, Config, PerformanceNet
from perfsynth.train.configured import Configured
from perfsynth.train.recordings import first_instrument
from perfsynth.train.soundings import Sounding, drawn, soundings


@dataclass(frozen=True)
class Settings:
    """What a batch is made of."""

    clips: int = 16
    clip_frames: int = CHUNK


class PerformanceNetTask(Configured):
    """What the training loop asks of a model: batches, losses, validation."""

    validates_on_device = True
    config: Config
    settings: Settings

    def __init__(self, corpus: Path, model: dict[str, Any], settings: dict[str, Any], splits: tuple[str, ...]) -> None:
        self.settings = Settings(**settings)
        if self.settings.clip_frames % STEP:
            raise InputError(f"clip_frames {self.settings.clip_frames}: it is a multiple of {STEP}")
        self.config = Config(**{"instrument": first_instrument(corpus)} | model)
        self.examples, self.held_out = soundings(corpus, splits, PRESET.sample_rate, (self.config.instrument,))

    def network(self) -> PerformanceNet:
        """A network with fresh weights."""
        return PerformanceNet(self.config)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Rolls and edges (B, 128, T), and ln magnitudes (B, 1025, T)."""
        size = self.settings.clip_frames
        rows = [self._row(*row, size) for row in drawn(self.examples, self.settings.clips, size, PRESET.hop, rng)]
        roll, edges, values = (torch.from_numpy(np.stack(parts)) for parts in zip(*rows, strict=True))
        return roll, edges, values

    def _row(self, example: Sounding, first: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rolls = given_rolls(example.table, first, size, velocity=self.config.velocity)
        return *rolls, example.frames(first, size, PRESET)

    def loss(self, network: nn.Module, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """The mean squared error."""
        roll, edges, values = batch
        loss = ((network(roll, edges).float() - values) ** 2).mean()
        return loss, {"mse": float(loss.detach())}

    @torch.inference_mode()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """``mse`` of the held-out recordings as they would be sounded; ``score`` is minus it."""
        assert isinstance(network, PerformanceNet)
        device = str(next(network.parameters()).device)
        errors = []
        for example in self.held_out:
            n_frames = example.n_frames(PRESET)
            made = windowed(example.table, network, device, n_frames)
            errors.append(float(((made - example.frames(0, n_frames, PRESET)) ** 2).mean()))
        mse = float(np.mean(errors))
        return {"mse": mse, "score": -mse}
