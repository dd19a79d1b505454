"""What HiFi-GAN learns by, for every system that makes samples: mel distance, discriminators, their features matched.

Kong et al. 2020, section 2.3: a generator's loss is adversarial + 2 x feature matching + 45 x mel distance.
Differs: the generator is judged by the discriminators as they are before their own step, which saves a pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

from perfsynth.dsp.mel import Preset, spectrogram_torch
from perfsynth.errors import InputError
from perfsynth.nn.discriminators import Discriminators, adversarial_losses
from perfsynth.train.configured import Configured

if TYPE_CHECKING:
    from perfsynth.train.learner import Learner

DISCRIMINATORS = "discriminators"
DIVISORS = (1, 2, 4, 8, 16, 32, 64)
FIGURES = ("discriminator", "generator", "matching")


@dataclass(frozen=True)
class Adversarial:
    """How much each part of the loss counts; the weights are the paper's."""

    mel: float = 45.0
    matching: float = 2.0  # of the discriminators' features
    adversarial: float = 1.0  # 0: without discriminators
    discriminator_divisor: int = 1  # of all their widths

    def __post_init__(self) -> None:
        if self.discriminator_divisor not in DIVISORS:
            raise InputError(
                f"discriminator_divisor {self.discriminator_divisor}: one of {', '.join(map(str, DIVISORS))}"
            )


def opponents(settings: Adversarial) -> dict[str, nn.Module]:
    """The discriminators, if any, as companions of a network that learns."""
    return {DISCRIMINATORS: Discriminators(settings.discriminator_divisor)} if settings.adversarial else {}


def judged(learner: Learner, made: Tensor, wanted: Tensor, settings: Adversarial) -> tuple[Tensor, dict[str, Tensor]]:
    """Teach the discriminators on (B, n) samples; what they say of those made, weighted, and the parts to log."""
    losses = adversarial_losses(learner.networks[DISCRIMINATORS], made, wanted)
    learner.descend(DISCRIMINATORS, losses.discriminator)
    total = settings.adversarial * (losses.generator + settings.matching * losses.matching)
    return total, {name: getattr(losses, name) for name in FIGURES}


def sound_loss(
    learner: Learner, made: Tensor, wanted: Tensor, preset: Preset, settings: Adversarial, *, opposed: bool = True
) -> tuple[Tensor, dict[str, Tensor]]:
    """The whole loss of (B, n) samples, and its parts, the same ones whether `opposed` by discriminators or not."""
    mel = (spectrogram_torch(made, preset) - spectrogram_torch(wanted, preset)).abs().mean()
    figures = {"mel": mel} | dict.fromkeys(FIGURES, torch.zeros(()))
    total = settings.mel * mel
    if settings.adversarial and opposed:
        pull, parts = judged(learner, made, wanted, settings)
        total, figures = total + pull, figures | parts
    return total, figures


@dataclass(frozen=True)
class Warmed(Adversarial):
    """With a time in which the generator learns alone."""

    warm_steps: int = 0  # before the discriminators begin to count


class OpposedTask(Configured):
    """A task whose network makes samples, after `Warmed.warm_steps` against discriminators."""

    settings: Warmed
    steps = 0  # that the network has had

    def state_dict(self) -> dict[str, Any]:
        """How many steps the network has had."""
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up where a run stopped."""
        self.steps = int(state["steps"])

    def companions(self) -> dict[str, nn.Module]:
        """The discriminators, if any."""
        return opponents(self.settings)

    def learn(self, learner: Learner, made: Tensor, wanted: Tensor, preset: Preset) -> dict[str, float]:
        """Take a step by (B, n) samples that the network made; the parts of the loss."""
        opposed = self.steps >= self.settings.warm_steps
        total, figures = sound_loss(learner, made, wanted, preset, self.settings, opposed=opposed)
        learner.descend("network", total)
        self.steps += 1
        return {"loss": float(total.detach())} | {name: float(value.detach()) for name, value in figures.items()}
