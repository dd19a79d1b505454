"""What networks that colour the modal piano learn from: recordings beside their exciters, and one loss."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

from perfsynth.data.pieces import folder_of
from perfsynth.dsp.mel import PRESETS, spectrogram_torch
from perfsynth.train.adversarial import Adversarial, judged, opponents
from perfsynth.train.configured import Configured
from perfsynth.train.neural_examples import Example, examples_of
from perfsynth.train.recordings import parted, recordings_of
from perfsynth.train.spectral import spectral_losses

if TYPE_CHECKING:
    from perfsynth.train.learner import Learner

PRESET = PRESETS["perfsynth-44k"]
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


class ColouringTask(Configured):
    """Recordings that a network is to make of their exciters, in clips, by spectral distance and discriminators."""

    validates_on_device = True
    settings: Settings

    def __init__(self, corpus: Path, splits: tuple[str, ...]) -> None:
        found = examples_of(
            recordings_of(corpus, splits), folder_of(corpus), PRESET.sample_rate,
            lambda name: log.info("reading %s", name),
        )  # fmt: skip
        self.examples, self.held_out = parted(found, splits, corpus)
        share = np.array([len(example.sound) for example in self.examples], np.float64)
        self.share = share / share.sum()

    def companions(self) -> dict[str, nn.Module]:
        """The discriminators, if any."""
        return opponents(self.settings)

    def clips(
        self, rng: np.random.Generator, number: int, among: np.ndarray | None = None
    ) -> Iterator[tuple[Example, int, int]]:
        """Random clips of all examples, or of those among which: whose they are, first sample, at a frame, length."""
        length = self.settings.clip_frames * PRESET.hop + 2 * EDGE
        share = self.share if among is None else self.share * among / (self.share @ among)
        for index in rng.choice(len(self.examples), number, p=share):
            example = self.examples[index]
            starts = max(len(example.sound) - length, 0) // PRESET.hop
            yield example, PRESET.hop * int(rng.integers(0, starts + 1)), length

    def learn(self, learner: Learner, made: Tensor, wanted: Tensor) -> dict[str, float]:
        """Move towards what was wanted, (B, 2, n) both with edges; the parts of the loss."""
        made, wanted = (x.float()[..., EDGE:-EDGE] for x in (made, wanted))
        parts = spectral_losses(_heard(made), _heard(wanted))
        total = torch.stack([getattr(self.settings, name) * value for name, value in parts.items()]).sum()
        figures = {"loss": total, **parts}
        if self.settings.adversarial:
            pull, judgement = judged(learner, made.flatten(0, 1), wanted.flatten(0, 1), self.settings)
            total, figures = total + pull, figures | judgement
        learner.descend("network", total)
        return {name: float(value.detach()) for name, value in figures.items()}

    def checks(self, device: torch.device) -> Iterator[tuple[Example, Tensor, Tensor]]:
        """Each held-out recording with the beginning of its exciter, (4, n), and of its sound, (2, n)."""
        for example in self.held_out:
            length = min(round(self.settings.valid_s * PRESET.sample_rate), len(example.sound))
            exciter, sound = (torch.from_numpy(x).to(device) for x in example.clip(0, length))
            yield example, exciter, sound


def distances(made: Tensor, wanted: Tensor) -> tuple[float, float]:
    """Mean squared difference of ln mel bands, and the mean absolute one in dB, of (2, n) sounds."""
    a, b = (spectrogram_torch(x.mean(dim=0, keepdim=True), PRESET)[0] for x in (made, wanted))
    near = b > b.max() - RANGE_DB * np.log(10) / 20
    difference = (a - b).double()
    return float(difference.square().mean()), float(20 / np.log(10) * difference[near].abs().mean())


def padded(clips: list[np.ndarray], length: int) -> Tensor:
    """(B, C, length) of (C, n) clips, short ones followed by silence."""
    return torch.from_numpy(np.stack([np.pad(clip, ((0, 0), (0, length - clip.shape[1]))) for clip in clips]))


def _heard(sound: Tensor) -> Tensor:
    """(3 B, n): left, right and their mean of (B, 2, n)."""
    return torch.cat([sound, sound.mean(dim=1, keepdim=True)], dim=1).flatten(0, 1)
