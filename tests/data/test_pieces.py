"""The corpus on disk: pieces come back as they were, splits stay what they are, broken files are told."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfsynth import formats
from perfsynth.data.pieces import Entry, Piece, load, pieces, read_manifest, save, split_of, write_manifest
from perfsynth.errors import InputError, MissingError
from perfsynth.types import CONTROL, PERFORMED_NOTE, Performance

TABLES = ("notes", "tempos", "meters", "keys", "measures", "directions", "slurs")


@pytest.fixture(scope="module")
def piece(example: bytes) -> Piece:
    score = formats.read_score(example)
    notes = np.zeros(3, PERFORMED_NOTE)
    notes["note_id"], notes["onset_s"], notes["pitch"] = score.notes["note_id"][:3], [0.1, 0.25, 1 / 3], 60
    controls = np.array([(0.5, 64, 127, 0), (1.25, 67, 3, 0)], CONTROL)
    played = {"A01": Performance(notes, controls), "B_02M": Performance(notes[:1])}
    return Piece(
        "Bach/Minuet", "Bach", "train", {"musicxml": score, "midi": replace(score, slurs=score.slurs[:0])}, played
    )


def entry(name: str, split: str, path: str = "") -> Entry:
    return Entry(name, "Bach", split, path, 10, ("musicxml",), ("A",), {"B": "why"}, "CC0", ("A",))


def test_a_piece_comes_back_as_it_was(piece: Piece, tmp_path: Path) -> None:
    save(piece, tmp_path / "a.npz")
    back = load(tmp_path / "a.npz")
    assert (back.name, back.composer, back.split) == ("Bach/Minuet", "Bach", "train")
    assert list(back.scores) == ["musicxml", "midi"]
    for notation, score in piece.scores.items():
        for table in TABLES:
            assert np.array_equal(getattr(back.scores[notation], table), getattr(score, table)), table
        assert back.scores[notation].parts == score.parts
        assert back.scores[notation].composer == "Bach"
    for name, performance in piece.performances.items():
        assert np.array_equal(back.performances[name].notes, performance.notes)
        assert np.array_equal(back.performances[name].controls, performance.controls)
        assert back.performances[name].controls.dtype == CONTROL
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("kept", [0, 10, 500, -100])
def test_a_file_cut_short_is_told(kept: int, piece: Piece, tmp_path: Path) -> None:
    save(piece, tmp_path / "a.npz")
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:kept])
    with pytest.raises(InputError, match=r"a\.npz: no piece of a prepared corpus"):
        load(tmp_path / "a.npz")


def test_another_npz_and_no_file_are_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", values=np.arange(3))
    with pytest.raises(InputError, match="no piece of a prepared corpus"):
        load(tmp_path / "other.npz")
    np.savez(tmp_path / "object.npz", head=np.array({"name": 1}, dtype=object))
    with pytest.raises(InputError, match="no piece of a prepared corpus"):
        load(tmp_path / "object.npz")
    with pytest.raises(InputError, match="no piece of a prepared corpus"):
        load(tmp_path / "nowhere.npz")


def test_a_file_of_a_corpus_of_sounds_is_told_without_advice_of_numpys(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(b"MThd\0\0\0\6\0\0\0\1\0\x60")
    with pytest.raises(
        InputError, match=r"a\.mid: no piece of a prepared corpus; perfsynth data nasap prepare"
    ) as caught:
        load(tmp_path / "a.mid")
    assert "pickle" not in str(caught.value)


def test_splits_never_change() -> None:
    known = {
        "Bach/Fugue/bwv_846": "valid",
        "Bach/Fugue/bwv_848": "train",
        "Bach/Fugue/bwv_856": "valid",
        "Bach/Fugue/bwv_857": "train",
    }
    assert {name: split_of(name) for name in known} == known


def test_a_tenth_is_for_validation_and_a_tenth_for_the_test() -> None:
    counts = Counter(split_of(f"piece {index}") for index in range(5000))
    assert set(counts) == {"train", "valid", "test"}
    for split in ("valid", "test"):
        assert counts[split] / 5000 == pytest.approx(0.1, abs=0.015)


@given(st.text(max_size=40))
def test_a_name_has_one_split(name: str) -> None:
    assert split_of(name) == split_of(name) in ("train", "valid", "test")


def test_the_manifest_comes_back_and_old_ones_are_read(tmp_path: Path) -> None:
    entries = [entry("a", "train", "pieces/a.npz"), entry("b", "valid")]
    write_manifest(entries, tmp_path)
    assert read_manifest(tmp_path) == entries
    path = tmp_path / "manifest.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        del row["rough"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [found.rough for found in read_manifest(tmp_path)] == [(), ()]


WRONG_PATH = json.dumps(asdict(Entry("b", "B", "train", "b.npz", 3, (), (), {}, "")) | {"path": 5}).encode()


@pytest.mark.parametrize(
    "broken",
    [
        b"{",
        b"[]",
        b"5",
        b'{"piece": "b"}',
        b'{"surprise": 1}',
        b'{"piece": "b", "notations": 5}',
        b"\xff\xfe",
        WRONG_PATH,
    ],
)
def test_a_line_that_is_no_piece_is_named(broken: bytes, tmp_path: Path) -> None:
    write_manifest([entry("a", "train", "pieces/a.npz")], tmp_path)
    path = tmp_path / "manifest.jsonl"
    path.write_bytes(path.read_bytes() + broken + b"\n")
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}:2: ") as caught:
        read_manifest(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_manifest_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_manifest([entry("a", "train", "pieces/a.npz")], tmp_path)
    before = (tmp_path / "manifest.jsonl").read_bytes()
    with (tmp_path / "manifest.jsonl").open("rb") as file:
        write_manifest([entry("b", "valid", "pieces/b.npz")], tmp_path)
        assert file.read() == before  # it was put in its place, not filled there
    assert [found.piece for found in read_manifest(tmp_path)] == ["b"]


def test_pieces_of_a_split(piece: Piece, tmp_path: Path) -> None:
    (tmp_path / "pieces").mkdir()
    for name in ("a", "b"):
        save(replace(piece, name=name), tmp_path / f"pieces/{name}.npz")
    rows = [entry("b", "train", "pieces/b.npz"), entry("c", "train"), entry("a", "valid", "pieces/a.npz")]
    write_manifest(rows, tmp_path)
    assert [found.name for found in pieces(tmp_path, "train")] == ["b"]
    assert [found.name for found in pieces(tmp_path, "valid")] == ["a"]
    assert list(pieces(tmp_path, "test")) == []


def test_no_corpus_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="perfsynth data nasap prepare"):
        read_manifest(tmp_path)
