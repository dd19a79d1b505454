"""What is wrong with recordings, from what is in them: broken sound, scores of other music, other repeats, doubles.

Each row of a manifest is opened and judged alone (`examine`), so that a batch can share the work; what two rows have
in common is found at the end (`perfsynth.data.duplicates`). Nothing is changed: findings are for the reader.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from perfsynth import formats
from perfsynth.batch import storage
from perfsynth.batch.manifest import read_objects
from perfsynth.data import quality_score
from perfsynth.data.duplicates import LIKE, of_notes, of_sound, pairs
from perfsynth.data.manifest import FILES
from perfsynth.data.quality_audio import Heard, listen
from perfsynth.data.recipe import Finding, fault_of
from perfsynth.errors import InputError, PerfsynthError
from perfsynth.formats.audio_blocks import read_blocks
from perfsynth.types import Alignment, Performance, Score

T = TypeVar("T")

SHORT = 0.02  # of the length stated: what a recording may lack
SHORT_S = 2.0


@dataclass(frozen=True)
class Row:
    """One recording: its files by column, as paths or URLs, and what else the manifest says."""

    id: str
    files: dict[str, str]
    duration_s: float = 0.0  # 0: not stated
    error: str = ""  # of a batch that failed at it
    fields: dict[str, Any] = field(default_factory=dict)  # all of it
    folder: str = "."  # that its paths are relative to


@dataclass(frozen=True)
class Examined:
    """What was found in one row, and what tells whether two rows are the same."""

    id: str
    findings: tuple[Finding, ...]
    figures: dict[str, float]  # of a row that could be judged: confidence, matched, likeness, duration_s
    hashes: dict[str, str]  # sha256 by file
    landmarks: dict[str, np.ndarray]  # `perfsynth.data.duplicates.LANDMARK` by column


def rows_of(lines: Iterable[str], name: str, folder: str) -> list[Row]:
    """The rows of a manifest; ids that are missing are numbers.

    Parameters
    ----------
    lines, name
        The manifest's text, and what to call it in messages.
    folder
        What paths in it are relative to.

    Raises
    ------
    InputError
        When a line is no JSON object, or rows name no file.
    """
    rows = []
    for number, (where, fields) in enumerate(read_objects(lines, name), 1):
        files = {column: _path(fields[column], where, folder) for column in FILES if fields.get(column)}
        stated = fields.get("duration_s", 0.0)
        rows.append(
            Row(
                str(fields.get("id") or next(iter(files.values()), number)),
                files,
                float(stated) if isinstance(stated, int | float) else 0.0,
                str(fields.get("error", "")),
                fields,
                folder,
            )
        )
    if rows and not any(row.files for row in rows):
        raise InputError(f"{name}: no row names a file; the columns are {', '.join(FILES)}")
    return rows


def _path(value: Any, where: str, folder: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{where}: {value!r} names no file; give its path as text")
    return value if storage.is_url(value) else storage.join(folder, value)


def examine(row: Row, *, align: bool = False) -> Examined:
    """Open every file of a row and judge it.

    Parameters
    ----------
    row
        Of a manifest.
    align
        Whether a recording that has a score and no alignment is aligned here, to see whether it plays that score:
        seconds for each.

    Returns
    -------
    Examined
        Findings in the order audio, performance, score, alignment.
    """
    seen = _Seen(row)
    if row.error:
        seen.add("mismatch" if "does not play" in row.error else "broken", "", row.error)
    whole = {column for column in row.files if seen.opens(column)}
    sound = seen.sound() if "audio" in whole else None
    played = seen.read("performance", _performance) if "performance" in whole else None
    score = seen.read("score", _score) if "score" in whole else None
    noted = seen.read("alignment", _alignment) if "alignment" in whole else None
    if sound is not None and played is not None:
        seen.judge_lengths(sound.duration_s, played)
    if noted is None and align and score is not None and sound is not None:
        noted = seen.aligned(score)
    if noted is not None:
        seen.judge_alignment(noted)
    elif played is not None and score is not None:
        seen.judge_notes(played, score)
    # Samples of one key are alike: for them the hash of the bytes has to do.
    alone = bool(row.fields.get("pitch"))
    landmarks = {"audio": of_sound(sound.samples)} if sound is not None and not alone else {}
    landmarks |= {"performance": of_notes(played.notes)} if played is not None else {}
    return Examined(row.id, tuple(seen.findings), seen.figures, seen.hashes, landmarks)


class _Seen:
    """What is known of a row so far."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.findings: list[Finding] = []
        self.figures: dict[str, float] = {}
        self.hashes: dict[str, str] = {}

    def add(self, kind: str, file: str, words: str) -> None:
        """Note that something is wrong."""
        words = words.removeprefix(f"{file}: ") if file else words
        self.findings.append(Finding(self.row.id, file, words, kind))

    def opens(self, column: str) -> bool:
        """Whether a file is there and begins as it should."""
        path = self.row.files[column]
        words = ("" if storage.exists(path) else "missing") if storage.is_url(path) else fault_of(Path(path))
        if words:
            self.add("broken", path, words)
        return not words

    def read(self, column: str, reader: Callable[[bytes, str], T]) -> T | None:
        """What a file holds; None where it cannot be read, which is noted."""
        path = self.row.files[column]
        try:
            data = storage.read(path)
            if column == "performance":
                self.hashes[path] = hashlib.sha256(data).hexdigest()
            return reader(data, path)
        except PerfsynthError as error:
            self.add("broken", path, str(error))
            return None

    def sound(self) -> Heard | None:
        """What was heard, None where it cannot be decoded to its end."""
        path = self.row.files["audio"]
        try:
            heard = listen(path)
        except PerfsynthError as error:
            self.add("broken", path, str(error))
            return None
        self.hashes[path] = heard.sha256
        self.figures["duration_s"] = heard.duration_s
        for words in heard.faults:
            self.add("broken", path, words)
        stated = self.row.duration_s
        if heard.duration_s < stated * (1 - SHORT) - SHORT_S:
            self.add("broken", path, f"lasts {heard.duration_s:.0f} s, where the manifest says {stated:.0f} s")
        return heard

    def judge_lengths(self, duration_s: float, played: Performance) -> None:
        """A performance that begins after its recording ends, or goes on well beyond it."""
        last_s = float(played.notes["onset_s"].max(initial=0.0))
        if last_s > duration_s + SHORT_S:
            words = f"its last note begins at {last_s:.0f} s, its recording ends at {duration_s:.0f} s"
            self.add("mismatch", self.row.files["performance"], words)

    def aligned(self, score: Score) -> Alignment | None:
        """The row's recording and score, aligned now."""
        from perfsynth.align.core import align

        path = self.row.files["audio"]
        try:
            return align(read_blocks(storage.source(path), name=path), score)
        except PerfsynthError as error:
            self.add("mismatch", self.row.files["score"], str(error))
            return None

    def judge_alignment(self, noted: Alignment) -> None:
        """What an alignment tells of the score."""
        self._judged(
            quality_score.of_alignment(noted), self.row.files.get("score", self.row.files.get("alignment", ""))
        )

    def judge_notes(self, played: Performance, score: Score) -> None:
        """What the notes of a performance tell of the score."""
        self._judged(quality_score.of_notes(played, score), self.row.files["score"])

    def _judged(self, verdict: quality_score.Verdict, file: str) -> None:
        self.figures |= verdict.figures
        for kind, words in verdict.faults:
            self.add(kind, file, words)


