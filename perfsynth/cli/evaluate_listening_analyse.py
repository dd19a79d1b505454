"""``perfsynth evaluate listening analyse``: what the answers to a listening test say."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfsynth.cli import _io
from perfsynth.cli import _options as opt
from perfsynth.cli._report import as_json, check_picture, write_picture
from perfsynth.cli.evaluate_listening import listening
from perfsynth.errors import BatchError, PerfsynthError, UsageError

if TYPE_CHECKING:
    from perfsynth.evaluate.listening.analysis import Analysis


class Layout(StrEnum):
    """How tables are written."""

    text = "text"
    markdown = "markdown"
    latex = "latex"
    csv = "csv"


class Unit(StrEnum):
    """What is taken to be independent."""

    listener = "listener"
    rating = "rating"


class PairedTest(StrEnum):
    """How two systems are compared."""

    wilcoxon = "wilcoxon"
    t = "t"
    sign = "sign"


AnswerFiles = Annotated[
    list[Path], typer.Argument(metavar="ANSWERS", help="Files of answers (JSON or CSV), or folders of them.")
]
LayoutOption = Annotated[Layout, typer.Option("--format", help="Layout of the tables.")]
UnitOption = Annotated[Unit, typer.Option(help="Intervals over listeners, or over single ratings as in many papers.")]
TestOption = Annotated[
    PairedTest | None, typer.Option(help="Paired test; wilcoxon, or sign for preferences by rating.")
]
Fast = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="Too fast: less than this share of the sounds' length; 0.5, in MUSHRA 0.25."),
]
ReferenceMin = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="Hidden reference missed: rated below this share of the scale; MUSHRA: 0.9."),
]
Tolerated = Annotated[float, typer.Option(metavar="SHARE", help="Of trials that may break a rule before exclusion.")]
HeadphonesMin = Annotated[
    float | None, typer.Option(metavar="SHARE", help="Of the headphone check that must be right; else it is not asked.")
]
KeepAll = Annotated[bool, typer.Option("--keep-all", help="Exclude nobody.")]
PlotOption = Annotated[str | None, typer.Option(metavar="FILE", help="Draw the scores: .png, .svg or .pdf.")]


@_io.report(
    listening,
    "analyse",
    examples=(
        "perfsynth evaluate listening analyse answers/",
        "perfsynth evaluate listening analyse answers/ --format latex --plot scores.pdf",
    ),
)
def analyse(
    session: _io.Session,
    answers: AnswerFiles,
    layout: LayoutOption = Layout.text,
    unit: UnitOption = Unit.listener,
    test: TestOption = None,
    fast: Fast = None,
    reference_min: ReferenceMin = None,
    tolerated: Tolerated = 0.15,
    headphones_min: HeadphonesMin = None,
    keep_all: KeepAll = False,
    plot: PlotOption = None,
    force: opt.Force = False,
) -> None:
    """Analyse the answers to a listening test: mean opinion scores, comparisons, agreement, who was excluded."""
    from perfsynth.evaluate.listening.analysis import analyse as judge
    from perfsynth.evaluate.listening.answers import gather
    from perfsynth.evaluate.listening.exclusion import Rules, rules_of

    check_picture(plot, force=force)
    sheets, problems = gather(answers)
    for problem in problems:
        session.fail(PerfsynthError(problem), 3)
    if not sheets:
        raise PerfsynthError(f"none of the {len(problems)} files of answers can be used")
    usual = rules_of(sheets[0].method)
    given = {"reference_min": reference_min, "fast": fast, "headphones_min": headphones_min}
    chosen = {name: value for name, value in given.items() if value is not None}
    for name, share in {**chosen, "tolerated": tolerated}.items():
        if share < 0 or (share > 1 and name != "fast"):
            raise UsageError(f"--{name.replace('_', '-')} {share:g}: it is a share, 0 to 1")
    rules = Rules(None, 0.0, 1.0) if keep_all else replace(usual, tolerated=tolerated, **chosen)
    analysis = judge(sheets, rules=rules, unit=unit.value, test=test.value if test else None)
    _show(session, analysis, layout)
    if plot is not None:
        from perfsynth.evaluate.listening.plot import scores_figure

        write_picture(scores_figure(analysis), plot, session)
    if problems:
        raise BatchError(f"{len(problems)} files of answers cannot be used, the others are analysed")


def _show(session: _io.Session, analysis: Analysis, layout: Layout) -> None:
    from perfsynth.evaluate.listening.table import agreement_table, comparisons_table, scores_table

    if session.as_json:
        typer.echo(as_json(analysis.to_json()))
        return
    for participant, reason in analysis.excluded.items():
        session.say(f"excluded: {participant}, {reason}")
    over = "listeners" if analysis.unit == "listener" else "single ratings"
    session.say(
        f"{analysis.title or analysis.test_id}: {analysis.n_listeners} listeners, {len(analysis.excluded)} excluded; "
        f"95 % intervals over {over}; {analysis.test} test, Holm's correction a question"
    )
    tables = [scores_table(analysis, layout.value), comparisons_table(analysis, layout.value)]
    typer.echo("\n".join([*tables, agreement_table(analysis, layout.value)]), nl=False)
