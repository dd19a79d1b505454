"""How ``hifigan-roll`` learns: as HiFi-GAN (Kong et al. 2020), from piano rolls (Dong et al. 2022, section 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

from perfsynth.dsp.mel import PRESETS, spectrogram
from perfsynth.synth.hifigan_roll import HOP, RATE, given_rolls, windowed
from perfsynth.synth.hifigan_roll_network import Config, HiFiGANRoll
from perfsynth.train.adversarial import OpposedTask, Warmed
from perfsynth.train.recordings import with_instruments
from perfsynth.train.soundings import Sounding, drawn, soundings

if TYPE_CHECKING:
    from perfsynth.train.learner import Learner

PRESET = PRESETS["deep-performer-16k"]
EDGE = 8  # frames at both ends of a segment that do not count: what is beside them matters


@dataclass(frozen=True)
class Settings(Warmed):
    """What a batch is made of, and how much each part of the loss counts."""

    segments: int = 16
    segment_frames: int = 32  # 8192 samples
    valid_s: float = 12.0  # of each recording


class HiFiGANRollTask(OpposedTask):
    """What the training loop asks of a model: batches, steps, validation."""

    validates_on_device = True
    config: Config
    settings: Settings

    def __init__(self, corpus: Path, model: dict[str, Any], settings: dict[str, Any], splits: tuple[str, ...]) -> None:
        self.settings = Settings(**settings)
        self.config = Config(**with_instruments(model, corpus))
        self.examples, self.held_out = soundings(corpus, splits, RATE, ())

    def network(self) -> HiFiGANRoll:
        """A network with fresh weights."""
        return HiFiGANRoll(self.config)

    def _number(self, example: Sounding) -> int:
        return self.config.instruments.index(example.recording.instrument)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Rolls (B, 256, T + 2 EDGE), instruments (B,) and samples (B, 256 T)."""
        size = self.settings.segment_frames
        rows = drawn(self.examples, self.settings.segments, size, HOP, rng)
        rolls = np.stack([given_rolls(example.table, first - EDGE, size + 2 * EDGE) for example, first in rows])
        sound = np.stack([example.cut(first * HOP, size * HOP) for example, first in rows])
        numbers = torch.tensor([self._number(example) for example, _ in rows])
        return torch.from_numpy(rolls), numbers, torch.from_numpy(sound)

    def step(self, learner: Learner, batch: tuple[Tensor, Tensor, Tensor]) -> dict[str, float]:
        """Learn from a batch; the parts of the loss."""
        rolls, instrument, wanted = batch
        with learner.half():
            made = learner.networks["network"](rolls, instrument)
        return self.learn(learner, made.float()[:, EDGE * HOP : -EDGE * HOP], wanted, PRESET)

    @torch.inference_mode()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """The paper's figure of each instrument's held-out recordings, mean squared difference of ln mel bands;
        ``score`` is minus the mean."""
        assert isinstance(network, HiFiGANRoll)
        device = str(next(network.parameters()).device)
        errors: dict[str, list[float]] = {}
        for example in self.held_out:
            n_frames = min(round(self.settings.valid_s * RATE), len(example.sound)) // HOP
            made = np.concatenate(list(windowed(example.table, network, self._number(example), device, n_frames)))
            difference = spectrogram(made[:, 0], PRESET) - example.frames(0, n_frames + 1, PRESET)
            errors.setdefault(example.recording.instrument, []).append(float((difference**2).mean()))
        figures = {f"mse_{name}": float(np.mean(found)) for name, found in errors.items()}
        return figures | {"score": -float(np.mean(list(figures.values())))}
