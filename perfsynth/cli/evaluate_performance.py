"""``perfsynth evaluate performance``: how close a performance comes to those of people, or a model over many pieces."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from perfsynth.cli import _io, _many, _means, _report, _report_page
from perfsynth.cli import _options as opt
from perfsynth.cli import _performances as performances
from perfsynth.cli import _pieces as pieces
from perfsynth.cli._progress import Progress
from perfsynth.cli.evaluate import evaluate
from perfsynth.errors import UsageError

ScoreFile = Annotated[str | None, typer.Option("--score", "-S", metavar="SCORE", help="The score both play.")]
Generated = Annotated[
    str | None, typer.Option("--generated", "-G", metavar="MIDI", help="Performance to judge; -: stdin.")
]
References = Annotated[
    list[str] | None,
    typer.Option("--reference", "-H", metavar="MIDI|MATCH", help="A human performance; give several, each with -H."),
]
Models = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME[,NAME...]", help="Performance models to judge over --manifest DIR."),
]
SplitOption = Annotated[pieces.Split, typer.Option("--split", help="Which pieces of --manifest DIR.")]
NotationOption = Annotated[
    pieces.Notation,
    typer.Option("--notation", help="How models read --manifest DIR: all, exported MIDI, or notes and metre."),
]


def _each(item: _io.Item, repeats: opt.Repeats = opt.Repeats.unfold) -> None:
    """Write the report of a row."""
    score, *references = item.others
    asked = performances.Asked(score, item.source, tuple(references), repeats.value)
    found = performances.among_people(asked, _many.about(item))
    item.write((_report.as_json(found.report()) + "\n").encode())


def _together(session: _io.Session, reports: list[dict[str, Any]]) -> None:
    """Print the means over rows, and what the others are less the generated ones."""
    from perfsynth.evaluate.performance_corpus import differences, summarise

    rows = {str(number): found for number, found in enumerate(performances.judged(reports, "references"))}
    over = _means.of_reports([one["rows"] for one in reports], session)
    base = performances.GENERATED
    tables = performances.tables_over(summarise(rows), differences(rows, base), f"Less {base}, row by row")
    _means.say(session, over, performances.text_of(tables))


@_io.report(
    evaluate,
    "performance",
    examples=(
        "perfsynth evaluate performance -S score.musicxml -G made.mid -H human.match --plot made.png",
        "perfsynth evaluate performance --manifest rows.jsonl --out-dir reports --jobs 0 --skip-existing",
        "perfsynth evaluate performance --manifest corpus --model cantabile,deadpan --split valid --jobs 0",
    ),
    many=_io.Many("evaluate performance", _each, _together, folder=pieces.PIECES),
)
def performance(
    session: _io.Session,
    score: ScoreFile = None,
    generated: Generated = None,
    reference: References = None,
    repeats: opt.RepeatsOption = opt.Repeats.unfold,
    model: Models = None,
    split: SplitOption = pieces.Split.valid,
    notation: NotationOption = pieces.Notation.musicxml,
    plot: opt.Plot = None,
    report: _report_page.ReportFile = None,
    force: opt.Force = False,
) -> None:
    """Compare tempo, dynamics, articulation, asynchrony and pedal with those of people.

    With --manifest DIR, a corpus of `perfsynth data`, what is judged are models that play its pieces.
    """
    _report.check_picture(plot, force=force)
    _report_page.check(report, force=force)
    if model:
        raise UsageError("--model is judged over a corpus; add --manifest DIR, or give --generated MIDI")
    if score is None or generated is None or not reference:
        raise UsageError(
            "give --score, --generated and --reference, or --manifest JSONL, or --manifest DIR and --model"
        )
    if [score, generated, *reference].count("-") > 1:
        raise UsageError("stdin can be read once; name the other files")
    with session.progress() as progress:
        progress.begin(generated)
        found = performances.among_people(
            performances.Asked(score, generated, tuple(reference), repeats.value), session
        )
        _show(found, plot, report, session, progress)


def _show(
    found: performances.Among, plot: str | None, report: str | None, session: _io.Session, progress: Progress
) -> None:
    from perfsynth.evaluate.performance_ceilings import CONSENSUS, HUMAN

    for name, fewest in ((HUMAN, "two"), (CONSENSUS, "three")):
        if name not in found.rows:
            session.say(f"no {name} to compare with: that takes {fewest} references that play the same passages")
    if plot is not None:
        from perfsynth.evaluate.performance_plot import performance_figure

        _report.write_picture(performance_figure(found.score, found.made, found.humans), plot, session)
    tables, asked = found.tables(), found.asked
    if report is not None:
        names = (asked.score, asked.generated, *asked.references)
        page = _report_page.one_piece(names, found.score, [found.made, *found.humans], found.rows, tables, progress)
        _report_page.write(page, report, session)
    typer.echo(_report.as_json(found.report()) if session.as_json else performances.text_of(tables))
