"""``perfsynth evaluate alignment``: how far the times of an alignment are from the true ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfsynth.cli import _io, _means, _report, _report_page
from perfsynth.cli import _options as opt
from perfsynth.cli.evaluate import evaluate
from perfsynth.errors import InputError, UsageError
from perfsynth.types import Alignment, Performance

if TYPE_CHECKING:
    import numpy as np

    from perfsynth.evaluate.alignment import Paired

Predicted = Annotated[
    str | None, typer.Argument(metavar="ALIGNMENT", help="JSON Lines of `perfsynth align`; -: stdin.")
]
Reference = Annotated[
    str | None,
    typer.Option(
        metavar="TRUTH",
        help="The true times: an alignment (`perfsynth align` makes one of a performance too), or a .match file.",
    ),
]
Plot = Annotated[
    str | None, typer.Option(metavar="PNG", help="Draw the errors and the calibration: .png, .pdf or .svg.")
]


def _each(item: _io.Item) -> None:
    """Write the report of a row."""
    names = (item.source, *item.others)
    _, found, ends = _measured(_read_both(names, item.session), names)
    item.write((_report.as_json(_made(names, found, ends)) + "\n").encode())


def _together(session: _io.Session, reports: list[dict[str, Any]]) -> None:
    """Print the means over rows."""
    from perfsynth.evaluate.audio_table import markdown

    found = _means.of_reports(reports, session)
    there = {path[-1]: found.n_reports - count for path, count in found.endless.items()}
    behind = {name: f"(found in {count} of {found.n_reports})" for name, count in there.items()}
    _means.say(session, found, markdown(_table("mean", found.mean, found.interval, behind)))


@_io.report(
    evaluate,
    "alignment",
    examples=(
        "perfsynth evaluate alignment notes.jsonl --reference truth.jsonl --report notes.html",
        "perfsynth align recording.wav score.mid | perfsynth evaluate alignment - --reference truth.jsonl --json",
        "perfsynth evaluate alignment --manifest pairs.jsonl --out-dir reports --jobs 0 --skip-existing",
    ),
    many=_io.Many("evaluate alignment", _each, _together),
)
def alignment(
    session: _io.Session,
    predicted: Predicted = None,
    reference: Reference = None,
    plot: Plot = None,
    report: _report_page.ReportFile = None,
    force: opt.Force = False,
) -> None:
    """Measure an alignment against the true times: onsets, offsets, confidence."""
    _report.check_picture(plot, force=force)
    _report_page.check(report, force=force)
    if predicted is None or reference is None:
        raise UsageError("give ALIGNMENT and --reference TRUTH, or many with --manifest JSONL")
    if predicted == reference == "-":
        raise UsageError("stdin can be read once; name the other file")
    names = (predicted, reference)
    files = _read_both(names, session)
    pairs, found, ends = _measured(files, names)
    if plot is not None:
        from perfsynth.evaluate.alignment_plot import figure

        _report.write_picture(figure(pairs), plot, session)
    rows = _table(predicted, found, ends, {})
    if report is not None:
        from perfsynth.evaluate.report.aligning import alignment_page

        tables = _report_page.tables({"Times found against true ones": rows})
        _report_page.write(alignment_page(predicted, pairs, found, ends, tables, files), report, session)
    if session.as_json:
        typer.echo(_report.as_json(_made(names, found, ends)))
        return
    from perfsynth.evaluate.audio_table import markdown

    typer.echo(markdown(rows))


def _measured(
    files: Mapping[str, Alignment | Performance], names: Sequence[str]
) -> tuple[Paired, dict[str, float], dict[str, tuple[float, float]]]:
    """The notes in pairs, the figures, their intervals."""
    from perfsynth.evaluate.alignment import evaluate as measured
    from perfsynth.evaluate.alignment import paired
    from perfsynth.evaluate.alignment_intervals import intervals

    predicted, reference = names
    found = files[predicted]
    if not isinstance(found, Alignment):
        raise InputError(f"{predicted}: is a performance, where an alignment is expected; see perfsynth align")
    pairs = paired(found.notes, _true(files[reference], found, reference))
    return pairs, measured(pairs), intervals(pairs)


def _made(names: Sequence[str], found: Mapping[str, float], ends: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """The report."""
    predicted, reference = names
    return {"alignment": predicted, "reference": reference, **found, "interval_95": ends}


def _table(
    name: str, found: Mapping[str, float], ends: Mapping[str, tuple[float, float]], behind: Mapping[str, str]
) -> list[list[str]]:
    """The figures as text, behind them their intervals, or what else is to be said of them."""
    from perfsynth.evaluate.alignment_table import LABELS, table

    rows = table({name: found})
    told = {**{key: f"({low:.1f}..{high:.1f})" for key, (low, high) in ends.items()}, **behind}
    cells = zip(rows[1:], LABELS, strict=True)
    return [rows[0], *([label, f"{value} {told.get(key, '')}".rstrip()] for (label, value), key in cells)]


def _read_both(names: Sequence[str], session: _io.Session) -> dict[str, Alignment | Performance]:
    return {name: _read(name, session) for name in names}


def _read(source: str, session: _io.Session) -> Alignment | Performance:
    from perfsynth import formats

    data = _report.read_input(source, session)
    if formats.sniff(data, name=source) != "jsonl":
        return formats.read_performance(data, name=source)
    notes = formats.read_notes(data, name=source)
    if not isinstance(notes, Alignment | Performance):
        raise InputError(f"{source}: holds {type(notes).__name__.lower()}, where an alignment is expected")
    return notes


def _true(truth: Alignment | Performance, found: Alignment, name: str) -> np.ndarray:
    """The true times; those of a performance at the places that the alignment says its notes have."""
    import numpy as np

    from perfsynth.expression import sound_offs_s
    from perfsynth.types import ALIGNED_NOTE

    if isinstance(truth, Alignment):
        return truth.notes
    joined = truth.notes["note_id"] != ""
    played = truth.notes[joined]
    if not len(played):
        raise InputError(
            f"{name}: does not say which note of the score each is; align it: perfsynth align {name} SCORE"
        )
    ids = _shared(played["note_id"].tolist(), found.doubled)
    places = {str(note["note_id"]): (note["score_onset_beat"], note["score_duration_beat"]) for note in found.notes}
    rows = [
        (
            *(note_id, note["pitch"], *places.get(note_id, (0.0, 0.0))),
            *(note["onset_s"], note["onset_s"] + note["duration_s"], sound_off_s, 1.0, "matched"),
        )
        for note_id, note, sound_off_s in zip(ids, played, sound_offs_s(truth)[joined], strict=True)
        if note_id
    ]
    return np.array(rows, ALIGNED_NOTE)


def _shared(ids: list[str], doubled: Mapping[str, str]) -> list[str]:
    """The ids of played notes, that of the other where one shares its key; "" where the other is played too."""
    taken, made = set(ids), []
    for note_id in ids:
        shared = doubled.get(note_id, note_id)
        made.append("" if shared != note_id and shared in taken else shared)
        taken.add(shared)
    return made
