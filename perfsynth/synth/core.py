"""The verb of the stage: a performance in, sound out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from perfsynth import registry
from perfsynth.dsp.resample import check_rate, resample
from perfsynth.errors import InputError, expect
from perfsynth.nn.device import checked
from perfsynth.seeds import check_seed
from perfsynth.types import AudioStream, Performance


def synthesize(
    performance: Performance,
    *,
    engine: str = "auto",
    sample_rate: int | None = None,
    device: str = "cpu",
    seed: int = 0,
    **options: Any,
) -> AudioStream:
    """Sound a performance at the engine's own level.

    Parameters
    ----------
    performance
        What to sound; 0 s in it is 0 s in the audio.
    engine
        A sound engine's name; ``auto`` takes the default, or the first that has the options asked for.
    sample_rate
        In Hz; the engine's own by default. What an engine cannot make itself is resampled.
    device
        Where an engine that computes with torch does so: ``cpu``, ``cuda``, ``cuda:N`` or ``auto``.
    seed
        Seed of everything random in the engine.
    **options
        The engine's own; None means its default.

    Returns
    -------
    AudioStream
        Made while it is consumed.

    Raises
    ------
    InputError
        When the performance has no notes.
    MissingError
        When there is no such device.
    UsageError
        When there is no such engine, it takes no such option, no audio has that sample rate, or `seed` is none.
    """
    check(performance)
    check_rate(sample_rate)
    check_seed(seed)
    given = {name: value for name, value in options.items() if value is not None}
    system, play, taken = registry.choose(engine, "synth-audio", given)
    where = checked(device) if "device" in taken else None
    common = {"sample_rate": sample_rate, "device": where, "seed": seed}
    passed = {name: value for name, value in common.items() if name in taken and value is not None}
    made: AudioStream = play(performance, **passed, **given)
    if not made.history:  # an engine that chose something itself has said so
        made = replace(made, **performance.made_by("synth-audio", system.name, seed=seed, **given))
    return made if sample_rate is None else resample(made, sample_rate)


def check(performance: Performance) -> None:
    """Refuse what nothing can sound.

    Raises
    ------
    UsageError
        When it is no performance.
    InputError
        When it has no notes.
    """
    expect(
        performance, Performance, "perfsynth.perform makes one of a score, load(path, as_performance=True) reads one"
    )
    if len(performance.notes) == 0:
        raise InputError("the performance has no notes; there is nothing to sound")
