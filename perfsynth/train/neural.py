"""How ``neural`` learns: from recordings of performances, by spectral distance, optionally against discriminators."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

from perfsynth.dsp.mel import spectrogram_torch
from perfsynth.synth.neural_network import CHANNELS, PRESET, Config, Neural
from perfsynth.train.coloured import ColouringTask, Settings, distances, padded
from perfsynth.train.log import Sample
from perfsynth.train.neural_examples import Example
from perfsynth.train.recordings import with_instruments

if TYPE_CHECKING:
    from perfsynth.train.learner import Learner


class NeuralTask(ColouringTask):
    """What the training loop asks of a model: batches, steps, validation."""

    config: Config

    def __init__(self, corpus: Path, model: dict[str, Any], settings: dict[str, Any], splits: tuple[str, ...]) -> None:
        self.settings = Settings(**settings)
        self.config = Config(**with_instruments(model, corpus))
        super().__init__(corpus, splits)

    def network(self) -> Neural:
        """A network with fresh weights."""
        return Neural(self.config)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Exciters (B, 4, n), sounds (B, 2, n) and instruments (B,)."""
        exciters, sounds, instruments = [], [], []
        for example, start, length in self.clips(rng, self.settings.clips):
            exciter, sound = example.clip(start, length)
            exciters.append(exciter)
            sounds.append(sound)
            instruments.append(self._number(example))
        return padded(exciters, length), padded(sounds, length), torch.tensor(instruments)

    def _number(self, example: Example) -> int:
        return self.config.instruments.index(example.recording.instrument)

    def step(self, learner: Learner, batch: Any) -> dict[str, float]:
        """Learn from a batch; the parts of the loss."""
        exciter, sound, instrument = batch
        with learner.half():
            made = learner.networks["network"](exciter, instrument)
        return self.learn(learner, made, sound)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """Distances to the held-out recordings of each instrument, of the mean of left and right.

        ``m44`` is the mean squared difference of ln mel bands, ``db`` the mean absolute one in dB where the recording
        is within 60 dB of its loudest; ``exciter`` beside them is what the network starts from. ``score`` is minus
        the mean ``m44``.
        """
        device = next(network.parameters()).device
        rows: dict[str, list[tuple[float, ...]]] = {}
        for example, exciter, sound in self.checks(device):
            made = network(exciter[None], torch.tensor([self._number(example)], device=device))[0]
            given = exciter[:CHANNELS] + exciter[CHANNELS:]
            rows.setdefault(example.recording.instrument, []).append(
                (*distances(made, sound), *distances(given, sound))
            )
        figures: dict[str, float] = {}
        for instrument, found in rows.items():
            names = (f"m44_{instrument}", f"db_{instrument}", f"exciter_m44_{instrument}", f"exciter_db_{instrument}")
            figures |= dict(zip(names, np.mean(found, axis=0).tolist(), strict=True))
        return figures | {"score": -float(np.mean([figures[f"m44_{instrument}"] for instrument in rows]))}

    def samples(self, network: nn.Module) -> dict[str, Sample]:
        """The first held-out recording of each instrument made anew, left and right mixed."""
        device, found = next(network.parameters()).device, dict[str, Sample]()
        for example, exciter, _ in self.checks(device):
            name = example.recording.instrument
            if name in found:
                continue
            made = network(exciter[None], torch.tensor([self._number(example)], device=device))[0].mean(dim=0)
            found[name] = Sample(made.cpu().numpy(), PRESET.sample_rate)
            found[f"{name}, spectrogram"] = Sample(spectrogram_torch(made[None], PRESET)[0].T.cpu().numpy())
        return found
