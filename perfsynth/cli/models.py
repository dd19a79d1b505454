"""``perfsynth models``: every named system, and its card."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from dataclasses import asdict
from typing import Annotated

import typer

from perfsynth import registry
from perfsynth.cli import _io, app
from perfsynth.errors import UsageError
from perfsynth.folders import shipped

NAME_WIDTH = 22


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
                typer.echo(_within_terminal(f" {mark} {model.name:{NAME_WIDTH}} {model.summary} ({_terms(model)})"))
    if name is None:
        session.say("* is the default of its stage")
        return
    for folder in dict.fromkeys(model.folder for model in chosen):
        card = shipped(folder) / "CARD.md"
        if card.is_file():
            typer.echo("\n" + card.read_text())


def _within_terminal(line: str) -> str:
    """The line of a model, broken under its summary; whole where no terminal shows it, for grep."""
    if not sys.stdout.isatty():
        return line
    width, indent = shutil.get_terminal_size().columns, " " * (NAME_WIDTH + 4)
    return textwrap.fill(line, width, subsequent_indent=indent, break_on_hyphens=False)


def _terms(model: registry.Model) -> str:
    """The licence of a model that can be used; else what trains it."""
    ships = shipped(model.folder).is_dir()
    return model.license if ships or not model.config else f"no weights ship: perfsynth train configs/{model.config}"
