"""Many reports as one: the mean of each number, and its 95 % interval over the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import typer

from perfsynth.cli import _report
from perfsynth.cli._item import Session

FEWEST = 5  # rows; an interval over less says nothing
INTERVAL = "interval_95"
Path = tuple[str, ...]


def of_reports(reports: Sequence[Mapping[str, Any]], session: Session) -> tuple[dict[str, Any], dict[str, Any]]:
    """The means of all numbers of reports, laid out as they are, and their intervals laid out alike.

    Parameters
    ----------
    reports
        At least one. Names and lists are left out, and so is each report's own interval, which is over its pieces.
    session
        Told which figures not all rows have; their means are over the others.

    Returns
    -------
    tuple of dict
        Means, nan where no row has the figure, and (low, high) of those that have an interval: from five rows on.
    """
    import numpy as np

    from perfsynth.evaluate.intervals import interval, means, weights

    rows = [dict(_numbers(report)) for report in reports]
    paths = list(dict.fromkeys(path for row in rows for path in row))
    values = np.array([[row.get(path, np.nan) for path in paths] for row in rows])
    for path, count in zip(paths, np.isfinite(values).sum(axis=0), strict=True):
        if 0 < count < len(rows):
            session.say(f"{'.'.join(path)}: {count} of {len(rows)} rows have it; the mean is over these")
    centre = means(values, np.full((1, len(rows)), 1 / len(rows)))[0]
    found = _nested(zip(paths, centre.tolist(), strict=True))
    if len(rows) < FEWEST:
        return found, {}
    ends = np.stack(interval(means(values, weights(len(rows)))), axis=1)
    there = [(path, tuple(pair)) for path, pair in zip(paths, ends.tolist(), strict=True) if np.isfinite(pair).all()]
    return found, _nested(there)


def say(session: Session, n_rows: int, mean: dict[str, Any], ends: dict[str, Any], rows: list[list[list[str]]]) -> None:
    """Print means on stdout: as tables, how many rows they stand on first, or as JSON."""
    if session.as_json:
        typer.echo(_report.as_json({"rows": n_rows, "mean": mean, INTERVAL: ends}))
        return
    from perfsynth.evaluate.audio_table import markdown

    typer.echo("\n\n".join([f"Means over {n_rows} rows:", *map(markdown, rows)]))


def _numbers(report: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, float]]:
    """Every number of a report, with where it stands; null is nan."""
    for name, value in report.items():
        if isinstance(value, Mapping):
            if name != INTERVAL:
                yield from _numbers(value, (*above, name))
        elif value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            yield (*above, name), float("nan") if value is None else float(value)


def _nested(found: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for path, value in found:
        place = made
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = value
    return made
