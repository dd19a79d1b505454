"""The means of many reports, as a command prints them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from perfsynth.cli import _report
from perfsynth.cli._item import Session

if TYPE_CHECKING:
    from perfsynth.evaluate.averages import Average


def of_reports(reports: Sequence[Mapping[str, Any]], session: Session) -> Average:
    """The means of at least one report; the session is told what not all of them have, and what is not finite."""
    from perfsynth.evaluate.averages import average

    found = average(reports)
    for path, count in found.lacking.items():
        session.say(f"{'.'.join(path)}: {count} of {len(reports)} rows have it; the mean is over these")
    for path, count in found.endless.items():
        session.say(f"{'.'.join(path)}: never in {count} of {len(reports)} rows, and so in the mean")
    return found


def say(session: Session, found: Average, text: str) -> None:
    """Print means on stdout: as `text`, how many rows they stand on first, or as JSON."""
    if session.as_json:
        shown = {"rows": found.n_reports, "mean": found.mean, "interval_95": found.interval}
        typer.echo(_report.as_json(shown))
    else:
        typer.echo(f"Means over {found.n_reports} rows:\n\n{text}")
