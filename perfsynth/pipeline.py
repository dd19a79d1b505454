"""The whole road: a score to a performance to sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from perfsynth import registry
from perfsynth.dsp.loudness import LOUDNESS_LUFS, check_loudness, normalise
from perfsynth.errors import UsageError
from perfsynth.progress import Report, silent
from perfsynth.types import AudioStream, Performance, Score

SYNTHESIS_SHARE = 0.8  # of the time that synthesis, loudness and encoding take together


def render(
    score: Score,
    *,
    model: str = "auto",
    engine: str = "auto",
    bpm: float | None = None,
    ornaments: bool = True,
    sound_weights: str | None = None,
    sample_rate: int | None = None,
    loudness_lufs: float | None = LOUDNESS_LUFS,
    seed: int = 0,
    report: Report = silent,
    **options: Any,
) -> AudioStream:
    """Play a score and sound it; the arguments are those of `perform` and of `sound`.

    An option that performance models know is theirs, any other the engine's: ``weights`` are those of the performance
    model, `sound_weights` those of the engine.

    Raises
    ------
    InputError
        When the score has no note.
    UsageError
        When there is no such model or engine, or it takes no such option.
    """
    from perfsynth.perform.core import perform

    theirs = registry.options("render-performance") if options else set()
    how = {name: value for name, value in options.items() if name in theirs}
    engines = {name: value for name, value in options.items() if name not in theirs}
    if unknown := sorted(engines.keys() - registry.options("synth-audio") if engines else ()):
        raise UsageError(f"no performance model and no engine takes {', '.join(unknown)}; leave it out")
    performance = perform(score, model=model, bpm=bpm, seed=seed, ornaments=ornaments, **how)
    return sound(
        performance,
        engine=engine,
        sample_rate=sample_rate,
        loudness_lufs=loudness_lufs,
        seed=seed,
        report=report,
        weights=sound_weights,
        **engines,
    )


def sound(
    performance: Performance,
    *,
    engine: str = "auto",
    sample_rate: int | None = None,
    loudness_lufs: float | None = LOUDNESS_LUFS,
    seed: int = 0,
    report: Report = silent,
    **options: Any,
) -> AudioStream:
    """Sound a performance, at one loudness for every engine.

    Parameters
    ----------
    performance
        What to sound.
    engine
        A sound engine's name; ``auto`` takes the default.
    sample_rate
        In Hz; the engine's own by default.
    loudness_lufs
        Integrated loudness to reach (ITU-R BS.1770), as far as the true peak stays below -1 dBFS;
        None leaves the level alone unless it would clip.
    seed
        Seed of everything random in the engine.
    report
        Called with a step's name and the share done (0..1) while the stream is consumed.
    **options
        The engine's own.

    Returns
    -------
    AudioStream
        Made block by block; audio before the loudness is known waits on disk, not in memory.

    Raises
    ------
    UsageError
        When there is no such engine, it takes no such option, or no audio is meant to be so loud.
    """
    from perfsynth.synth.core import synthesize

    check_loudness(loudness_lufs)  # before anything is synthesized
    dry = synthesize(performance, engine=engine, sample_rate=sample_rate, seed=seed, **options)
    watched = _watched(dry, report, "synthesizing", 0.0, SYNTHESIS_SHARE)
    level = normalise(watched, loudness_lufs=loudness_lufs)
    return _watched(level, report, "encoding", SYNTHESIS_SHARE, 1.0)


def _watched(stream: AudioStream, report: Report, step: str, begin: float, end: float) -> AudioStream:
    """The same stream, telling `report` how far it has been consumed."""

    def blocks() -> Iterator[np.ndarray]:
        done_s = 0.0
        for block in stream.blocks:
            yield block
            done_s += len(block) / stream.sample_rate
            share = min(1.0, done_s / stream.duration_s) if stream.duration_s else 0.0
            report(step, begin + (end - begin) * share)

    return replace(stream, blocks=blocks())
