"""From a manifest of recordings to a corpus of sounds (`perfsynth.data.sound_corpus`) that systems of sound learn from.

What a recording plays is its ``performance``, or else its ``alignment`` as `perfsynth align` made it, whose notes get
the velocities of the ``score`` where it has some.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from perfsynth.batch import storage
from perfsynth.data.quality import Row
from perfsynth.data.sound_corpus import FEWEST_NOTES, Recording, Report, excerpt, write_recordings
from perfsynth.errors import InputError, PerfsynthError
from perfsynth.types import Alignment, AudioStream, Performance

log = logging.getLogger("perfsynth")
HELD_OUT = 10  # one in so many recordings, where the manifest divides nothing
LEAST_S = 1.0  # of the last excerpt


@dataclass(frozen=True)
class Cutting:
    """How recordings are taken apart.

    Attributes
    ----------
    length_s
        Of an excerpt; 0 keeps recordings whole.
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
    """What a recording plays; `confidence` (k,) of each note, 1 where a person's keys were recorded."""

    performance: Performance
    confidence: np.ndarray


def prepare(
    rows: Sequence[Row], out: Path, *, cutting: Cutting, report: Report = lambda step, share: None
) -> tuple[list[Recording], dict[str, str]]:
    """Write a corpus of sounds.

    Parameters
    ----------
    rows
        Of a manifest; those without audio, or without anything that says what it plays, are left out.
    out
        Gets the lists, ``performances``, and ``audio`` where recordings are cut.
    cutting
        How recordings are taken apart.
    report
        Called with the step and the share done.

    Returns
    -------
    recordings, left_out
        What the corpus has, and by id why the rest is not in it.

    Raises
    ------
    InputError
        When nothing is left, or not enough to learn from and to check.
    """
    made: list[Recording] = []
    left_out: dict[str, str] = {}
    for folder in ("performances", "audio"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for number, row in enumerate(rows):
        report(row.id, number / max(len(rows), 1))
        try:
            own = list(_recordings(row, out, cutting))
        except PerfsynthError as error:
            left_out[row.id] = str(error)
            continue
        if not own:
            left_out[row.id] = "no excerpt has enough notes that are sure"
        made += own
    if not made:
        reason = next(iter(left_out.values()), "the manifest is empty")
        raise InputError(f"{out}: no recording can be used: {reason}")
    made = divided(made)
    write_recordings([_relative(recording, out) for recording in made], out)
    return made, left_out


def divided(recordings: Sequence[Recording]) -> list[Recording]:
    """The recordings with some to validate on: those for that, else those of the test split, else one in `HELD_OUT`.

    Raises
    ------
    InputError
        When there is but one.
    """
    splits = {recording.split for recording in recordings}
    pieces = list(dict.fromkeys(recording.piece.rpartition("@")[0] or recording.piece for recording in recordings))
    if {"train", "valid"} <= splits:
        return list(recordings)
    if "test" in splits and "train" in splits:
        log.warning("no recording is for validation; those of the test split are used for it")
        return [replace(each, split="valid") if each.split == "test" else each for each in recordings]
    if len(pieces) < 2:
        raise InputError(f"{pieces[0]}: the only recording; at least one to learn from and one to check are needed")
    held = set(pieces[HELD_OUT - 1 :: HELD_OUT] or pieces[-1:])
    log.warning("nothing to learn from or to validate on; %d of %d recordings are held out", len(held), len(pieces))
    return [
        replace(each, split="valid" if (each.piece.rpartition("@")[0] or each.piece) in held else "train")
        for each in recordings
    ]


def _recordings(row: Row, out: Path, cutting: Cutting) -> Iterator[Recording]:
    from perfsynth.formats.midi_write import write_performance

    if "audio" not in row.files:
        raise InputError(f"{row.id}: the row names no audio")
    playing = playing_of(row)
    fields = (str(row.fields.get("split") or "train"), str(row.fields.get("instrument") or "piano"))
    licence = str(row.fields.get("licence", ""))
    stem = re.sub(r"[^\w.-]+", "__", row.id)
    if not cutting.length_s:
        place = out / "performances" / f"{stem}.mid"
        place.write_bytes(write_performance(playing.performance))
        yield Recording(row.id, *fields, str(place), str(Path(row.files["audio"]).absolute()), 0.0, licence)
        return
    for start_s, cut in excerpts(playing, cutting):
        name = f"{stem}@{start_s:05.0f}"
        place, audio = out / "performances" / f"{name}.mid", out / "audio" / f"{name}.flac"
        place.write_bytes(write_performance(cut))
        if not audio.is_file():
            _cut(row.files["audio"], start_s, cutting.length_s, audio)
        yield Recording(f"{row.id}@{start_s:.0f}", *fields, str(place), str(audio), 0.0, licence)


def playing_of(row: Row) -> Playing:
    """What a recording plays.

    Raises
    ------
    PerfsynthError
        When nothing says it, or that cannot be read.
    """
    from perfsynth import formats
    from perfsynth.align.tables import as_performance

    if path := row.files.get("performance"):
        performance = formats.read_performance(storage.read(path), name=path)
        return Playing(performance, np.ones(len(performance.notes)))
    path, score = row.files.get("alignment", ""), row.files.get("score", "")
    if not path or not score:
        raise InputError(f"{row.id}: the row names no performance, and no alignment with its score; align it first")
    found = formats.read_notes(storage.read(path), name=path)
    if not isinstance(found, Alignment):
        raise InputError(f"{path}: this is {type(found).__name__.lower()}, where an alignment is expected")
    performance = as_performance(found, formats.read_score(storage.read(score), name=score))
    sure = dict(zip(found.notes["note_id"].tolist(), found.notes["confidence"].tolist(), strict=True))
    return Playing(performance, np.array([sure[note_id] for note_id in performance.notes["note_id"].tolist()]))


def excerpts(playing: Playing, cutting: Cutting) -> Iterator[tuple[float, Performance]]:
    """Excerpts one after the other, with where they begin; those with few notes, or unsure ones, are left out."""
    onset_s = playing.performance.notes["onset_s"]
    end_s = max(playing.performance.end_s - LEAST_S, 0.0)
    found = []
    for start_s in np.arange(0.0, max(end_s, 1e-9), cutting.length_s).tolist():
        inside = (onset_s >= start_s) & (onset_s < start_s + cutting.length_s)
        if inside.sum() >= FEWEST_NOTES and playing.confidence[inside].mean() >= cutting.least_confidence:
            cut = excerpt(playing.performance, start_s, cutting.length_s)
            found.append((start_s, replace(cut, history=playing.performance.history)))
    if cutting.most and len(found) > cutting.most:
        found = [found[index] for index in np.linspace(0, len(found) - 1, cutting.most).round().astype(int)]
    yield from found


def _cut(path: str, start_s: float, length_s: float, audio: Path) -> None:
    """Write a stretch of a recording as FLAC."""
    from perfsynth.formats.audio import write_audio
    from perfsynth.formats.audio_blocks import read_blocks

    stream = read_blocks(storage.read(path) if storage.is_url(path) else Path(path), name=path)
    first, last = (round(second * stream.sample_rate) for second in (start_s, start_s + length_s))
    scratch = audio.with_name(audio.name + ".part")
    try:
        write_audio(replace(stream, blocks=_between(stream, first, last)), scratch, format="flac", subtype="PCM_16")
        scratch.replace(audio)
    except OSError as error:
        raise PerfsynthError(f"{audio}: cannot be written ({error.strerror or error})") from error
    finally:
        scratch.unlink(missing_ok=True)


def _between(stream: AudioStream, first: int, last: int) -> Iterator[np.ndarray]:
    at = 0
    for block in stream.blocks:
        cut = block[max(first - at, 0) : max(last - at, 0)]
        if len(cut):
            yield cut
        at += len(block)
        if at >= last:
            return


def _relative(recording: Recording, out: Path) -> Recording:
    """Its paths relative to the corpus where they lie in it."""

    def placed(path: str) -> str:
        return str(Path(path).relative_to(out) if Path(path).is_relative_to(out) else Path(path).absolute())

    return replace(recording, performance=placed(recording.performance), audio=placed(recording.audio))
