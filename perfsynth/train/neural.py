"""How ``neural`` learns: from recordings of performances, by spectral distance, optionally against discriminators."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

from perfsynth.data.sound_corpus import read_recordings
from perfsynth.dsp.mel import spectrogram_torch
from perfsynth.errors import InputError
from perfsynth.synth.neural_network import CHANNELS, PRESET, Config, Neural
from perfsynth.train.adversarial import Adversarial, judged, opponents
from perfsynth.train.log import Sample
from perfsynth.train.neural_examples import Example, examples_of
from perfsynth.train.spectral import spectral_losses

if TYPE_CHECKING:
    from perfsynth.train.learner import Learner

EDGE = PRESET.n_fft  # samples at both ends of a clip that do not count: their frames see what is not there
RANGE_DB = 60.0  # below the loudest: where differences are heard

log = logging.getLogger("perfsynth")


@dataclass(frozen=True)
class Settings(Adversarial):
    """What a batch is made of and how much each part of the loss counts."""

    clips: int = 8
    clip_frames: int = 96  # 1.1 s
    valid_s: float = 10.0  # of each recording of the validation split
    magnitude: float = 1.0
    convergence: float = 0.5
    mel: float = 1.0
    mel_square: float = 0.5
    adversarial: float = 0.0
    discriminator_divisor: int = 8


class NeuralTask:
    """What the training loop asks of a model: batches, steps, validation."""

    validates_on_device = True

    def __init__(self, corpus: Path, model: dict[str, Any], settings: dict[str, Any], splits: tuple[str, ...]) -> None:
        self.settings = Settings(**settings)
        folder = corpus if corpus.is_dir() else corpus.parent
        recordings = read_recordings(corpus)
        names = tuple(dict.fromkeys(recording.instrument for recording in recordings))
        self.config = Config(**{"instruments": names} | model)
        if missing := sorted(set(names) - set(self.config.instruments)):
            raise InputError(f"{corpus}: instrument {missing[0]} is none of the network's; set instruments in [model]")
        wanted = [r for r in recordings if r.split in (*splits, "valid")]
        found = examples_of(wanted, folder, PRESET.sample_rate, lambda name: log.info("reading %s", name))
        self.examples = [example for example in found if example.recording.split in splits]
        self.held_out = [example for example in found if example.recording.split == "valid"]
        if not self.examples or not self.held_out:
            raise InputError(f"{corpus}: {len(self.examples)} recordings to learn from, {len(self.held_out)} to check")
        share = np.array([len(example.sound) for example in self.examples], np.float64)
        self.share = share / share.sum()

    def network(self) -> Neural:
        """A network with fresh weights."""
        return Neural(self.config)

    def companions(self) -> dict[str, nn.Module]:
        """The discriminators, if any."""
        return opponents(self.settings)

    def model_config(self) -> dict[str, Any]:
        """What the network must be told to be made again."""
        return asdict(self.config)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Exciters (B, 4, n), sounds (B, 2, n) and instruments (B,)."""
        length = self.settings.clip_frames * PRESET.hop + 2 * EDGE
        rows = []
        for index in rng.choice(len(self.examples), self.settings.clips, p=self.share):
            example = self.examples[index]
            start = int(rng.integers(0, max(len(example.sound) - length, 0) + 1))
            rows.append((*example.clip(start, length), self._number(example)))
        return _stacked(rows, length)

    def _number(self, example: Example) -> int:
        return self.config.instruments.index(example.recording.instrument)

    def step(self, learner: Learner, batch: Any) -> dict[str, float]:
        """Learn from a batch; the parts of the loss."""
        exciter, sound, instrument = batch
        with learner.half():
            made = learner.networks["network"](exciter, instrument)
        made, wanted = (x.float()[..., EDGE:-EDGE] for x in (made, sound))
        parts = spectral_losses(_heard(made), _heard(wanted))
        total = torch.stack([getattr(self.settings, name) * value for name, value in parts.items()]).sum()
        figures = {"loss": total, **parts}
        if self.settings.adversarial:
            pull, judgement = judged(learner, made.flatten(0, 1), wanted.flatten(0, 1), self.settings)
            total, figures = total + pull, figures | judgement
        learner.descend("network", total)
        return {name: float(value.detach()) for name, value in figures.items()}

    @torch.no_grad()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """Distances to the held-out recordings of each instrument, of the mean of left and right.

        ``m44`` is the mean squared difference of ln mel bands, ``db`` the mean absolute one in dB where the recording
        is within 60 dB of its loudest; ``exciter`` beside them is what the network starts from. ``score`` is minus
        the mean ``m44``.
        """
        device = next(network.parameters()).device
        rows: dict[str, list[tuple[float, ...]]] = {}
        for example in self.held_out:
            length = min(round(self.settings.valid_s * PRESET.sample_rate), len(example.sound))
            exciter, sound = (torch.from_numpy(x).to(device) for x in example.clip(0, length))
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
        for example in self.held_out:
            name = example.recording.instrument
            if name in found:
                continue
            length = min(round(self.settings.valid_s * PRESET.sample_rate), len(example.sound))
            exciter = torch.from_numpy(example.clip(0, length)[0]).to(device)
            made = network(exciter[None], torch.tensor([self._number(example)], device=device))[0].mean(dim=0)
            found[name] = Sample(made.cpu().numpy(), PRESET.sample_rate)
            found[f"{name}, spectrogram"] = Sample(spectrogram_torch(made[None], PRESET)[0].T.cpu().numpy())
        return found


def distances(made: Tensor, wanted: Tensor) -> tuple[float, float]:
    """Mean squared difference of ln mel bands, and the mean absolute one in dB, of (2, n) sounds."""
    a, b = (spectrogram_torch(x.mean(dim=0, keepdim=True), PRESET)[0] for x in (made, wanted))
    near = b > b.max() - RANGE_DB * np.log(10) / 20
    difference = (a - b).double()
    return float(difference.square().mean()), float(20 / np.log(10) * difference[near].abs().mean())


def _heard(sound: Tensor) -> Tensor:
    """(3 B, n): left, right and their mean of (B, 2, n)."""
    return torch.cat([sound, sound.mean(dim=1, keepdim=True)], dim=1).flatten(0, 1)


def _stacked(rows: list[tuple[np.ndarray, np.ndarray, int]], length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Tensors of clips, short ones followed by silence."""

    def padded(clips: list[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack([np.pad(clip, ((0, 0), (0, length - clip.shape[1]))) for clip in clips]))

    exciters, sounds, instruments = ([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
    return padded(exciters), padded(sounds), torch.tensor(instruments)
