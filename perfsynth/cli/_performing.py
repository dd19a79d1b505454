"""What the commands that play a score share: their options, and reading what they play."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from perfsynth.cli import _options as opt
from perfsynth.cli._io import Item
from perfsynth.types import Score

Variation = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", help="Another interpretation: 0 is the likeliest, each other number its own."),
]
Temperature = Annotated[
    float | None, typer.Option(metavar="0..2", help="How far variations, or what is drawn, stray; 1 as learned.")
]
Expression = Annotated[
    float | None, typer.Option(metavar="0..2", help="How expressively: 0 steady, even and dry, 1 as learned, up to 2.")
]
Rubato = Annotated[float | None, typer.Option(metavar="0..2", help="The same for time alone.")]
Dynamics = Annotated[float | None, typer.Option(metavar="0..2", help="The same for loudness alone.")]
Pedal = Annotated[bool | None, typer.Option("--pedal/--no-pedal", help="Whether to use the sustain pedal.")]
Composer = Annotated[
    str | None, typer.Option(help="As learnt from this composer's music; else the one that the score names.")
]
Pianist = Annotated[
    str | None, typer.Option(metavar="NAME", help="One that m2m or deep-performer-align has learnt; m2m plays then.")
]
Weights = Annotated[str | None, typer.Option(metavar="DIR", help="Trained weights, instead of those shipped.")]
Ornaments = Annotated[
    bool, typer.Option("--ornaments/--no-ornaments", help="Whether to play out trills, turns and mordents.")
]
Quantise = Annotated[bool, typer.Option("--quantise", help="Put a score MIDI that was played, not written, on a grid.")]


# Passed to the model as they are; one that it does not take is an error that says so.
PERFORMANCE_OPTIONS = (
    opt.parameter("expression", Expression),
    opt.parameter("rubato", Rubato),
    opt.parameter("dynamics", Dynamics),
    opt.parameter("pedal", Pedal),
    opt.parameter("variation", Variation),
    opt.parameter("temperature", Temperature),
    opt.parameter("composer", Composer),
    opt.parameter("pianist", Pianist),
    opt.parameter("weights", Weights),
)
NAMES = tuple(parameter.name for parameter in PERFORMANCE_OPTIONS)

log = logging.getLogger("perfsynth")


def read_score(item: Item, repeats: opt.Repeats, quantise: bool) -> Score:
    """The score of an item, on a grid where that is asked for, with a warning where it seems to need one."""
    from perfsynth import formats
    from perfsynth.formats.quantise import is_unquantised, quantised

    score = formats.read_score(item.read(), name=item.name, repeats=repeats.value)
    if quantise:
        return quantised(score)
    if is_unquantised(score):
        log.warning("%s: its notes lie on no grid, as if it had been played; --quantise puts them on one", item.name)
    return score
