"""``perfsynth evaluate audio``: how far a recording is from its reference, or what kind of piano plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfsynth.cli import _io, _report, _report_page
from perfsynth.cli import _options as opt
from perfsynth.cli._progress import Progress
from perfsynth.cli.evaluate import evaluate
from perfsynth.errors import InputError, MissingError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from perfsynth.evaluate.audio import Comparison
    from perfsynth.types import Audio, Performance

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
CONDITION = {
    "peak_dbfs": "peak [dBFS]",
    "clipped_samples": "clipped samples",
    "bandwidth_hz": "bandwidth, 90 dB range [Hz]",
    "quietest_dbfs": "quietest 0.3 s [dBFS]",
}
SCORE_INFORMED = {
    "onset_f1": "onset F1, 50 ms of the score",
    "onset_precision": "precision",
    "onset_recall": "recall",
    "pitch_recall": "struck pitches heard",
    "wander_cents": "wander of held partials [cents]",
}
UNLIKE_S = 1.0  # a tail may be cut off without a word
Plot = Annotated[str | None, typer.Option(metavar="PNG", help="Draw a picture: .png, .pdf or .svg.")]


@_io.report(
    evaluate,
    "audio",
    examples=(
        "perfsynth evaluate audio made.wav --reference recorded.wav --performance played.mid --plot made.png",
        "perfsynth evaluate audio --probe --engine modal --plot modal.png",
    ),
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
    plot: Plot = None,
    report: _report_page.ReportFile = None,
    force: opt.Force = False,
) -> None:
    """Measure audio against a reference, or probe a piano with notes of its own."""
    _report.check_picture(plot, force=force)
    _report_page.check(report, force=force)
    _report.check_new(write_probe, force=force)
    of_piano = {"samples": samples, "piano": piano, "variant": variant, "lid": lid, "room": room}
    with Progress.on_stderr(hidden=session.quiet or session.as_json) as progress:
        if probe or write_probe:
            if reference or performance or other or instruments or report:
                raise UsageError("--probe measures without a reference; leave all options of comparing out")
            from perfsynth.cli import evaluate_probe

            options = {"soundfont": soundfont, **of_piano}
            evaluate_probe.run(session, generated, write_probe, engine, options, plot, progress, measure=probe)
            return
        if engine or any(of_piano.values()):
            raise UsageError("an engine is probed, or its audio compared; add --probe, or leave the engine out")
        if generated is None or reference is None:
            raise UsageError("give GENERATED and --reference AUDIO, or --probe")
        if [generated, reference, performance, other].count("-") > 1:
            raise UsageError("stdin can be read once; name the other files")
        if instruments and performance is None:
            raise UsageError("--instruments plays the same notes on others; add --performance MIDI")
        asked = _Asked(generated, reference, performance, other, ladder, instruments, soundfont, plot, report)
        _compare(session, asked, progress)


@dataclass(frozen=True)
class _Asked:
    """What is compared, and what else is wanted."""

    generated: str
    reference: str
    performance: str | None
    other: str | None
    ladder: bool
    instruments: bool
    soundfont: str | None
    plot: str | None
    report: str | None

    @property
    def names(self) -> tuple[str, str]:
        """Both sides of the comparison."""
        return self.generated, self.reference


def _compare(session: _io.Session, asked: _Asked, progress: Progress) -> None:
    """Measure, calibrate, draw, print."""
    from perfsynth import formats
    from perfsynth.evaluate.audio import distances
    from perfsynth.evaluate.ladder import ladder
    from perfsynth.evaluate.report.comparison import Rendition, comparison_page

    progress.begin(asked.generated)
    sides = [formats.read_audio(_report.read_input(name, session), name=name) for name in asked.names]
    played = None
    if asked.performance is not None:
        data = _report.read_input(asked.performance, session)
        played = formats.read_performance(data, name=asked.performance)
    here, there = _alike([_at_rate(side) for side in sides], session)
    try:
        found = distances(here, there, report=progress)
    except InputError as error:
        raise InputError(f"{asked.generated} against {asked.reference}: {error}") from error
    made = {**_alone(asked, sides, found), "compared_s": _compared_s(asked, sides, session)}
    if played is not None:
        made["score_informed"] = _score_informed(here, there, found, played)
        if asked.instruments:
            from perfsynth.cli.evaluate_instrument import heard_as

            pair = {"generated": here, "reference": there}
            made["instruments"] = heard_as(pair, played, asked.soundfont, progress)
    rungs, beside = {}, None
    if asked.ladder:
        beside = _other_piano(asked, played, there, session)
        rungs = ladder(there, beside, report=progress)
        made["ladder"] = {name: _figures(rung) for name, rung in rungs.items()}
    if asked.plot is not None:
        from perfsynth.evaluate.audio_plot import comparison_figure

        _report.write_picture(comparison_figure(here, there, found), asked.plot, session)
    tables = _tables(made, found, rungs)
    if asked.report is not None:
        progress("writing the page", 0.0)
        heard = Rendition(here, there, beside, asked.ladder)
        files = [*zip(asked.names, sides, strict=True), (asked.performance, played)]
        page = comparison_page(asked.names, heard, found, _report_page.tables(tables), _report_page.read(files))
        _report_page.write(page, asked.report, session)
    typer.echo(_report.as_json(made) if session.as_json else _text(tables))


def _compared_s(asked: _Asked, sides: list[Audio], session: _io.Session) -> float:
    """How much of both is compared; a line says so where one lasts much longer."""
    lengths = [len(side.samples) / side.sample_rate for side in sides]
    if max(lengths) - min(lengths) > UNLIKE_S:
        told = ", ".join(f"{name} {length:.1f} s" for name, length in zip(asked.names, lengths, strict=True))
        session.say(f"{told}: the first {min(lengths):.1f} s of both are compared")
    return min(lengths)


def _alone(asked: _Asked, sides: list[Audio], found: Comparison) -> dict[str, Any]:
    """The report as far as it needs nothing but the two recordings."""
    from perfsynth.evaluate.condition import condition

    return {
        "generated": asked.generated,
        "reference": asked.reference,
        "matching": {"gain_db": found.gain_db, "lag_s": found.lag_s},
        "distances": found.mean(),
        "interval_95": found.interval(),
        "pieces": len(found.rows),
        "bark": found.bark,
        "condition": {
            name: condition(side.samples, side.sample_rate).to_json()
            for name, side in zip(("generated", "reference"), sides, strict=True)
        },
    }


def _figures(found: Comparison) -> dict[str, float]:
    return {"gain_db": found.gain_db, "lag_s": found.lag_s, **found.mean()}


def _at_rate(audio: Audio) -> np.ndarray:
    """(n, n_channels) at 44.1 kHz."""
    import soxr

    from perfsynth.evaluate.matching import RATE

    if audio.sample_rate == RATE:
        return audio.samples
    return soxr.resample(audio.samples, audio.sample_rate, RATE)


def _alike(sides: list[np.ndarray], session: _io.Session) -> list[np.ndarray]:
    """Both with their channels, or both mixed to one where they have different ones."""
    counts = [side.shape[1] for side in sides]
    if len(set(counts)) == 1:
        return sides
    session.say(f"{counts[0]} channels against {counts[1]}: both are mixed to one")
    return [side.mean(axis=1, keepdims=True) for side in sides]


def _score_informed(here: np.ndarray, there: np.ndarray, found: Comparison, played: Performance) -> dict[str, Any]:
    """Both sides by the notes; the lag found is taken out of the generated one."""
    import numpy as np

    from perfsynth.evaluate.matching import RATE
    from perfsynth.evaluate.score_informed import score_informed

    late = round(found.lag_s * RATE)
    lead = np.zeros((max(-late, 0), here.shape[1]), np.float32)
    moved = np.concatenate([lead, here[max(late, 0) :]])[: len(there)]
    length = min(len(moved), len(there))
    return {
        name: score_informed(side[:length], played.notes).to_json()
        for name, side in (("generated", moved), ("reference", there))
    }


def _other_piano(
    asked: _Asked, played: Performance | None, reference: np.ndarray, session: _io.Session
) -> np.ndarray | None:
    """The same performance on another piano: a file, or FluidSynth's."""
    import numpy as np

    from perfsynth import formats
    from perfsynth.synth.core import synthesize
    from perfsynth.types import Audio

    if asked.other is not None:
        sound = formats.read_audio(_report.read_input(asked.other, session), name=asked.other)
    elif played is None:
        session.say("the ladder lacks another piano; give --performance MIDI or --other AUDIO")
        return None
    else:
        try:
            stream = synthesize(played, engine="fluidsynth", soundfont=asked.soundfont)
        except MissingError as error:
            session.say(f"the ladder lacks another piano: {error}")
            return None
        sound = Audio(np.concatenate(list(stream.blocks)), stream.sample_rate)
    audio = _at_rate(sound)
    return (
        audio
        if audio.shape[1] == reference.shape[1]
        else np.repeat(audio.mean(axis=1, keepdims=True), reference.shape[1], axis=1)
    )


