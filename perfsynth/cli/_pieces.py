"""Models over the pieces of a corpus, for ``perfsynth evaluate performance --manifest DIR``: a piece is a row."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from perfsynth import registry
from perfsynth.batch.manifest import Row, columns, read_rows
from perfsynth.cli import _io, _report, _report_page
from perfsynth.cli._performances import judged, tables_over, text_of
from perfsynth.errors import InputError, UsageError

MOST_REFERENCES = 4  # of a piece: more cost the square, and one piece is still one piece
STAGE = "evaluate pieces"


class Split(StrEnum):
    """Parts of a corpus that nothing was trained on."""

    valid = "valid"
    test = "test"


class Notation(StrEnum):
    """What the model is told of the score."""

    musicxml = "musicxml"
    midi = "midi"
    flat = "flat"


def _rows(
    session: _io.Session, manifest: str, model: str | None, split: Split, notation: Notation, report: str | None,
    force: bool,
) -> list[Row]:  # fmt: skip
    """The pieces of a split."""
    from perfsynth.data.pieces import MANIFEST, read_manifest

    if not model:
        raise UsageError("--manifest DIR needs a model to judge; add --model NAME")
    for name in _names(model):
        registry.get(name, "render-performance")
    _report_page.check(report, force=force)
    entries = [entry for entry in read_manifest(Path(manifest)) if entry.split == split.value and entry.path]
    there = []
    for entry in entries:
        if entry.notations and (notation == Notation.flat or notation.value in entry.notations):
            there.append(entry)
        else:
            session.say(f"{entry.piece}: left out, it has no {notation.value} notation")
    if not there:
        raise InputError(
            f"{manifest}: no piece of the {split.value} split in {notation.value} notation; prepare a larger corpus"
        )
    lines = (json.dumps({"id": entry.piece, "input": entry.path}) for entry in there)
    return read_rows(lines, str(Path(manifest) / MANIFEST), columns(STAGE), manifest)


def _each(item: _io.Item, model: str, notation: Notation) -> None:
    """Write the report of a piece: each model, and what its figures mean."""
    from perfsynth.data.pieces import load
    from perfsynth.evaluate.performance_ceilings import judge
    from perfsynth.evaluate.performance_corpus import as_read
    from perfsynth.perform.core import perform

    piece, names = load(Path(item.source)), _names(model)
    read = as_read(piece.scores, notation.value)
    if read is None:
        raise InputError(f"{item.source}: has no {notation.value} notation, against the manifest; prepare it again")
    generated = {}
    for number, name in enumerate(names):
        item.progress(name, number / len(names))
        generated[_row_name(name)] = perform(read, model=name)
    rows = judge(piece.scores.get("musicxml") or read, generated, list(piece.performances.values())[:MOST_REFERENCES])
    head = {"piece": piece.name, "models": names, "notation": notation.value}
    made = head | {"rows": {name: row.to_json() for name, row in rows.items()}}
    item.write((_report.as_json(made) + "\n").encode())


def _together(
    session: _io.Session, reports: list[dict[str, Any]], model: str, split: Split, notation: Notation,
    report: str | None,
) -> None:  # fmt: skip
    """Print the means over pieces, and write the page about them."""
    from perfsynth.evaluate.performance_corpus import differences, summarise

    names = _names(model)
    judgements = judged(reports, "piece")
    for one in reports:
        if (one.get("models"), one.get("notation")) != (names, notation.value):
            raise InputError(f"the report of {one.get('piece')} is of other models or another notation; --force")
    rows = {one["piece"]: found for one, found in zip(reports, judgements, strict=True)}
    baseline = _row_name(names[0])
    summaries, paired = summarise(rows), differences(rows, baseline)
    tables = tables_over(summaries, paired, f"Less {baseline}, piece by piece")
    if report is not None:
        page = _report_page.many_pieces(names, split.value, notation.value, rows, tables)
        _report_page.write(page, report, session)
    if session.as_json:
        by_piece = {piece: {name: row.numbers() for name, row in found.items()} for piece, found in rows.items()}
        found = {"rows": {name: vars(one) for name, one in summaries.items()}, "pieces": by_piece}
        found[f"less_{baseline}"] = {name: vars(one) for name, one in paired.items()}
        typer.echo(_report.as_json({"split": split.value, "notation": notation.value} | found))
        return
    typer.echo(text_of(tables))


def _names(model: str) -> list[str]:
    """Models of a list with commas, each once."""
    return list(dict.fromkeys(name.strip() for name in model.split(",") if name.strip()))


def _row_name(model: str) -> str:
    """What to call a model's row; the words of the table keep theirs."""
    from perfsynth.evaluate.performance_ceilings import CEILINGS

    return f"model {model}" if model in CEILINGS else model


PIECES = _io.Many(STAGE, _each, _together, _rows, brings="a corpus, which brings its own scores and humans")
