"""Small tasks to train: a line with dropout, a generator against a discriminator, heads that are balanced."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from perfsynth.perform.m2m_network import HEADS, Config
from perfsynth.tokens import seed as vocabulary
from perfsynth.train.config import RunConfig, Schedule
from perfsynth.train.learner import Learner
from perfsynth.train.m2m import M2MTask, Pair, Settings

SLOPE = np.array([1.0, -2.0, 0.5], np.float32)


def run_config(**schedule: Any) -> RunConfig:
    """A run of a toy; the system's name is not looked up."""
    values = {"steps": 12, "learning_rate": 0.05, "validate_every": 4} | schedule
    return RunConfig("m2m", "toys", Schedule(**values))


def batch_of(rng: np.random.Generator, size: int = 32) -> tuple[Tensor, Tensor]:
    """Points on a noisy plane."""
    x = rng.standard_normal((size, 3), np.float32)
    y = x @ SLOPE + 0.01 * rng.standard_normal(size, np.float32)
    return torch.from_numpy(x), torch.from_numpy(y[:, None])


class Line:
    """A small network with dropout that learns a plane."""

    def __init__(self, dropout: float = 0.1) -> None:
        self.dropout = dropout

    def network(self) -> nn.Module:
        """Dropout makes a step depend on the generator of torch, too."""
        return nn.Sequential(nn.Linear(3, 8), nn.Dropout(self.dropout), nn.BatchNorm1d(8), nn.Linear(8, 1))

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Points."""
        return batch_of(rng)

    def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, float]]:
        """Squared error."""
        loss = nn.functional.mse_loss(network(batch[0]), batch[1])
        return loss, {"mse": float(loss.detach())}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Minus the error on points never learned from."""
        x, y = batch_of(np.random.default_rng(99), 64)
        return {"score": -float(nn.functional.mse_loss(network(x), y))}

    def model_config(self) -> dict[str, Any]:
        """Its only size."""
        return {"width": 8}


class Pull(Line):
    """A toy that remembers how often it was asked, and weighs its loss by that."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, float]]:
        """Squared error, more and more of it."""
        self.asked += 1
        loss, parts = super().loss(network, batch)
        return loss * self.asked, parts

    def state_dict(self) -> dict[str, Any]:
        """How often."""
        return {"asked": self.asked}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """As often."""
        self.asked = state["asked"]


class Duel(Line):
    """A generator that must put its points where a discriminator takes them for real ones."""

    def network(self) -> nn.Module:
        """Noise -> points."""
        return nn.Linear(3, 1)

    def companions(self) -> dict[str, nn.Module]:
        """The discriminator."""
        return {"discriminator": nn.Sequential(nn.Linear(4, 16), nn.LeakyReLU(0.1), nn.Linear(16, 1))}

    def step(self, learner: Learner, batch: tuple[Tensor, Tensor]) -> dict[str, float]:
        """First the discriminator, then the generator (least squares, Mao et al. 2017)."""
        x, y = batch
        generator, discriminator = learner.networks["network"], learner.networks["discriminator"]
        with learner.half():
            made = generator(x)
            real, fake = (discriminator(torch.cat([x, v], dim=1)) for v in (y, made.detach()))
            judged = ((real - 1) ** 2).mean() + (fake**2).mean()
        learner.descend("discriminator", judged)
        with learner.half():
            fooled = ((discriminator(torch.cat([x, made], dim=1)) - 1) ** 2).mean()
        learner.descend("network", fooled)
        return {"discriminator": float(judged.detach()), "generator": float(fooled.detach())}


class Plain(Line):
    """The toy without what sees other batches in other processes: normalisation over the batch, and dropout."""

    def network(self) -> nn.Module:
        """Its second output is never used, so that a parameter has no gradient."""
        return _Unused()

    def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, float]]:
        """Squared error."""
        loss = nn.functional.mse_loss(network(batch[0]), batch[1])
        return loss, {"mse": float(loss.detach())}


class _Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = nn.Linear(3, 1), nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.used(x)


class Balanced(M2MTask):
    """``m2m``, tiny and on notes made up, whose heads are balanced fast and by how far each has come."""

    def __init__(self) -> None:
        rng = np.random.default_rng(5)
        ids = rng.integers(vocabulary.SPECIAL, 60, (600, len(vocabulary.FIELDS) + len(HEADS)))
        self.config = Config((4,) * 6, hidden=16, layers=1, heads=2, feed_forward=8, dropout=0.1, pianists=("Ann",))
        self.settings = Settings(blocks=1, gradnorm_rate=0.1, gradnorm_alpha=0.5)
        self.pairs = self.held_out = [Pair(ids[:, : len(vocabulary.FIELDS)], ids[:, len(vocabulary.FIELDS) :], "Ann")]
        self.weights, self.first = torch.ones(len(HEADS)), None
