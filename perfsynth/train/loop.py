"""The training loop of every system: batches, steps, averaging, validation, checkpoints, one process or several.

Distributed training follows the environment that ``torchrun`` sets (RANK, WORLD_SIZE, LOCAL_RANK): each process
draws its own batches, gradients are averaged, the first process validates and writes.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

from perfsynth.train.checkpoint import Checkpoint, load_latest, save_best, save_latest
from perfsynth.train.config import TASKS, RunConfig, Schedule

Report = Callable[[int, dict[str, float]], None]


class Task(Protocol):
    """What a system brings to the loop."""

    def network(self) -> nn.Module:
        """A network with fresh weights."""

    def batch(self, rng: np.random.Generator) -> Any:
        """One batch of training data."""

    def loss(self, network: nn.Module, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """The loss of a batch and the parts to log."""

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Figures on the validation split; ``score`` (more is better) picks the checkpoint that is kept."""

    def model_config(self) -> dict[str, Any]:
        """What the network must be told to be made again."""


@dataclass(frozen=True)
class Process:
    """This process among those of the run."""

    rank: int
    size: int
    device: str


def make_task(config: RunConfig, corpus: Path) -> Task:
    """The task of a run."""
    module, name = TASKS[config.system].split(":")
    task: Task = getattr(import_module(module), name)(corpus, dict(config.model), dict(config.task), config.splits)
    return task


def train(
    config: RunConfig, task: Task, out: Path, *, device: str = "cpu", max_minutes: float = math.inf, report: Report
) -> Path:
    """Train until the steps or the minutes are over; goes on where an earlier call in `out` stopped.

    Parameters
    ----------
    config
        The run.
    task
        Made by `make_task`.
    out
        Holds ``latest.pt`` (to go on), ``best/`` (the model), ``log.jsonl`` and TensorBoard's files.
    device
        ``cpu`` or ``cuda``.
    max_minutes
        Of this call.
    report
        Called with the step and the figures to show.

    Returns
    -------
    Path
        The folder of the best model.
    """
    process = _join(device)
    schedule = config.train
    torch.manual_seed(schedule.seed)
    network = task.network().to(process.device)
    averaged = task.network().to(process.device)
    averaged.load_state_dict(network.state_dict())
    optimizer = torch.optim.AdamW(network.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay)
    state = Checkpoint(network, averaged, optimizer)
    begin = load_latest(out, state, config)
    learner = nn.parallel.DistributedDataParallel(network) if process.size > 1 else network
    log = Log(out) if process.rank == 0 else None
    started = time.monotonic()
    minutes_before = state.minutes
    for step in range(begin, schedule.steps):
        rng = np.random.default_rng([schedule.seed, step, process.rank])  # resuming draws what would have been drawn
        parts = _step(learner, network, optimizer, task, rng, schedule, step, process)
        _average(averaged, network, schedule.averaging, step)
        state.minutes = minutes_before + (time.monotonic() - started) / 60
        over = state.minutes - minutes_before >= max_minutes or step + 1 == schedule.steps
        if log is not None:
            log.write(step + 1, parts, state.minutes)
            report(step + 1, parts)
            if over or (step + 1) % schedule.validate_every == 0:
                figures = task.validate(averaged.eval())
                report(step + 1, figures)
                log.write(step + 1, figures, state.minutes)
                save_best(out, averaged, task.model_config(), config, step + 1, figures, state)
                save_latest(out, state, step + 1)
        if over:
            break
    if process.size > 1:
        torch.distributed.destroy_process_group()
    return out / "best"


def _join(device: str) -> Process:
    """Join the processes that torchrun started, if it did."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return Process(0, 1, device)
    if device == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    torch.distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    return Process(torch.distributed.get_rank(), size, device)


def _step(
    learner: nn.Module, network: nn.Module, optimizer: torch.optim.Optimizer, task: Task, rng: np.random.Generator,
    schedule: Schedule, step: int, process: Process,
) -> dict[str, float]:  # fmt: skip
    rate = schedule.learning_rate * rate_at(schedule, step)
    for group in optimizer.param_groups:
        group["lr"] = rate
    learner.train()
    half = torch.autocast("cuda", torch.bfloat16) if process.device.startswith("cuda") else nullcontext()
    with half:
        loss, parts = task.loss(learner, moved(task.batch(rng), process.device))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(network.parameters(), schedule.clip)
    if torch.isfinite(norm):  # one broken batch must not end a run
        optimizer.step()
    return {"loss": float(loss.detach()), "learning_rate": rate, **parts}


def rate_at(schedule: Schedule, step: int) -> float:
    """The learning rate at a step, as a share of the highest."""
    warm = max(1, round(schedule.warmup * schedule.steps))
    if step < warm:
        return (step + 1) / warm
    if schedule.decay == "cosine":
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, schedule.steps - warm)))
    return schedule.decay_rate ** (step - warm) if schedule.decay == "exponential" else 1.0


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, keep: float, step: int) -> None:
    """Exponential moving average of the weights, faster at the start."""
    keep = min(keep, (step + 1) / (step + 10))
    for mean, value in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - keep)
        else:
            mean.copy_(value)


def moved(batch: Any, device: str) -> Any:
    """A batch with its tensors on a device: tuples, lists, dictionaries and dataclasses of tensors."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, (tuple, list)):
        return type(batch)(moved(item, device) for item in batch)
    if isinstance(batch, dict):
        return {key: moved(item, device) for key, item in batch.items()}
    if hasattr(batch, "__dataclass_fields__"):
        return type(batch)(**{name: moved(getattr(batch, name), device) for name in batch.__dataclass_fields__})
    return batch


class Log:
    """``log.jsonl``, and TensorBoard's events where it is installed."""

    def __init__(self, out: Path) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.file = (out / "log.jsonl").open("a")
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self.board = None
        else:
            self.board = SummaryWriter(out)

    def write(self, step: int, figures: dict[str, float], minutes: float) -> None:
        """Note the figures of a step."""
        line = {"step": step, "minutes": round(minutes, 3)} | {k: round(v, 6) for k, v in figures.items()}
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        if self.board is not None:
            for name, value in figures.items():
                self.board.add_scalar(name, value, step)
