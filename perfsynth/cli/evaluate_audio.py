"""``perfsynth evaluate audio``: how far a recording is from its reference, or what kind of piano plays."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from perfsynth.cli import _comparison as comparison
from perfsynth.cli import _io, _many, _means, _report, _report_page
from perfsynth.cli import _options as opt
from perfsynth.cli.evaluate import evaluate
from perfsynth.errors import UsageError

Generated = Annotated[str | None, typer.Argument(metavar="GENERATED", help="Audio to judge; -: stdin.")]
Reference = Annotated[str | None, typer.Option(metavar="AUDIO", help="What it should sound like.")]
PerformanceFile = Annotated[
    str | None, typer.Option("--performance", metavar="MIDI", help="What both play, for score-informed measures.")
]
Other = Annotated[
    str | None,
    typer.Option(
        metavar="AUDIO", help="The same on another piano, for the ladder; else FluidSynth plays --performance."
    ),
]
Ladder = Annotated[bool, typer.Option("--ladder/--no-ladder", help="Calibrate: the reference against itself, changed.")]
Instruments = Annotated[
    bool, typer.Option("--instruments", help="Name the instrument it sounds like; needs --performance and FluidSynth.")
]
ProbeMode = Annotated[
    bool, typer.Option("--probe", help="Ask --engine, or a recording of --write-probe, single notes instead.")
]
WriteProbe = Annotated[str | None, typer.Option(metavar="MIDI", help="Write the probe, to be played elsewhere.")]
ProbeEngine = Annotated[str | None, typer.Option("--engine", help="Engine to probe; see `perfsynth models`.")]


def _each(
    item: _io.Item,
    performance: str | None = None,
    ladder: bool = True,
    instruments: bool = False,
    soundfont: str | None = None,
) -> None:
    """Write the report of a row."""
    reference = item.others[0]
    asked = comparison.Asked(item.source, reference, performance, None, ladder, instruments, soundfont)
    found = comparison.compare(_many.about(item), asked, item.progress)
    item.write((_report.as_json(found.report) + "\n").encode())


def _together(session: _io.Session, reports: list[dict[str, Any]]) -> None:
    """Print the means over rows."""
    from perfsynth.evaluate.audio_table import markdown

    found = _means.of_reports(reports, session)
    within = found.interval.get("matching", {}) | found.interval.get("distances", {})
    _means.say(session, found, "\n\n".join(map(markdown, comparison.tables(found.mean, within).values())))


@_io.report(
    evaluate,
    "audio",
    examples=(
        "perfsynth evaluate audio made.wav --reference recorded.wav --performance played.mid --plot made.png",
        "perfsynth evaluate audio --probe --engine modal --plot modal.png",
        "perfsynth evaluate audio --manifest pairs.jsonl --out-dir reports --jobs 0 --skip-existing",
    ),
    many=_io.Many("evaluate audio", _each, _together),
)
def audio(
    session: _io.Session,
    generated: Generated = None,
    reference: Reference = None,
    performance: PerformanceFile = None,
    other: Other = None,
    ladder: Ladder = True,
    instruments: Instruments = False,
    probe: ProbeMode = False,
    write_probe: WriteProbe = None,
    engine: ProbeEngine = None,
    soundfont: opt.Soundfont = None,
    samples: opt.Samples = None,
    piano: opt.Piano = None,
    variant: opt.Variant = None,
    lid: opt.Lid = None,
    room: opt.Room = None,
    plot: opt.Plot = None,
    report: _report_page.ReportFile = None,
    force: opt.Force = False,
) -> None:
    """Measure audio against a reference, or probe a piano with notes of its own."""
    _report.check_picture(plot, force=force)
    _report_page.check(report, force=force)
    _report.check_new(write_probe, force=force)
    of_piano = {"samples": samples, "piano": piano, "variant": variant, "lid": lid, "room": room}
    with session.progress() as progress:
        if probe or write_probe:
            if reference or performance or other or instruments or report:
                raise UsageError("--probe measures without a reference; leave all options of comparing out")
            if not probe and (generated or engine or soundfont or any(of_piano.values()) or plot):
                raise UsageError("--write-probe alone measures nothing; add --probe, or leave all but its MIDI out")
            from perfsynth.cli import evaluate_probe

            options = {"soundfont": soundfont, **of_piano}
            evaluate_probe.run(session, generated, write_probe, engine, options, plot, progress, measure=probe)
            return
        if engine or any(of_piano.values()):
            raise UsageError("an engine is probed, or its audio compared; add --probe, or leave the engine out")
        if generated is None or reference is None:
            raise UsageError("give GENERATED and --reference AUDIO, or --probe, or --manifest")
        if [generated, reference, performance, other].count("-") > 1:
            raise UsageError("stdin can be read once; name the other files")
        asked = comparison.Asked(generated, reference, performance, other, ladder, instruments, soundfont)
        found = comparison.compare(session, asked, progress)
        if plot is not None:
            _report.write_picture(found.figure(), plot, session)
        if report is not None:
            progress("writing the page", 0.0)
            _report_page.write(found.page(), report, session)
        typer.echo(_report.as_json(found.report) if session.as_json else found.text())
