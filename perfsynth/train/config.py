"""A training run as a TOML file: which system, on what data, how large, how long. Unknown keys fail."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from perfsynth.data import SPLITS
from perfsynth.errors import InputError
from perfsynth.seeds import LARGEST

# The task of each system that can be trained: "module:Class".
TASKS = {
    "cantabile": "perfsynth.train.cantabile:CantabileTask",
    "deep-performer-align": "perfsynth.train.deep_performer_align:DeepPerformerAlignTask",
    "deep-performer": "perfsynth.train.deep_performer:DeepPerformerTask",
    "hifigan": "perfsynth.train.hifigan:HiFiGANTask",
    "hifigan-roll": "perfsynth.train.hifigan_roll:HiFiGANRollTask",
    "lan-rnn": "perfsynth.train.lan_rnn:LanRNNTask",
    "m2a": "perfsynth.train.m2a:M2ATask",
    "m2a-baseline": "perfsynth.train.m2a_baseline:M2ABaselineTask",
    "m2m": "perfsynth.train.m2m:M2MTask",
    "neural": "perfsynth.train.neural:NeuralTask",
    "neural-vocoder": "perfsynth.train.neural_vocoder:VocoderTask",
    "performancenet": "perfsynth.train.performancenet:PerformanceNetTask",
}
DECAYS = ("cosine", "exponential", "none")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn.

    Raises
    ------
    InputError
        When a value means nothing.
    """

    steps: int
    learning_rate: float = 2e-3
    warmup: float = 0.1  # share of the steps
    decay: str = "cosine"  # cosine to 0, exponential (Tang et al. 2025), or none
    decay_rate: float = 0.99995  # a step, for the exponential one
    weight_decay: float = 0.02
    betas: tuple[float, float] = (0.9, 0.999)  # of AdamW
    clip: float = 1.0  # norm of the gradient
    averaging: float = 0.98  # of the weights that are kept, a step; 0 keeps the last ones
    batches: int = 1  # whose gradients each process averages into one step
    precision: str = "auto"  # of the forward pass: bfloat16 on a device made for it, else float32
    validate_every: int = 250
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.betas, list):
            object.__setattr__(self, "betas", tuple(self.betas))
        for name, value in vars(self).items():
            if fault := _fault(name, value):
                raise InputError(f"{name} = {value!r}: {fault}")


def _fault(name: str, value: Any) -> str:
    """What is wrong with a value of a `Schedule`, "" when nothing is."""
    choices = {"decay": DECAYS, "precision": PRECISIONS}
    shares = {"warmup", "decay_rate", "averaging"}
    if name in choices:
        return "" if value in choices[name] else f"it is one of {', '.join(choices[name])}"
    if name in ("steps", "batches", "validate_every", "seed"):
        least, most = (0, LARGEST) if name == "seed" else (1, math.inf)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole and value > most:
            return f"it is at most {most}"
        return "" if whole and value >= least else f"it is a whole number of at least {least}"
    numbers = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(n, (int, float)) and not isinstance(n, bool) and math.isfinite(n) for n in numbers):
        return "it is a number"
    if name == "betas":
        return (
            ""
            if isinstance(value, tuple) and len(value) == 2 and all(0 <= n < 1 for n in numbers)
            else "they are two numbers from 0 to 1"
        )
    if name in shares:
        return "" if 0 <= value <= 1 else "it lies between 0 and 1"
    if name == "weight_decay":
        return "" if value >= 0 else "it is not negative"
    return "" if value > 0 else "it is more than 0"


@dataclass(frozen=True)
class RunConfig:
    """One training run."""

    system: str
    corpus: str
    train: Schedule
    splits: tuple[str, ...] = ("train",)
    model: dict[str, Any] = field(default_factory=dict)
    task: dict[str, Any] = field(default_factory=dict)


def read_config(path: Path, **changed: Any) -> RunConfig:
    """Read a run's TOML.

    Parameters
    ----------
    path
        The file.
    changed
        Values of `Schedule` to use instead of the file's.

    Raises
    ------
    InputError
        When it cannot be read, has a key that means nothing here or a value that makes no sense, or names no system.
    """
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: no TOML ({error}); a run's configuration is, as those in configs/") from error
    _check(table, RunConfig, f"{path}")
    for name in ("train", "model", "task"):
        if not isinstance(table.get(name, {}), dict):
            raise InputError(f"{path}: {name} = {table[name]!r}: it is a table, [{name}]")
    table["train"] = table.get("train", {}) | changed
    _check(table["train"], Schedule, f"{path}: [train]")
    if table["system"] not in TASKS:
        raise InputError(f"{path}: system {table['system']!r} cannot be trained; these can: {', '.join(TASKS)}")
    splits = table.get("splits", ["train"])
    if not (isinstance(splits, list) and splits and all(split in SPLITS for split in splits)):
        raise InputError(f"{path}: splits = {splits!r}: it is a list of train, valid and test")
    if not isinstance(table["corpus"], str):
        raise InputError(f"{path}: corpus = {table['corpus']!r}: it is a name")
    try:
        table["train"] = Schedule(**table["train"])
    except InputError as error:
        raise InputError(f"{path}: [train] {error}") from error
    return RunConfig(**table | {"splits": tuple(splits)})


def _check(table: dict[str, Any], kind: type[RunConfig] | type[Schedule], where: str) -> None:
    """Every key known, and every key there that has no default."""
    known = {f.name for f in fields(kind)}
    if unknown := sorted(set(table) - known):
        raise InputError(f"{where}: {', '.join(unknown)} means nothing here; known are {', '.join(sorted(known))}")
    needed = {"system", "corpus", "train"} if kind is RunConfig else {"steps"}
    if missing := sorted(needed - set(table)):
        raise InputError(f"{where}: {', '.join(missing)} is missing")