def _text(tables: dict[str, list[list[str]]]) -> str:
    """The report as Markdown tables."""
    from perfsynth.evaluate.audio_table import markdown

    return "\n\n".join(markdown(rows) for rows in tables.values())


def _tables(made: dict[str, Any], found: Comparison, rungs: dict[str, Comparison]) -> dict[str, list[list[str]]]:
    """The report as tables by their captions."""
    from perfsynth.evaluate.audio_table import by_measure, cell

    columns = {"generated": _figures(found), **{name: _figures(rung) for name, rung in rungs.items()}}
    tables = {"Distances from the reference": by_measure(columns, made["interval_95"])}
    sides = ("generated", "reference")
    rows = [["", *sides]]
    for name, label in CONDITION.items():
        rows += [[label, *(f"{made['condition'][side][name]:.0f}" for side in sides)]]
    for name, label in SCORE_INFORMED.items() if "score_informed" in made else ():
        rows += [[label, *(cell(name, made["score_informed"][side][name]) for side in sides)]]
    if "instruments" in made:
        nearest = (list(made["instruments"][side].items())[:2] for side in sides)
        rows += [["sounds like", *(", ".join(f"{name} {far:.1f}" for name, far in pair) for pair in nearest)]]
    return tables | {"Of each recording alone, and by the notes that it plays": rows}
