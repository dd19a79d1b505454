"""Many pieces, judged: means over pieces with intervals, and paired differences between the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perfsynth.evaluate.averages import average
from perfsynth.evaluate.performance_ceilings import Judged
from perfsynth.types import DIRECTION, SLUR, TEMPO, Score

Rows = Mapping[str, Mapping[str, Judged]]  # by piece, then by the row's name


@dataclass(frozen=True)
class Summary:
    """One row of a table over pieces."""

    n_pieces: int
    mean: dict[str, float]
    interval: dict[str, tuple[float, float]]  # 95 %, over pieces, of at least five
    tokens: dict[str, dict[str, float]]  # Table II, by padding; empty where it was not computed


def flat(score: Score) -> Score:
    """What flat MIDI says of a score: notes and metre, without staves, voices, markings, loudness and tempo."""
    notes = score.notes.copy()
    for field in ("velocity", "staff", "voice", "marks"):
        notes[field] = 0
    return replace(
        score, notes=notes, tempos=np.zeros(0, TEMPO), directions=np.zeros(0, DIRECTION), slurs=np.zeros(0, SLUR),
        composer="", title="",
    )  # fmt: skip


def as_read(scores: Mapping[str, Score], notation: str) -> Score | None:
    """The score of a piece in the ``musicxml``, ``midi`` or ``flat`` notation, None where there is none."""
    if notation != "flat":
        return scores.get(notation)
    full = scores.get("musicxml") or next(iter(scores.values()), None)
    return None if full is None else flat(full)


def summarise(rows: Rows) -> dict[str, Summary]:
    """Each row over the pieces that have it, rows in the order of their first appearance."""
    return _summaries([{name: one.to_json() for name, one in piece.items()} for piece in rows.values()])


def differences(rows: Rows, baseline: str) -> dict[str, Summary]:
    """Every other row less `baseline`, paired: over the pieces that have both."""
    apart = []
    for piece in rows.values():
        numbers = {name: one.numbers() for name, one in piece.items()}
        less = numbers.pop(baseline, None)
        if less and numbers:
            pairs = numbers.items()
            apart.append({name: {"measures": {key: one[key] - less[key] for key in one}} for name, one in pairs})
    return _summaries(apart) if apart else {}


def _summaries(reports: list[dict[str, dict[str, Any]]]) -> dict[str, Summary]:
    over = average(reports)
    found = {}
    for name, mean in over.mean.items():
        ends = over.interval.get(name, {}).get("measures", {})
        n_pieces = over.lacking.get((name,), over.n_reports)
        found[name] = Summary(n_pieces, mean["measures"], ends, mean.get("table_ii", {}))
    return found
