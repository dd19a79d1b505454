"""``perfsynth evaluate performance``: one piece, a corpus, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from perfsynth import formats
from perfsynth.cli import app
from perfsynth.data.pieces import Entry, Piece, save, write_manifest
from perfsynth.evaluate.performance_table import LABELS
from perfsynth.formats.midi_write import write_performance
from perfsynth.types import Performance
from tests.evaluate import played


def evaluate(*arguments: object, **kwargs: object) -> Result:
    """Run the command in this process, which has what it imports already."""
    result = CliRunner().invoke(app, ["evaluate", "performance", *map(str, arguments)], **kwargs)  # type: ignore[arg-type]
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def match_file(performance: Performance) -> bytes:
    """A match file of dialect 1.0.0: 1000 ticks a second."""
    lines = ["info(matchFileVersion,1.0.0).", "info(midiClockUnits,1000).", "info(midiClockRate,1000000)."]
    for number, note in enumerate(performance.notes):
        on, off = (round(1000 * float(t)) for t in (note["onset_s"], note["onset_s"] + note["duration_s"]))
        snote = f"snote({note['note_id']},[C,n],4,1:1,0,1/4,0.0,1.0,[v1])"
        lines.append(f"{snote}-note(n{number},{note['pitch']},{on},{off},{note['velocity']},0,1).")
    return "\n".join(lines).encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, example: bytes) -> Path:
    """A score, three humans who play it (one as a match file), a mechanical performance, and another piece."""
    made = tmp_path_factory.mktemp("performances")
    (made / "score.musicxml").write_bytes(example)
    score = formats.read_score(example)
    for number in range(3):
        human = played.human(score, number)
        (made / f"human{number}.mid").write_bytes(write_performance(played.without_ids(human)))
    (made / "human0.match").write_bytes(match_file(played.human(score, 0)))
    (made / "made.mid").write_bytes(write_performance(played.human(score, 7)))
    other = played.score(96)
    (made / "other.mid").write_bytes(write_performance(played.human(other, 0)))
    (made / "single.mid").write_bytes(write_performance(Performance(played.human(other, 0).notes[:1])))
    return made


def test_one_piece_beside_what_people_reach(folder: Path) -> None:
    references = [part for number in range(3) for part in ("-H", folder / f"human{number}.mid")]
    ran = evaluate("-S", folder / "score.musicxml", "-G", folder / "made.mid", *references)
    assert ran.exit_code == 0, ran.output
    assert "| measure" in ran.stdout and "| human |" in ran.stdout and "consensus" in ran.stdout
    assert all(label in ran.stdout for label in LABELS.values())
    assert "notes alone" in ran.stdout and "as released" in ran.stdout


def test_a_match_file_and_a_midi_file_of_one_performance_say_the_same(folder: Path) -> None:
    found = []
    for name in ("human0.match", "human0.mid"):
        ran = evaluate("-S", folder / "score.musicxml", "-G", folder / "made.mid", "-H", folder / name, "--json")
        assert ran.exit_code == 0, ran.output
        found.append(json.loads(ran.stdout)["rows"]["generated"]["measures"])
    for name in ("velocity_r", "tempo_r", "articulation_r", "asynchrony_r", "ioi_r"):
        assert found[0][name] == pytest.approx(found[1][name], abs=0.02), name


def test_ids_of_another_file_are_not_believed(folder: Path, example: bytes) -> None:
    score = formats.read_score(example)
    human = played.human(score, 0)
    notes = human.notes.copy()
    notes["note_id"] = np.roll(notes["note_id"], 40)
    (folder / "foreign.match").write_bytes(match_file(replace(human, notes=notes)))
    ran = evaluate(
        "-S", folder / "score.musicxml", "-G", folder / "foreign.match", "-H", folder / "human0.mid", "--json"
    )
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["rows"]["generated"]["measures"]["velocity_r"] > 0.95


def test_json_has_every_row_and_the_picture_is_written(folder: Path) -> None:
    references = ["-H", folder / "human0.match", "-H", folder / "human1.mid"]
    ran = evaluate(
        "-S", folder / "score.musicxml", "-G", folder / "made.mid", *references, "--json", "--plot", folder / "a.png"
    )
    assert ran.exit_code == 0, ran.output
    rows = json.loads(ran.stdout)["rows"]
    assert list(rows) == ["generated", "deadpan", "human"]
    assert set(rows["human"]["measures"]) == set(LABELS) and set(rows["human"]["table_ii"]) == {"none", "as-released"}
    assert rows["deadpan"]["measures"]["velocity_r"] == 0
    assert (folder / "a.png").read_bytes().startswith(b"\x89PNG")
    again = evaluate(
        "-S", folder / "score.musicxml", "-G", folder / "made.mid", *references, "--plot", folder / "a.png"
    )
    assert again.exit_code == 1 and "--force overwrites" in again.stderr


@pytest.mark.parametrize(
    ("generated", "reference", "said"),
    [
        ("other.mid", "human0.mid", "other.mid: "),
        ("made.mid", "other.mid", "is it a performance of this piece"),
        ("single.mid", "human0.mid", "single.mid"),
        ("score.musicxml", "human0.mid", "performance (MIDI"),
        ("missing.mid", "human0.mid", "cannot be read"),
    ],
)
def test_what_cannot_be_compared_is_one_line(folder: Path, generated: str, reference: str, said: str) -> None:
    ran = evaluate("-S", folder / "score.musicxml", "-G", folder / generated, "-H", folder / reference)
    assert ran.exit_code == 1
    assert said in ran.stderr and len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give --score"),
        (["-S", "a", "-G", "b"], "give --score"),
        (["--model", "deadpan"], "add --manifest"),
        (["--manifest", "."], "add --model"),
        (["--manifest", ".", "--model", "deadpan", "-S", "a"], "brings its own"),
        (["-S", "-", "-G", "-", "-H", "a"], "read once"),
        (["-S", "a", "-G", "b", "-H", "c", "--plot", "a.txt"], "ends in"),
    ],
)
def test_options_that_mean_nothing_are_refused(arguments: list[str], said: str) -> None:
    ran = evaluate(*arguments)
    assert ran.exit_code == 2 and said in ran.stderr


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pieces for validation: one with three humans in both notations, one with one human and no MIDI."""
    made = tmp_path_factory.mktemp("corpus")
    (made / "pieces").mkdir()
    entries = []
    for number, (n_humans, notations) in enumerate(((3, ("musicxml", "midi")), (1, ("musicxml",)))):
        score = played.score(48, seed=number)
        humans = {f"human {seed}": played.human(score, seed) for seed in range(n_humans)}
        name, path = f"piece {number}", f"pieces/{number}.npz"
        save(Piece(name, "Bach", "valid", dict.fromkeys(notations, score), humans), made / path)
        entries.append(Entry(name, "Bach", "valid", path, len(score.notes), notations, tuple(humans), {}, "none"))
    write_manifest(entries, made)
    return made


