"""The option ``--report`` of ``perfsynth evaluate``: one page with what was measured, to be seen and heard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfsynth.cli import _report
from perfsynth.cli._io import Item, Session
from perfsynth.cli._progress import Progress
from perfsynth.errors import UsageError

if TYPE_CHECKING:
    from perfsynth.evaluate.performance_ceilings import Judged
    from perfsynth.evaluate.report.page import Sound, Table
    from perfsynth.types import Artifact, Performance, Score

ReportFile = Annotated[
    str | None, typer.Option("--report", metavar="HTML", help="Write a page with sounds, pictures and tables.")
]
MOST_HEARD = 3  # references: more make the page large


def check(path: str | None, *, force: bool) -> None:
    """Refuse a page that cannot be written, before any work is done."""
    if path is not None and Path(path).suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--report {path}: the name of a page ends in .html")
    _report.check_new(path, force=force)


def write(data: bytes, path: str, session: Session) -> None:
    """Write a page and say so."""
    Item("-", path, 0, session, Progress()).write(data)
    session.say(f"{path}: written, {len(data) / 1e6:.1f} MB; open it in a browser")


def tables(rows: Mapping[str, Sequence[Sequence[str]]]) -> list[Table]:
    """Tables of text by their captions."""
    from perfsynth.evaluate.report.page import Table

    return [Table(caption, table) for caption, table in rows.items()]


def read(files: Iterable[tuple[str | None, Artifact | None]]) -> dict[str, Artifact]:
    """The files that were read, by name."""
    return {name: artifact for name, artifact in files if name is not None and artifact is not None}


def one_piece(
    names: Sequence[str], score: Score, players: Sequence[Performance], rows: Mapping[str, Judged],
    shown: Mapping[str, Sequence[Sequence[str]]], progress: Progress,
) -> bytes:  # fmt: skip
    """The page about a generated performance (the first of `players`) and its references.

    Parameters
    ----------
    names
        Of the files: the score, then those of `players`.
    score
        The score.
    players
        The generated performance, then its references, joined to the score.
    rows
        What was measured.
    shown
        The same as tables, by caption.
    progress
        Told how far the sounds are.
    """
    from perfsynth.evaluate.report.playing import playing_page

    labels = ["generated", *(f"human {number}: {Path(name).name}" for number, name in enumerate(names[2:], 1))]
    by_label = dict(zip(labels, players, strict=True))
    files: dict[str, Artifact] = dict(zip(names, (score, *players), strict=True))
    title = score.title or Path(names[0]).name
    sounds = _sounds(score, by_label, progress)
    return playing_page(f"{title}: a performance among people", score, by_label, rows, sounds, tables(shown), files)


def _sounds(score: Score, players: Mapping[str, Performance], progress: Progress) -> list[Sound]:
    """The same passage of all, and deadpan, on the default engine."""
    from perfsynth.evaluate.performance_ceilings import DEADPAN, deadpan
    from perfsynth.evaluate.report.page import Sound
    from perfsynth.evaluate.report.playing import excerpts
    from perfsynth.evaluate.report.sounds import opus
    from perfsynth.pipeline import sound

    heard = dict(list(players.items())[: 1 + MOST_HEARD])
    heard[DEADPAN] = deadpan(score)
    words = dict.fromkeys(heard, "as people played it")
    words |= {next(iter(heard)): "what is judged", DEADPAN: "one velocity, one tempo, no pedal"}
    found = []
    for number, (name, excerpt) in enumerate(excerpts(score, heard).items()):
        if len(excerpt.performance.notes) == 0:  # who leaves out this passage
            continue
        progress(f"sounding {name}", number / len(heard))
        audio = sound(excerpt.performance).audio()
        found.append(Sound(name, words[name], opus(audio.samples, audio.sample_rate), excerpt.marks_s))
    return found


def many_pieces(
    models: Sequence[str], split: str, notation: str, rows: Mapping[str, Mapping[str, Judged]],
    shown: Mapping[str, Sequence[Sequence[str]]],
) -> bytes:  # fmt: skip
    """The page about models over the pieces of a corpus: `rows` by piece, `shown` as printed."""
    from perfsynth.evaluate.performance_table import by_measure
    from perfsynth.evaluate.report.page import Table
    from perfsynth.evaluate.report.playing import corpus_page

    each = [
        Table(piece, by_measure({name: one.numbers() for name, one in found.items()}), folded=True)
        for piece, found in rows.items()
    ]
    title = f"{', '.join(models)} over {len(rows)} pieces"
    summary = f"The {split} split, read as {notation}, each piece against at most four people."
    return corpus_page(title, summary, tables(shown), each)
