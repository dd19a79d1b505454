"""``perfsynth data NAME fetch``, ``check`` and ``prepare``: the same for every dataset that has a recipe."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfsynth.cli import _io
from perfsynth.cli import _options as opt
from perfsynth.cli.data import data, group
from perfsynth.cli.data_batik import batik
from perfsynth.cli.data_check import Align, Asked, Findings, Report, conclude, look, tell
from perfsynth.cli.data_nasap import nasap
from perfsynth.errors import BatchError, InputError, PerfsynthError, UsageError
from perfsynth.folders import data_folder

if TYPE_CHECKING:
    from perfsynth.data.manifest import Example
    from perfsynth.data.quality import Row
    from perfsynth.data.recipe import Recipe

# What each is, for a help that reads no recipe. nasap and batik have commands of their own beside these.
NAMES = {
    "vienna4x22": "Vienna 4x22, four excerpts by 22 pianists each, CC BY 4.0.",
    "maestro": "MAESTRO v3, 200 hours of piano competitions, audio and MIDI, CC BY-NC-SA 4.0.",
    "atepp": "ATEPP 1.2, transcribed recordings of 49 pianists, CC BY 4.0.",
    "smd": "Saarland Music Data, 50 piano performances, audio and MIDI, CC BY-NC-SA 3.0.",
    "malik": "The Piano Dataset of StyleNet, performances as MIDI, CC BY 4.0.",
    "bach-violin": "Bach Violin Dataset, solo violin with scores and alignments; each collection has its licence.",
    "musicnet": "MusicNet, chamber music with aligned labels, CC BY 4.0.",
    "salamander": "Salamander Grand Piano V3, the samples of the sampler engine: 78 MB, CC BY 3.0.",
}

From = Annotated[
    Path | None, typer.Option("--from", metavar="DIR", help="A copy that you have: archives, or unpacked.")
]
To = Annotated[Path | None, typer.Option(metavar="DIR", help="Where to keep it; else below $PERFSYNTH_DATA.")]
Accept = Annotated[bool, typer.Option("--accept-licence", help="You have read its licence and keep to it.")]
Folder = Annotated[Path | None, typer.Argument(metavar="FOLDER", help="The dataset; else where fetch keeps it.")]
Output = Annotated[str, typer.Option("--output", "-o", metavar="JSONL", help="Manifest to write.")]
Hashes = Annotated[bool, typer.Option(help="Hash the files of every row; audio takes its time.")]
Contents = Annotated[bool, typer.Option("--contents", help="Open every file too, as perfsynth data check does.")]


def _recipe(name: str) -> Recipe:
    from perfsynth.data.recipes import RECIPES

    return RECIPES[name]


def _add(name: str, members: typer.Typer, manifest: str) -> None:
    """Give a dataset its commands; `manifest` is the word of the one that writes the manifest."""
    prefix = f"perfsynth data {name}"

    @_io.report(members, "fetch", examples=(f"{prefix} fetch --accept-licence", f"{prefix} fetch --from ~/downloads"))
    def fetch(session: _io.Session, source: From = None, to: To = None, accept_licence: Accept = False) -> None:
        """Get the dataset and say where it is; a fetch that was cut off goes on where it stopped."""
        _fetch(name, session, source, to, accept_licence)

    @_io.report(members, "check", examples=(f"{prefix} check", f"{prefix} check FOLDER --contents --report wrong.html"))
    def check(
        session: _io.Session, folder: Folder = None, contents: Contents = False, align: Align = False,
        jobs: opt.Jobs = 1, findings: Findings = None, report: Report = None, force: opt.Force = False,
    ) -> None:  # fmt: skip
        """Look whether every file that the dataset lists is there and whole; exit 3 where some are not."""
        contents = contents or align or report is not None
        if jobs != 1 and not contents:
            raise UsageError("--jobs: to open every file; add --contents, or leave it out")
        asked = Asked(align, jobs, findings, report, force=force)
        _check(name, session, folder or data_folder(name), asked, contents=contents)

    @_io.report(
        members, manifest, examples=(f"{prefix} {manifest} -o corpus.jsonl", f"{prefix} {manifest} FOLDER -o x.jsonl")
    )
    def prepare(
        session: _io.Session,
        folder: Folder = None,
        output: Output = "",
        hashes: Hashes = False,
        force: opt.Force = False,
    ) -> None:
        """Write the manifest: a row a recording, for training and for --manifest of the other commands."""
        _prepare(name, session, folder or data_folder(name), Path(output or f"{name}.jsonl"), hashes, force)


def _fetch(name: str, session: _io.Session, source: Path | None, to: Path | None, accepted: bool) -> None:
    from perfsynth.data import download

    recipe = _recipe(name)
    session.say(recipe.terms())
    session.say(f"Cite: {recipe.citation}")
    if not accepted and source is None:
        raise UsageError(f"{name}: {recipe.licence}, {recipe.licence_url}; --accept-licence says that you keep to it")
    with session.progress() as progress:
        progress.begin(name)
        typer.echo(download.fetch(recipe, to or data_folder(name), source=source, report=progress))


def _check(name: str, session: _io.Session, folder: Path, asked: Asked, *, contents: bool) -> None:
    from perfsynth.batch.manifest import write_rows
    from perfsynth.data.recipe import check

    whole, findings = check(_recipe(name), folder)
    if contents:
        rows = [_row(example, folder) for example in whole]
        examined, more = look(rows, asked, session)
        conclude(rows, examined, [*findings, *more], asked, session, name=name)
        return
    if asked.findings is not None:
        write_rows(asked.findings, (asdict(finding) for finding in findings))
    broken = len({finding.id for finding in findings})
    splits = Counter(example.split for example in whole)
    hours = sum(example.duration_s for example in whole) / 3600
    summary = {"whole": len(whole), "broken": broken, "splits": dict(sorted(splits.items())), "hours": round(hours, 2)}
    if session.as_json:
        typer.echo(json.dumps(summary | {"findings": [asdict(finding) for finding in findings]}))
    else:
        tell(findings, session)
        counts = ", ".join(f"{count} {split}" for split, count in sorted(splits.items()))
        typer.echo(f"{folder}: {len(whole)} whole ({counts}), {broken} not")
    if findings:
        raise BatchError(
            f"{name}: {broken} of {len(whole) + broken} rows lack files or are broken; prepare leaves them out"
        )


def _row(example: Example, folder: Path) -> Row:
    from perfsynth.data.quality import Row

    files = {column: str(folder / path) for column, path in example.files().items()}
    return Row(example.id, files, example.duration_s, fields=asdict(example), folder=str(folder))


def _prepare(name: str, session: _io.Session, folder: Path, path: Path, hashed: bool, force: bool) -> None:
    from perfsynth.data.manifest import write
    from perfsynth.data.recipe import check

    if path.exists() and not force:
        raise PerfsynthError(f"{path}: already there; --force overwrites it")
    whole, findings = check(_recipe(name), folder)
    tell(findings, session, listed_by=f"perfsynth data {name} check --findings FILE")
    if not whole:
        raise InputError(f"{folder}: no row of {name} has all its files; {findings[0].file} is {findings[0].fault}")
    with session.progress() as progress:
        progress.begin(name)
        report: Callable[[int], None] = lambda n: progress(f"{n}/{len(whole)}", n / len(whole))  # noqa: E731
        number = write(whole, folder, path, hashed=hashed, report=report)
    session.say(f"{path}: {number} rows, {len({finding.id for finding in findings})} left out")
    typer.echo(path)


for _name, _members in (("nasap", nasap), ("batik", batik)):
    _add(_name, _members, "manifest")
for _name, _text in NAMES.items():
    _members = group(_name, _text)
    data.add_typer(_members)
    _add(_name, _members, "prepare")
