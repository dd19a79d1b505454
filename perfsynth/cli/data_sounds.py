"""``perfsynth data sounds``: recordings and what they play, as a corpus that systems of sound learn from."""

from __future__ import annotations

import json
import math
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from perfsynth.cli import _io
from perfsynth.cli._item import alone
from perfsynth.cli.data import data
from perfsynth.cli.data_check import Manifests, rows_of
from perfsynth.errors import PerfsynthError, UsageError

SHOWN = 5  # rows that are left out
MOST_SEMITONES = 12


class Velocities(StrEnum):
    """Where the velocities of aligned recordings come from."""

    auto = "auto"
    measured = "measured"
    score = "score"


Output = Annotated[Path, typer.Option("--output", "-o", metavar="CORPUS", help="Folder for the corpus.")]
Cut = Annotated[float, typer.Option(metavar="SECONDS", help="Take excerpts of this length; 0: the music whole.")]
Most = Annotated[int, typer.Option(metavar="N", help="At most so many excerpts of a recording; 0: all.")]
Confidence = Annotated[
    float, typer.Option("--least-confidence", metavar="0..1", help="Leave out excerpts that the alignment doubts more.")
]
Instrument = Annotated[
    str, typer.Option(metavar="TEMPLATE", help="Its name; columns of the rows in braces, as in violin-{album}.")
]
Valid = Annotated[
    list[str] | None,
    typer.Option(metavar="PART", help="Hold out the rows with this in their ids, instead of by their split; several."),
]
Shifts = Annotated[
    str, typer.Option(metavar="N[,N...]", help="Put those to learn from up or down, too: semitones, as in -2,2.")
]
From = Annotated[
    Velocities,
    typer.Option(help="Of aligned recordings: of the score, measured in the sound, or measured where it has none."),
]


@_io.report(
    data,
    "sounds",
    examples=(
        "perfsynth data sounds maestro.jsonl -o corpora/maestro --cut 12",
        "perfsynth data sounds aligned.jsonl -o corpora/violin --instrument violin-{album} --valid mov6 --shifts -2,2",
    ),
)
def sounds(
    session: _io.Session,
    manifests: Manifests,
    output: Output,
    cut: Cut = 0.0,
    most: Most = 0,
    least_confidence: Confidence = 0.0,
    instrument: Instrument = "{instrument}",
    valid: Valid = None,
    shifts: Shifts = "",
    velocities: From = Velocities.auto,
) -> None:
    """Make a corpus for `perfsynth train` of rows that name audio, and a performance or an alignment."""
    if not (math.isfinite(cut) and cut >= 0) or 0 < cut < 2:
        raise UsageError(f"--cut {cut:g}: an excerpt has at least 2 s; 0 keeps recordings whole")
    if most < 0 or not 0 <= least_confidence <= 1:
        raise UsageError("--most is not negative, and --least-confidence lies between 0 and 1")
    semitones = _semitones(shifts)
    from perfsynth.data.playing import Cutting
    from perfsynth.data.recordings import Making, prepare

    making = Making(Cutting(cut, least_confidence, most), instrument, tuple(valid or ()), semitones, velocities.value)
    rows = rows_of(manifests)
    with session.progress() as progress:
        try:
            with alone(output, "making a corpus"):
                made, left_out = prepare(rows, output, making, report=progress)
        except OSError as error:
            raise PerfsynthError(
                f"{error.filename or output}: cannot be written ({error.strerror or error})"
            ) from error
    splits = dict(sorted(Counter(recording.split for recording in made).items()))
    if session.as_json:
        typer.echo(json.dumps({"corpus": str(output), "recordings": splits, "left_out": left_out}))
        return
    for name, reason in list(left_out.items())[:SHOWN]:
        session.say(f"{name}: left out ({reason})")
    counts = ", ".join(f"{count} {split}" for split, count in splits.items())
    named = ", ".join(sorted({recording.instrument for recording in made}))
    session.say(f"{output}: {counts} of {named}; {len(left_out)} of {len(rows)} rows left out")
    typer.echo(output)


def _semitones(shifts: str) -> tuple[int, ...]:
    try:
        found = tuple(dict.fromkeys(int(shift) for shift in shifts.split(",") if shift.strip()))
    except ValueError as error:
        raise UsageError(f"--shifts {shifts}: semitones are whole numbers with commas between, as in -2,2") from error
    if any(abs(shift) > MOST_SEMITONES for shift in found):
        raise UsageError(f"--shifts {shifts}: more than {MOST_SEMITONES} semitones are another instrument")
    return found
