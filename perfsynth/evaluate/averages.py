"""Many reports as one: the mean of each number, and its 95 % interval over the reports (see `intervals`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perfsynth.evaluate.intervals import interval, means, weights

FEWEST = 5  # reports; an interval over less says nothing
INTERVAL = "interval_95"  # each report's own, over its pieces
NEVER = "never"  # an infinite number, as a report in JSON and a table say it
Path = tuple[str, ...]


@dataclass(frozen=True)
class Average:
    """The mean of several reports, laid out as they are.

    Attributes
    ----------
    n_reports
        How many there are.
    mean
        Of each number over the reports that have it; nan where none has, inf where it is inf in any.
    interval
        (low, high) of those numbers that at least five reports have, laid out alike.
    lacking
        What not all reports have: how many do, by where it stands.
    endless
        What is inf in some reports: in how many, by where it stands.
    """

    n_reports: int
    mean: dict[str, Any]
    interval: dict[str, Any] = field(default_factory=dict)
    lacking: dict[Path, int] = field(default_factory=dict)
    endless: dict[Path, int] = field(default_factory=dict)


def average(reports: Sequence[Mapping[str, Any]]) -> Average:
    """The mean of reports.

    Parameters
    ----------
    reports
        At least one, of the same kind: numbers in mappings in mappings. Names and lists are left out, and so is each
        report's own interval. None is nan, `NEVER` is inf.
    """
    rows = [dict(_numbers(report)) for report in reports]
    paths = list(dict.fromkeys(path for row in rows for path in row))
    values = np.array([[row.get(path, np.nan) for path in paths] for row in rows])
    centre = means(values, np.full((1, len(rows)), 1 / len(rows)))[0]
    mean = _nested(zip(paths, centre.tolist(), strict=True))
    lacking = dict(_lacking(rows, paths))
    counts = np.isposinf(values).sum(axis=0).tolist()
    endless = {path: count for path, count in zip(paths, counts, strict=True) if count}
    if len(rows) < FEWEST:
        return Average(len(rows), mean, lacking=lacking, endless=endless)
    low, high = interval(means(values, weights(len(rows))))
    enough = (np.isfinite(values).sum(axis=0) >= FEWEST) & np.isfinite(low) & np.isfinite(high)
    ends = [
        (path, (a, b)) for path, a, b, there in zip(paths, low.tolist(), high.tolist(), enough, strict=True) if there
    ]
    return Average(len(rows), mean, _nested(ends), lacking, endless)


def _numbers(report: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, float]]:
    """Every number of a report, with where it stands."""
    for name, value in report.items():
        if isinstance(value, Mapping):
            if name != INTERVAL:
                yield from _numbers(value, (*above, name))
        elif value is None or value == NEVER:
            yield (*above, name), float("nan") if value is None else float("inf")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield (*above, name), float(value)


def _lacking(rows: Sequence[Mapping[Path, float]], paths: Sequence[Path]) -> Iterator[tuple[Path, int]]:
    """What some reports have and others have not, a group that a report lacks as a whole for all that is in it."""
    groups = dict.fromkeys(path[:depth] for path in paths for depth in range(1, len(path)))
    within = {group: sum(any(path[: len(group)] == group for path in row) for row in rows) for group in groups}
    for group, count in within.items():
        if count < within.get(group[:-1], len(rows)):
            yield group, count
    for path in paths:
        count = sum(not np.isnan(row.get(path, np.nan)) for row in rows)
        if 0 < count < within.get(path[:-1], len(rows)):
            yield path, count


def _nested(found: Iterable[tuple[Path, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for path, value in found:
        place = made
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = value
    return made
