"""A recording and a score in, a time for each note of the score out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from perfsynth.align.dtw import Backend
from perfsynth.errors import InputError, UsageError, expect
from perfsynth.types import ALIGNED_NOTE, Alignment, Audio, AudioStream, Performance, Score

Method = Literal["production", "deep-performer"]
METHODS = ("production", "deep-performer")
UNSURE = 0.5  # of confidence


@dataclass(frozen=True)
class Summary:
    """What an alignment found out about the recording as a whole.

    Attributes
    ----------
    tuning_cents, semitones
        How much higher than written at A4 = 440 Hz it sounds: semitones and cents more.
    lead_in_s, tail_s
        Before the first note and after the last.
    decisions
        A sentence for each repeat or cut that the recording decided.
    unsure
        Share of the played notes with a confidence below `UNSURE`.
    likeness
        How well the recording fits the score, about 0.1 where it plays it; below -0.01 it would have been refused.
    """

    tuning_cents: float
    semitones: int
    lead_in_s: float
    tail_s: float
    decisions: tuple[str, ...]
    unsure: float
    likeness: float


def align(
    audio: Audio | AudioStream,
    score: Score,
    *,
    method: Method = "production",
    jumps: bool = True,
    render: Callable[[Performance, int], np.ndarray] | None = None,
    backend: Backend = "auto",
    device: str | None = None,
) -> Alignment:
    """When each note of a score is played in a recording.

    Parameters
    ----------
    audio
        Any rate, any number of channels. A stream is consumed block by block, so an hour takes less than 1 GB; the
        method deep-performer takes only `Audio`.
    score
        With the repeats that may be played unfolded.
    method
        "production", or "deep-performer" as the Deep Performer dataset was made (`perfsynth.align.deep_performer`).
    jumps
        Whether the recording decides which repeats are played and what is cut; else all is played as it stands.
    render
        What plays a performance at a rate in Hz, as (n,) samples: the method deep-performer aligns to that.
    backend, device
        Of the time warping, as in `perfsynth.align.dtw.warp`.

    Returns
    -------
    Alignment
        A row per note, sorted by score onset, then pitch. The last step of its history holds the `Summary`.

    Raises
    ------
    InputError
        When there are no notes or no music, or when the recording does not play the score.
    UsageError
        When there is no such method, or it cannot take a stream.
    """
    if not isinstance(audio, AudioStream):
        expect(audio, Audio, "perfsynth.load reads one from a file of sound")
    expect(score, Score, "perfsynth.load reads one from MusicXML or MIDI")
    if method not in METHODS:
        raise UsageError(f"method {method!r} is not known: choose {' or '.join(METHODS)}")
    if not len(score.notes):
        raise InputError("the score has no notes; an alignment needs at least one")
    if method == "deep-performer":
        from perfsynth.align.deep_performer import aligned as by_seed

        if not isinstance(audio, Audio):
            raise UsageError("method deep-performer needs the whole recording in memory: give it Audio")
        notes = by_seed(audio, score, render, backend=backend, device=device)
        return Alignment(notes, score.doubled, **score.made_by("align", method, recording=audio.sha256))
    from perfsynth.align.production import aligned

    notes, summary = aligned(audio, score, jumps=jumps, backend=backend, device=device)
    made = score.made_by("align", method, recording=audio.sha256, **_plain(summary))
    return Alignment(notes, score.doubled, **made)


def summary_of(alignment: Alignment) -> Summary | None:
    """What `align` noted in the history of an alignment; None where another method made it."""
    for step in reversed(alignment.history):
        if step.stage == "align" and "likeness" in step.options:
            found = {field: step.options[field] for field in Summary.__dataclass_fields__}
            return replace(Summary(**found), decisions=tuple(found["decisions"]))
    return None


def rows(
    score_notes: np.ndarray,
    onset_s: np.ndarray,
    offset_s: np.ndarray,
    confidence: np.ndarray,
    *,
    sound_off_s: np.ndarray | None = None,
) -> np.ndarray:
    """`ALIGNED_NOTE` rows, sorted; notes whose onset is nan are unplayed, `sound_off_s` is unknown where not given."""
    table = np.zeros(len(score_notes), ALIGNED_NOTE)
    table["note_id"], table["pitch"] = score_notes["note_id"], score_notes["pitch"]
    table["score_onset_beat"] = score_notes["onset_beat"]
    table["score_duration_beat"] = score_notes["duration_beat"]
    played = np.isfinite(onset_s)
    table["onset_s"] = onset_s
    table["offset_s"] = np.where(played, np.maximum(offset_s, onset_s), np.nan)
    table["sound_off_s"] = np.nan
    if sound_off_s is not None:
        table["sound_off_s"] = np.where(played, np.maximum(sound_off_s, table["offset_s"]), np.nan)
    table["confidence"] = np.where(played, np.clip(confidence, 0, 1), 0.0)
    table["status"] = np.where(played, "matched", "unplayed")
    return table[np.lexsort([table["pitch"], np.round(table["score_onset_beat"], 6)])]


def _plain(summary: Summary) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for field in Summary.__dataclass_fields__:
        value = getattr(summary, field)
        made[field] = (
            list(value) if isinstance(value, tuple) else round(value, 4) if isinstance(value, float) else value
        )
    return made
