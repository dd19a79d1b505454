"""Performances of one score, for ``perfsynth evaluate performance``: read, joined to it, judged, shown as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perfsynth.cli import _report
from perfsynth.cli._item import Session
from perfsynth.errors import InputError

if TYPE_CHECKING:
    from perfsynth.evaluate.performance_ceilings import Judged
    from perfsynth.evaluate.performance_corpus import Summary
    from perfsynth.types import Performance, Score

GENERATED = "generated"
FEWEST_MATCHED = 0.5  # of the notes of the shorter side; another piece by the same composer reaches a third
FEWEST_OF_ONE_PITCH = 0.9  # of notes that share an id


@dataclass(frozen=True)
class Asked:
    """One score and those who play it, by their files."""

    score: str
    generated: str
    references: tuple[str, ...]
    repeats: str


@dataclass(frozen=True)
class Among:
    """A performance among people, judged; all of them joined to the score by their ids."""

    asked: Asked
    score: Score
    made: Performance
    humans: list[Performance]
    rows: dict[str, Judged]

    def report(self) -> dict[str, Any]:
        """All figures, and whose they are."""
        asked = self.asked
        head = {"score": asked.score, "generated": asked.generated, "references": asked.references}
        return head | {"rows": {name: row.to_json() for name, row in self.rows.items()}}

    def tables(self) -> dict[str, list[list[str]]]:
        """The report as tables by their captions."""
        from perfsynth.evaluate.performance_table import by_measure

        rows = self.rows
        first = by_measure({name: row.numbers() for name, row in rows.items()})
        return _tables(first, {name: row.tokens for name, row in rows.items()})


def among_people(asked: Asked, session: Session) -> Among:
    """Read and judge.

    Raises
    ------
    PerfsynthError
        When a file cannot be read, or two cannot be compared.
    """
    from perfsynth import formats
    from perfsynth.evaluate.performance_ceilings import judge

    data = _report.read_input(asked.score, session)
    score = formats.read_score(data, name=asked.score, repeats=asked.repeats)  # type: ignore[arg-type]
    made, *humans = (
        _joined(score, formats.read_performance(_report.read_input(name, session), name=name), name)
        for name in (asked.generated, *asked.references)
    )
    try:
        rows = judge(score, {GENERATED: made}, humans)
    except InputError as error:
        raise InputError(f"{asked.generated} against {', '.join(asked.references)}: {error}") from error
    return Among(asked, score, made, humans, rows)


def _joined(score: Score, performance: Performance, name: str) -> Performance:
    """The performance with the score's note ids: its own where they are the score's, else found by the notes."""
    import numpy as np

    from perfsynth.align.symbolic import match
    from perfsynth.expression import joined, played_notes

    if len(performance.notes) == 0:
        raise InputError(f"{name}: no notes; a performance needs at least one")
    fewest = FEWEST_MATCHED * min(len(score.notes), len(performance.notes))
    row = played_notes(score, performance)
    told = np.flatnonzero(row >= 0)
    same = np.count_nonzero(performance.notes["pitch"][row[told]] == score.notes["pitch"][told])
    if same >= max(fewest, FEWEST_OF_ONE_PITCH * len(told)):  # ids alone may be those of another file
        return joined(score, performance, row)
    row = match(score.notes, performance.notes)
    played = np.flatnonzero(row >= 0)
    if len(played) < fewest:
        raise InputError(
            f"{name}: {len(played)} of its {len(performance.notes)} notes are found in the score, which has "
            f"{len(score.notes)}; is it a performance of this piece, with these repeats?"
        )
    return joined(score, performance, row)


def tables_over(
    summaries: Mapping[str, Summary], paired: Mapping[str, Summary], caption: str
) -> dict[str, list[list[str]]]:
    """Figures over pieces, and paired differences if there are any below a caption of theirs."""
    from perfsynth.evaluate.performance_table import with_intervals

    tables = _tables(with_intervals(summaries), {name: one.tokens for name, one in summaries.items()})
    first, *rest = tables.items()
    between = [(caption, with_intervals(paired, signed=True))] if paired else []
    return dict([first, *between, *rest])


def text_of(tables: Mapping[str, list[list[str]]]) -> str:
    """Markdown tables, each but the first below what it is."""
    from perfsynth.evaluate.audio_table import markdown

    first, *rest = ((caption, markdown(rows)) for caption, rows in tables.items())
    return "\n\n".join([first[1], *(f"{caption}:\n\n{table}" for caption, table in rest)])


def _tables(first: list[list[str]], tokens: dict[str, dict[str, dict[str, float]]]) -> dict[str, list[list[str]]]:
    """The measures, and Table II in each padding, by what they are."""
    from perfsynth.evaluate.performance_table import PADDING_LABELS, token_table

    tables = {"Agreement with the references": first}
    for padding, label in PADDING_LABELS.items():
        table = token_table({name: by_padding[padding] for name, by_padding in tokens.items() if by_padding})
        tables[f"Tokens against the first reference (Tang et al. 2025, Table II), {label}"] = table
    return tables


def judged(reports: list[dict[str, Any]], mark: str) -> list[dict[str, Judged]]:
    """The rows of each report of a batch; `mark` is a key that all of its reports have.

    Raises
    ------
    InputError
        When one is a report about something else.
    """
    from perfsynth.evaluate.performance_ceilings import Judged

    try:
        if any(mark not in one for one in reports):
            raise KeyError(mark)
        return [{name: Judged.from_json(row) for name, row in one["rows"].items()} for one in reports]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        remedy = "name another folder, or --force"
        raise InputError(f"--out-dir has reports about something else ({error}); {remedy}") from error
