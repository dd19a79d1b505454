"""``perfsynth data``: the datasets."""

from __future__ import annotations

from typing import Annotated

import typer

from perfsynth.cli import _io, app
from perfsynth.cli._progress import Progress
from perfsynth.errors import UsageError

DATASETS = {"salamander": "Salamander Grand Piano V3, the samples of the sampler engine, 78 MB, CC BY 3.0"}


@_io.report(
    app, "data", examples=("perfsynth data salamander fetch", "perfsynth data salamander fetch --from ~/tarballs")
)
def data(
    session: _io.Session,
    name: Annotated[str, typer.Argument(help="Which dataset: salamander.")],
    action: Annotated[str, typer.Argument(help="What to do: fetch.")],
    source: Annotated[str | None, typer.Option("--from", metavar="DIR", help="A copy that you have already.")] = None,
    to: Annotated[str | None, typer.Option(metavar="DIR", help="Where to keep it; else where engines look.")] = None,
) -> None:
    """Fetch a dataset and say where it is; what is there already is not fetched again."""
    if name not in DATASETS:
        raise UsageError(f"{name!r} is no dataset; there is {', '.join(DATASETS)}")
    if action != "fetch":
        raise UsageError(f"{action!r} is nothing to do with a dataset; there is fetch")
    from pathlib import Path

    from perfsynth.data import salamander

    session.say(f"{DATASETS[name]}; see ATTRIBUTION.txt beside it")
    with Progress.on_stderr(hidden=session.quiet or session.as_json) as progress:
        progress.begin(name)
        folder = salamander.fetch(Path(to) if to else None, source=Path(source) if source else None, progress=progress)
    typer.echo(folder)