def test_models_over_a_corpus(corpus: Path) -> None:
    ran = evaluate("--manifest", corpus, "--model", "deadpan", "--split", "valid", "--json")
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    assert {name: row["n_pieces"] for name, row in found["rows"].items()} == {
        "model deadpan": 2, "deadpan": 2, "human": 1, "consensus": 1,
    }  # fmt: skip
    assert found["rows"]["human"]["mean"]["velocity_r"] > found["rows"]["deadpan"]["mean"]["velocity_r"] == 0
    assert found["rows"]["human"]["interval"] == {}  # of two pieces there is none
    assert found["less_model deadpan"]["human"]["mean"]["velocity_r"] > 0
    assert set(found["pieces"]) == {"piece 0", "piece 1"}


def test_pieces_without_the_notation_are_left_out_with_a_word(corpus: Path) -> None:
    ran = evaluate("--manifest", corpus, "--model", "deadpan", "--notation", "midi")
    assert ran.exit_code == 0 and "piece 1: left out" in ran.stderr
    assert "| pieces " in ran.stdout and "Less model deadpan" in ran.stdout


def test_an_empty_split_and_no_corpus_are_refused(corpus: Path, tmp_path: Path) -> None:
    ran = evaluate("--manifest", corpus, "--model", "deadpan", "--split", "test")
    assert ran.exit_code == 1 and "no piece of the test split" in ran.stderr
    ran = evaluate("--manifest", tmp_path, "--model", "deadpan")
    assert ran.exit_code == 1 and "not found" in ran.stderr
    ran = evaluate("--manifest", corpus, "--model", "nobody")
    assert ran.exit_code == 2 and "no model" in ran.stderr
