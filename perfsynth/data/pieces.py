"""A corpus on disk: one compressed file a piece, its score as one or more notations, its performances joined to it.

Nothing in it belongs to a model: every system of the stage is trained from the same files.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile, is_zipfile

import numpy as np

from perfsynth.batch.claim import written
from perfsynth.batch.manifest import read_objects, write_rows
from perfsynth.errors import InputError, MissingError
from perfsynth.types import CONTROL, NOTE_ID, PERFORMED_NOTE, Part, Performance, Score

MANIFEST = "manifest.jsonl"
TENTHS = {"test": 0, "valid": 1}  # of ten parts; the other eight are "train"
_TABLES = ("notes", "tempos", "meters", "keys", "measures", "directions", "slurs")


@dataclass(frozen=True)
class Piece:
    """A piece of a corpus. All scores share their note ids; performances are joined by them."""

    name: str
    composer: str
    split: str  # train, valid or test
    scores: dict[str, Score]  # by notation: musicxml, midi
    performances: dict[str, Performance]  # by the name of the recording


def split_of(piece: str) -> str:
    """Which split a piece belongs to, the same for ever: by the hash of its name."""
    part = sha256(piece.encode()).digest()[0] * 10 // 256
    return next((split for split, number in TENTHS.items() if part == number), "train")


def save(piece: Piece, path: Path) -> None:
    """Write a piece; texts that are not needed to play it are left out."""
    arrays: dict[str, np.ndarray] = {}
    for notation, score in piece.scores.items():
        for table in _TABLES:
            arrays[f"score/{notation}/{table}"] = getattr(score, table)
        arrays[f"score/{notation}/parts"] = np.array([(p.name, p.program, p.is_drum) for p in score.parts], _PART)
    for name, performance in piece.performances.items():
        arrays[f"performance/{name}/notes"] = performance.notes
        arrays[f"performance/{name}/controls"] = performance.controls.astype(_SMALL_CONTROL)
    head = {"name": piece.name, "composer": piece.composer, "split": piece.split}
    arrays["head"] = np.array(json.dumps(head))
    with written(path) as place, place.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


_PART = np.dtype([("name", NOTE_ID), ("program", "i2"), ("is_drum", "?")])
_SMALL_CONTROL = np.dtype([("time_s", "f4"), ("number", "i2"), ("value", "i2"), ("part", "i2")])


def load(path: Path) -> Piece:
    """Read a piece.

    Raises
    ------
    InputError
        When the file is not one of `save`.
    """
    if path.is_file() and not is_zipfile(path):  # of a corpus of sounds, say
        raise InputError(f"{path}: no piece of a prepared corpus; perfsynth data nasap prepare makes one")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            head = json.loads(str(arrays["head"]))
            tables: dict[str, dict[str, dict[str, np.ndarray]]] = {"score": {}, "performance": {}}
            for key in arrays.files:
                if key != "head":
                    kind, name, table = key.split("/")
                    tables[kind].setdefault(name, {})[table] = arrays[key]
    except (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: no piece of a prepared corpus ({error})") from error
    scores = {
        name: Score(
            **{table: found[table] for table in _TABLES},  # type: ignore[arg-type]
            parts=tuple(Part(str(p["name"]), int(p["program"]), bool(p["is_drum"])) for p in found["parts"]),
            composer=head["composer"],
        )
        for name, found in tables["score"].items()
    }
    performances = {
        name: Performance(found["notes"].astype(PERFORMED_NOTE), found["controls"].astype(CONTROL))
        for name, found in tables["performance"].items()
    }
    return Piece(head["name"], head["composer"], head["split"], scores, performances)


@dataclass(frozen=True)
class Entry:
    """A line of the manifest: one piece, what was kept of it and why the rest was not."""

    piece: str
    composer: str
    split: str
    path: str  # relative to the manifest; "" when nothing was kept
    n_notes: int
    notations: tuple[str, ...]
    performances: tuple[str, ...]
    dropped: dict[str, str]  # recording -> reason
    license: str
    rough: tuple[str, ...] = ()  # of the performances, those for training alone


def unread(what: str, error: Exception) -> str:
    """Why a recording is dropped: what its score or its match file is, that could not be read."""
    return f"{what}: missing ({error.filename})" if isinstance(error, FileNotFoundError) else f"{what}: {error}"


def reason(text: str) -> str:
    """Why a recording was dropped, without what is particular to it."""
    if found := re.match(r"(score|match file): (missing \()?", text):
        return f"its {found[1]} {'is missing' if found[2] else 'cannot be read'}"
    return re.sub(r"^\d+% of its notes are matched, fewer than", "fewer of its notes are matched than", text)


def reasons(entries: Iterable[Entry]) -> dict[str, int]:
    """How many recordings were dropped for each reason, the most frequent first."""
    return dict(Counter(reason(text) for entry in entries for text in entry.dropped.values()).most_common())


def write_prepared(entries: list[Entry], folder: Path, *, source: Path) -> None:
    """Write the manifest of what a recipe made of the dataset in `source`.

    Raises
    ------
    InputError
        When nothing was kept: a manifest that is there stays.
    PerfsynthError
        When it cannot be written.
    """
    if not any(entry.path for entry in entries):
        why = ", ".join(reasons(entries)) or "it lists no performances"
        raise InputError(f"{source}: nothing of it was kept ({why}); is the dataset complete?")
    write_manifest(entries, folder)


def write_manifest(entries: list[Entry], folder: Path) -> None:
    """Write `manifest.jsonl`, one entry a line, whole or not at all.

    Raises
    ------
    PerfsynthError
        When it cannot be written.
    """
    rows = ({field.name: getattr(entry, field.name) for field in fields(Entry)} for entry in entries)
    write_rows(folder / MANIFEST, rows)


def read_manifest(folder: Path) -> list[Entry]:
    """Read the manifest of a prepared corpus.

    Raises
    ------
    MissingError
        When there is none.
    InputError
        When a line is no piece of a corpus.
    """
    path = folder / MANIFEST
    if not path.is_file():
        prepare = f"perfsynth data nasap prepare -o {folder}"
        raise MissingError(f"{path}: not found; prepare the corpus first, as with: {prepare}")
    entries = []
    with path.open(encoding="utf-8", errors="replace") as lines:
        for where, row in read_objects(lines, str(path)):
            try:
                row |= {key: tuple(row.get(key, ())) for key in ("notations", "performances", "rough")}
                entry = Entry(**row)
                if not all(isinstance(text, str) for text in (entry.piece, entry.split, entry.path, entry.license)):
                    raise TypeError("piece, split, path and license are texts")
            except TypeError as error:
                raise InputError(f"{where}: no piece of a corpus ({error}); prepare the corpus again") from error
            entries.append(entry)
    return entries


def folder_of(corpus: Path) -> Path:
    """The folder of a corpus, which may be named by a list in it."""
    return corpus if corpus.is_dir() else corpus.parent


def digest(corpus: Path) -> str:
    """Hex sha256 of the manifest of a corpus, or of the manifest that is named itself; "" where there is none."""
    path = corpus / MANIFEST if corpus.is_dir() else corpus
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def pieces(folder: Path, split: str) -> Iterator[Piece]:
    """The pieces of a split, in the order of the manifest."""
    for entry in read_manifest(folder):
        if entry.split == split and entry.path:
            yield load(folder / entry.path)
