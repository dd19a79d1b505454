"""``perfsynth data check``: what is wrong with the recordings of a manifest, as far as their contents tell."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfsynth.batch.claim import written
from perfsynth.cli import _batch, _io
from perfsynth.cli import _options as opt
from perfsynth.cli._item import check_file
from perfsynth.cli.data import data
from perfsynth.errors import BatchError, InputError, PerfsynthError

if TYPE_CHECKING:
    from perfsynth.data.quality import Examined, Row
    from perfsynth.data.recipe import Finding

SHOWN = 20  # findings

Manifests = Annotated[list[str], typer.Argument(metavar="MANIFEST", help="JSON Lines, a row a recording; -: stdin.")]
Align = Annotated[
    bool, typer.Option("--align", help="Align recordings that have a score and no alignment: seconds for each.")
]
Findings = Annotated[Path | None, typer.Option("--findings", metavar="JSONL", help="All that is wrong, to write.")]
Report = Annotated[Path | None, typer.Option("--report", metavar="HTML", help="The same as a page, to write.")]
Passed = Annotated[Path | None, typer.Option(metavar="JSONL", help="Manifest to write of what nothing is wrong with.")]


@dataclass(frozen=True)
class Asked:
    """How to look, and what to write."""

    align: bool = False
    jobs: int = 1
    findings: Path | None = None
    report: Path | None = None
    passed: Path | None = None
    force: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be done before any work is."""
        opt.check_jobs(self.jobs)
        for path in filter(None, (self.findings, self.report, self.passed)):
            check_file(str(path))
            if path.exists() and not self.force:
                raise PerfsynthError(f"{path}: already there; --force overwrites it")


@_io.report(
    data,
    "check",
    examples=(
        "perfsynth data check corpus.jsonl --jobs 0 --report quality.html --findings wrong.jsonl --passed good.jsonl",
        "perfsynth data check aligned.jsonl failed.jsonl",
    ),
)
def check(
    session: _io.Session,
    manifests: Manifests,
    align: Align = False,
    jobs: opt.Jobs = 1,
    findings: Findings = None,
    report: Report = None,
    passed: Passed = None,
    force: opt.Force = False,
) -> None:
    """Open every file: broken sound, scores of other music, other repeats, doubles. Exit 3 where there are some.

    The results and failures of `perfsynth align` are manifests: their confidences are judged here.
    """
    asked = Asked(align, jobs, findings, report, passed, force)
    rows = rows_of(manifests)
    found = look(rows, asked, session)
    conclude(rows, *found, asked, session, name=", ".join(manifests))


def rows_of(manifests: list[str]) -> list[Row]:
    """The rows of manifests, -: of stdin; some may be empty, as what failed is when nothing did.

    Raises
    ------
    InputError
        When none has a row, or one cannot be read as a manifest.
    """
    from perfsynth.data import quality

    rows = [
        row for manifest in manifests for row in quality.rows_of(*_batch.lines_of(manifest), _batch.parent(manifest))
    ]
    if not rows:
        raise InputError(f"{', '.join(manifests)}: no rows; a manifest has a JSON object a line")
    return rows


def look(rows: list[Row], asked: Asked, session: _io.Session) -> tuple[list[Examined], list[Finding]]:
    """Examine every row, on as many processes as asked for; then what rows have in common."""
    from perfsynth.batch import worker
    from perfsynth.batch.executors import Executor, ThisProcess
    from perfsynth.batch.processes import Processes
    from perfsynth.data.quality import Examined, alike, examine
    from perfsynth.data.recipe import Finding

    number = min(asked.jobs or worker.cores(), len(rows))
    executor: Executor = Processes(number) if number > 1 else ThisProcess()
    examined: list[Examined | None] = [None] * len(rows)
    with session.progress() as progress:
        progress.begin("looking at")
        with closing(executor.run(partial(examine, align=asked.align), rows)) as answers:
            for done, answer in enumerate(answers, 1):
                progress(f"{done}/{len(rows)}", done / len(rows))
                lost = Finding(rows[answer.index].id, "", f"cannot be looked at ({answer.error})")
                examined[answer.index] = answer.result or Examined(rows[answer.index].id, (lost,), {}, {}, {})
    every = [one for one in examined if one is not None]
    return every, [*(finding for one in every for finding in one.findings), *alike(rows, every)]


def conclude(
    rows: list[Row], examined: list[Examined], findings: list[Finding], asked: Asked, session: _io.Session, *, name: str
) -> None:
    """Write and say what was found.

    Raises
    ------
    BatchError
        When something is wrong.
    """
    from perfsynth.batch.manifest import write_rows

    wrong = {finding.id for finding in findings}
    kinds = Counter(finding.kind for finding in findings)
    if asked.findings is not None:
        write_rows(asked.findings, (asdict(finding) for finding in findings))
    if asked.passed is not None:
        write_rows(asked.passed, _kept(rows, wrong, asked.passed))
    if asked.report is not None:
        _write_page(examined, findings, asked.report, name)
    counted = {"rows": len(rows), "wrong": len(wrong), "kinds": dict(sorted(kinds.items()))}
    if session.as_json:
        typer.echo(json.dumps(counted | {"findings": [asdict(finding) for finding in findings]}))
    else:
        tell(findings, session)
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        typer.echo(f"{name}: {len(rows) - len(wrong)} of {len(rows)} rows are fine" + (f"; {counts}" if kinds else ""))
    if findings:
        raise BatchError(f"{name}: something is wrong with {len(wrong)} of {len(rows)} rows")


def tell(findings: list[Finding], session: _io.Session, *, listed_by: str = "--findings FILE") -> None:
    """The first findings, a line each, and which option or command lists all of them."""
    for finding in findings[:SHOWN]:
        where = f"{finding.file} " if finding.file else ""
        session.say(f"{finding.id}: {where}{finding.fault}")
    if len(findings) > SHOWN:
        session.say(f"... and {len(findings) - SHOWN} more; {listed_by} lists them all")


def _kept(rows: list[Row], wrong: set[str], path: Path) -> Iterable[dict]:
    from perfsynth.batch.manifest import relocated

    return (relocated(row.fields, row.folder, path.parent) for row in rows if row.id not in wrong)


def _write_page(examined: list[Examined], findings: list[Finding], path: Path, name: str) -> None:
    from perfsynth.cli._data_page import quality_page

    try:
        with written(path) as place:
            place.write_bytes(quality_page(examined, findings, name))
    except OSError as error:
        raise PerfsynthError(f"{path}: cannot be written ({error.strerror or error})") from error
