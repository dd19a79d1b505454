"""Batches as a user runs them: real commands, real processes, killed and interrupted."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from perfsynth.batch.claim import claim, part
from perfsynth.batch.manifest import STAGES
from perfsynth.cli import _batch, _batch_options, _io
from perfsynth.cli import app as whole_app
from perfsynth.cli._item import Item, Session
from perfsynth.cli._progress import Progress
from perfsynth.formats.midi_write import write_performance
from perfsynth.types import CONTROL, PERFORMED_NOTE, Performance

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 300


def midi(pitch: int) -> bytes:
    """A small performance: one note."""
    notes = np.zeros(1, PERFORMED_NOTE)
    notes["pitch"], notes["velocity"], notes["duration_s"] = 21 + pitch % 80, 64, 1.0 + pitch / 100
    return write_performance(Performance(notes, np.zeros(0, CONTROL)))


class Workplace:
    """A folder with inputs, in which commands run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder / "cache"), "COLUMNS": "120"}

    def start(self, *arguments: object) -> subprocess.Popen:
        line = [sys.executable, "-m", "perfsynth", "tokenize", *map(str, arguments)]
        return subprocess.Popen(
            line, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def run(self, *arguments: object, exit_code: int = 0) -> str:
        child = self.start(*arguments)
        out, words = child.communicate(timeout=TIMEOUT_S)
        assert child.returncode == exit_code, words
        assert out == ""
        return words

    def made(self, folder: str) -> dict[str, bytes]:
        top = self.folder / folder
        return {str(path.relative_to(top)): path.read_bytes() for path in sorted(top.rglob("*")) if path.is_file()}

    def rows(self, name: str) -> list[dict]:
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]


def manifest(folder: Path, total: int) -> Path:
    """A corpus in the layout of datasets: the same file name in every folder."""
    rows = []
    for number in range(total):
        piece = folder / "corpus" / f"{number:03d}"
        piece.mkdir(parents=True)
        (piece / "played.mid").write_bytes(midi(number))
        rows.append({"id": f"set/{number:03d}", "performance": f"{number:03d}/played.mid", "split": "train"})
    path = folder / "corpus" / "manifest.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def work(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


