"""``perfsynth evaluate performance --manifest``: the rows of a file, and the pieces of a corpus."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from perfsynth.cli import app
from perfsynth.data.pieces import Entry, Piece, save, write_manifest
from perfsynth.evaluate.performance_ceilings import deadpan
from perfsynth.formats.midi_write import write_performance
from perfsynth.types import Performance
from tests.evaluate import played

ROWS = ("--manifest", "lists/rows.jsonl", "--out-dir", "reports")


def evaluate(*arguments: object) -> Result:
    """Run the command in this process, which has what it imports already."""
    result = CliRunner().invoke(app, ["evaluate", "performance", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def table(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def reports(folder: str = "reports") -> dict[str, dict[str, Any]]:
    return {path.relative_to(folder).as_posix(): json.loads(path.read_bytes()) for path in Path(folder).rglob("*.json")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scores, three people who play the first and one the second, a machine's of both, and rows about them."""
    folder = tmp_path_factory.mktemp("playing")
    for name in ("lists", "made"):
        (folder / name).mkdir()
    for letter, n_notes, n_people in (("a", 48, 3), ("b", 40, 1)):
        score = played.score(n_notes, seed=n_notes)
        (folder / f"{letter}.mid").write_bytes(write_performance(deadpan(score)))
        players = {f"human-{letter}{n}": played.human(score, n) for n in range(n_people)}
        players[f"made/{letter}"] = played.human(score, 9)
        for name, performance in players.items():
            (folder / f"{name}.mid").write_bytes(write_performance(played.without_ids(performance)))
    people = [f"../human-a{n}.mid" for n in range(3)]
    table(
        folder / "lists/rows.jsonl",
        [
            {"id": "set/a", "generated": "../made/a.mid", "score": "../a.mid", "reference": people, "n": 1},
            {"id": "wrong", "generated": "../made/a.mid", "score": "../b.mid", "reference": "../human-b0.mid"},
            {"id": "b", "generated": "../made/b.mid", "score": "../b.mid", "performance": "../human-b0.mid"},
        ],
    )
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_row_has_the_report_of_its_files_and_one_fails(here: Path) -> None:
    ran = evaluate(*ROWS, "--json", "--failures", "failed.jsonl")
    assert ran.exit_code == 3, ran.stderr
    people = [part for n in range(3) for part in ("-H", f"lists/../human-a{n}.mid")]
    alone = evaluate("-S", "lists/../a.mid", "-G", "lists/../made/a.mid", *people, "--json")
    assert alone.exit_code == 0, alone.stderr
    found = reports()
    assert found["set/a.json"] == json.loads(alone.stdout)
    assert set(found) == {"set/a.json", "b.json"}
    assert found["b.json"]["references"] == ["lists/../human-b0.mid"]
    (failed,) = [json.loads(line) for line in Path("failed.jsonl").read_text().splitlines()]
    assert "is it a performance of this piece" in failed["error"]
    assert failed["generated"] == "made/a.mid"  # from where the list of failures lies
    over = json.loads(ran.stdout)
    assert over["rows"] == 2 and over["interval_95"] == {}
    both = [one["rows"]["generated"] for one in found.values()]
    for group in ("measures", "table_ii"):
        assert set(over["mean"]["generated"][group]) == set(both[0][group])
    for name in ("velocity_r", "tempo_r", "velocity_jsd"):
        values = [one["measures"][name] for one in both]
        assert over["mean"]["generated"]["measures"][name] == pytest.approx(sum(values) / 2)
    # Several people played the first alone.
    assert over["mean"]["human"]["measures"] == pytest.approx(found["set/a.json"]["rows"]["human"]["measures"])


def test_what_is_printed_says_on_what_it_stands(here: Path) -> None:
    ran = evaluate(*ROWS)
    assert ran.exit_code == 3
    assert ran.stdout.startswith("Means over 2 rows:\n\n| measure")
    (pieces,) = [line for line in ran.stdout.splitlines() if line.startswith("| pieces")][:1]
    assert [cell.strip() for cell in pieces.split("|")[2:-1]] == ["2", "2", "1", "1"]
    assert "Less generated, row by row" in ran.stdout
    assert "human: 1 of 2 rows have it" in ran.stderr
    assert "no human to compare with" not in ran.stderr


