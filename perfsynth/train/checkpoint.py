"""What a run leaves behind: ``latest.pt`` to go on from, ``best/`` to ship (safetensors, config.toml, CARD.md)."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch  # noqa: TID253  imported only for training
from torch import nn  # noqa: TID253

from perfsynth.batch.claim import written
from perfsynth.errors import InputError, briefly
from perfsynth.nn.weights import CONFIG, WEIGHTS
from perfsynth.train.card import card, hardware
from perfsynth.train.config import RunConfig
from perfsynth.train.learner import MAIN, Learner
from perfsynth.version import __version__

LATEST, BEST = "latest.pt", "best"
MAY_CHANGE = {"steps", "validate_every"}  # of a run that goes on
_BROKEN = (RuntimeError, ValueError, LookupError, EOFError, AttributeError, OSError, UnpicklingError)

log = logging.getLogger("perfsynth")


@dataclass
class Checkpoint:
    """The state of a run."""

    learner: Learner
    task: Any = None  # with `state_dict` and `load_state_dict`, where it changes
    corpus: str = ""  # `perfsynth.data.pieces.digest` of what it learns from; "": not known
    minutes: float = 0.0
    best_score: float = -math.inf


def save_latest(out: Path, state: Checkpoint, config: RunConfig, step: int) -> None:
    """Write what is needed to go on after `step`."""
    learner = state.learner
    content = {
        "step": step,
        "minutes": state.minutes,
        "best_score": state.best_score,
        "config": asdict(config),
        "corpus": state.corpus,
        "network": learner.networks[MAIN].state_dict(),
        "averaged": learner.averaged.state_dict(),
        "optimizer": learner.optimizers[MAIN].state_dict(),
        "companions": {
            name: {"network": network.state_dict(), "optimizer": learner.optimizers[name].state_dict()}
            for name, network in learner.networks.items()
            if name != MAIN
        },
        "task": state.task.state_dict() if state.task is not None else {},
    }
    _replace(out / LATEST, lambda part: _save(content, part))


def _save(content: dict[str, Any], path: Path) -> None:
    """`torch.save`, but that a full disk is the OSError that it is to every other file."""
    try:
        with path.open("wb") as file:
            torch.save(content, file)
    except RuntimeError as error:
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def load_latest(out: Path, state: Checkpoint, config: RunConfig) -> int:
    """Take up a run in `out` where it stopped: the step to go on with, 0 when there is none.

    Raises
    ------
    InputError
        When the run there is another one, or its file broken.
    """
    path = out / LATEST
    if not path.is_file():
        return 0
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found = content.get("config")
        if found is not None and (difference := _difference(found, asdict(config))):
            raise InputError(f"{path}: a run with {difference}; train into another folder, or change it back")
        if (known := content.get("corpus", "")) and state.corpus and known != state.corpus:
            raise InputError(
                f"{path}: a run on another corpus (manifest {known[:12]}, not {state.corpus[:12]}); "
                "train into another folder, or name that corpus"
            )
        learner = state.learner
        parts = {MAIN: content} | content.get("companions", {})
        learner.averaged.load_state_dict(content["averaged"])
        for name, network in learner.networks.items():
            network.load_state_dict(parts[name]["network"])
            learner.optimizers[name].load_state_dict(parts[name]["optimizer"])
        state.minutes, state.best_score = content["minutes"], content["best_score"]
    except InputError:
        raise
    except _BROKEN as error:
        raise InputError(
            f"{path}: no run of this {config.system} ({briefly(error)}); train into another folder"
        ) from error
    if state.task is not None and content.get("task"):
        state.task.load_state_dict(content["task"])
    return int(content["step"])


def best_score(out: Path) -> float:
    """The best score of the run in `out` so far; -inf where there is none, or what is there is no run."""
    try:
        return float(torch.load(out / LATEST, map_location="cpu", weights_only=True, mmap=True)["best_score"])
    except (*_BROKEN, TypeError):  # `load_latest` says what is wrong
        return -math.inf


def _difference(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> str:
    """The first value of a run that is not what it was, its system before all others; "" when all are."""
    for key in sorted(old.keys() | new.keys(), key=lambda key: (key != "system", key)):
        was, now = old.get(key), new.get(key)
        if isinstance(was, dict) and isinstance(now, dict):
            if inner := _difference(was, now, f"{prefix}{key}."):
                return inner
        elif was != now and not (prefix == "train." and key in MAY_CHANGE):
            return f"{prefix}{key} = {was!r}, not {now!r}"
    return ""


def load_weights(path: Path, *networks: nn.Module) -> None:
    """Give networks the weights of a safetensors file, or of the model in a folder: its first, where it has several.

    Raises
    ------
    InputError
        When there are none, or they fit another network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    file = path / WEIGHTS if path.is_dir() else path
    try:
        weights = load_file(file)
        for network in networks:
            network.load_state_dict(_first(weights, network))
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{file}: no weights ({error}); name a safetensors file, or a folder with {WEIGHTS}"
        ) from error
    except RuntimeError as error:
        raise InputError(
            f"{file}: weights of another network ({briefly(error)}); set [model] as beside them"
        ) from error


def _first(weights: dict[str, torch.Tensor], network: nn.Module) -> dict[str, torch.Tensor]:
    """Those of the first of several networks that ship as one model, where that is what fits `network`."""
    first = {name.removeprefix("0."): value for name, value in weights.items() if name.startswith("0.")}
    known = network.state_dict().keys()
    return first if weights.keys() != known and first.keys() == known else weights


def save_best(
    out: Path, state: Checkpoint, model: dict[str, Any], config: RunConfig, step: int, figures: dict[str, float],
    about: dict[str, str],
) -> None:  # fmt: skip
    """Write the averaged network when its score is the best so far."""
    if math.isnan(figures["score"]):
        log.warning("step %d: the validation score is not a number; the model is not kept", step)
    if not figures["score"] > state.best_score:
        return
    from safetensors.torch import save  # its save_file lets nobody but the owner read

    state.best_score = figures["score"]
    folder = out / BEST
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: _packed(value) for name, value in state.learner.averaged.state_dict().items()}
    made = {
        "version": __version__,
        "steps": step,
        "minutes": round(state.minutes, 1),
        "processes": state.learner.process.size,
        "hardware": hardware(state.learner.process.device),
        "parameters": sum(p.numel() for p in state.learner.averaged.parameters()),
    }
    run = {key: value for key, value in asdict(config).items() if key != "model"}
    table = {"system": config.system, "model": model, "made": made, "data": about, "validation": figures, "run": run}
    _replace(folder / WEIGHTS, lambda part: part.write_bytes(save(weights)))
    _replace(folder / CONFIG, lambda part: part.write_text(to_toml(table)))
    _replace(folder / "CARD.md", lambda part: part.write_text(card(config, made, figures, about)))


def _packed(value: torch.Tensor) -> torch.Tensor:
    value = value.detach().cpu()
    return (value.half() if value.is_floating_point() else value).clone(memory_format=torch.contiguous_format)


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place, then put it there."""
    with written(path) as place:
        write(place)


def to_toml(table: dict[str, Any], prefix: str = "") -> str:
    """A dictionary of numbers, texts, lists and dictionaries as TOML."""
    plain = "".join(f"{_key(key)} = {_value(value)}\n" for key, value in table.items() if not isinstance(value, dict))
    for key, value in table.items():
        if isinstance(value, dict) and value:
            plain += f"\n[{prefix}{_key(key)}]\n" + to_toml(value, f"{prefix}{_key(key)}.")
    return plain


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, float):
        return repr(float(f"{value:.6g}"))
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
