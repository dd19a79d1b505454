"""How the vocoder ``neural`` learns: recordings made anew from their bands, or from those that a network predicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

from perfsynth.dsp.mel import spectrogram_torch
from perfsynth.errors import InputError
from perfsynth.nn.weights import network_of
from perfsynth.synth import neural, neural_network
from perfsynth.train.coloured import ColouringTask, distances, padded
from perfsynth.train.coloured import Settings as Coloured
from perfsynth.train.log import Sample
from perfsynth.train.neural_examples import Example
from perfsynth.vocode.neural_network import CHANNELS, PRESET, Config, Vocoder

if TYPE_CHECKING:
    from perfsynth.train.learner import Learner


@dataclass(frozen=True)
class Settings(Coloured):
    """What a batch is made of and how much each part of the loss counts."""

    predicted: float = 0.0  # of the clips are made from what the ``neural`` that ships predicts


class VocoderTask(ColouringTask):
    """What the training loop asks of a model: batches, steps, validation."""

    config: Config
    settings: Settings

    def __init__(self, corpus: Path, model: dict[str, Any], settings: dict[str, Any], splits: tuple[str, ...]) -> None:
        self.settings = Settings(**settings)
        self.config = Config(**model)
        self.acoustic = acoustic() if self.settings.predicted else None
        self._foretold: dict[str, np.ndarray] = {}
        super().__init__(corpus, splits)
        self.known = np.array([self._knows(example) for example in self.examples])
        if self.acoustic is not None and not self.known.any():
            raise InputError(f"{corpus}: no recording of {', '.join(self.acoustic.config.instruments)} to predict")

    def network(self) -> Vocoder:
        """A network with fresh weights."""
        return Vocoder(self.config)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Exciters with noise (B, 6, n), bands (B, 128, T) and sounds (B, 2, n)."""
        exciters, bands, sounds = [], [], []
        n_foretold = int(rng.binomial(self.settings.clips, self.settings.predicted))
        chosen = [(True, clip) for clip in self.clips(rng, n_foretold, self.known)] if n_foretold else []
        chosen += [(False, clip) for clip in self.clips(rng, self.settings.clips - n_foretold)]
        for is_foretold, (example, start, length) in chosen:
            exciter, sound = example.clip(start, length)
            foretold = self._predicted(example) if is_foretold else None
            exciters.append(_with_noise(exciter, rng))
            sounds.append(sound)
            first = start // PRESET.hop
            bands.append(_bands(sound) if foretold is None else foretold[:, first : first + length // PRESET.hop + 1])
        return padded(exciters, length), _followed(bands, length // PRESET.hop + 1), padded(sounds, length)

    def _knows(self, example: Example) -> bool:
        """Whether the acoustic network has learnt the instrument, in its environment."""
        return self.acoustic is not None and example.recording.instrument in self.acoustic.config.instruments

    def _predicted(self, example: Example) -> np.ndarray | None:
        """(128, T) bands of a whole recording, where the acoustic network knows the instrument."""
        if self.acoustic is None or not self._knows(example):
            return None
        name = example.recording.instrument
        if example.recording.audio not in self._foretold:
            number = torch.tensor([self.acoustic.config.instruments.index(name)])
            exciter = torch.from_numpy(np.ascontiguousarray(example.exciter.T))
            with torch.inference_mode():
                made = self.acoustic(exciter[None], number)[0].numpy()
            self._foretold[example.recording.audio] = _bands(made)
        return self._foretold[example.recording.audio]

    def step(self, learner: Learner, batch: Any) -> dict[str, float]:
        """Learn from a batch; the parts of the loss."""
        exciter, bands, sound = batch
        with learner.half():
            made = learner.networks["network"](exciter, bands)
        return self.learn(learner, made, sound)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """Distances to the held-out recordings of each instrument, whatever their environment.

        ``m44`` and ``db`` are those of `perfsynth.train.neural.NeuralTask.validate`, from the bands of the recording
        and, named ``predicted``, from those of the acoustic network if there is one. ``score`` is minus the mean
        ``m44`` over all of both.
        """
        rows: dict[str, list[tuple[float, float]]] = {}
        for example, given, bands, sound in self._checks(network):
            name = example.recording.instrument.partition("@")[0]
            rows.setdefault(f"{{}}_{name}", []).append(distances(network(given, bands)[0], sound))
            if (foretold := self._predicted(example)) is not None:
                bands = _followed([foretold], bands.shape[-1]).to(bands)
                rows.setdefault(f"predicted_{{}}_{name}", []).append(distances(network(given, bands)[0], sound))
        figures = {
            name.format(what): float(value)
            for name, found in rows.items()
            for what, value in zip(("m44", "db"), np.mean(found, axis=0), strict=True)
        }
        return figures | {"score": -float(np.mean([m44 for found in rows.values() for m44, _ in found]))}

    @torch.no_grad()
    def samples(self, network: nn.Module) -> dict[str, Sample]:
        """The first held-out recording of each instrument made anew from its bands, left and right mixed."""
        found: dict[str, Sample] = {}
        for example, given, bands, _ in self._checks(network):
            name = example.recording.instrument.partition("@")[0]
            if name in found:
                continue
            made = network(given, bands)[0].mean(dim=0)
            found[name] = Sample(made.cpu().numpy(), PRESET.sample_rate)
            found[f"{name}, spectrogram"] = Sample(spectrogram_torch(made[None], PRESET)[0].T.cpu().numpy())
        return found

    def _checks(self, network: nn.Module) -> Iterator[tuple[Example, Tensor, Tensor, Tensor]]:
        """Each held-out recording with its exciter and noise (1, 6, n), bands (1, 128, T) and sound (2, n)."""
        device = next(network.parameters()).device
        for example, exciter, sound in self.checks(device):
            given = torch.from_numpy(_with_noise(exciter.cpu().numpy(), np.random.default_rng(0))).to(device)
            yield example, given[None], torch.from_numpy(_bands(sound.cpu().numpy())).to(device)[None], sound


def acoustic() -> neural_network.Neural:
    """The network that ships, whose bands are to be sounded."""
    return network_of(None, neural.SYSTEM, neural_network.Neural, neural_network.Config)


def _with_noise(exciter: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(6, n) of (4, n)."""
    return np.concatenate([exciter, rng.standard_normal((CHANNELS, exciter.shape[1]), dtype=np.float32)])


def _bands(sound: np.ndarray) -> np.ndarray:
    """(128, T) of (2, n): of the mean of left and right."""
    return spectrogram_torch(torch.from_numpy(sound.mean(axis=0, keepdims=True)), PRESET)[0].numpy()


def _followed(bands: list[np.ndarray], n_frames: int) -> Tensor:
    """(B, 128, n_frames), short ones followed by silence."""
    silent = float(np.log(PRESET.floor))
    rows = [
        np.pad(row[:, :n_frames], ((0, 0), (0, max(n_frames - row.shape[1], 0))), constant_values=silent)
        for row in bands
    ]
    return torch.from_numpy(np.stack(rows))
