"""What a run leaves behind: ``latest.pt`` to go on from, ``best/`` to ship (safetensors, config.toml)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch  # noqa: TID253  imported only for training
from torch import nn  # noqa: TID253

from perfsynth.errors import InputError
from perfsynth.train.config import RunConfig
from perfsynth.version import __version__

LATEST, BEST = "latest.pt", "best"


@dataclass
class Checkpoint:
    """The state of a run."""

    network: nn.Module
    averaged: nn.Module
    optimizer: torch.optim.Optimizer
    minutes: float = 0.0
    best_score: float = float("-inf")


def save_latest(out: Path, state: Checkpoint, step: int) -> None:
    """Write what is needed to go on after `step`."""
    content = {
        "step": step,
        "minutes": state.minutes,
        "best_score": state.best_score,
        "network": state.network.state_dict(),
        "averaged": state.averaged.state_dict(),
        "optimizer": state.optimizer.state_dict(),
    }
    part = out / (LATEST + ".part")
    torch.save(content, part)
    part.replace(out / LATEST)


def load_latest(out: Path, state: Checkpoint, config: RunConfig) -> int:
    """Take up a run in `out` where it stopped: the step to go on with, 0 when there is none.

    Raises
    ------
    InputError
        When the run there has another network.
    """
    path = out / LATEST
    if not path.is_file():
        return 0
    content = torch.load(path, map_location="cpu", weights_only=True)
    try:
        state.network.load_state_dict(content["network"])
        state.averaged.load_state_dict(content["averaged"])
    except RuntimeError as error:
        raise InputError(f"{path}: a run of another {config.system}; train into another folder") from error
    state.optimizer.load_state_dict(content["optimizer"])
    state.minutes, state.best_score = content["minutes"], content["best_score"]
    return int(content["step"])


def save_best(
    out: Path, network: nn.Module, model: dict[str, Any], config: RunConfig, step: int, figures: dict[str, float],
    state: Checkpoint,
) -> None:  # fmt: skip
    """Write the model when its score is the best so far."""
    if figures["score"] <= state.best_score:
        return
    from safetensors.torch import save_file

    state.best_score = figures["score"]
    folder = out / BEST
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().cpu().half().contiguous() for name, value in network.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    facts = {"version": __version__, "steps": step, "minutes": round(state.minutes, 1)}
    run = {key: value for key, value in asdict(config).items() if key not in ("model",)}
    (folder / "config.toml").write_text(
        to_toml({"system": config.system, "model": model, "made": facts, "validation": figures, "run": run})
    )


def to_toml(table: dict[str, Any], prefix: str = "") -> str:
    """A dictionary of numbers, texts, lists and dictionaries as TOML."""
    plain = "".join(f"{key} = {_value(value)}\n" for key, value in table.items() if not isinstance(value, dict))
    for key, value in table.items():
        if isinstance(value, dict) and value:
            plain += f"\n[{prefix}{key}]\n" + to_toml(value, f"{prefix}{key}.")
    return plain


def _value(value: Any) -> str:
    if isinstance(value, float):
        return repr(round(value, 6))
    return json.dumps(list(value) if isinstance(value, tuple) else value)
