"""Many pieces, judged: means over pieces with intervals, and paired differences between the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from perfsynth.evaluate.intervals import interval, means, weights
from perfsynth.evaluate.performance_ceilings import Judged
from perfsynth.types import DIRECTION, SLUR, TEMPO, Score

Rows = Mapping[str, Mapping[str, Judged]]  # by piece, then by the row's name


@dataclass(frozen=True)
class Summary:
    """One row of a table over pieces."""

    n_pieces: int
    mean: dict[str, float]
    interval: dict[str, tuple[float, float]]  # 95 %, over pieces
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
    names = dict.fromkeys(name for piece in rows.values() for name in piece)
    return {name: _summary([piece[name] for piece in rows.values() if name in piece]) for name in names}


def _summary(found: list[Judged]) -> Summary:
    figures = _means([one.numbers() for one in found], weights(len(found)))
    return Summary(len(found), *figures, tokens=_mean_tokens([one.tokens for one in found if one.tokens]))


def _means(rows: list[dict[str, float]], drawn: np.ndarray) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """The mean of each number over pieces, nan left out, and its interval."""
    values = np.array([list(row.values()) for row in rows])
    centre = means(values, np.full((1, len(rows)), 1 / len(rows)))[0].tolist()
    ends = [_ends(column) for column in means(values, drawn).T]
    return dict(zip(rows[0], centre, strict=True)), dict(zip(rows[0], ends, strict=True))


def _ends(draws: np.ndarray) -> tuple[float, float]:
    low, high = interval(draws)
    return float(low), float(high)


def _mean_tokens(tables: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    if not tables:
        return {}
    return {
        padding: {key: float(np.mean([table[padding][key] for table in tables])) for key in figures}
        for padding, figures in tables[0].items()
    }


def differences(rows: Rows, baseline: str) -> dict[str, Summary]:
    """Every other row less `baseline`, paired: over the pieces that have both."""
    names = dict.fromkeys(name for piece in rows.values() for name in piece)
    found = {}
    for name in names:
        both = [piece for piece in rows.values() if name in piece and baseline in piece]
        if name == baseline or not both:
            continue
        pairs = [(piece[name].numbers(), piece[baseline].numbers()) for piece in both]
        apart = [{measure: one[measure] - other[measure] for measure in one} for one, other in pairs]
        found[name] = Summary(len(both), *_means(apart, weights(len(both))), tokens={})
    return found
