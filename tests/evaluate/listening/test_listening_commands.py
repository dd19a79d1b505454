"""`perfsynth evaluate listening make` and `analyse`, as a shell sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from perfsynth.cli.evaluate_listening import listening
from tests.evaluate.listening.listeners import as_json, raters


def run(*arguments: object) -> Result:
    return CliRunner().invoke(listening, [str(argument) for argument in arguments])


def test_make_writes_a_page_and_says_what_is_in_it(systems: dict[str, Path], tmp_path: Path) -> None:
    made = tmp_path / "test.html"
    done = run("make", *systems.values(), "-o", made)
    assert done.exit_code == 0, done.output
    assert "6 trials, 6 sounds at -23.0 LUFS" in done.stderr
    assert done.stdout == ""
    assert made.read_bytes().startswith(b"<!DOCTYPE html>")
    again = run("make", *systems.values(), "-o", made)
    assert again.exit_code == 1
    assert "already there; --force overwrites it" in again.stderr
    assert run("make", *systems.values(), "-o", made, "--force", "--seed", 1).exit_code == 0


def test_make_to_a_pipe_with_everything(systems: dict[str, Path], tmp_path: Path) -> None:
    told, asked = tmp_path / "told.txt", tmp_path / "asked.toml"
    told.write_text("Welcome to\nour study.\n\nListen well.")
    asked.write_text('[[question]]\nid = "swing"\ntext = "Does it swing?"\n')
    done = run(
        "make", systems["model"], systems["deadpan"], "--reference", systems["human"], "--questions", asked, "-o", "-",
        "--instructions", told, "--title", "Swing", "--length", 1, "--format", "flac", "--no-headphones", "--must-hear",
        0.5, "--post-url", "https://example.org/", "--webmushra", tmp_path / "web",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "<title>Swing</title>" in done.stdout
    assert '"instructions": ["Welcome to our study.", "Listen well."]' in done.stdout
    assert '"headphones": false' in done.stdout
    assert (tmp_path / "web" / "configs" / "listening.yaml").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "nowhere/x.html"], "nowhere/x.html: there is no folder nowhere"),
        (["-o", "x.html", "--webmushra", "web"], "web/configs/x.yaml: already there; --force overwrites it"),
        (["-o", "x.html", "--webmushra", "told.txt"], "told.txt/configs: cannot be made a folder"),
        (["-o", "x.html", "--webmushra", "web", "--method", "ab"], "no page for preferences"),
    ],
)
def test_where_nothing_can_be_written_is_found_before_sounds_are_read(
    systems: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    (tmp_path / "web" / "configs").mkdir(parents=True)
    (tmp_path / "web" / "configs" / "x.yaml").write_text("mine")
    (tmp_path / "told.txt").write_text("")
    for broken in systems["model"].iterdir():
        broken.write_bytes(b"no sound: reading it would be another error")
    monkeypatch.chdir(tmp_path)
    done = run("make", *systems.values(), *options)
    assert (done.exit_code in (1, 2), message in done.stderr) == (True, True), done.stderr
    assert not Path("x.html").exists() and Path("web/configs/x.yaml").read_text() == "mine"


def test_a_test_for_webmushra_is_made_anew_with_force(systems: dict[str, Path], tmp_path: Path) -> None:
    line = ("make", *systems.values(), "-o", tmp_path / "x.html", "--webmushra", tmp_path / "web", "--force")
    (tmp_path / "web" / "configs").mkdir(parents=True)
    (tmp_path / "web" / "configs" / "x.yaml").write_text("mine")
    assert run(*line).exit_code == 0
    assert "testname" in (tmp_path / "web" / "configs" / "x.yaml").read_text()
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    ("options", "exit_code", "message"),
    [
        (["--method", "mushra"], 1, "no reference"),
        (["--anchor", "3500"], 2, "--anchor belongs to --method mushra"),
        (["--length", "0"], 2, "--length 0"),
        (["--sample-rate", "96000"], 2, "--sample-rate 96000"),
        (["--questions", "mushra"], 2, "for the method mushra, not rating"),
        (["--questions", "missing.toml"], 2, "'missing.toml' is no set of questions"),
        (["--post-url", "example.org"], 2, "post URL 'example.org'"),
    ],
)
def test_make_refuses_what_means_nothing(
    systems: dict[str, Path], tmp_path: Path, options: list[str], exit_code: int, message: str
) -> None:
    done = run("make", *systems.values(), "-o", tmp_path / "x.html", *options)
    assert done.exit_code == exit_code
    assert message in done.stderr
    assert not list(tmp_path.glob("x.html*"))


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """Ten listeners who like the model better."""
    folder = tmp_path / "answers"
    folder.mkdir()
    for one in raters({"model": 4.0, "deadpan": 2.0}, n_listeners=10, n_pieces=3, seed=0):
        (folder / one.name).write_bytes(as_json(one))
    return folder


def test_analyse_prints_the_tables(answers: Path, tmp_path: Path) -> None:
    done = run("analyse", answers, "--plot", tmp_path / "scores.svg")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("model")
    assert "model is better" in done.stdout
    assert "10 listeners, 0 excluded; 95 % intervals over listeners; wilcoxon test" in done.stderr
    assert (tmp_path / "scores.svg").read_text().startswith("<?xml")


def test_analyse_as_json_and_as_latex(answers: Path) -> None:
    found = json.loads(run("analyse", answers, "--json", "--unit", "rating", "--test", "t").stdout)
    assert (found["unit"], found["test"], found["n_listeners"]) == ("rating", "t", 10)
    assert found["scores"][0]["estimate"]["n"] == 30
    assert r"\begin{tabular}{lc}" in run("analyse", answers, "--format", "latex").stdout


def test_answers_that_cannot_be_used_are_named_and_the_others_analysed(answers: Path) -> None:
    whole = json.loads((answers / "L0.json").read_bytes())
    (answers / "again.json").write_text(json.dumps({**whole, "session": "another"}))
    (answers / "broken.json").write_text("{")
    done = run("analyse", answers)
    assert done.exit_code == 3
    assert "broken.json: broken JSON" in done.stderr
    assert "again.json: participant L0 has answered already" in done.stderr
    assert "2 files of answers cannot be used, the others are analysed" in done.stderr
    assert "10 listeners" in done.stderr


def test_who_is_excluded_is_said_and_can_be_kept(answers: Path) -> None:
    path = answers / "L3.json"
    whole = json.loads(path.read_bytes())
    whole["answers"] = [{**row, "seconds": 1.0} for row in whole["answers"]]
    path.write_text(json.dumps(whole))
    assert "excluded: L3, too fast in 6 of 6 trials" in run("analyse", answers).stderr
    assert "10 listeners, 0 excluded" in run("analyse", answers, "--keep-all").stderr
    assert "10 listeners, 0 excluded" in run("analyse", answers, "--fast", "0.05").stderr
    assert run("analyse", answers, "--tolerated", "2").exit_code == 2


def test_nothing_to_analyse(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    done = run("analyse", tmp_path)
    assert done.exit_code == 1
    assert "none of the 1 files of answers can be used" in done.stderr
    assert run("analyse", tmp_path / "none.json").exit_code == 1
    assert run("analyse", tmp_path, "--plot", tmp_path / "a.bmp").exit_code == 2
