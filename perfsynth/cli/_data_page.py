"""The page of ``perfsynth data check``: how many rows of which kind are wrong, each of them, and the figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfsynth.data.recipe import Finding

if TYPE_CHECKING:
    from perfsynth.data.quality import Examined
    from perfsynth.evaluate.report.page import Table

KINDS = {
    "broken": ("Broken files", "Missing, cut off, silent, clipped, or not what they are called."),
    "mismatch": ("Scores of other music", "The recording does not play the score beside it, or nobody can be sure."),
    "repeats": ("Other repeats", "The recording plays the score, with passages left out, or more often than written."),
    "duplicate": ("Doubles", "The same recording more than once: under two names, cut, or encoded anew."),
}
FIGURES = {
    "duration_s": "length [s]",
    "confidence": "mean confidence of the played notes",
    "likeness": "likeness of recording and score",
    "matched": "notes found in the other, without passages left out",
    "played": "notes of the score that are played",
}
PLACES = (0, 5, 25, 50, 75, 95, 100)  # percentiles


def quality_page(examined: Sequence[Examined], findings: Sequence[Finding], name: str) -> bytes:
    """The report as one HTML file that loads nothing.

    Parameters
    ----------
    examined
        Of every row.
    findings
        All of them.
    name
        Of the manifest.
    """
    from perfsynth.evaluate.report.page import Section, Table, page

    by_kind: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_kind[finding.kind].append(finding)
    wrong = len({finding.id for finding in findings})
    count = [["kind", "rows", "findings"]]
    count += [
        [title, str(len({one.id for one in by_kind[kind]})), str(len(by_kind[kind]))]
        for kind, (title, _) in KINDS.items()
    ]
    sections = [Section("Overview", "", [Table("Rows with something wrong", count), *_figures(examined)])]
    for kind, (title, text) in KINDS.items():
        rows = [["row", "file", "what"], *([one.id, one.file, one.fault] for one in by_kind[kind])]
        sections.append(Section(title, text, [Table(title, rows, words=True)] if len(rows) > 1 else []))
    summary = f"{len(examined) - wrong} of {len(examined)} rows are fine, something is wrong with {wrong}."
    return page(f"Quality of {name}", summary, sections)


def _figures(examined: Sequence[Examined]) -> list[Table]:
    """How the figures lie among the rows that have them."""
    import numpy as np

    from perfsynth.evaluate.report.page import Table

    heads = ["least" if place == 0 else "most" if place == 100 else f"{place} %" for place in PLACES]
    table = [["figure", "rows", *heads]]
    for figure, label in FIGURES.items():
        values = [one.figures[figure] for one in examined if figure in one.figures]
        if values:
            digits = 0 if figure == "duration_s" else 3
            table.append([label, str(len(values)), *(f"{v:.{digits}f}" for v in np.percentile(values, PLACES))])
    return [Table("Figures by percentile of the rows", table)] if len(table) > 1 else []