def _performance(data: bytes, name: str) -> Performance:
    played = formats.read_performance(data, name=name)
    if not len(played.notes):
        raise InputError(f"{name}: no notes in this performance; it needs at least one")
    return played


# Many recordings have one score, and reading it costs more than joining notes to it.
@lru_cache(maxsize=8)
def _score(data: bytes, name: str) -> Score:
    score = formats.read_score(data, name=name)
    if not len(score.notes):
        raise InputError(f"{name}: no notes in this score; it needs at least one")
    return score


def _alignment(data: bytes, name: str) -> Alignment | None:
    """The alignment that perfsynth made; None for those of datasets, which say nothing of confidence."""
    if name.lower().endswith((".csv", ".match", ".tsv", ".txt")):
        return None
    found = formats.read_notes(data, name=name)
    if not isinstance(found, Alignment):
        raise InputError(f"{name}: this is {type(found).__name__.lower()}, where an alignment is expected")
    return found


def alike(rows: Sequence[Row], examined: Sequence[Examined]) -> Iterator[Finding]:
    """Rows that are the same recording: the later one of two is the finding."""
    seen: dict[tuple[str, str], int] = {}
    told: set[tuple[int, int]] = set()
    for number, one in enumerate(examined):
        for file, digest in one.hashes.items():
            first = seen.setdefault((_column(rows[number], file), digest), number)
            if first != number:
                told.add((first, number))
                yield Finding(one.id, file, f"has the same bytes as that of {examined[first].id}", "duplicate")
    for column, share in LIKE.items():
        numbers = [number for number, one in enumerate(examined) if len(one.landmarks.get(column, ()))]
        for pair in pairs([examined[number].landmarks[column] for number in numbers], share=share):
            first, second = numbers[pair.first], numbers[pair.second]
            if (first, second) not in told:
                later = f", {pair.lag_s:+.1f} s" if abs(pair.lag_s) >= 0.05 else ""
                words = f"is the same recording as that of {examined[first].id} ({pair.share:.0%} alike{later})"
                told.add((first, second))
                yield Finding(examined[second].id, rows[second].files[column], words, "duplicate")


def _column(row: Row, file: str) -> str:
    return next(column for column, path in row.files.items() if path == file)
