"""Manifests: JSON Lines, a row an item. What each stage reads from a row, and the column that its result makes.

``{"id": "bach/875", "score": "bach/875/score.musicxml", "audio": "bach/875.flac", "split": "train"}`` is a row for
every stage that reads a score, audio, or both: a row may say more than a stage asks for. Where a row is for one stage
only, ``input`` (or ``inputs``, a list) names its files as well. Paths are relative to the manifest. The result is
named by ``output``, else by ``id``, else by the first file.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from perfsynth.batch.claim import written
from perfsynth.batch.storage import is_url, join
from perfsynth.errors import InputError, PerfsynthError

log = logging.getLogger("perfsynth")


class Columns(NamedTuple):
    """What a stage takes from a row, in the order of its arguments, and the column of its result."""

    reads: tuple[str, ...]
    makes: str
    may: tuple[str, ...] = ()  # files that a row may name beside those
    several: bool = False  # whether the last that it reads may be a list
    spare: str = ""  # stands for one of `spared` that a row lacks
    spared: tuple[str, ...] = ()


STAGES = {
    "align": Columns(("audio", "score"), "alignment"),
    "render": Columns(("score",), "audio"),
    "render-performance": Columns(("score",), "performance"),
    "synth-mel": Columns(("performance",), "spectrogram"),
    "synth-audio": Columns(("performance",), "audio"),
    "vocode": Columns(("spectrogram",), "audio"),
    "tokenize": Columns(("performance",), "tokens"),
    "detokenize": Columns(("tokens",), "performance"),
    "evaluate audio": Columns(("audio", "reference"), "report", ("performance",)),
    "evaluate alignment": Columns(("alignment", "reference"), "report"),
    # A dataset calls what people played a performance, and render-performance what it makes.
    "evaluate performance": Columns(
        ("generated", "score", "reference"), "report", (), True, "performance", ("generated", "reference")
    ),
}
_PATHS = {"input", "inputs", *(name for stage in STAGES.values() for name in (*stage.reads, stage.makes, *stage.may))}
_ANY = Columns(("input",), "output")


@dataclass(frozen=True)
class Row:
    """One item of a batch."""

    inputs: tuple[str, ...]  # paths
    output: str  # relative to the folder of the results
    fields: dict[str, Any] = field(default_factory=dict)  # all that the manifest says

    def target(self, suffix: str) -> str:
        """Its result's name: with the suffix it was given, else with the stage's (an id may hold dots)."""
        named = self.fields.get("output") == self.output and PurePosixPath(self.output).suffix
        return self.output if named else self.output + suffix

    def beside(self, names: tuple[str, ...], folder: str) -> dict[str, str]:
        """Those of the columns `names` that it has: files, relative to `folder` in the manifest.

        Raises
        ------
        InputError
            When one is no path.
        """
        found = {name: self.fields[name] for name in names if self.fields.get(name)}
        for name, path in found.items():
            if not isinstance(path, str):
                raise InputError(f"{self.inputs[0]}: {name!r} is {path!r}; name a file, or leave it out")
        return {name: path if is_url(path) else join(folder, path) for name, path in found.items()}

    def onward(self, stage: Columns) -> dict[str, Any]:
        """What it says to the stages that come next: its files in the columns of the stage that has read them.

        ``input`` and ``output`` are of one stage only; the name that the result was given goes on as far as it says
        nothing of its kind.
        """
        named = _listed(self.fields) if self.fields else list(self.inputs)
        kept = {name: value for name, value in self.fields.items() if name not in ("input", "inputs", "output")}
        if self.fields.get("output"):
            kept["output"] = str(PurePosixPath(self.output).with_suffix(""))
        if named is None:
            return kept
        most = len(stage.reads) - 1
        last = named[most:] if stage.several else named[most]
        return kept | dict(zip(stage.reads, [*named[:most], last], strict=True))


def columns(stage: str) -> Columns:
    """The columns of a stage; ``input`` and ``output`` for one that has none of its own."""
    return STAGES.get(stage, _ANY)


def read_rows(lines: Iterable[str], name: str, stage: Columns, folder: str) -> list[Row]:
    """The rows of a manifest.

    Parameters
    ----------
    lines
        Its text.
    name
        What to call it in messages.
    stage
        The columns that name the input files.
    folder
        What paths in it are relative to: a folder, or the URL of one.

    Raises
    ------
    InputError
        When a row is no JSON object, names its inputs wrongly or an output outside the folder of the results, or when
        no row has what the stage reads. Rows without it, as of datasets that have some scores, are left out.
    """
    objects = list(read_objects(lines, name))
    if not objects:
        raise InputError(f"{name}: no rows; a manifest has a JSON object a line")
    rows = [_row(fields, where, stage, folder) for where, fields in objects if any(_inputs(fields, stage))]
    wanted = " and ".join(repr(column) for column in stage.reads)
    if not rows:
        raise InputError(f"{name}: no row has {wanted} to read; name the files so, or as 'input'")
    if left_out := len(objects) - len(rows):
        log.warning("%s: %d of %d rows have no %s and are left out", name, left_out, len(objects), wanted)
    return rows


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write a manifest, whole or not at all.

    Raises
    ------
    PerfsynthError
        When it cannot be written.
    """
    try:
        with written(path) as place, place.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    except OSError as error:
        raise PerfsynthError(f"{path}: cannot be written ({error.strerror or error})") from error


