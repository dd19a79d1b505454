"""``perfsynth evaluate performance``: how close a performance comes to those of people, or a model over many pieces."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfsynth.cli import _io, _report, _report_page
from perfsynth.cli import _options as opt
from perfsynth.cli._progress import Progress
from perfsynth.cli.evaluate import evaluate
from perfsynth.errors import InputError, UsageError

if TYPE_CHECKING:
    from perfsynth.evaluate.performance_ceilings import Judged
    from perfsynth.types import Performance, Score

FEWEST_MATCHED = 0.5  # of the notes of the shorter side; another piece by the same composer reaches a third
FEWEST_OF_ONE_PITCH = 0.9  # of notes that share an id
MOST_REFERENCES = 4  # of a piece of a corpus: more cost the square, and one piece is still one piece


class Split(StrEnum):
    """Parts of a corpus that nothing was trained on."""

    valid = "valid"
    test = "test"


class Notation(StrEnum):
    """What the model is told of the score."""

    musicxml = "musicxml"
    midi = "midi"
    flat = "flat"


ScoreFile = Annotated[str | None, typer.Option("--score", "-S", metavar="SCORE", help="The score both play.")]
Generated = Annotated[
    str | None, typer.Option("--generated", "-G", metavar="MIDI", help="Performance to judge; -: stdin.")
]
References = Annotated[
    list[str] | None,
    typer.Option("--reference", "-H", metavar="MIDI|MATCH", help="A human performance; give several, each with -H."),
]
Manifest = Annotated[
    str | None, typer.Option(metavar="DIR", help="Judge models over a corpus of `perfsynth data` instead.")
]
Models = Annotated[
    str | None, typer.Option("--model", metavar="NAME[,NAME...]", help="Performance models to judge over --manifest.")
]
SplitOption = Annotated[Split, typer.Option("--split", help="Which pieces of --manifest.")]
NotationOption = Annotated[
    Notation, typer.Option("--notation", help="How models read --manifest: all, exported MIDI, or notes and metre.")
]
Plot = Annotated[str | None, typer.Option(metavar="PNG", help="Draw a picture: .png, .pdf or .svg.")]


@_io.report(
    evaluate,
    "performance",
    examples=(
        "perfsynth evaluate performance -S score.musicxml -G made.mid -H human.match --plot made.png",
        "perfsynth evaluate performance --manifest corpus --model cantabile,deadpan --split valid",
    ),
)
def performance(
    session: _io.Session,
    score: ScoreFile = None,
    generated: Generated = None,
    reference: References = None,
    repeats: opt.RepeatsOption = opt.Repeats.unfold,
    manifest: Manifest = None,
    model: Models = None,
    split: SplitOption = Split.valid,
    notation: NotationOption = Notation.musicxml,
    plot: Plot = None,
    report: _report_page.ReportFile = None,
    force: opt.Force = False,
) -> None:
    """Compare tempo, dynamics, articulation, asynchrony and pedal with those of people."""
    _report.check_picture(plot, force=force)
    _report_page.check(report, force=force)
    with Progress.on_stderr(hidden=session.quiet or session.as_json) as progress:
        if manifest is not None:
            if score or generated or reference or plot:
                raise UsageError("--manifest brings its own scores and humans; give --model alone with it")
            if not model:
                raise UsageError("--manifest needs a model to judge; add --model NAME")
            _over_pieces(session, Path(manifest), model, split.value, notation.value, report, progress)
            return
        if model:
            raise UsageError("--model is judged over a corpus; add --manifest DIR, or give --generated MIDI")
        if score is None or generated is None or not reference:
            raise UsageError("give --score, --generated and --reference, or --manifest and --model")
        if [score, generated, *reference].count("-") > 1:
            raise UsageError("stdin can be read once; name the other files")
        _one_piece(session, _Files(score, generated, tuple(reference), repeats.value), plot, report, progress)


class _Files:
    """One score and those who play it, read and joined."""

    def __init__(self, score: str, generated: str, references: tuple[str, ...], repeats: str) -> None:
        self.names = (score, generated, references)
        self.repeats = repeats

    def read(self, session: _io.Session) -> tuple[Score, Performance, list[Performance]]:
        """All of it, notes joined to the score by their ids."""
        from perfsynth import formats

        name, generated, references = self.names
        score = formats.read_score(_report.read_input(name, session), name=name, repeats=self.repeats)  # type: ignore[arg-type]
        made = _joined(score, _read_performance(generated, session), generated)
        humans = [_joined(score, _read_performance(one, session), one) for one in references]
        return score, made, humans


def _read_performance(name: str, session: _io.Session) -> Performance:
    from perfsynth import formats
    from perfsynth.formats.match import read_match

    data = _report.read_input(name, session)
    if Path(name).suffix.lower() == ".match":
        return read_match(data, name=name)
    return formats.read_performance(data, name=name)


def _joined(score: Score, performance: Performance, name: str) -> Performance:
    """The performance with the score's note ids: its own where they are the score's, else found by the notes."""
    import numpy as np

    from perfsynth.align.symbolic import match
    from perfsynth.expression import played_notes

    if len(performance.notes) == 0:
        raise InputError(f"{name}: no notes; a performance needs at least one")
    fewest = FEWEST_MATCHED * min(len(score.notes), len(performance.notes))
    row = played_notes(score.notes, performance)
    told = np.flatnonzero(row >= 0)
    same = np.count_nonzero(performance.notes["pitch"][row[told]] == score.notes["pitch"][told])
    if same >= max(fewest, FEWEST_OF_ONE_PITCH * len(told)):  # ids alone may be those of another file
        return performance
    row = match(score.notes, performance.notes)
    played = np.flatnonzero(row >= 0)
    if len(played) < fewest:
        raise InputError(
            f"{name}: {len(played)} of its {len(performance.notes)} notes are found in the score, which has "
            f"{len(score.notes)}; is it a performance of this piece, with these repeats?"
        )
    notes = performance.notes.copy()
    notes["note_id"] = ""
    notes["note_id"][row[played]] = score.notes["note_id"][played]
    return replace(performance, notes=notes)


def _one_piece(session: _io.Session, files: _Files, plot: str | None, report: str | None, progress: Progress) -> None:
    from perfsynth.evaluate.performance_ceilings import CONSENSUS, HUMAN, judge
    from perfsynth.evaluate.performance_table import by_measure

    progress.begin(files.names[1])
    score, made, humans = files.read(session)
    try:
        rows = judge(score, {"generated": made}, humans)
    except InputError as error:
        raise InputError(f"{files.names[1]} against {', '.join(files.names[2])}: {error}") from error
    for name, fewest in ((HUMAN, "two"), (CONSENSUS, "three")):
        if name not in rows:
            session.say(f"no {name} to compare with: that takes {fewest} references that play the same passages")
    if plot is not None:
        from perfsynth.evaluate.performance_plot import performance_figure

        _report.write_picture(performance_figure(score, made, humans), plot, session)
    tables = _tables(
        by_measure({name: row.numbers() for name, row in rows.items()}), {n: r.tokens for n, r in rows.items()}
    )
    if report is not None:
        names = (files.names[0], files.names[1], *files.names[2])
        page = _report_page.one_piece(names, score, [made, *humans], rows, tables, progress)
        _report_page.write(page, report, session)
    if session.as_json:
        head = {"score": files.names[0], "generated": files.names[1], "references": files.names[2]}
        shown = {name: {"measures": row.numbers(), "table_ii": row.tokens} for name, row in rows.items()}
        typer.echo(_report.as_json(head | {"rows": shown}))
        return
    typer.echo(_text(tables))


def _text(tables: dict[str, list[list[str]]]) -> str:
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


def _over_pieces(
    session: _io.Session, folder: Path, models: str, split: str, notation: str, report: str | None, progress: Progress
) -> None:
    from perfsynth.data.pieces import pieces
    from perfsynth.evaluate.performance_corpus import differences, summarise
    from perfsynth.evaluate.performance_table import with_intervals

    names = list(dict.fromkeys(name.strip() for name in models.split(",") if name.strip()))
    baseline = _row_name(names[0])
    rows: dict[str, dict[str, Judged]] = {}
    for piece in pieces(folder, split):
        progress.begin(piece.name)
        judged = _judged_piece(piece, names, notation, progress)
        if judged is None:
            session.say(f"{piece.name}: left out, it has no {notation} notation")
        else:
            rows[piece.name] = judged
    if not rows:
        raise InputError(f"{folder}: no piece of the {split} split in {notation} notation; prepare a larger corpus")
    summaries, paired = summarise(rows), differences(rows, baseline)
    tables = _tables(with_intervals(summaries), {name: one.tokens for name, one in summaries.items()})
    if paired:
        first, *rest = tables.items()
        tables = dict([first, (f"Less {baseline}, piece by piece", with_intervals(paired, signed=True)), *rest])
    if report is not None:
        _report_page.write(_report_page.many_pieces(names, split, notation, rows, tables), report, session)
    if session.as_json:
        by_piece = {piece: {name: row.numbers() for name, row in found.items()} for piece, found in rows.items()}
        found = {"rows": {name: vars(one) for name, one in summaries.items()}, "pieces": by_piece}
        found[f"less_{baseline}"] = {name: vars(one) for name, one in paired.items()}
        typer.echo(_report.as_json({"split": split, "notation": notation} | found))
        return
    typer.echo(_text(tables))


def _row_name(model: str) -> str:
    """What to call a model's row; the words of the table keep theirs."""
    from perfsynth.evaluate.performance_ceilings import CEILINGS

    return f"model {model}" if model in CEILINGS else model


def _judged_piece(piece: Any, names: list[str], notation: str, progress: Progress) -> dict[str, Judged] | None:
    """Judge what each model makes of one piece; None where it is not there in that notation."""
    from perfsynth.evaluate.performance_ceilings import judge
    from perfsynth.evaluate.performance_corpus import as_read
    from perfsynth.perform.core import perform

    read = as_read(piece.scores, notation)
    if read is None:
        return None
    score = piece.scores.get("musicxml") or read
    generated = {}
    for number, name in enumerate(names):
        progress(name, number / len(names))
        generated[_row_name(name)] = perform(read, model=name)
    return judge(score, generated, list(piece.performances.values())[:MOST_REFERENCES])
