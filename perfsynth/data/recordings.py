"""From a manifest of recordings to a corpus of sounds (`perfsynth.data.sound_corpus`) that systems of sound learn from.

A row names ``audio`` and what it plays (`perfsynth.data.playing`). An alignment says when notes are played; how loudly
is taken from the score, or measured in the recording (`perfsynth.data.velocities`).
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from perfsynth import formats
from perfsynth.batch import storage
from perfsynth.data import SPLITS
from perfsynth.data.playing import Cutting, Playing, excerpts, playing_of, shifted
from perfsynth.data.quality import Row
from perfsynth.data.sound_corpus import Recording, make_folders, put, write_recordings
from perfsynth.data.stretches import cut
from perfsynth.data.velocities import Expected, expected, heard, velocities
from perfsynth.errors import InputError, PerfsynthError
from perfsynth.formats.audio_blocks import read_blocks
from perfsynth.progress import Report, silent
from perfsynth.types import Performance

log = logging.getLogger("perfsynth")
HELD_OUT = 10  # one in so many recordings, where the manifest divides nothing

Velocities = Literal["auto", "measured", "score"]


@dataclass(frozen=True)
class Making:
    """How a corpus is made of recordings.

    Attributes
    ----------
    cutting
        How recordings are taken apart.
    instrument
        What to call the instrument of a row, with its columns in braces; a row without ``instrument`` has a piano.
    valid
        Parts of the ids of those recordings that are held out, all others being to learn from; without, the rows' own
        splits count.
    shifts
        Semitones by which those to learn from are also put up or down by resampling.
    velocities
        Of aligned recordings: those of the score, measured ones, or measured where the score has none.
    """

    cutting: Cutting = field(default_factory=Cutting)
    instrument: str = "{instrument}"
    valid: tuple[str, ...] = ()
    shifts: tuple[int, ...] = ()
    velocities: Velocities = "auto"

    def called(self, row: Row) -> str:
        """What to call the instrument of a row."""
        try:
            return self.instrument.format_map({**row.fields, "instrument": row.fields.get("instrument") or "piano"})
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            raise InputError(f"{row.id}: {self.instrument!r} names {error}, which is no column of the row") from error

    def split(self, row: Row) -> str:
        """Of a row, before some are held out where the manifest holds out none."""
        if self.valid:
            return "valid" if any(part in row.id for part in self.valid) else "train"
        split = str(row.fields.get("split") or "train")
        if split not in SPLITS:
            raise InputError(f"{row.id}: split {split!r} is none of {', '.join(SPLITS)}")
        return split

    def measures(self, playing: Playing) -> bool:
        """Whether its velocities are measured."""
        return playing.aligned and (self.velocities == "measured" or (self.velocities == "auto" and not playing.loud))


def prepare(
    rows: Sequence[Row], out: Path, making: Making, *, report: Report = silent
) -> tuple[list[Recording], dict[str, str]]:
    """Write a corpus of sounds.

    Parameters
    ----------
    rows
        Of a manifest; those without audio, or without anything that says what it plays, are left out.
    out
        Gets the lists, ``performances``, and ``audio`` where recordings are cut.
    making
        How.
    report
        Called with the step and the share done.

    Returns
    -------
    recordings, left_out
        What the corpus has, and by id why the rest is not in it.

    Raises
    ------
    InputError
        When nothing is left, or not enough to learn from and to check; or when `out` is a corpus of another kind.
    """
    for part in making.valid:
        if not any(part in row.id for row in rows):
            raise InputError(f"{part!r} is part of no row's id, so that nothing would be held out by it; name another")
    stem, times = next(iter(Counter(map(_stem, rows)).most_common(1)), ("", 0))
    if times > 1:
        raise InputError(f"{times} rows would be written as {stem}; give each an id of its own")
    make_folders(out)
    left_out: dict[str, str] = {}
    loudness = _Loudness(making)
    for number, row in enumerate(rows):
        report(f"{row.id}: how loud", 0.4 * number / len(rows))
        loudness.listen(row)
    made: list[Recording] = []
    for number, row in enumerate(rows):
        report(row.id, 0.4 + 0.4 * number / len(rows))
        try:
            own = list(_recordings(row, out, making, loudness))
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
    moved = [(each, by) for each in made for by in making.shifts if by and each.split == "train"]
    for number, (each, by) in enumerate(moved):
        report(f"{each.piece} {by:+d}", 0.8 + 0.2 * number / len(moved))
        made.append(_moved(each, by, out))
    write_recordings([_relative(recording, out) for recording in made], out)
    return made, left_out


class _Loudness:
    """How loud the notes of recordings are, those whose velocities are measured."""

    def __init__(self, making: Making) -> None:
        self.making = making
        self.found: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = {}  # by instrument and row: pitches, levels
        self.usual: dict[str, Expected] = {}

    def listen(self, row: Row) -> None:
        """Measure a row if that is wanted; what is wrong with it comes to light when it is read again."""
        if not (path := row.files.get("audio")) or "performance" in row.files:
            return
        try:
            playing = playing_of(row)
            if self.making.measures(playing):
                stream = read_blocks(storage.source(path), name=path)
                notes = playing.performance.notes
                of_instrument = self.found.setdefault(self.making.called(row), {})
                of_instrument[row.id] = notes["pitch"].copy(), heard(stream, notes)
        except PerfsynthError as error:
            log.info("%s: %s", row.id, error)

    def of(self, row: Row, playing: Playing) -> Performance:
        """The performance of a row with its velocities."""
        if not self.making.measures(playing):
            return playing.performance
        instrument = self.making.called(row)
        measured = self.found.get(instrument, {})
        if row.id not in measured:
            raise InputError(f"{row.id}: {row.files['audio']} cannot be heard; perfsynth data check says why")
        if instrument not in self.usual:
            self.usual[instrument] = expected(list(measured.values()), instrument)
        notes = playing.performance.notes.copy()
        notes["velocity"] = velocities(*measured[row.id], self.usual[instrument])
        return replace(playing.performance, notes=notes)


def _recordings(row: Row, out: Path, making: Making, loudness: _Loudness) -> Iterator[Recording]:
    if "audio" not in row.files:
        raise InputError(f"{row.id}: the row names no audio")
    playing = playing_of(row)
    if making.velocities == "score" and playing.aligned and "score" not in row.files:
        raise InputError(f"{row.id}: the row names no score, whose velocities are asked for")
    playing = replace(playing, performance=loudness.of(row, playing))
    fields = (making.split(row), making.called(row))
    licence = str(row.fields.get("licence", ""))
    stem = _stem(row)
    if not making.cutting.length_s and not playing.aligned and not storage.is_url(row.files["audio"]):
        # It stays where it is.
        place = out / "performances" / f"{stem}.mid"
        put(playing.performance, place, ())
        yield Recording(row.id, *fields, str(place), str(Path(row.files["audio"]).absolute()), 0.0, licence)
        return
    for each in excerpts(playing, making.cutting):
        # The whole stretch is in the name: what an earlier run cut otherwise is another file.
        name = f"{stem}@{_called(each.start_s)}-{_called(each.start_s + each.length_s)}"
        place, audio = out / "performances" / f"{name}.mid", out / "audio" / f"{name}.flac"
        put(each.performance, place, [audio])
        if not audio.is_file():
            cut(row.files["audio"], each.start_s, each.length_s, audio)
        piece = f"{row.id}@{each.start_s:.0f}" if making.cutting.length_s else row.id
        yield Recording(piece, *fields, str(place), str(audio), each.zero_s, licence)


def _called(time_s: float) -> str:
    """A time in the name of a file, in milliseconds where it needs them."""
    return f"{time_s:09.3f}".removesuffix(".000")


def _stem(row: Row) -> str:
    """What the files of a row are named by."""
    return re.sub(r"[^\w.-]+", "__", row.id)


def _moved(recording: Recording, semitones: int, out: Path) -> Recording:
    """A recording put up or down."""
    stem = f"{Path(recording.performance).stem}{semitones:+d}"
    place, audio = out / "performances" / f"{stem}.mid", out / "audio" / f"{stem}.flac"
    played = formats.read_performance(Path(recording.performance).read_bytes(), name=recording.performance)
    put(shifted(played, semitones), place, [audio])
    if not audio.is_file():
        cut(recording.audio, 0.0, None, audio, semitones=semitones)
    start_s = recording.start_s / 2.0 ** (semitones / 12)
    return replace(recording, performance=str(place), audio=str(audio), start_s=start_s)


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
    told = "the rows are not divided into train and valid: %d of %d recordings are held out; --valid chooses which"
    log.warning(told, len(held), len(pieces))
    return [
        replace(each, split="valid" if (each.piece.rpartition("@")[0] or each.piece) in held else "train")
        for each in recordings
    ]


def _relative(recording: Recording, out: Path) -> Recording:
    """Its paths relative to the corpus where they lie in it."""

    def placed(path: str) -> str:
        return str(Path(path).relative_to(out) if Path(path).is_relative_to(out) else Path(path).absolute())

    return replace(recording, performance=placed(recording.performance), audio=placed(recording.audio))
