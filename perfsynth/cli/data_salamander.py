"""``perfsynth data salamander``: the samples of the sampler engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from perfsynth.cli import _io
from perfsynth.cli._progress import Progress
from perfsynth.cli.data import data, group
from perfsynth.errors import BatchError, MissingError

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


@_io.report(
    salamander,
    "check",
    examples=("perfsynth data salamander check", "perfsynth data salamander check ~/samples --json"),
)
def check(
    session: _io.Session,
    folder: Annotated[Path | None, typer.Argument(metavar="[FOLDER]", help="The samples; else where fetch keeps them.")]
    = None,
) -> None:  # fmt: skip
    """Look whether every sample is there and is the right one; exit 3 where some are not."""
    from perfsynth.data import data_folder
    from perfsynth.data.salamander import NAME, PACKAGES, faults

    folder = folder or data_folder(NAME)
    if not folder.is_dir():
        raise MissingError(f"{folder}: no such folder; fetch the samples first, or give the folder that has them")
    found = faults(folder)
    if session.as_json:
        typer.echo(json.dumps({"whole": len(PACKAGES) - len(found), "broken": found}))
    else:
        for name, fault in found.items():
            session.say(f"{name}: {fault}")
        typer.echo(f"{folder}: {len(PACKAGES) - len(found)} of {len(PACKAGES)} folders are whole")
    if found:
        raise BatchError(f"salamander: {len(found)} of {len(PACKAGES)} folders lack samples or hold others")
