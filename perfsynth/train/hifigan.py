"""How ``hifigan`` learns: mel distance, and discriminators with their features matched (Kong et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

from perfsynth.data.pieces import folder_of
from perfsynth.dsp.mel import spectrogram_torch
from perfsynth.errors import InputError
from perfsynth.nn.hifigan import Generator, GeneratorConfig
from perfsynth.train.adversarial import OpposedTask, Warmed
from perfsynth.train.log import Sample
from perfsynth.train.recordings import parted, recordings_of
from perfsynth.train.soundings import soundings_of
from perfsynth.vocode.hifigan import PRESET

if TYPE_CHECKING:
    from perfsynth.train.learner import Learner

EDGE = PRESET.n_fft // PRESET.hop // 2 + 1  # frames at both ends of a segment that do not count


@dataclass(frozen=True)
class Settings(Warmed):
    """What a batch is made of, and how much each part of the loss counts."""

    segments: int = 16
    segment_frames: int = 32  # 8192 samples
    valid_s: float = 8.0  # of each recording


class HiFiGANTask(OpposedTask):
    """What the training loop asks of a model: batches, steps, validation."""

    validates_on_device = True
    config: GeneratorConfig
    settings: Settings

    def __init__(self, corpus: Path, model: dict[str, Any], settings: dict[str, Any], splits: tuple[str, ...]) -> None:
        self.config, self.settings = GeneratorConfig(**model), Settings(**settings)
        hop = int(np.prod(self.config.rates))
        if hop != PRESET.hop or self.config.inputs != PRESET.n_bands:
            raise InputError(
                f"[model]: {self.config.inputs} bands at a hop of {hop}; it is {PRESET.n_bands}, {PRESET.hop}"
            )
        found = soundings_of(recordings_of(corpus, splits), folder_of(corpus), PRESET.sample_rate)
        long = [s for s in found if s.recording.split not in splits or len(s.sound) > self._length()]
        self.sounds, self.held_out = ([s.sound for s in part] for part in parted(long, splits, corpus))

    def _length(self) -> int:
        return (self.settings.segment_frames + 2 * EDGE) * PRESET.hop

    def network(self) -> Generator:
        """A generator with fresh weights."""
        return Generator(self.config)

    def batch(self, rng: np.random.Generator) -> Tensor:
        """Audio (B, n): segments, and at both ends what their spectrograms need."""
        rows = []
        for index in rng.integers(len(self.sounds), size=self.settings.segments):
            start = int(rng.integers(0, len(self.sounds[index]) - self._length() + 1))
            rows.append(self.sounds[index][start : start + self._length()])
        return torch.from_numpy(np.stack(rows))

    def step(self, learner: Learner, batch: Tensor) -> dict[str, float]:
        """Learn from a batch; the parts of the loss."""
        wanted = _inner(batch)
        with learner.half():
            made = learner.networks["network"](_features(batch))[:, 0]
        return self.learn(learner, made.float(), wanted, PRESET)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """Mean squared and mean absolute difference of ln mel bands; ``score`` is minus the first."""
        device = next(network.parameters()).device
        rows = []
        for sound in self.held_out:
            length = min(round(self.settings.valid_s * PRESET.sample_rate), len(sound)) // PRESET.hop * PRESET.hop
            wanted = torch.from_numpy(np.array(sound[:length]))[None].to(device)
            values = spectrogram_torch(wanted, PRESET)
            made = spectrogram_torch(network(values)[:, 0, :length], PRESET)
            rows.append((float(((made - values) ** 2).mean()), float((made - values).abs().mean())))
        square, absolute = np.mean(rows, axis=0).tolist()
        return {"mse": square, "mae": absolute, "score": -square}

    def samples(self, network: nn.Module) -> dict[str, Sample]:
        """The first held-out recording made anew."""
        device = next(network.parameters()).device
        sound = self.held_out[0][: round(self.settings.valid_s * PRESET.sample_rate)]
        values = spectrogram_torch(torch.from_numpy(np.array(sound))[None].to(device), PRESET)
        made = network(values)[:, 0]
        bands = spectrogram_torch(made, PRESET)[0].T.cpu().numpy()
        return {"made": Sample(made[0].cpu().numpy(), PRESET.sample_rate), "spectrogram": Sample(bands)}


def _features(batch: Tensor) -> Tensor:
    """The spectrogram of the inner part of audio, each frame with all that it is made of."""
    return spectrogram_torch(batch, PRESET)[..., EDGE : -EDGE - 1]


def _inner(batch: Tensor) -> Tensor:
    """The audio that belongs to `_features`."""
    return batch[..., EDGE * PRESET.hop : -EDGE * PRESET.hop]
