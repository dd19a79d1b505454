"""``perfsynth data``: the datasets. One command a file, each of which adds itself to `data`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from perfsynth.cli import app
from perfsynth.folders import data_folder


class Datasets(TyperGroup):
    """A group whose errors name what it has."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a dataset, or what can be done with one."""
        if args and args[0] not in self.commands:
            kind = "dataset or action" if self.name == "data" else f"action on {self.name}"
            ctx.fail(f"{args[0]!r} is no {kind}; there are {', '.join(self.commands)}")
        return super().resolve_command(ctx, args)


def group(name: str, text: str) -> typer.Typer:
    """A level of the command line."""
    return typer.Typer(
        name=name,
        help=text,
        cls=Datasets,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def corpus_folder(name: str) -> Path:
    """Where a prepared corpus lies unless the user says otherwise."""
    return data_folder("corpora") / name


data = group("data", "Fetch datasets and prepare them for training. `perfsynth data NAME` says what there is to do.")

from perfsynth.cli import data_batik, data_check, data_nasap, data_recipes, data_sounds  # noqa: E402, F401

app.add_typer(data)
