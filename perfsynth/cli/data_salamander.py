"""``perfsynth data salamander``: the samples of the sampler engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfsynth.cli import _io
from perfsynth.cli._progress import Progress
from perfsynth.cli.data import data, group

salamander = group("salamander", "Salamander Grand Piano V3, the samples of the sampler engine: 78 MB, CC BY 3.0.")
data.add_typer(salamander)


@_io.report(
    salamander,
    "fetch",
    examples=("perfsynth data salamander fetch", "perfsynth data salamander fetch --from ~/tarballs"),
)
def fetch(
    session: _io.Session,
    source: Annotated[str | None, typer.Option("--from", metavar="DIR", help="A copy that you have already.")] = None,
    to: Annotated[str | None, typer.Option(metavar="DIR", help="Where to keep it; else where engines look.")] = None,
) -> None:
    """Fetch the samples and say where they are; what is there already is not fetched again."""
    from perfsynth.data import salamander as recipe

    session.say(f"{salamander.info.help} See ATTRIBUTION.txt beside it.")
    with Progress.on_stderr(hidden=session.quiet or session.as_json) as progress:
        progress.begin("salamander")
        folder = recipe.fetch(Path(to) if to else None, source=Path(source) if source else None, progress=progress)
    typer.echo(folder)
