"""The probe of ``perfsynth evaluate audio --probe``: notes out, figures and a picture back."""

from __future__ import annotations

from typing import Any

import typer

from perfsynth.cli import _report
from perfsynth.cli._io import Item, Session
from perfsynth.cli._progress import Progress
from perfsynth.errors import InputError, UsageError


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
    from perfsynth.evaluate.probe_notes import schedule

    if write_to is not None:
        from perfsynth.formats.midi_write import write_performance

        Item("-", write_to, 0, session, progress).write(write_performance(schedule().performance))
        session.say(f"{write_to}: the probe, {schedule().end_s:.0f} s; play it, and measure its recording with --probe")
        if not measure:
            return
    if (source is None) == (engine is None):
        raise UsageError("--probe takes an --engine to ask, or the recording of a probe; give one of them")
    from perfsynth.evaluate.probe import measure as measured
    from perfsynth.evaluate.probe import recording

    name = source or " ".join([engine or "", *(str(value) for value in options.values() if value is not None)])
    progress.begin(name)
    samples, rate = _recorded(source, session) if source else _sounded(engine or "auto", options, progress)
    try:
        sound = recording(samples, rate)
        found = measured(sound)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    if plot is not None:
        from perfsynth.evaluate.probe_plot import probe_figure

        _report.write_picture(probe_figure(sound, found), plot, session)
    if session.as_json:
        from perfsynth.evaluate.probe_table import GRAND

        typer.echo(_report.as_json({"probed": name, **found.to_json(), "sampled_grand": GRAND}))
    else:
        from perfsynth.evaluate.audio_table import markdown
        from perfsynth.evaluate.probe_table import table

        typer.echo(markdown(table(found.to_json(), name)))


def _recorded(source: str, session: Session) -> tuple[Any, int]:
    from perfsynth import formats

    audio = formats.read_audio(_report.read_input(source, session), name=source)
    return audio.samples, audio.sample_rate


def _sounded(engine: str, options: dict[str, Any], progress: Progress) -> tuple[Any, int]:
    """The probe as the engine's user gets it: at its own level, peaks kept below full scale."""
    import numpy as np

    from perfsynth.evaluate.probe_notes import schedule
    from perfsynth.pipeline import sound

    stream = sound(schedule().performance, engine=engine, loudness_lufs=None, report=progress, **options)
    return np.concatenate(list(stream.blocks)), stream.sample_rate