def relocated(fields: dict[str, Any], old: Path | str, new: Path) -> dict[str, Any]:
    """A row of a manifest in the folder or store `old`, for a manifest in the folder `new`: the same files."""

    def moved(path: Any) -> Any:
        if not isinstance(path, str) or not path or is_url(path):
            return path
        if is_url(str(old)):
            return join(str(old), path)
        there = Path(os.path.abspath(Path(old) / path))  # noqa: PTH100 - resolve() would follow links
        here = Path(os.path.abspath(new))  # noqa: PTH100
        return there.relative_to(here).as_posix() if there.is_relative_to(here) else str(there)

    def all_moved(value: Any) -> Any:
        return [moved(path) for path in value] if isinstance(value, list) else moved(value)

    return {name: all_moved(value) if name in _PATHS else value for name, value in fields.items()}


def read_objects(lines: Iterable[str], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON objects of a manifest, whatever is in them, with where they stand.

    Raises
    ------
    InputError
        When a line is no JSON object.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{name}:{number}: not JSON ({error}); a manifest has a JSON object a line") from error
        if not isinstance(fields, dict):
            raise InputError(f"{name}:{number}: {line.strip()[:40]!r} is no JSON object; a manifest has one a line")
        yield f"{name}:{number}", fields


def _row(fields: dict[str, Any], where: str, stage: Columns, folder: str) -> Row:
    named, reads = _inputs(fields, stage), stage.reads
    enough = len(named) >= len(reads) if stage.several else len(named) == len(reads)
    if not enough or not all(isinstance(path, str) and path for path in named):
        wanted = " and ".join(repr(column) for column in reads)
        other = "'input'" if len(reads) == 1 else "'inputs', a list of as many files"
        raise InputError(f"{where}: {named!r} does not name {wanted}; name it so, or as {other}")
    inputs = tuple(path if is_url(path) else join(folder, path) for path in named)
    return Row(inputs, _output(fields, where, inputs[0]), fields)


def _listed(fields: dict[str, Any]) -> list[Any] | None:
    listed = fields.get("inputs", fields.get("input"))
    return listed if listed is None or isinstance(listed, list) else [listed]


def _inputs(fields: dict[str, Any], stage: Columns) -> list[Any]:
    listed = _listed(fields)
    if listed is not None:
        return listed
    found = {column: fields.get(column) for column in stage.reads}
    lacking = [column for column in stage.reads if not found[column]]
    if len(lacking) == 1 and lacking[0] in stage.spared:
        found[lacking[0]] = fields.get(stage.spare)
    if not all(found.values()):
        return []
    *first, last = found.values()
    return [*first, *(last if stage.several and isinstance(last, list) else [last])]


def _output(fields: dict[str, Any], where: str, source: str) -> str:
    given = fields.get("output") or fields.get("id")
    if given is None:
        return PurePosixPath(source).stem
    if not isinstance(given, str) or "\0" in given:
        raise InputError(f"{where}: {given!r} is no name for a result; give a relative path")
    path = PurePosixPath(given)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise InputError(f"{where}: {given!r} lies outside the folder of the results; give a relative path without ..")
    return given
