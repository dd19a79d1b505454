"""What a listening test says, laid out as in the papers: systems in rows, questions in columns, mean ± interval."""

from __future__ import annotations

import csv
import io
import math
from typing import Literal

from perfsynth.evaluate.listening.analysis import Analysis, Comparison
from perfsynth.evaluate.listening.statistics import Estimate

Layout = Literal["text", "markdown", "latex", "csv"]
SIGNIFICANT = 0.05
_LATEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}"}


def scores_table(analysis: Analysis, layout: Layout = "text") -> str:
    """The table of mean opinion scores, the best system of each question in bold where the layout has bold."""
    best = _best(analysis)
    rows = [
        [system, *(_cell(analysis, question.id, system, layout, best) for question in analysis.questions)]
        for system in analysis.systems
    ]
    head = ["", *(question.id for question in analysis.questions)]
    if layout == "latex":
        rows = [[_latex(row[0]), *row[1:]] for row in rows]
    return _laid_out([head, *rows], layout)


def comparisons_table(analysis: Analysis, layout: Layout = "text") -> str:
    """Every comparison of two systems, with its interval and corrected p."""
    digits = _digits(analysis)
    head = ["question", "first", "second", "difference", "n", "p", "p (Holm)", ""]
    rows = [
        [
            c.question, c.first, c.second, _interval(c.difference, digits, layout, signed=True), str(c.difference.n),
            _p(c.p), _p(c.p_holm), _verdict(c),
        ]
        for c in analysis.comparisons
    ]  # fmt: skip
    if layout == "latex":
        rows = [[_latex(cell) if index in (1, 2) else cell for index, cell in enumerate(row)] for row in rows]
    return _laid_out([head, *rows], layout)


def agreement_table(analysis: Analysis, layout: Layout = "text") -> str:
    """Krippendorff's alpha and the intraclass correlations of each question."""
    head = ["question", "alpha", "metric", "ICC(2,1)", "ICC(2,k)"]
    rows = [
        [a.question, _number(a.alpha), a.metric, _number(a.icc_single), _number(a.icc_average)]
        for a in analysis.agreement
    ]
    return _laid_out([head, *rows], layout)


def _digits(analysis: Analysis) -> int:
    widest = max(question.maximum - question.minimum for question in analysis.questions)
    return 1 if widest > 20 else 2


def _best(analysis: Analysis) -> dict[str, str]:
    best: dict[str, str] = {}
    for question in analysis.questions:
        own = [s for s in analysis.scores if s.question == question.id and s.role == "system"]
        if own:
            best[question.id] = max(own, key=lambda score: score.estimate.mean).system
    return best


def _cell(analysis: Analysis, question: str, system: str, layout: Layout, best: dict[str, str]) -> str:
    if not any((score.question, score.system) == (question, system) for score in analysis.scores):
        return "-"
    text = _interval(analysis.score(question, system), _digits(analysis), layout)
    if best.get(question) != system:
        return text
    return {"markdown": f"**{text}**", "latex": rf"\textbf{{{text}}}"}.get(layout, text)


def _interval(estimate: Estimate, digits: int, layout: Layout, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    mean = f"{estimate.mean:{sign}.{digits}f}"
    if math.isnan(estimate.margin):
        return mean
    between = r" $\pm$ " if layout == "latex" else " ± "
    return f"{mean}{between}{estimate.margin:.{digits}f}"


def _verdict(comparison: Comparison) -> str:
    if comparison.p_holm >= SIGNIFICANT:
        return "no difference shown"
    return f"{comparison.first if comparison.difference.mean > 0 else comparison.second} is better"


def _p(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text.replace("\\", "/"))


def _laid_out(rows: list[list[str]], layout: Layout) -> str:
    if layout == "csv":
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        return out.getvalue()
    if layout == "latex":
        head, *body = (" & ".join(row) + r" \\" for row in rows)
        columns = "l" + "c" * (len(rows[0]) - 1)
        lines = [rf"\begin{{tabular}}{{{columns}}}", r"\hline", head, r"\hline", *body, r"\hline", r"\end{tabular}"]
        return "\n".join(lines) + "\n"
    if layout == "markdown":
        rows = [[cell.replace("|", r"\|") for cell in row] for row in rows]
        lines = [f"| {' | '.join(row)} |" for row in rows]
        lines.insert(1, "|" + "---|" * len(rows[0]))
        return "\n".join(lines) + "\n"
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows
    )
