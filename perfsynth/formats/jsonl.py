"""JSON Lines with a header: tokens, alignments and performances that other programs can read.

The first line says what follows and how it was made; then comes one JSON object a note.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from perfsynth.errors import InputError
from perfsynth.formats.provenance import history_from_json
from perfsynth.types import (
    ALIGNED_NOTE,
    CONTROL,
    PERFORMED_NOTE,
    Alignment,
    Part,
    Performance,
    Tokens,
)
from perfsynth.version import __version__

MAX_S = 86_400.0  # a day
_TYPES: dict[str, Any] = {"U": str, "i": int, "f": (int, float)}  # what a column of a dtype kind holds


def write_jsonl(artifact: Tokens | Alignment | Performance) -> bytes:
    """Write an artifact; floats are exact."""
    kind = type(artifact).__name__.lower()
    header: dict[str, Any] = {
        "perfsynth": kind,
        "version": __version__,
        "history": [step.to_json() for step in artifact.history],
    }
    if isinstance(artifact, Tokens):
        header |= {"vocabulary": artifact.vocabulary, "fields": list(artifact.fields)}
        rows: Iterator[Any] = (dict(zip(artifact.fields, row, strict=True)) for row in artifact.ids.tolist())
    elif isinstance(artifact, Performance):
        header["parts"] = [asdict(part) for part in artifact.parts]
        header["controls"] = [_plain(row, CONTROL) for row in artifact.controls.tolist()]
        rows = (_plain(row, PERFORMED_NOTE) for row in artifact.notes.tolist())
    else:
        header |= {"doubled": artifact.doubled} if artifact.doubled else {}
        rows = (_plain(row, ALIGNED_NOTE) for row in artifact.notes.tolist())
    lines = [json.dumps(header), *(json.dumps(row) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def _plain(row: tuple, dtype: np.dtype) -> dict[str, Any]:
    """A row as a JSON object; nan, which JSON lacks, is null."""
    return {name: None if value != value else value for name, value in zip(dtype.names or (), row, strict=True)}


def read_jsonl(data: bytes, *, name: str = "notes") -> Tokens | Alignment | Performance:
    """Read what `write_jsonl` writes; the controls of a performance come by their times.

    Raises
    ------
    InputError
        When a line is no JSON, or not what the header announces.
    """
    lines = data.decode("utf-8", "replace").split("\n")  # not splitlines: JSON may hold U+2028
    header = _object(lines[0] if lines else "", name, 1)
    kind = header.get("perfsynth")
    if kind not in ("tokens", "alignment", "performance"):
        raise InputError(f"{name}: line 1: no header of tokens, an alignment or a performance")
    rows = [_object(line, name, number) for number, line in enumerate(lines[1:], 2) if line.strip()]
    made: dict[str, Any] = {"sha256": hashlib.sha256(data).hexdigest()}
    try:
        made["history"] = history_from_json(header.get("history", []))
        if kind == "tokens":
            return _tokens(header, rows, name, made)
        if kind == "alignment":
            notes = _table(rows, ALIGNED_NOTE, name, first_line=2, optional=("sound_off_s",))
            alignment = Alignment(notes, _doubled(header, name), **made)
            _check_alignment(alignment, name)
            return alignment
        parts = tuple(_part(row) for row in header["parts"])
        controls = _table(header["controls"], CONTROL, name, first_line=1)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{name}: line 1: its header lacks or garbles {error}; write the file again") from error
    controls = controls[np.argsort(controls["time_s"], kind="stable")]
    performance = Performance(_table(rows, PERFORMED_NOTE, name, first_line=2), controls, parts, **made)
    _check(performance, name)
    return performance


def _object(line: str, name: str, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: line {number}: no JSON ({error}); is the file complete?") from error
    if not isinstance(found, dict):
        raise InputError(f"{name}: line {number}: a JSON object is expected")
    return found


def _tokens(header: dict[str, Any], rows: list[dict], name: str, made: dict[str, Any]) -> Tokens:
    fields, vocabulary = header["fields"], header["vocabulary"]
    if not isinstance(vocabulary, str) or not isinstance(fields, list) or not all(isinstance(f, str) for f in fields):
        raise InputError(f"{name}: line 1: fields and vocabulary are not words; write the file again")
    ids = np.zeros((len(rows), len(fields)), np.int32)
    for index, row in enumerate(rows):
        values = [row.get(field) for field in fields]
        if not all(type(value) is int and 0 <= value < 2**31 for value in values):
            raise InputError(f"{name}: line {index + 2}: {', '.join(fields)} must be whole numbers from 0")
        ids[index] = np.array(values, np.int32)
    return Tokens(ids, tuple(fields), vocabulary, **made)


def _table(
    rows: list[dict], dtype: np.dtype, name: str, *, first_line: int, optional: tuple[str, ...] = ()
) -> np.ndarray:
    names = dtype.names or ()
    table = np.zeros(len(rows), dtype)
    for index, row in enumerate(rows):
        try:
            found = {**dict.fromkeys(optional), **row}
            values = tuple(np.nan if found[column] is None else found[column] for column in names)
            for column, value in zip(names, values, strict=True):
                if not isinstance(value, _TYPES[dtype[column].kind]) or isinstance(value, bool):
                    raise TypeError(f"{column} is {value!r}")
                if isinstance(value, str) and len(value) > dtype[column].itemsize // 4:
                    raise ValueError(f"{column} is longer than {dtype[column].itemsize // 4} letters")
            table[index] = values
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            line = first_line + index if first_line > 1 else 1
            raise InputError(f"{name}: line {line}: not a row of {', '.join(names)} ({error})") from error
    return table


def _doubled(header: dict[str, Any], name: str) -> dict[str, str]:
    found = header.get("doubled", {})
    if not isinstance(found, dict) or not all(isinstance(note_id, str) for note_id in found.values()):
        raise InputError(f"{name}: line 1: doubled does not name a note for each note; write the file again")
    return found


def _part(row: dict[str, Any]) -> Part:
    part = Part(**row)
    if (type(part.name), type(part.program), type(part.is_drum)) != (str, int, bool):
        raise TypeError(f"{part}")
    return part


def _check_alignment(alignment: Alignment, name: str) -> None:
    """Refuse what is no place in a score or in a recording."""
    notes = alignment.notes
    known = np.isin(notes["status"], ["matched", "unplayed"])
    known &= np.isfinite(notes["score_onset_beat"]) & np.isfinite(notes["score_duration_beat"])
    known &= (notes["pitch"] >= 0) & (notes["pitch"] <= 127)
    timed = np.isfinite(notes["onset_s"]) & np.isfinite(notes["offset_s"]) & (notes["offset_s"] >= notes["onset_s"])
    timed &= ~(notes["sound_off_s"] < notes["offset_s"]) & ~np.isinf(notes["sound_off_s"])
    wrong = np.flatnonzero(~known | ((notes["status"] == "matched") & ~timed))
    if len(wrong):
        raise InputError(f"{name}: line {wrong[0] + 2}: {notes[wrong[0]]} is no aligned note; write the file again")


def _check(performance: Performance, name: str) -> None:
    """Refuse numbers that no keyboard can play."""
    notes, controls, n_parts = performance.notes, performance.controls, len(performance.parts)
    times = np.concatenate([notes["onset_s"], notes["duration_s"], controls["time_s"]])
    if not ((times >= 0) & (times <= MAX_S)).all():
        raise InputError(f"{name}: a time is negative, over a day or no number; times are seconds from 0")
    ranges = (
        ("pitch", notes["pitch"], 0, 127),
        ("velocity", notes["velocity"], 1, 127),
        ("control value", controls["value"], 0, 127),
        ("control number", controls["number"], 0, 127),
        ("part", np.concatenate([notes["part"], controls["part"]]), 0, n_parts - 1),
        ("program", np.array([part.program for part in performance.parts]), 0, 127),
    )
    for what, values, low, high in ranges:
        wrong = values[(values < low) | (values > high)]
        if len(wrong):
            raise InputError(f"{name}: {what} {wrong[0]}: must be {low} to {high}")
