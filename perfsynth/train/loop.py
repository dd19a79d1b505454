"""The training loop of every system: batches, steps, averaging, validation, checkpoints, one process or several.

What is random in a step depends on the seed, the step and the number of the batch alone: a run that was stopped and
taken up again gives the weights of one that was not, and two processes of one batch each give those of one process
with two (``batches``).
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, get_type_hints, runtime_checkable

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

from perfsynth.errors import InputError, PerfsynthError
from perfsynth.train.checkpoint import BEST, Checkpoint, load_latest, load_weights, save_best, save_latest
from perfsynth.train.config import TASKS, RunConfig
from perfsynth.train.ddp import Process, joined
from perfsynth.train.learner import MAIN, Learner
from perfsynth.train.log import Log, Sample
from perfsynth.train.values import check_values

SAVE_MINUTES = 5.0  # the most that a crash can cost, between validations
GOES_ON, OVER, STOPPED = 0, 1, 2

Report = Callable[[int, dict[str, float]], None]


class Task(Protocol):
    """What a system brings to the loop."""

    def network(self) -> nn.Module:
        """A network with fresh weights."""

    def batch(self, rng: np.random.Generator) -> Any:
        """One batch of training data: tensors in tuples, lists, dictionaries or dataclasses."""

    def loss(self, network: nn.Module, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """The loss of a batch and the parts to log, always the same ones."""

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Figures on the validation split; ``score`` (more is better) picks the checkpoint that is kept.

        The network comes on the CPU, or stays where it learns for a task whose ``validates_on_device`` is true.
        """

    def model_config(self) -> dict[str, Any]:
        """What the network must be told to be made again."""


@runtime_checkable
class Stepping(Protocol):
    """A task that takes its steps itself, one batch each, as one against a discriminator does; needs no ``loss``."""

    def companions(self) -> dict[str, nn.Module]:
        """Further networks that learn, by name, with fresh weights."""

    def step(self, learner: Learner, batch: Any) -> dict[str, float]:
        """Learn from a batch with ``learner.networks`` and ``learner.descend``; the figures to log."""


@runtime_checkable
class Adapting(Protocol):
    """A task that changes with each step: alike in all processes, since it is told what all of them found."""

    def adapt(self, figures: dict[str, float]) -> None:
        """Change after a step, by its figures: the means over all batches of all processes."""


@runtime_checkable
class Remembering(Protocol):
    """A task that changes as it learns, and whose changes belong into the checkpoint."""

    def state_dict(self) -> dict[str, Any]:
        """Its state: tensors, numbers, texts and containers of them."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state."""


@runtime_checkable
class Showing(Protocol):
    """A task of which can be heard or seen, at each validation, what its network makes."""

    def samples(self, network: nn.Module) -> dict[str, Sample]:
        """By name, the same each time, from the validation split; the network comes as in ``Task.validate``."""


def make_task(config: RunConfig, corpus: Path) -> Task:
    """The task of a run.

    Raises
    ------
    InputError
        When ``[model]`` or ``[task]`` has a key that the system does not know, or a value that makes no sense.
    """
    module, name = TASKS[config.system].split(":")
    make = getattr(import_module(module), name)
    hints = get_type_hints(make)
    for table, values, attribute in (("model", config.model, "config"), ("task", config.task, "settings")):
        if attribute in hints:
            check_values(values, hints[attribute], table)
    sizes = {key: tuple(value) if isinstance(value, list) else value for key, value in config.model.items()}
    try:
        task: Task = make(corpus, sizes, dict(config.task), config.splits)
    except TypeError as error:
        unknown = re.search(r"argument ('\w+')", str(error))  # unexpected, or one that the task gives itself
        if unknown is None:
            raise
        raise InputError(f"[model] or [task]: {unknown[1]} means nothing to {config.system}; leave it out") from error
    return task


def _network(config: RunConfig, task: Task) -> nn.Module:
    """A network with fresh weights.

    Raises
    ------
    InputError
        When none can have the sizes of ``[model]``.
    """
    try:
        return task.network()
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        if isinstance(error, PerfsynthError) or not config.model:
            raise
        sizes = ", ".join(f"{name} = {value!r}" for name, value in config.model.items())
        raise InputError(f"[model] {sizes}: no network of {config.system} has these sizes ({error})") from error


