"""The recipe of Batik-plays-Mozart on a folder of its layout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from perfsynth import formats
from perfsynth.cli import app
from perfsynth.cli._item import alone
from perfsynth.data import batik
from perfsynth.data.pieces import load, read_manifest
from perfsynth.errors import InputError, MissingError
from perfsynth.expression import played_notes
from tests.data import corpora


@pytest.fixture(scope="module")
def root(example: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One movement as it should be, one without a score, one whose match file is none."""
    folder = tmp_path_factory.mktemp("batik")
    (folder / "match").mkdir()
    (folder / "scores").mkdir()
    text = corpora.match_file(formats.read_score(example), np.random.default_rng(0))
    for name, content in (("kv1_1", text), ("kv1_2", text), ("kv1_3", "info(piece,none).\n")):
        (folder / f"match/{name}.match").write_text(content)
    for name in ("kv1_1", "kv1_3"):
        (folder / f"scores/{name}.musicxml").write_bytes(example)
    return folder


def test_movements_are_kept_for_validation_alone(root: Path, tmp_path: Path) -> None:
    entries = batik.prepare(root, tmp_path)
    assert read_manifest(tmp_path) == entries
    assert [(entry.piece, entry.split, bool(entry.path)) for entry in entries] == [
        ("kv1_1", "valid", True), ("kv1_2", "valid", False), ("kv1_3", "valid", False),
    ]  # fmt: skip
    assert "kv1_2.musicxml" in entries[1].dropped["Batik"]
    assert "no match file" in entries[2].dropped["Batik"]
    assert {entry.license for entry in entries} == {"not stated"}
    piece = load(tmp_path / entries[0].path)
    row = played_notes(piece.scores["musicxml"], piece.performances["Batik"])
    assert (row >= 0).all()


def test_another_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="this is no Batik-plays-Mozart folder"):
        batik.prepare(tmp_path, tmp_path / "out")


def test_the_command_reports(root: Path, tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["data", "batik", "prepare", str(root), "-o", str(tmp_path / "out"), "--json"])
    assert ran.exit_code == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert report["kept"]["valid"]["pieces"] == 1
    assert report["kept"]["train"]["pieces"] == 0
    assert sum(report["dropped"].values()) == 2
    assert report["minutes"] >= 0


def test_two_processes_do_not_prepare_one_corpus(root: Path, tmp_path: Path) -> None:
    with alone(tmp_path / "corpus", "preparing a corpus"):
        ran = CliRunner().invoke(app, ["data", "batik", "prepare", str(root), "-o", str(tmp_path / "corpus")])
    assert ran.exit_code == 1 and "another process is preparing a corpus there" in ran.stderr
    assert list((tmp_path / "corpus").iterdir()) == []


def test_the_command_fails_when_nothing_was_kept(root: Path, tmp_path: Path) -> None:
    (tmp_path / "match").mkdir()
    (tmp_path / "match/a.match").write_text("nothing")
    ran = CliRunner().invoke(app, ["data", "batik", "prepare", str(tmp_path), "-o", str(tmp_path / "out")])
    assert (ran.exit_code, ran.stderr.count("\n"), ran.stdout) == (1, 1, "")
    assert "nothing of it was kept (its score is missing)" in ran.stderr


def test_a_dataset_of_which_nothing_is_kept_leaves_the_corpus_that_is_there(root: Path, tmp_path: Path) -> None:
    batik.prepare(root, tmp_path / "corpus")
    before = {path: path.read_bytes() for path in (tmp_path / "corpus").rglob("*") if path.is_file()}
    (tmp_path / "match").mkdir()
    (tmp_path / "match/a.match").write_text("nothing")
    with pytest.raises(InputError, match="nothing of it was kept"):
        batik.prepare(tmp_path, tmp_path / "corpus")
    assert {path: path.read_bytes() for path in (tmp_path / "corpus").rglob("*") if path.is_file()} == before


def test_the_default_folder_is_where_training_looks(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERFSYNTH_DATA", str(tmp_path))
    ran = CliRunner().invoke(app, ["data", "batik", "prepare", str(root)])
    assert ran.stdout == f"{tmp_path}/corpora/batik\n"
    assert len(read_manifest(tmp_path / "corpora/batik")) == 3
    (tmp_path / "batik").symlink_to(root)
    ran = CliRunner().invoke(app, ["data", "batik", "prepare", "-o", str(tmp_path / "of-the-fetched")])
    assert ran.exit_code == 0, ran.stderr
    assert len(read_manifest(tmp_path / "of-the-fetched")) == 3


def test_no_folder_and_nothing_fetched_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERFSYNTH_DATA", str(tmp_path))
    for name in ("nasap", "batik"):
        ran = CliRunner().invoke(app, ["data", name, "prepare", "-o", str(tmp_path / "out")])
        assert (ran.exit_code, ran.stderr.count("\n")) == (1, 1)
        assert f"{tmp_path / name}/" in ran.stderr
