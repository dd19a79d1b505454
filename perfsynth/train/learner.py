"""The networks of a run and how they descend: optimiser, learning rate, clipping, averaging."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext

import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

from perfsynth.errors import PerfsynthError
from perfsynth.train.config import Schedule
from perfsynth.train.ddp import Process

MAIN = "network"  # the network that is averaged, validated and kept
MOST_BROKEN = 50  # steps in a row without a finite gradient


class Learner:
    """What a task steps with.

    Attributes
    ----------
    networks
        By name: ``network``, and what the task adds to it, as discriminators.
    averaged
        A copy of ``network`` that follows its weights slowly.
    optimizers
        AdamW, one for each of `networks`.
    """

    def __init__(
        self, networks: dict[str, nn.Module], averaged: nn.Module, schedule: Schedule, process: Process
    ) -> None:
        self.networks, self.averaged = networks, averaged
        self.schedule, self.process = schedule, process
        self.parameters = {
            name: [p for p in network.parameters() if p.requires_grad] for name, network in networks.items()
        }
        self.optimizers = {
            name: torch.optim.AdamW(
                parameters, schedule.learning_rate, betas=schedule.betas, weight_decay=schedule.weight_decay
            )
            for name, parameters in self.parameters.items()
        }
        self._batch, self._broken = 0, dict.fromkeys(networks, 0)

    def begin(self, step: int, batch: int) -> None:
        """Get ready for a batch, by its number among those of the step."""
        self._batch = batch
        for network in self.networks.values():
            network.train()
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = self.rate(step)

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        return self.schedule.learning_rate * rate_at(self.schedule, step)

    def half(self) -> AbstractContextManager:
        """Where forward passes run in bfloat16, if the run's precision says so."""
        kind = self.process.device.split(":")[0]
        chosen = self.schedule.precision
        if chosen == "auto":
            chosen = "bfloat16" if kind == "cuda" and torch.cuda.is_bf16_supported() else "float32"
        return torch.autocast(kind, torch.bfloat16) if chosen == "bfloat16" else nullcontext()

    def descend(self, name: str, loss: Tensor) -> None:
        """Move one network down a loss, after the last batch of the step; the others get no gradient from it.

        Raises
        ------
        PerfsynthError
            When no gradient was finite for `MOST_BROKEN` steps.
        """
        parameters, optimizer = self.parameters[name], self.optimizers[name]
        if self._batch == 0:
            optimizer.zero_grad(set_to_none=True)
        (loss / self.schedule.batches).backward(inputs=parameters)
        if self._batch < self.schedule.batches - 1:
            return
        self.process.average(parameters)
        norm = nn.utils.clip_grad_norm_(parameters, self.schedule.clip)
        if torch.isfinite(norm):  # one broken batch must not end a run
            optimizer.step()
            self._broken[name] = 0
            return
        self._broken[name] += 1
        if self._broken[name] == MOST_BROKEN:
            raise PerfsynthError(
                f"no gradient of the {name} was finite for {MOST_BROKEN} steps; "
                "lower learning_rate, or go on from an earlier checkpoint"
            )

    @torch.no_grad()
    def average(self, step: int) -> None:
        """Move the averaged weights after a step, faster at the start."""
        keep = min(self.schedule.averaging, (step + 1) / (step + 10))
        new = self.networks[MAIN].state_dict()
        for mean, value in zip(self.averaged.state_dict().values(), new.values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - keep)
            else:
                mean.copy_(value)


def rate_at(schedule: Schedule, step: int) -> float:
    """The learning rate at a step, as a share of the highest."""
    warm = max(1, round(schedule.warmup * schedule.steps))
    if step < warm:
        return (step + 1) / warm
    if schedule.decay == "cosine":
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, schedule.steps - warm)))
    return schedule.decay_rate ** (step - warm) if schedule.decay == "exponential" else 1.0