def train(
    config: RunConfig, task: Task, out: Path, *, device: str = "cpu", max_minutes: float = math.inf, report: Report,
    stop: Callable[[], bool] = lambda: False, init: Path | None = None, about: dict[str, str] | None = None,
    corpus: str = "",
) -> Path:  # fmt: skip
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
    stop
        Asked after each step whether to save and return.
    init
        Weights to begin with, where there is no run to go on with: see `load_weights`.
    about
        What the card says of the data: lines by name.
    corpus
        Digest of what `task` learns from; a run on another one is not gone on with.

    Returns
    -------
    Path
        The folder of the best model.

    Raises
    ------
    InputError
        When `out` holds another run, or `init` fits another network.
    PerfsynthError
        When the loss is not finite any more.
    """
    with joined(device) as process:
        learner = _learner(config, task, process)
        state = Checkpoint(learner, task if isinstance(task, Remembering) else None, corpus)
        begin = load_latest(out, state, config)
        if init is not None and not begin:
            load_weights(init, learner.networks[MAIN], learner.averaged)
        for network in (*learner.networks.values(), learner.averaged):
            process.share(network)
        before, started = state.minutes, time.monotonic()
        first = process.is_first
        with _Record(config, task, out, state, begin, report, about or {}) if first else nullcontext() as kept:
            for step in range(begin, config.train.steps):
                figures = process.mean(_step(learner, task, step))
                if isinstance(task, Adapting):
                    task.adapt(figures)
                learner.average(step)
                state.minutes = before + (time.monotonic() - started) / 60
                ended = step + 1 == config.train.steps or state.minutes - before >= max_minutes
                verdict = process.most(STOPPED if stop() else OVER if ended else GOES_ON)
                if kept is not None:
                    kept.step(step + 1, figures, verdict)
                if verdict != GOES_ON:
                    break
        process.most(OVER)  # none leaves, and looks for what was saved, before the first one has saved
    return out / BEST


class _Record:
    """What the first process keeps of a run: its log, its checkpoints, its best model."""

    def __init__(
        self, config: RunConfig, task: Task, out: Path, state: Checkpoint, begin: int, report: Report,
        about: dict[str, str],
    ) -> None:  # fmt: skip
        self.config, self.task, self.out, self.state = config, task, out, state
        self.report, self.about = report, about
        self.saved_minutes = state.minutes
        self.log = Log(out, begin)

    def __enter__(self) -> _Record:
        return self

    def __exit__(self, *error: object) -> None:
        self.log.close()

    def step(self, step: int, figures: dict[str, float], verdict: int) -> None:
        """Note a step; validate and save when it is time to."""
        self._note(step, figures)
        due = verdict == OVER or (verdict == GOES_ON and step % self.config.train.validate_every == 0)
        if due:
            figures, samples = _validated(self.task, self.state.learner, shown=self.log.board is not None)
            self._note(step, figures)
            self.log.show(step, samples)
            save_best(self.out, self.state, self.task.model_config(), self.config, step, figures, self.about)
        if due or verdict == STOPPED or self.state.minutes - self.saved_minutes >= SAVE_MINUTES:
            save_latest(self.out, self.state, self.config, step)
            self.saved_minutes = self.state.minutes

    def _note(self, step: int, figures: dict[str, float]) -> None:
        self.log.write(step, figures, self.state.minutes)
        self.report(step, figures)


def _learner(config: RunConfig, task: Task, process: Process) -> Learner:
    """Fresh networks."""
    torch.manual_seed(config.train.seed)
    if isinstance(task, Stepping) and config.train.batches > 1:  # a network would see others of another step
        raise InputError(f"batches = {config.train.batches}: {config.system} takes one a step; make it larger")
    networks = {MAIN: _network(config, task).to(process.device)}
    averaged = task.network().to(process.device)
    averaged.load_state_dict(networks[MAIN].state_dict())
    if isinstance(task, Stepping):
        networks |= {name: network.to(process.device) for name, network in task.companions().items()}
    return Learner(networks, averaged, config.train, process)


def _step(learner: Learner, task: Task, step: int) -> dict[str, float]:
    """Learn from the batches of a step: the mean of their figures."""
    schedule, process = learner.schedule, learner.process
    rows = []
    for index in range(schedule.batches):
        number = process.rank * schedule.batches + index
        rng = np.random.default_rng([schedule.seed, step, number])
        batch = moved(task.batch(rng), process.device)
        torch.manual_seed(int(rng.integers(2**62)))  # of dropout
        learner.begin(step, index)
        rows.append(task.step(learner, batch) if isinstance(task, Stepping) else _descent(learner, task, batch))
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return {"learning_rate": learner.rate(step)} | means


def _descent(learner: Learner, task: Task, batch: Any) -> dict[str, float]:
    """The step of a task with one network and one loss."""
    with learner.half():
        loss, parts = task.loss(learner.networks[MAIN], batch)
    learner.descend(MAIN, loss)
    return {"loss": float(loss.detach()), **parts}


@torch.no_grad()
def _validated(task: Task, learner: Learner, *, shown: bool) -> tuple[dict[str, float], dict[str, Sample]]:
    device = learner.process.device
    averaged = learner.averaged.eval()
    averaged = averaged if getattr(task, "validates_on_device", False) else averaged.to("cpu")
    figures = task.validate(averaged)
    samples = task.samples(averaged) if shown and isinstance(task, Showing) else {}
    averaged.to(device)
    return figures, samples


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
