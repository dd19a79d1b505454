"""``perfsynth evaluate``: judges files. One command a file, each of which adds itself to `evaluate`."""

from __future__ import annotations

import typer

from perfsynth.cli import app

evaluate = typer.Typer(
    name="evaluate",
    help="Judge what was made: numbers, plots and pages, from files alone.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# Each adds itself to `evaluate`, in the order of the help.
from perfsynth.cli import evaluate_audio  # noqa: E402, F401, I001
from perfsynth.cli import evaluate_performance  # noqa: E402, F401
from perfsynth.cli import evaluate_alignment  # noqa: E402, F401
from perfsynth.cli import evaluate_listening  # noqa: E402, F401

app.add_typer(evaluate)
