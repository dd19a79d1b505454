"""``perfsynth align``: a recording and its score in, when each note is played out."""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfsynth.batch import storage
from perfsynth.cli import _io, _report, app
from perfsynth.errors import InputError, PerfsynthError, UsageError

if TYPE_CHECKING:
    import numpy as np

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


KINDS = {".csv": "csv", ".mid": "midi", ".midi": "midi", ".match": "match"}
SUFFIXES = {"jsonl": ".jsonl", "csv": ".csv", "midi": ".mid", "match": ".match"}
NOTES = ("midi", "match", "jsonl")  # recordings that are notes
SCORES = ("musicxml", "mxl")  # what is never a recording
Format = Annotated[AlignmentFormat | None, typer.Option("--format", help="Else by the output's suffix, else jsonl.")]
MethodOption = Annotated[Method, typer.Option(help="deep-performer: as the data of Dong et al. 2022 were made.")]
RepeatsOption = Annotated[
    PlayedRepeats, typer.Option(help="auto: the recording decides, cuts too; or as the signs say; or none.")
]
Backend = Annotated[str, typer.Option(help="Of the time warping: auto, numba or torch.")]
Device = Annotated[str | None, typer.Option(help="Of the torch backend: cpu, cuda, cuda:1.")]
Plot = Annotated[
    str | None,
    typer.Option(metavar="PNG", help="Draw spectrogram with notes, tempo, confidence. A folder: one a recording."),
]


def _kind(output: str | None, format: AlignmentFormat | None) -> AlignmentFormat:
    return format or AlignmentFormat(KINDS.get(Path(output or "").suffix.lower(), "jsonl"))


def _ending(*, output: str | None, format: AlignmentFormat | None = None, **_: Any) -> str:
    return SUFFIXES[_kind(output, format)]


def _is_binary(*, output: str | None, format: AlignmentFormat | None = None, **_: Any) -> bool:
    return _kind(output, format) == AlignmentFormat.midi


@_io.stage(
    app,
    "align",
    suffix=_ending,
    binary=_is_binary,
    examples=(
        "perfsynth align recording.flac score.musicxml -o notes.jsonl",
        "perfsynth align --manifest pairs.jsonl --out-dir aligned --jobs 0 --skip-existing",
    ),
)
def align(
    item: _io.Item,
    format: Format = None,
    plot: Plot = None,
    repeats: RepeatsOption = PlayedRepeats.auto,
    method: MethodOption = Method.production,
    backend: Backend = "auto",
    device: Device = None,
) -> None:
    """Align a recording (audio, or MIDI as it was played) to its score: write when each note is played."""
    from perfsynth import formats
    from perfsynth.align.symbolic import aligned as aligned_notes
    from perfsynth.formats.audio_blocks import kind_of

    recording, score = item.each()
    picture = _picture_of(item, plot)
    source = _source(recording)
    kind = kind_of(source, name=recording.name)
    if kind in SCORES:
        raise InputError(f"{recording.name}: a score, where a recording is expected; the recording comes first")
    written = formats.read_score(
        score.read(), name=score.name, repeats="as-written" if repeats == PlayedRepeats.none else "unfold"
    )
    played = None
    try:
        if kind in NOTES:
            asked = {"--plot": plot, "--device": device, "--backend": backend != "auto",
                     "--method": method != Method.production}  # fmt: skip
            if given := ", ".join(option for option, value in asked.items() if value):
                raise UsageError(f"{given}: for a recording of sound; {recording.name} holds notes, leave it out")
            played = _notes(recording, source)
            found = aligned_notes(played, written)
        else:
            found = _of_sound(recording, source, written, repeats, method, backend, device)
    except InputError as error:
        if str(error).startswith(recording.name):
            raise
        raise InputError(f"{recording.name} and {score.name}: {error}") from error
    item.write(_bytes(found, written, played, _kind(item.target, format)))
    if picture is not None:
        _draw(recording, source, found, picture)
    _tell(item, found)


def _source(recording: _io.Item) -> bytes | Path:
    """The file itself where there is one: an hour of sound need not be in memory."""
    if recording.source == _io.STDIN or storage.is_url(recording.source) or not Path(recording.source).is_file():
        return recording.read()
    return Path(recording.source)


