"""The verb of the stage: a score in, a performance out."""

from __future__ import annotations

from typing import Any

from perfsynth import registry
from perfsynth.errors import InputError, UsageError, expect
from perfsynth.perform.ornaments import ornamented
from perfsynth.seeds import check_seed
from perfsynth.types import Performance, Score

SLOWEST_BPM, FASTEST_BPM = 1.0, 1000.0
HOTTEST = 2.0  # of every model that draws, at 1 as learned


def perform(
    score: Score,
    *,
    model: str = "auto",
    bpm: float | None = None,
    seed: int = 0,
    ornaments: bool = False,
    **options: Any,
) -> Performance:
    """Play a score.

    Parameters
    ----------
    score
        What to play.
    model
        A performance model's name; ``auto`` takes the default, or the first that has the options asked for.
    bpm
        Mean tempo in quarter notes a minute, 1 to 1000; the score's own tempo marks by default.
    seed
        Seed of everything random in the model, from 0.
    ornaments
        Whether trills, turns and mordents are played out: their added notes follow those of the score.
        `render` does so unless told not to.
    **options
        The model's own; None means its default.

    Returns
    -------
    Performance
        One note per score note, in score order, each with its ``note_id``. The first sound or rest of the
        score is at 0 s.

    Raises
    ------
    InputError
        When the score has no note.
    UsageError
        When there is no such model, it takes no such option, or an option is out of its range.
    """
    expect(score, Score, "perfsynth.load reads one from MusicXML or MIDI")
    if len(score.notes) == 0:
        raise InputError("the score has no notes; there is nothing to play")
    if bpm is not None and not SLOWEST_BPM <= bpm <= FASTEST_BPM:
        raise UsageError(
            f"bpm {bpm:g}: a tempo lies between {SLOWEST_BPM:g} and {FASTEST_BPM:g} quarter notes a minute"
        )
    check_seed(seed)
    given = {name: value for name, value in options.items() if value is not None}
    system, play, _ = registry.choose(model, "render-performance", given)
    temperature = given.get("temperature", 1.0)
    if not 0.0 <= temperature <= HOTTEST:
        raise UsageError(f"temperature {temperature:g}: it lies between 0 and {HOTTEST:g}; 1 is as learned")
    performance: Performance = play(score, bpm=bpm, seed=seed, **given)
    if ornaments:
        performance = ornamented(score, performance)
    stamp = score.made_by("render-performance", system.name, seed=seed, bpm=bpm, ornaments=ornaments or None, **given)
    return Performance(performance.notes, performance.controls, performance.parts, **stamp)
