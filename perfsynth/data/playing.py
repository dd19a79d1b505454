"""What a recording plays: its ``performance``, or else its ``alignment`` as `perfsynth align` made it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from perfsynth import formats
from perfsynth.batch import storage
from perfsynth.data.quality import Row
from perfsynth.data.sound_corpus import FEWEST_NOTES, excerpt
from perfsynth.data.velocities import MEDIAN_VELOCITY
from perfsynth.errors import InputError
from perfsynth.pedals import damped_s
from perfsynth.types import PERFORMED_NOTE, Alignment, Performance

LEAST_S = 1.0  # of the last excerpt
BEFORE_S, AFTER_S = 0.5, 3.0  # of sound that is kept around music that was aligned: the rest may be applause
SHORTEST_S = 0.01  # of a key press


@dataclass(frozen=True)
class Cutting:
    """How recordings are taken apart.

    Attributes
    ----------
    length_s
        Of an excerpt; 0 takes the music as a whole.
    least_confidence
        Mean of the notes of an excerpt, where there is an alignment; below it the excerpt is left out.
    most
        Excerpts of one recording, spread over it; 0: all.
    """

    length_s: float = 0.0
    least_confidence: float = 0.0
    most: int = 0


@dataclass(frozen=True)
class Playing:
    """What a recording plays.

    Attributes
    ----------
    performance
        Notes in the order of their onsets.
    confidence
        (n,) of each note, 1 where a person's keys were recorded.
    aligned
        Whether it was found by alignment.
    loud
        Whether its velocities say how loudly the notes are played, or are one and the same.
    """

    performance: Performance
    confidence: np.ndarray
    aligned: bool = False
    loud: bool = True


@dataclass(frozen=True)
class Excerpt:
    """A stretch of a recording, and what sounds in it.

    Attributes
    ----------
    start_s, length_s
        Of the recording.
    performance
        The notes that begin in the stretch, and those that still ring where it begins, from their own onsets on.
    zero_s
        Of the stretch: where 0 s of the performance is; below 0 where notes ring from before.
    """

    start_s: float
    length_s: float
    performance: Performance
    zero_s: float = 0.0


def playing_of(row: Row) -> Playing:
    """What a recording plays.

    Raises
    ------
    PerfsynthError
        When nothing says it, or that cannot be read.
    """
    if path := row.files.get("performance"):
        performance = formats.read_performance(storage.read(path), name=path)
        return Playing(performance, np.ones(len(performance.notes)))
    if not (path := row.files.get("alignment", "")):
        raise InputError(f"{row.id}: the row names no performance and no alignment; align it with its score first")
    found = formats.read_notes(storage.read(path), name=path)
    if not isinstance(found, Alignment):
        raise InputError(f"{path}: this is {type(found).__name__.lower()}, where an alignment is expected")
    if not (found.notes["status"] == "matched").any():
        raise InputError(f"{path}: no note of it is played")
    return _with_score(found, path, row.files["score"]) if "score" in row.files else _alone(found)


def _with_score(found: Alignment, path: str, score: str) -> Playing:
    from perfsynth.align.tables import as_performance

    written = formats.read_score(storage.read(score), name=score)
    if not np.isin(found.notes["note_id"], written.notes["note_id"]).all():
        raise InputError(f"{path}: has notes that {score} lacks; give the score that it was aligned with")
    performance = as_performance(found, written)
    sure = dict(zip(found.notes["note_id"].tolist(), found.notes["confidence"].tolist(), strict=True))
    confidence = np.array([sure[note_id] for note_id in performance.notes["note_id"].tolist()])
    loud = len(np.unique(written.notes["velocity"])) > 1
    return Playing(performance, confidence, aligned=True, loud=loud)


def _alone(found: Alignment) -> Playing:
    """What an alignment says by itself."""
    played = found.notes[found.notes["status"] == "matched"]
    played = played[np.argsort(played["onset_s"], kind="stable")]
    notes = np.zeros(len(played), PERFORMED_NOTE)
    for name in ("note_id", "onset_s", "pitch"):
        notes[name] = played[name]
    notes["duration_s"] = np.maximum(played["offset_s"] - played["onset_s"], SHORTEST_S)
    notes["velocity"] = MEDIAN_VELOCITY
    performance = Performance(notes, history=found.history, sha256=found.sha256)
    return Playing(performance, played["confidence"], aligned=True, loud=False)


def excerpts(playing: Playing, cutting: Cutting) -> Iterator[Excerpt]:
    """Excerpts one after the other; those with few notes, or unsure ones, are left out."""
    notes = playing.performance.notes
    if not cutting.length_s:
        start_s = np.floor(max(float(notes["onset_s"].min()) - BEFORE_S, 0.0))
        end_s = np.ceil(float((notes["onset_s"] + notes["duration_s"]).max()) + AFTER_S)
        spans, fewest = [(float(start_s), float(end_s - start_s))], 1
    else:
        last_s = max(playing.performance.end_s - LEAST_S, 0.0)
        starts_s = np.arange(0.0, max(last_s, 1e-9), cutting.length_s).tolist()
        spans, fewest = [(start_s, cutting.length_s) for start_s in starts_s], FEWEST_NOTES
    found = []
    for start_s, length_s in spans:
        inside = (notes["onset_s"] >= start_s) & (notes["onset_s"] < start_s + length_s)
        if inside.sum() >= fewest and playing.confidence[inside].mean() >= cutting.least_confidence:
            found.append((start_s, length_s))
    if cutting.most and len(found) > cutting.most:
        found = [found[index] for index in np.linspace(0, len(found) - 1, cutting.most).round().astype(int)]
    for start_s, length_s in found:
        whole = playing.performance
        rings = ringing(whole, start_s)
        heard = replace(whole, notes=notes[rings | (notes["onset_s"] >= start_s)])
        zero_s = float(np.floor((notes["onset_s"][rings] - start_s).min(initial=0.0)))
        cut = excerpt(heard, start_s + zero_s, length_s - zero_s)
        yield Excerpt(start_s, length_s, replace(cut, parts=whole.parts[:1], history=whole.history), zero_s)


def ringing(performance: Performance, at_s: float) -> np.ndarray:
    """(n,) bool: the notes that began before a time and that key or pedal still let sound; one of each key at most."""
    notes = performance.notes
    over_s = damped_s(performance.controls, notes["onset_s"] + notes["duration_s"])
    rings = np.zeros(len(notes), bool)
    before = np.flatnonzero(notes["onset_s"] < at_s)
    before = before[np.argsort(notes["onset_s"][before], kind="stable")]
    last = list(dict(zip(notes["pitch"][before].tolist(), before.tolist(), strict=True)).values())
    rings[last] = over_s[last] > at_s
    return rings


def shifted(played: Performance, semitones: int) -> Performance:
    """A performance as it sounds played faster, and so higher, or slower: see `perfsynth.data.stretches`."""
    ratio = 2.0 ** (semitones / 12)
    notes, controls = played.notes.copy(), played.controls.copy()
    notes["onset_s"] /= ratio
    notes["duration_s"] /= ratio
    controls["time_s"] /= ratio
    notes["pitch"] = np.clip(notes["pitch"] + semitones, 0, 127)
    return replace(played, notes=notes, controls=controls)