def _notes(recording: _io.Item, source: bytes | Path) -> Performance:
    from perfsynth import formats

    data = source if isinstance(source, bytes) else source.read_bytes()
    return formats.read_performance(data, name=recording.name)


def _of_sound(
    recording: _io.Item, source: bytes | Path, score: Score, repeats: PlayedRepeats, method: Method, backend: str,
    device: str | None,
) -> Alignment:  # fmt: skip
    from perfsynth import formats
    from perfsynth.align.core import align as aligned
    from perfsynth.formats.audio_blocks import read_blocks
    from perfsynth.types import Audio, AudioStream

    audio: Audio | AudioStream = read_blocks(source, name=recording.name)
    if method == Method.deep_performer:
        data = source if isinstance(source, bytes) else source.read_bytes()
        audio = formats.read_audio(data, name=recording.name)
    return aligned(
        audio,
        score,
        method=method.value,
        jumps=repeats == PlayedRepeats.auto,
        render=rendered,
        backend=backend,  # type: ignore[arg-type]
        device=device,
    )


def rendered(performance: Performance, sample_rate: int) -> np.ndarray:
    """A performance as FluidSynth plays it, (n,) samples."""
    from perfsynth.synth.core import synthesize

    return synthesize(performance, engine="fluidsynth", sample_rate=sample_rate).audio().samples.mean(axis=1)


def _picture_of(item: _io.Item, plot: str | None) -> str | None:
    """Where the picture goes: a file, or a place in a folder."""
    if plot is None:
        return None
    if Path(plot).suffix.lower() in _report.PICTURES and not Path(plot).is_dir():
        if item.output:
            raise UsageError(f"--plot {plot}: with --out-dir there is a picture of each; name a folder for them")
        _report.check_picture(plot, force=item.force)
        return plot
    if Path(plot).suffix and not Path(plot).is_dir():
        raise UsageError(f"--plot {plot}: name a folder, or a picture that ends in {', '.join(_report.PICTURES)}")
    name = item if item.output or item.target == _io.STDOUT else replace(item, source=item.target)
    return name.beside(Path(plot), ".png").target


def _draw(recording: _io.Item, source: bytes | Path, found: Alignment, path: str) -> None:
    from perfsynth.align.picture import picture
    from perfsynth.formats.audio_blocks import read_blocks

    _report.write_picture(picture(read_blocks(source, name=recording.name), found), path, recording.session)


def _bytes(found: Alignment, score: Score, played: Performance | None, kind: AlignmentFormat) -> bytes:
    from perfsynth.align.tables import as_csv, as_match, as_performance

    if kind == AlignmentFormat.csv:
        return as_csv(found)
    if kind == AlignmentFormat.match:
        return as_match(found, score, played)
    if kind == AlignmentFormat.midi:
        from perfsynth.align.bars import grid, played_bars
        from perfsynth.formats.midi_write import write_performance

        performance = as_performance(found, score, played)
        if not len(performance.notes):
            raise PerfsynthError("no note of the score is played; there is nothing to write as MIDI")
        return write_performance(performance, grid=grid(played_bars(score, found), performance))
    from perfsynth.formats.jsonl import write_jsonl

    return write_jsonl(found)


def _tell(item: _io.Item, found: Alignment) -> None:
    """What there is to say about the recording, a line each."""
    from perfsynth.align.core import summary_of

    session, summary = item.session, summary_of(found)
    unplayed = int((found.notes["status"] == "unplayed").sum())
    if session.as_json:
        noted = {**(vars(summary) if summary else {}), "notes": len(found.notes), "unplayed": unplayed}
        session.tell(json.dumps({"recording": item.name, "summary": noted}))
        return
    lines = [f"notes: {len(found.notes)}, {unplayed} unplayed"]
    if summary is not None:
        key = "as written" if not summary.semitones else f"{summary.semitones:+d} semitones"
        lines[0] += f", {100 * summary.unsure:.1f} % of the played below 0.5 confidence"
        lines = [
            f"tuning: {summary.tuning_cents:+.0f} cents, {key}",
            f"music: begins at {summary.lead_in_s:.2f} s, {summary.tail_s:.2f} s follow it",
            *(f"played: {decision}" for decision in summary.decisions),
            *lines,
        ]
    for line in lines:
        session.say(line if item.target == _io.STDOUT else f"{item.target}: {line}")
