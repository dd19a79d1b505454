"""``perfsynth data sounds``: recordings and what they play, as a corpus that systems of sound learn from."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from perfsynth.cli import _io
from perfsynth.cli._progress import Progress
from perfsynth.cli.data import data
from perfsynth.cli.data_check import Manifests, rows_of
from perfsynth.errors import PerfsynthError, UsageError

SHOWN = 5  # rows that are left out

Output = Annotated[Path, typer.Option("--output", "-o", metavar="CORPUS", help="Folder for the corpus.")]
Cut = Annotated[float, typer.Option(metavar="SECONDS", help="Take excerpts of this length; 0: recordings whole.")]
Most = Annotated[int, typer.Option(metavar="N", help="At most so many excerpts of a recording; 0: all.")]
Confidence = Annotated[
    float, typer.Option("--least-confidence", metavar="0..1", help="Leave out excerpts that the alignment doubts more.")
]


@_io.report(
    data,
    "sounds",
    examples=(
        "perfsynth data sounds maestro.jsonl -o corpora/maestro --cut 12",
        "perfsynth data sounds aligned.jsonl -o corpora/violin --cut 12 --least-confidence 0.3",
    ),
)
def sounds(
    session: _io.Session,
    manifests: Manifests,
    output: Output,
    cut: Cut = 0.0,
    most: Most = 0,
    least_confidence: Confidence = 0.0,
) -> None:
    """Make a corpus for `perfsynth train` of rows that name audio, and a performance or an alignment and a score."""
    if not (math.isfinite(cut) and cut >= 0) or 0 < cut < 2:
        raise UsageError(f"--cut {cut:g}: an excerpt has at least 2 s; 0 keeps recordings whole")
    if most < 0 or not 0 <= least_confidence <= 1:
        raise UsageError("--most is not negative, and --least-confidence lies between 0 and 1")
    from perfsynth.data.recordings import Cutting, prepare

    rows = [row for manifest in manifests for row in rows_of(manifest)]
    with Progress.on_stderr(hidden=session.quiet or session.as_json) as progress:
        try:
            made, left_out = prepare(rows, output, cutting=Cutting(cut, least_confidence, most), report=progress)
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
    session.say(f"{output}: {counts}; {len(left_out)} of {len(rows)} rows left out")
    typer.echo(output)
