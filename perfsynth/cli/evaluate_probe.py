"""The probe of ``perfsynth evaluate audio --probe``: notes out, figures and a picture back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from perfsynth.cli import _report
from perfsynth.cli._io import Item, Session
from perfsynth.cli._progress import Progress
from perfsynth.errors import InputError, UsageError

if TYPE_CHECKING:
    from perfsynth.types import Audio


def run(
    session: Session, source: str | None, write_to: str | None, engine: str | None, options: dict[str, Any],
    plot: str | None, progress: Progress, *, measure: bool,
) -> None:  # fmt: skip
    """Write the probe, or measure its recording: that of a file, or one that an engine makes now.

    Raises
    ------
    UsageError
        When there is neither a recording nor an engine, or both.
    """
    if write_to is not None:
        _write(write_to, session, progress)
        if not measure:
            return
    if source is not None and engine is None:
        from perfsynth import formats

        progress.begin(source)
        audio = formats.read_audio(_report.read_input(source, session), name=source)
        _measure(session, source, audio, plot, cpu_s_per_s=None)
    elif engine is not None and source is None:
        name = " ".join([engine, *(str(value) for value in options.values() if value is not None)])
        progress.begin(name)
        audio, cost = _sounded(engine, options, progress)
        _measure(session, name, audio, plot, cpu_s_per_s=cost)
    else:
        raise UsageError("--probe takes an --engine to ask, or the recording of a probe; give one of them")


def _write(path: str, session: Session, progress: Progress) -> None:
    from perfsynth.evaluate.probe_notes import schedule
    from perfsynth.formats.midi_write import write_performance

    Item("-", path, 0, session, progress).write(write_performance(schedule().performance))
    session.say(f"{path}: the probe, {schedule().end_s:.0f} s; play it, and measure its recording with --probe")


def _sounded(engine: str, options: dict[str, Any], progress: Progress) -> tuple[Audio, float]:
    """The probe as the engine's user gets it, peaks kept below full scale, and CPU seconds for a second of it."""
    import os

    from perfsynth.evaluate.probe_notes import schedule
    from perfsynth.pipeline import sound

    begun = sum(os.times()[:4])  # of this process and of those that it waited for
    stream = sound(schedule().performance, engine=engine, loudness_lufs=None, report=progress, **options)
    audio = stream.audio()
    return audio, (sum(os.times()[:4]) - begun) * audio.sample_rate / len(audio.samples)


def _measure(session: Session, name: str, audio: Audio, plot: str | None, *, cpu_s_per_s: float | None) -> None:
    """Measure, draw, print."""
    from perfsynth.evaluate.probe import measure, recording

    try:
        sound = recording(audio.samples, audio.sample_rate)
        found = measure(sound)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    if plot is not None:
        from perfsynth.evaluate.probe_plot import probe_figure

        _report.write_picture(probe_figure(sound, found, name), plot, session)
    if session.as_json:
        from perfsynth.evaluate.probe_table import GRAND

        made = {"probed": name, **found.to_json(), "cpu_s_per_s": cpu_s_per_s, "sampled_grand": GRAND}
        typer.echo(_report.as_json(made))
    else:
        from perfsynth.evaluate.audio_table import markdown
        from perfsynth.evaluate.probe_table import table

        rows = table(found.to_json(), name)
        if cpu_s_per_s is not None:
            rows += [["CPU s for 1 s of audio", "", f"{cpu_s_per_s:.3f}", "-"]]
        typer.echo(markdown(rows))
