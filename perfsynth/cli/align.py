"""``perfsynth align``: a recording and its score in, when each note is played out."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfsynth.cli import _io, _report, app
from perfsynth.cli import _options as opt
from perfsynth.cli._progress import Progress
from perfsynth.errors import InputError, PerfsynthError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from perfsynth.align.core import Summary
    from perfsynth.types import Alignment, Performance, Score


class Method(StrEnum):
    """Ways to align."""

    production = "production"
    deep_performer = "deep-performer"


class AlignmentFormat(StrEnum):
    """What an alignment can be written as."""

    jsonl = "jsonl"
    csv = "csv"
    midi = "midi"
    match = "match"


class PlayedRepeats(StrEnum):
    """Which repeats a recording plays."""

    auto = "auto"
    as_written = "as-written"
    none = "none"


SUFFIXES = {".csv": "csv", ".mid": "midi", ".midi": "midi", ".match": "match"}
Recording = Annotated[str, typer.Argument(metavar="RECORDING", help="Audio; -: stdin.")]
ScoreFile = Annotated[str, typer.Argument(metavar="SCORE", help="MusicXML, .mxl or MIDI; -: stdin.")]
Format = Annotated[AlignmentFormat | None, typer.Option("--format", help="Else by the output's suffix, else jsonl.")]
MethodOption = Annotated[Method, typer.Option(help="deep-performer: as the data of Dong et al. 2022 were made.")]
RepeatsOption = Annotated[
    PlayedRepeats, typer.Option(help="auto: the recording decides, cuts too; or as the signs say; or none.")
]
Backend = Annotated[str, typer.Option(help="Of the time warping: auto, numba or torch.")]
Device = Annotated[str | None, typer.Option(help="Of the torch backend: cpu, cuda, cuda:1.")]
Plot = Annotated[str | None, typer.Option(metavar="PNG", help="Draw it: spectrogram with notes, tempo, confidence.")]


@_io.report(
    app,
    "align",
    examples=(
        "perfsynth align recording.flac score.musicxml -o notes.jsonl",
        "perfsynth align recording.wav score.mid --format csv --plot notes.png > notes.csv",
    ),
)
def align(
    session: _io.Session,
    recording: Recording,
    score: ScoreFile,
    output: opt.Output = None,
    format: Format = None,
    plot: Plot = None,
    repeats: RepeatsOption = PlayedRepeats.auto,
    method: MethodOption = Method.production,
    backend: Backend = "auto",
    device: Device = None,
    force: opt.Force = False,
) -> None:
    """Align a recording to its score: write when each note is played."""
    from perfsynth import formats
    from perfsynth.align.core import align as aligned
    from perfsynth.align.core import summary_of

    target = output or _io.STDOUT
    kind = format or AlignmentFormat(SUFFIXES.get(Path(target).suffix.lower(), "jsonl"))
    _check(target, recording, score, kind, plot, force=force)
    written = formats.read_score(
        _report.read_input(score, session),
        name=score,
        repeats="as-written" if repeats == PlayedRepeats.none else "unfold",
    )
    audio = formats.read_audio(_report.read_input(recording, session), name=recording)
    try:
        found = aligned(
            audio,
            written,
            method=method.value,
            jumps=repeats == PlayedRepeats.auto,
            render=_render,
            backend=backend,  # type: ignore[arg-type]
            device=device,
        )
    except InputError as error:
        raise InputError(f"{recording} and {score}: {error}") from error
    item = _io.Item(recording, target, 0, session, Progress())
    item.write(_bytes(found, written, kind))
    if plot is not None:
        from perfsynth.align.picture import picture

        _report.write_picture(picture(audio, found), plot, session)
    summary = summary_of(found)
    if summary is not None:
        _tell(session, summary, found)


def _render(performance: Performance, sample_rate: int) -> np.ndarray:
    """A performance as FluidSynth plays it, (n,) samples."""
    import numpy as np

    from perfsynth.synth.core import synthesize

    stream = synthesize(performance, engine="fluidsynth", sample_rate=sample_rate)
    return np.concatenate(list(stream.blocks)).mean(axis=1)


def _check(target: str, recording: str, score: str, kind: AlignmentFormat, plot: str | None, *, force: bool) -> None:
    """Refuse, before any work is done, what cannot be read or written."""
    if recording == _io.STDIN and score == _io.STDIN:
        raise UsageError("the recording and the score cannot both come from stdin; name one of them")
    if target == _io.STDOUT and kind == AlignmentFormat.midi and sys.stdout.isatty():
        raise UsageError("binary output is not shown in a terminal; give --output FILE or pipe it on")
    if target != _io.STDOUT and Path(target).is_dir():
        raise UsageError(f"{target}: is a folder; name a file")
    _report.check_new(target, force=force)
    _report.check_picture(plot, force=force)


def _bytes(found: Alignment, score: Score, kind: AlignmentFormat) -> bytes:
    from perfsynth.align.tables import as_csv, as_match, as_performance

    if kind == AlignmentFormat.csv:
        return as_csv(found)
    if kind == AlignmentFormat.match:
        return as_match(found, score)
    if kind == AlignmentFormat.midi:
        from perfsynth.expression import beat_grid
        from perfsynth.formats.midi_write import write_performance

        played = as_performance(found, score)
        if not len(played.notes):
            raise PerfsynthError("no note of the score is played; there is nothing to write as MIDI")
        return write_performance(played, grid=beat_grid(score, played))
    from perfsynth.formats.jsonl import write_jsonl

    return write_jsonl(found)


def _tell(session: _io.Session, summary: Summary, found: Alignment) -> None:
    """What there is to say about the recording, a line each."""
    import json

    unplayed = int((found.notes["status"] == "unplayed").sum())
    if session.as_json:
        print(
            json.dumps({"summary": {**vars(summary), "notes": len(found.notes), "unplayed": unplayed}}), file=sys.stderr
        )
        return
    key = "as written" if not summary.semitones else f"{summary.semitones:+d} semitones"
    session.say(f"tuning: {summary.tuning_cents:+.0f} cents, {key}")
    session.say(f"music: begins at {summary.lead_in_s:.2f} s, {summary.tail_s:.2f} s follow it")
    for decision in summary.decisions:
        session.say(f"played: {decision}")
    session.say(
        f"notes: {len(found.notes)}, {unplayed} unplayed, "
        f"{100 * summary.unsure:.1f} % of the played below 0.5 confidence"
    )
