"""``perfsynth evaluate alignment``: how far the times of an alignment are from the true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perfsynth.cli import _io, _report
from perfsynth.cli import _options as opt
from perfsynth.cli.evaluate import evaluate
from perfsynth.errors import InputError

if TYPE_CHECKING:
    import numpy as np

Predicted = Annotated[str, typer.Argument(metavar="ALIGNMENT", help="JSON Lines of `perfsynth align`; -: stdin.")]
Reference = Annotated[
    str,
    typer.Option(
        metavar="TRUTH", help="The true times: JSON Lines of an alignment, or a performance that names score notes."
    ),
]
Plot = Annotated[
    str | None, typer.Option(metavar="PNG", help="Draw the errors and the calibration: .png, .pdf or .svg.")
]


@_io.report(
    evaluate,
    "alignment",
    examples=(
        "perfsynth evaluate alignment notes.jsonl --reference truth.jsonl",
        "perfsynth align recording.wav score.mid | perfsynth evaluate alignment - --reference truth.jsonl --json",
    ),
)
def alignment(
    session: _io.Session, predicted: Predicted, reference: Reference, plot: Plot = None, force: opt.Force = False
) -> None:
    """Measure an alignment against the true times: onsets, offsets, confidence."""
    from perfsynth.evaluate.alignment import evaluate as measured
    from perfsynth.evaluate.alignment import paired

    _report.check_picture(plot, force=force)
    pairs = paired(_rows(predicted, session), _rows(reference, session))
    found = measured(pairs)
    if plot is not None:
        from perfsynth.evaluate.alignment_plot import figure

        _report.write_picture(figure(pairs), plot, session)
    if session.as_json:
        typer.echo(_report.as_json({"alignment": predicted, "reference": reference, **found}))
        return
    from perfsynth.evaluate.alignment_table import table
    from perfsynth.evaluate.audio_table import markdown

    typer.echo(markdown(table({predicted: found})))


def _rows(source: str, session: _io.Session) -> np.ndarray:
    from perfsynth import formats
    from perfsynth.types import Alignment

    notes = formats.read_notes(_report.read_input(source, session), name=source)
    if not isinstance(notes, Alignment):
        raise InputError(f"{source}: holds {type(notes).__name__.lower()}, where an alignment is expected")
    return notes.notes