def children(pid: int) -> list[int]:
    """The worker processes of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            line = (stat.parent / "cmdline").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid and fields[0] != "Z" and "spawn_main" in line and "resource_tracker" not in line:
            found.append(int(stat.parent.name))
    return found


def wait_until(condition, child: subprocess.Popen | None = None) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition() and (child is None or child.poll() is None):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def count(folder: Path) -> int:
    return sum(1 for path in folder.rglob("*.jsonl")) if folder.exists() else 0


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_takes_the_options_of_batches(stage: str) -> None:
    command: Any = typer.main.get_command(whole_app)
    for word in stage.split():
        command = command.commands[word]
    found = {parameter.name for parameter in command.params}
    assert found >= {*_batch_options.NAMES, "out_dir", "skip_existing", "force", "as_json"}


def test_workers_killed_at_random_cost_nothing(work: Workplace) -> None:
    path = manifest(work.folder, 200)
    work.run("--manifest", path, "--out-dir", "undisturbed")
    child = work.start("--manifest", path, "--out-dir", "killed", "--jobs", "2", "--results", "there.jsonl")
    dice, killed = random.Random(0), 0
    while child.poll() is None and killed < 5:
        goal = (killed + 1) * 10
        wait_until(lambda goal=goal: count(work.folder / "killed") >= goal and children(child.pid), child)
        if alive := children(child.pid):
            os.kill(dice.choice(alive), signal.SIGKILL)
            killed += 1
    _, words = child.communicate(timeout=TIMEOUT_S)
    assert killed > 0  # five, unless the rows are done before this process gets a turn
    if child.returncode == 3:  # workers that start slowly may be hit three times over the same row
        assert re.search(r"\b199 +0 +1\b", words) and "died 3 times" in words
        work.run("--manifest", path, "--out-dir", "killed", "--skip-existing", "--results", "there.jsonl")
    else:
        assert child.returncode == 0, words
        assert re.search(r"\b200 +0 +0\b", words)
    assert work.made("killed") == work.made("undisturbed")
    assert len(work.made("killed")) == 200
    rows = work.rows("there.jsonl")
    assert [row["id"] for row in rows] == [f"set/{number:03d}" for number in range(200)]
    assert all((work.folder / row["tokens"]).is_file() and (work.folder / row["performance"]).is_file() for row in rows)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_goes_on_where_it_stopped(work: Workplace, how: signal.Signals) -> None:
    path = manifest(work.folder, 200)
    child = work.start("--manifest", path, "--out-dir", "made", "--jobs", "2", "--failures", "failed.jsonl")
    wait_until(lambda: count(work.folder / "made") >= 10)
    workers = children(child.pid)
    child.send_signal(how)
    _, words = child.communicate(timeout=TIMEOUT_S)
    assert child.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[how], words
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    stopped = work.made("made")
    assert 10 <= len(stopped) < 200
    if how == signal.SIGINT:
        assert "--skip-existing" in words
        assert not [name for name in stopped if name.endswith(".part")]
    stamps = {name: (work.folder / "made" / name).stat().st_mtime_ns for name in stopped if name.endswith(".jsonl")}
    work.run("--manifest", path, "--out-dir", "made", "--skip-existing")
    work.run("--manifest", path, "--out-dir", "whole")
    assert work.made("made") == work.made("whole")
    assert stamps == {name: (work.folder / "made" / name).stat().st_mtime_ns for name in stamps}


def test_what_ended_workers_left_is_removed_and_what_others_are_at_stays(tmp_path: Path) -> None:
    left, held = tmp_path / "left.wav", tmp_path / "held.wav"
    part(left).write_bytes(b"half")
    with claim(held) as had:
        assert had
        _batch._sweep([str(left), str(held), str(tmp_path / "never.wav"), "memory://store/far.wav"])
        assert sorted(path.name for path in tmp_path.iterdir()) == ["held.wav.part"]


def test_two_runs_on_one_folder_do_everything_once(work: Workplace) -> None:
    path = manifest(work.folder, 40)
    both = [work.start("--manifest", path, "--out-dir", "made", "--skip-existing", "--json") for _ in range(2)]
    words = [child.communicate(timeout=TIMEOUT_S)[1] for child in both]
    assert [child.returncode for child in both] == [0, 0], words
    tallies = [json.loads(text.splitlines()[-1])["batch"] for text in words]
    assert sum(tally["done"] for tally in tallies) == 40
    assert sum(tally["skipped"] for tally in tallies) == 40
    assert len(work.made("made")) == 40


def test_failures_are_rows_that_can_be_run_again(work: Workplace) -> None:
    path = manifest(work.folder, 4)
    whole = (path.parent / "001" / "played.mid").read_bytes()
    (path.parent / "001" / "played.mid").write_bytes(b"garbage")
    (path.parent / "002" / "played.mid").unlink()
    options = ("--out-dir", "made", "--failures", "deep.jsonl", "--jobs", "2")
    words = work.run("--manifest", path, *options, exit_code=3)
    assert words.splitlines()[-1] == "perfsynth: 2 of 4 inputs failed, the others are done"
    assert len([line for line in words.splitlines() if "played.mid: " in line]) == 2
    again = work.run("--manifest", "deep.jsonl", "--out-dir", "made", exit_code=3)
    assert again.splitlines()[-1] == "perfsynth: 2 of 2 inputs failed"
    rows = work.rows("deep.jsonl")
    assert [row["id"] for row in rows] == ["set/001", "set/002"]
    assert "cannot be read" in rows[1]["error"]
    (path.parent / "001" / "played.mid").write_bytes(whole)
    (path.parent / "002" / "played.mid").write_bytes(whole)
    work.run("--manifest", "deep.jsonl", "--out-dir", "made", "--failures", "deep.jsonl")
    assert sorted(work.made("made")) == [f"set/{number:03d}.jsonl" for number in range(4)]
    assert work.rows("deep.jsonl") == []


def test_shards_make_the_whole_and_inputs_need_no_manifest(work: Workplace) -> None:
    path = manifest(work.folder, 5)
    for shard in ("1/2", "2/2"):
        work.run("--manifest", path, "--out-dir", "shards", "--shard", shard)
    for number in range(5):
        (work.folder / f"{number:03d}.mid").write_bytes(midi(number))
    inputs = sorted(item.name for item in work.folder.glob("*.mid"))
    work.run(*inputs, "--out-dir", "flat", "--jobs", "0")
    assert list(work.made("shards").values()) == list(work.made("flat").values())
    work.run(inputs[0], "--out-dir", "flat", "--shard", "1/2", exit_code=2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--manifest", "m.jsonl"], "--out-dir"),
        (["--manifest", "m.jsonl", "x.mid", "--out-dir", "o"], "names the inputs"),
        (["--manifest", "nowhere.jsonl", "--out-dir", "o"], "nowhere.jsonl: cannot be read"),
        (["--manifest", "twice.jsonl", "--out-dir", "o"], "both be written to a.jsonl"),
        (["--manifest", "spelled.jsonl", "--out-dir", "o"], "both be written to s/a.jsonl"),
        (["--manifest", "m.jsonl", "--out-dir", "o", "--shard", "3/2"], "--shard 3/2"),
        (["--manifest", "m.jsonl", "--out-dir", "o", "--jobs", "-1"], "--jobs -1"),
        (["--manifest", "m.jsonl", "--out-dir", "o", "--jobs", "2", "--cluster", "x"], "exclude each other"),
        (["--manifest", "m.jsonl", "--out-dir", "m.jsonl"], "cannot be made a folder"),
        (["-", "x.mid", "--out-dir", "o", "--jobs", "2"], "cannot read stdin"),
        (["--manifest", "up.jsonl", "--out-dir", "o"], "outside the folder of the results"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(work: Workplace, arguments: list[str], words: str) -> None:
    (work.folder / "x.mid").write_bytes(midi(0))
    (work.folder / "m.jsonl").write_text('{"performance": "x.mid"}\n')
    (work.folder / "twice.jsonl").write_text('{"performance": "x.mid", "id": "a"}\n' * 2)
    rows = [{"performance": "x.mid", "id": name} for name in ("s/a", "./s//a")]
    (work.folder / "spelled.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (work.folder / "up.jsonl").write_text('{"performance": "x.mid", "output": "../a"}\n')
    child = work.start(*arguments)
    said = child.communicate(timeout=TIMEOUT_S)[1]
    assert child.returncode in (1, 2), said
    assert words in said
    assert "defect" not in said


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_options_that_mean_nothing_are_refused_once_for_all_rows(work: Workplace, jobs: str) -> None:
    (work.folder / "earlier.jsonl").write_text('{"performance": "corpus/000/played.mid"}\n')
    (work.folder / "broken.mid").write_bytes(b"no MIDI")
    before = work.made(".")
    path = manifest(work.folder, 4)
    path.write_text('{"performance": "../broken.mid"}\n' + path.read_text())
    line = ("--manifest", path, "--out-dir", "o", "--jobs", jobs, "--failures", "earlier.jsonl", "--vocabulary", "none")
    words = work.run(*line, exit_code=2)
    assert words.count("'none' is no model of tokenize") == 1
    assert {name: data for name, data in work.made(".").items() if name in before} == before


def test_the_results_of_rows_with_input_are_what_the_next_stage_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    invoke = CliRunner().invoke
    for number in (0, 1):
        Path(f"{number}.mid").write_bytes(midi(number))
    rows = [{"input": "0.mid", "id": "a"}, {"score": "1.mid", "output": "b/c.mid"}]
    Path("m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    chain = ["--manifest", "m.jsonl", "--out-dir", "played", "--results", "r.jsonl", "--bpm", "31"]
    assert invoke(whole_app, ["render-performance", "--model", "deadpan", *chain]).exit_code == 0
    assert invoke(whole_app, ["tokenize", "--manifest", "r.jsonl", "--out-dir", "o"]).exit_code == 0
    for name in ("a", "b/c"):
        alone = invoke(whole_app, ["tokenize", f"played/{name}.mid", "-o", "alone.jsonl", "--force"])
        assert alone.exit_code == 0
        assert Path(f"o/{name}.jsonl").read_bytes() == Path("alone.jsonl").read_bytes()


@pytest.mark.parametrize("stage", ["tokenize", "render-performance", "evaluate audio"])
def test_a_row_is_not_written_to_a_file_of_another_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.chdir(tmp_path)
    files = dict.fromkeys(STAGES[stage].reads, "x")
    Path("m.jsonl").write_text(json.dumps(files | {"output": "made/x.wav"}) + "\n")
    ran = CliRunner().invoke(whole_app, [*stage.split(), "--manifest", "m.jsonl", "--out-dir", "o"])
    assert ran.exit_code == 2
    assert re.fullmatch(r"perfsynth: made/x\.wav: what is written is a \.\w+; give it such a name\n", ran.stderr)
    assert not list(tmp_path.rglob("*.wav"))


def test_a_row_says_by_its_name_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.mid").write_bytes(midi(40))
    Path("m.jsonl").write_text('{"performance": "x.mid", "output": "x.flac"}\n')
    assert CliRunner().invoke(whole_app, ["synth-audio", "--manifest", "m.jsonl", "--out-dir", "o"]).exit_code == 0
    assert Path("o/x.flac").read_bytes().startswith(b"fLaC")


@pytest.mark.parametrize("option", ["--results", "--failures"])
@pytest.mark.parametrize(
    ("path", "words"),
    [("no/where.jsonl", "there is no folder no"), ("-", "-: is no file; name a file"), ("full", "full: is a folder")],
)
def test_a_manifest_that_cannot_be_written_is_found_before_any_work(
    work: Workplace, option: str, path: str, words: str
) -> None:
    (work.folder / "full").mkdir()
    (work.folder / "x.mid").write_bytes(midi(0))
    (work.folder / "m.jsonl").write_text('{"performance": "x.mid"}\n')
    child = work.start("--manifest", "m.jsonl", "--out-dir", "o", option, path)
    said = child.communicate(timeout=TIMEOUT_S)[1]
    assert child.returncode in (1, 2)
    assert words in said and said.count("\n") == 1
    assert list((work.folder / "o").iterdir()) == []
    assert not (work.folder / "-").exists()


def test_an_interrupt_leaves_what_is_to_be_done_in_the_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()
    app.command("other")(lambda: None)

    @_io.stage(app, "copy", suffix=".txt", binary=False, examples=("perfsynth copy a", "perfsynth copy a"))
    def copy(item: _io.Item) -> None:
        """Copy."""
        if item.name == "interrupted":
            raise KeyboardInterrupt
        item.write(item.read())

    monkeypatch.chdir(tmp_path)
    Path("fine").write_text("x")
    rows = [{"input": name, "note": name} for name in ("fine", "missing", "interrupted", "never")]
    Path("m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    line = ["copy", "--manifest", "m.jsonl", "--out-dir", "o", "--failures", "m.jsonl"]
    refused = CliRunner().invoke(app, [*line, "--shard", "1/2"])
    assert refused.exit_code == 2 and "m.jsonl: has the rows of all shards" in refused.stderr
    assert CliRunner().invoke(app, line).exit_code == 130
    left = [json.loads(text) for text in Path("m.jsonl").read_text().splitlines()]
    assert [row["note"] for row in left] == ["missing", "interrupted", "never"]
    assert left[1:] == rows[2:]


def test_what_another_process_is_at_is_no_result_yet(work: Workplace) -> None:
    path = manifest(work.folder, 2)
    line = ("--manifest", path, "--out-dir", "made", "--skip-existing", "--results", "there.jsonl")
    (work.folder / "made" / "set").mkdir(parents=True)
    with claim(work.folder / "made" / "set" / "001.jsonl") as held:
        assert held
        work.run(*line)
        assert [row["id"] for row in work.rows("there.jsonl")] == ["set/000"]
    work.run(*line)
    assert [row["id"] for row in work.rows("there.jsonl")] == ["set/000", "set/001"]


def test_a_stage_of_two_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer()
    app.command("other")(lambda: None)

    @_io.stage(app, "align", suffix=".txt", binary=False, examples=("perfsynth align a b", "perfsynth align a b"))
    def align(item: _io.Item) -> None:
        """Join a recording and a score."""
        recording, score = item.each()
        item.write(recording.read() + b"+" + score.read())

    monkeypatch.chdir(tmp_path)
    for name in ("a.wav", "a.mxl", "b.wav", "b.mxl"):
        Path(name).write_text(name)
    rows = [{"id": f"x/{name}", "audio": f"{name}.wav", "score": f"{name}.mxl"} for name in "ab"]
    Path("m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = CliRunner().invoke
    assert run(app, ["align", "a.wav", "a.mxl", "-o", "a.txt"]).exit_code == 0
    assert Path("a.txt").read_text() == "a.wav+a.mxl"
    assert run(app, ["align", "-", "a.mxl", "-o", "c.txt"], input="piped").exit_code == 0
    assert Path("c.txt").read_text() == "piped+a.mxl"
    assert run(app, ["align", "--manifest", "m.jsonl", "--out-dir", "o", "--results", "r.jsonl"]).exit_code == 0
    assert Path("o/x/b.txt").read_text() == "b.wav+b.mxl"
    assert json.loads(Path("r.jsonl").read_text().splitlines()[1]) == rows[1] | {"alignment": "o/x/b.txt"}
    for wrong in (["a.wav"], ["a.wav", "a.mxl", "b.wav"], [], ["-", "-"]):
        assert run(app, ["align", *wrong]).exit_code == 2


def test_a_defect_in_one_item_leaves_the_others_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer()
    app.command("other")(lambda: None)

    @_io.stage(app, "copy", suffix=".txt", binary=False, examples=("perfsynth copy a", "perfsynth copy b"))
    def copy(item: _io.Item) -> None:
        """Copy, unless it is the letter b."""
        if item.read() == b"b":
            raise ZeroDivisionError("by b")
        item.write(item.read())

    monkeypatch.chdir(tmp_path)
    for name in "abc":
        Path(name).write_text(name)
    ran = CliRunner().invoke(app, ["copy", "a", "b", "c", "--out-dir", "o", "--failures", "f.jsonl"])
    assert ran.exit_code == 3
    assert "b: defect: ZeroDivisionError: by b" in ran.stderr
    assert sorted(path.name for path in Path("o").iterdir()) == ["a.txt", "c.txt"]
    assert "ZeroDivisionError" in json.loads(Path("f.jsonl").read_text())["error"]


def test_what_is_kept_beside_a_result_has_its_place(tmp_path: Path) -> None:
    alone = Item("set/one.mid", "-", 0, Session(), Progress())
    assert alone.beside(tmp_path, ".mel.npz").target == str(tmp_path / "one.mel.npz")
    row = replace(alone, output="set/b")
    assert row.beside(tmp_path, ".mel.npz").target == str(tmp_path / "set" / "b.mel.npz")
    assert (tmp_path / "set").is_dir()
