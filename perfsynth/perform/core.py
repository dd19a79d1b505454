"""The verb of the stage: a score in, a performance out."""

from __future__ import annotations

from typing import Any

from perfsynth import registry
from perfsynth.errors import InputError, expect
from perfsynth.perform.ornaments import ornamented
from perfsynth.types import Performance, Score


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
        Mean tempo in quarter notes a minute; the score's own tempo marks by default.
    seed
        Seed of everything random in the model.
    ornaments
        Whether trills, turns and mordents are played out: their added notes follow those of the score.
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
        When there is no such model, or it takes no such option.
    """
    expect(score, Score, "perfsynth.load reads one from MusicXML or MIDI")
    if len(score.notes) == 0:
        raise InputError("the score has no notes; there is nothing to play")
    given = {name: value for name, value in options.items() if value is not None}
    system, play, _ = registry.choose(model, "render-performance", given)
    performance: Performance = play(score, bpm=bpm, seed=seed, **given)
    if ornaments:
        performance = ornamented(score, performance)
    stamp = score.made_by("render-performance", system.name, seed=seed, bpm=bpm, ornaments=ornaments or None, **given)
    return Performance(performance.notes, performance.controls, performance.parts, **stamp)
