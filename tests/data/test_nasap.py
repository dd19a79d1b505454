"""The recipe of (n)ASAP on a tree of its layout: what is kept, what is dropped and why."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from perfsynth import formats
from perfsynth.cli import app
from perfsynth.data import nasap
from perfsynth.data.pieces import Entry, load, read_manifest, reason
from perfsynth.errors import MissingError
from perfsynth.expression import played_notes
from perfsynth.formats.musicxml_tremolos import STROKE
from perfsynth.types import SCORE_NOTE, Score
from tests.data import corpora

TRAIN, VALID = corpora.folder_in("train"), corpora.folder_in("valid")


@pytest.fixture(scope="module")
def score(example: bytes) -> Score:
    return formats.read_score(example)


@pytest.fixture(scope="module")
def root(example: bytes, score: Score, tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    clean, half = corpora.match_file(score, rng), corpora.match_file(score, rng, share=0.5)
    rough = corpora.match_file(score, rng, share=0.8)
    wild = corpora.match_file(score, rng, jitter_s=2.0)
    garbled = clean.replace("-note(n0,", "-note(n0,c4", 1)
    mixed = {"A01": (clean, True), "B01": (half, True), "C01": (rough, True), "D01": (clean, False)}
    tree = corpora.nasap(
        tmp_path_factory.mktemp("asap"),
        example,
        {
            TRAIN: mixed | {"E01": (wild, False), "F01": (garbled, True)},
            VALID: mixed,
            TRAIN + "_no_repeat": {"A02": (clean, True)},
            corpora.folder_in("train", 1): {"G01": (clean, True)},
            corpora.folder_in("train", 2): {"H01": (half, True)},
        },
    )
    (tree / TRAIN / "midi_score.mid").write_bytes(corpora.score_midi(example, delay_beat=1))
    (tree / corpora.folder_in("train", 1) / "xml_score.musicxml").write_bytes(b"<score-partwise>")
    (tree / VALID / "D01.match").unlink()
    return tree


@pytest.fixture(scope="module")
def corpus(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("corpus")
    nasap.prepare(root, out)
    return out


def by_name(corpus: Path) -> dict[str, Entry]:
    return {entry.piece: entry for entry in read_manifest(corpus)}


def test_what_is_kept_and_why_the_rest_is_not(corpus: Path) -> None:
    entries = by_name(corpus)
    train, valid = entries[TRAIN], entries[VALID]
    assert (train.split, valid.split) == ("train", "valid")
    assert train.performances == ("A01", "C01", "D01")
    assert train.rough == ("C01", "D01")
    assert set(train.dropped) == {"B01", "E01", "F01"}
    assert "of its notes are matched, fewer than 85%" in train.dropped["B01"]
    assert "not robust" in train.dropped["E01"]
    assert "match file: " in train.dropped["F01"]
    assert (valid.performances, valid.rough) == (("A01",), ())
    assert set(valid.dropped) == {"B01", "C01", "D01"}
    assert entries[corpora.folder_in("train", 1)].path == ""
    assert "score: " in entries[corpora.folder_in("train", 1)].dropped["G01"]
    assert entries[corpora.folder_in("train", 2)].path == ""
    assert reason(valid.dropped["D01"]) == "its match file is missing"
    assert reason(train.dropped["F01"]) == "its match file cannot be read"


def test_no_piece_is_in_two_splits(corpus: Path) -> None:
    entries = by_name(corpus)
    assert entries[TRAIN + "_no_repeat"].split == entries[TRAIN].split
    files = sorted(path.name for path in (corpus / "pieces").iterdir())
    assert files == sorted(Path(entry.path).name for entry in entries.values() if entry.path)
    for entry in entries.values():
        if entry.path:
            assert load(corpus / entry.path).split == entry.split


@pytest.mark.parametrize(
    "variant", ["", "_no_repeat", "_no_trio", "_extra_repeat", "_short_repeat", "_repeat", "_repeats"]
)
def test_variants_of_a_piece_share_its_split(variant: str) -> None:
    assert nasap._VARIANT.sub("", "Haydn/Sonatas/1-1" + variant) == "Haydn/Sonatas/1-1"


def test_performances_are_joined_to_the_score(corpus: Path, score: Score) -> None:
    piece = load(corpus / by_name(corpus)[TRAIN].path)
    row = played_notes(piece.scores["musicxml"], piece.performances["A01"])
    assert np.array_equal(piece.scores["musicxml"].notes, score.notes)
    assert (row >= 0).all()
    assert np.array_equal(piece.performances["A01"].notes["pitch"][row], score.notes["pitch"])
    assert piece.performances["A01"].controls["value"].tolist() == [127, 0]


def test_the_score_midi_bears_the_ids_of_the_musicxml(corpus: Path, score: Score) -> None:
    piece = load(corpus / by_name(corpus)[TRAIN].path)
    assert by_name(corpus)[TRAIN].notations == ("musicxml", "midi")
    assert by_name(corpus)[VALID].notations == ("musicxml",)
    place = {str(n["note_id"]): (float(n["onset_beat"]), int(n["pitch"])) for n in score.notes}
    joined = [n for n in piece.scores["midi"].notes if str(n["note_id"]) in place]
    assert len(joined) >= 0.9 * len(piece.scores["midi"].notes)
    for note in joined:
        onset, pitch = place[str(note["note_id"])]
        assert (note["onset_beat"], note["pitch"]) == (pytest.approx(onset + 1, abs=0.05), pitch)
    row = played_notes(piece.scores["midi"], piece.performances["A01"])
    assert (row >= 0).mean() > 0.9


def test_notes_are_joined_once_by_place_and_pitch() -> None:
    def made(rows: list[tuple[str, float, int]]) -> np.ndarray:
        notes = np.zeros(len(rows), SCORE_NOTE)
        for name, values in zip(("note_id", "onset_beat", "pitch"), zip(*rows, strict=True), strict=True):
            notes[name] = values
        return notes

    here = made([("", 4.0, 60), ("", 5.0, 62), ("", 5.0, 62), ("", 6.0, 64), ("", 6.25, 65)])
    there = made([("a", 0.0, 60), ("b", 1.0, 62), ("c", 2.0, 64), ("d", 2.5, 65)])
    assert nasap.joined_ids(here, there).tolist() == ["a", "b", "", "c", ""]
    assert nasap.joined_ids(here[:1], there[1:]).tolist() == [""]


def test_strokes_of_a_tremolo_are_joined_though_match_files_call_them_inserted(example: bytes, tmp_path: Path) -> None:
    sign = b"<notations><ornaments><tremolo type='single'>2</tremolo></ornaments></notations></note>"
    signed = example.replace(b"</note>", sign)
    score = formats.read_score(signed)
    stroke = np.array([STROKE.search(name) is not None for name in score.notes["note_id"].tolist()])
    text = corpora.match_file(score, np.random.default_rng(0))
    inserted = re.sub(r"snote\(\w+t\d+-\d,.*\)-note", "insertion-note", text)
    assert inserted.count("insertion") == stroke.sum() > 100
    corpus = tmp_path / "corpus"
    nasap.prepare(corpora.nasap(tmp_path / "asap", signed, {VALID: {"A01": (inserted, True)}}), corpus)
    piece = load(corpus / next(entry.path for entry in read_manifest(corpus)))
    played = played_notes(piece.scores["musicxml"], piece.performances["A01"]) >= 0
    assert played[~stroke].all()
    assert played[stroke].mean() > 0.9


def test_processes_and_another_list_make_the_same_corpus(root: Path, corpus: Path, tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    lines = (root / "metadata.csv").read_text().splitlines()
    table.write_text("\n".join([lines[0], *(line for line in lines[1:] if VALID in line or "_no_repeat" in line)]))
    entries = nasap.prepare(root, tmp_path / "out", metadata=table, jobs=2)
    assert nasap.prepare(root, tmp_path / "all", metadata=table, jobs=0) == entries
    assert entries == [by_name(corpus)[entry.piece] for entry in entries]
    assert len(entries) == 2
    for entry in entries:
        assert (tmp_path / "out" / entry.path).read_bytes() == (corpus / entry.path).read_bytes()


def test_another_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="this is no \\(n\\)ASAP folder"):
        nasap.prepare(tmp_path, tmp_path / "out")


def test_a_list_without_its_files_leaves_the_corpus_that_is_there(root: Path, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_bytes((root / "metadata.csv").read_bytes())
    before = (corpus / "manifest.jsonl").read_bytes()
    ran = CliRunner().invoke(app, ["data", "nasap", "prepare", str(tmp_path), "-o", str(corpus)])
    assert (ran.exit_code, ran.stderr.count("\n"), ran.stdout) == (1, 1, "")
    assert f"{tmp_path}: nothing of it was kept (its score is missing)" in ran.stderr
    assert (corpus / "manifest.jsonl").read_bytes() == before


def test_the_command_reports_in_words_and_as_json(root: Path, score: Score, tmp_path: Path) -> None:
    lines = (root / "metadata.csv").read_text().splitlines()
    table = tmp_path / "list.csv"
    table.write_text(
        "\n".join([lines[0], *(line for line in lines[1:] if f",{TRAIN}/" in line or f",{VALID}/" in line)])
    )
    options = ["data", "nasap", "prepare", str(root), "-o", str(tmp_path / "out"), "--metadata", str(table)]
    ran = CliRunner().invoke(app, options)
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout == f"{tmp_path / 'out'}\n"
    rows = {line.split()[0]: line.split()[1:] for line in ran.stderr.splitlines()}
    n_notes = len(score.notes)
    assert rows["train"] == ["1", "3", "2", f"{3 * n_notes:,}", "1"]
    assert rows["valid"] == ["1", "1", "0", f"{n_notes:,}", "0"]
    assert rows["dropped"] == ["6", "performances"]
    assert "     3  fewer of its notes are matched than 85%\n" in ran.stderr
    assert "     1  its match file cannot be read\n" in ran.stderr
    assert "     1  its match file is missing\n" in ran.stderr
    report = json.loads(CliRunner().invoke(app, [*options, "--json", "--jobs", "0"]).stdout)
    assert report["kept"]["train"]["performances"] == 3
    assert sum(report["dropped"].values()) == 6
    assert report["dropped"]["its match file cannot be read"] == 1
    assert {row["piece"] for row in report["pieces"]} == {TRAIN, VALID}


def test_a_corpus_of_sounds_is_left_as_it_is(root: Path, tmp_path: Path) -> None:
    (tmp_path / "recordings.jsonl").write_text("")
    (tmp_path / "manifest.jsonl").write_text("of sounds\n")
    ran = CliRunner().invoke(app, ["data", "nasap", "prepare", str(root), "-o", str(tmp_path)])
    assert ran.exit_code == 1
    assert "holds a corpus of sounds; name another folder" in ran.stderr
    assert (tmp_path / "manifest.jsonl").read_text() == "of sounds\n"


@pytest.mark.parametrize(
    ("content", "words"), [("a,b\n1,2\n", "no column folder"), ("", "no column folder"), ("\xff", "no CSV")]
)
def test_the_command_tells_a_list_of_another_kind(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_bytes(content.encode("latin-1"))
    ran = CliRunner().invoke(app, ["data", "nasap", "prepare", str(tmp_path), "-o", str(tmp_path / "out")])
    assert (ran.exit_code, ran.stderr.count("\n")) == (1, 1)
    assert words in ran.stderr
