"""``perfsynth models``: every named system, and its card."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from perfsynth import registry
from perfsynth.cli import _io, app
from perfsynth.errors import UsageError
from perfsynth.folders import shipped


@_io.report(app, "models", examples=("perfsynth models", "perfsynth models deadpan --json"))
def models(
    session: _io.Session, name: Annotated[str | None, typer.Argument(help="One model: show its card.")] = None
) -> None:
    """List every model by stage, or show one model's card."""
    chosen = [model for model in registry.MODELS if name in (None, model.name)]
    if not chosen:
        raise UsageError(
            f"{name!r} is no model; there are {', '.join(dict.fromkeys(model.name for model in registry.MODELS))}"
        )
    if session.as_json:
        typer.echo(json.dumps([asdict(model) for model in chosen], indent=2))
        return
    for stage in dict.fromkeys(model.stage for model in chosen):
        typer.echo(stage)
        for model in registry.MODELS:
            if model in chosen and model.stage == stage:
                mark = "*" if model.name == registry.names(stage)[0] else " "
                typer.echo(f" {mark} {model.name:22} {model.summary} ({_terms(model)})")
    if name is None:
        session.say("* is the default of its stage")
        return
    for folder in dict.fromkeys(model.folder for model in chosen):
        card = shipped(folder) / "CARD.md"
        if card.is_file():
            typer.echo("\n" + card.read_text())


def _terms(model: registry.Model) -> str:
    """The licence of a model that can be used; else what trains it."""
    ships = shipped(model.folder).is_dir()
    return model.license if ships or not model.config else f"no weights ship: perfsynth train configs/{model.config}"