def test_again_nothing_is_done_and_shards_and_processes_make_the_same(here: Path) -> None:
    assert evaluate(*ROWS).exit_code == 3
    before = {path: path.stat().st_mtime_ns for path in Path("reports").rglob("*.json")}
    assert evaluate(*ROWS, "--skip-existing").exit_code == 3
    assert {path: path.stat().st_mtime_ns for path in before} == before
    for part in (1, 2):
        evaluate(*ROWS[:3], "shards", "--shard", f"{part}/2")
    assert evaluate(*ROWS[:3], "two", "--jobs", 2).exit_code == 3
    assert reports() == reports("shards") == reports("two")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pieces to validate on, the last of which cannot be read."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "pieces").mkdir()
    entries = []
    for number in range(3):
        score = played.score(40, seed=number)
        people = {f"human {seed}": played.human(score, seed) for seed in range(2)}
        name, path = f"Bach/{number}", f"pieces/{number}.npz"
        save(Piece(name, "Bach", "valid", {"musicxml": score}, people), folder / path)
        entries.append(Entry(name, "Bach", "valid", path, len(score.notes), ("musicxml",), tuple(people), {}, "none"))
    (folder / "pieces/2.npz").write_bytes(b"PK")
    write_manifest(entries, folder)
    return folder


def test_the_pieces_of_a_corpus_are_rows_as_well(corpus: Path, tmp_path: Path) -> None:
    asked = ("--manifest", corpus, "--model", "deadpan", "--json")
    alone = evaluate(*asked)
    assert alone.exit_code == 3 and "2.npz: no piece of a prepared corpus" in alone.stderr
    kept = evaluate(*asked, "--out-dir", tmp_path / "made", "--jobs", 2)
    assert kept.exit_code == 3
    assert json.loads(kept.stdout) == json.loads(alone.stdout)
    assert set(reports(str(tmp_path / "made"))) == {"Bach/0.json", "Bach/1.json"}
    again = evaluate(*asked, "--out-dir", tmp_path / "made", "--skip-existing")
    assert json.loads(again.stdout) == json.loads(alone.stdout)
    assert json.loads(again.stderr.splitlines()[-2])["batch"]["skipped"] == 2
    other = evaluate(*asked, "--out-dir", tmp_path / "made", "--skip-existing", "--notation", "flat")
    assert other.exit_code == 1 and "another notation" in other.stderr
    (tmp_path / "made/Bach/0.json").write_text('{"piece": "Bach/0", "rows": {"deadpan": {}}}')
    foreign = evaluate(*asked, "--out-dir", tmp_path / "made", "--skip-existing")
    assert foreign.exit_code == 1 and "something else" in foreign.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--manifest", "lists/rows.jsonl"), "--out-dir"),
        ((*ROWS, "--model", "deadpan", "-G", "a.mid"), "leave --generated, --model out"),
        ((*ROWS, "--plot", "a.png", "--report", "a.html"), "leave --plot, --report out"),
        (("-S", "a", "-G", "b", "-H", "c", "--jobs", 2), "--jobs: for the rows"),
        (("--manifest", ".", "--model", "deadpan", "--skip-existing"), "add --out-dir"),
        (("--manifest", ".", "--model", "deadpan", "--repeats", "as-written"), "leave --repeats out"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(here: Path, arguments: tuple[object, ...], words: str) -> None:
    ran = evaluate(*arguments)
    assert (ran.exit_code, ran.stdout, ran.stderr.count("\n")) == (2, "", 1), ran.stderr
    assert words in ran.stderr
    assert not Path("reports").exists()


def test_reports_about_something_else_are_not_averaged(here: Path) -> None:
    evaluate(*ROWS)
    Path("reports/b.json").write_text('{"rows": {}}')
    ran = evaluate(*ROWS, "--skip-existing")
    assert ran.exit_code == 1 and "something else" in ran.stderr


def test_a_mechanical_performance_of_nothing_is_a_row_that_failed(here: Path) -> None:
    Path("made/b.mid").write_bytes(write_performance(Performance(played.human(played.score(8), 0).notes[:0])))
    ran = evaluate(*ROWS, "--failures", "failed.jsonl")
    assert ran.exit_code == 3
    assert len(Path("failed.jsonl").read_text().splitlines()) == 2
