"""``perfsynth train`` on a corpus made here: what it writes, how it stops, what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from perfsynth import formats
from perfsynth.cli import app
from perfsynth.cli._item import alone
from perfsynth.data.pieces import Entry, Piece, save, write_manifest
from perfsynth.formats.match import read_match
from tests.data import corpora

CONFIG = """system = "deep-performer-align"
corpus = "minuets"
[train]
steps = {steps}
validate_every = 2
[task]
segments = 2
[model]
{model}
"""
MODEL = "layers = 1\nwidth = 16"


@pytest.fixture(scope="module")
def corpus(example: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A piece to learn from and one to validate on."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "pieces").mkdir()
    score = formats.read_score(example)
    rng = np.random.default_rng(0)
    entries = []
    for split in ("train", "valid"):
        played = {name: read_match(corpora.match_file(score, rng).encode()) for name in ("A01", "B01")}
        path = f"pieces/{split}.npz"
        save(Piece(split, "Bach", split, {"musicxml": score}, played), folder / path)
        entries.append(Entry(split, "Bach", split, path, 300, ("musicxml",), ("A01", "B01"), {}, "CC BY-NC-SA 4.0"))
    write_manifest(entries, folder)
    return folder


def config(tmp_path: Path, steps: int = 4, model: str = MODEL) -> Path:
    path = tmp_path / "run.toml"
    path.write_text(CONFIG.format(steps=steps, model=model))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["train", *map(str, arguments), "--device", "cpu"])


def test_a_run_leaves_a_model_its_configuration_and_its_card(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    ran = run(config(tmp_path), "--corpus", corpus, "-o", out, "--seed", 5)
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout == f"{out / 'best'}\n"
    assert "step 4: valid_onset_ms" in ran.stderr
    table = tomllib.loads((out / "best/config.toml").read_text())
    assert table["system"] == "deep-performer-align"
    assert table["run"]["train"]["seed"] == 5
    assert table["data"]["license"] == "CC BY-NC-SA 4.0"
    assert table["validation"]["score"] < 0
    card = (out / "best/CARD.md").read_text()
    for words in ("1 pieces, 2 performances", "CC BY-NC-SA 4.0", "seed 5", "of 4", "| valid_onset_ms |", "parameters"):
        assert words in card, words
    from perfsynth import perform

    score = formats.read_score((Path(__file__).parents[2] / "examples/petzold-minuet.musicxml").read_bytes())
    played = perform(score, model="deep-performer-align", weights=str(out / "best"))
    assert len(played.notes) == len(score.notes)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with alone(out, "training"):
        other = run(config(tmp_path), "--corpus", corpus, "-o", out, "--seed", 5, "--steps", 6)
    assert other.exit_code == 1 and "another process is training there" in other.stderr
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    again = run(config(tmp_path), "--corpus", corpus, "-o", out, "--seed", 5)
    assert again.exit_code == 0
    assert "all 4 steps were done already" in again.stderr
    report = json.loads(
        run(config(tmp_path), "--corpus", corpus, "-o", out, "--seed", 5, "--steps", 6, "--json").stdout
    )
    assert report["steps"] == 6
    assert report["model"] == str(out / "best")
    assert report["validation"]["score"] < 0


def test_what_a_run_marks_as_best_is_what_it_keeps(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perfsynth.train.deep_performer_align import DeepPerformerAlignTask

    scores, out = iter([0.4, 0.5, 0.2, 0.7]), tmp_path / "run"
    monkeypatch.setattr(DeepPerformerAlignTask, "validate", lambda task, network: {"score": next(scores)})
    marked, kept = [], []
    for steps in (4, 6, 8):
        ran = run(config(tmp_path), "--corpus", corpus, "-o", out, "--steps", steps)
        assert ran.exit_code == 0, ran.stderr
        marked.append(f"step {steps}: score" in ran.stderr and "(best)" in ran.stderr)
        kept.append(tomllib.loads((out / "best/config.toml").read_text())["made"]["steps"])
    assert marked == [True, False, True]
    assert kept == [4, 4, 8]


def test_the_model_that_ships_is_trained_by_its_name(corpus: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "run.toml", tmp_path / "run"
    model, task = "layers = 1\nwidth = 8\ncomposer_width = 2", "crops = 2\nchords = 32"
    path.write_text(CONFIG.replace("deep-performer-align", "cantabile").format(steps=2, model=model).replace(
        "segments = 2", task
    ))  # fmt: skip
    ran = run(path, "--corpus", corpus, "-o", out)
    assert ran.exit_code == 0, ran.stderr
    logged = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert {"velocity", "pedal", "lift"} <= set(logged[0])
    assert "musicxml_velocity_r" in logged[-1]
    from perfsynth import perform

    score = formats.read_score((Path(__file__).parents[2] / "examples/petzold-minuet.musicxml").read_bytes())
    assert len(perform(score, model="cantabile", weights=str(out / "best")).notes) == len(score.notes)


def test_the_size_of_the_paper_is_the_configuration_beside(tmp_path: Path) -> None:
    from perfsynth.cli.train import _of_paper

    for name in ("a", "a-paper-size", "b-small", "b", "c"):
        (tmp_path / f"{name}.toml").touch()
    assert [_of_paper(tmp_path / f"{name}.toml").stem for name in ("a", "b-small")] == ["a-paper-size", "b"]
    ran = run(tmp_path / "c.toml", "-o", tmp_path / "run", "--paper-size")
    assert ran.exit_code == 2
    assert "c-paper-size.toml" in ran.stderr


def test_parts_are_left_out_by_name(corpus: Path, tmp_path: Path) -> None:
    from perfsynth.cli.train import PARTS
    from perfsynth.synth import deep_performer_network, performancenet_network

    known = {
        key for module in (deep_performer_network, performancenet_network)
        for key in module.Config.__dataclass_fields__
    }  # fmt: skip
    assert set(PARTS.values()) <= known
    ran = run(config(tmp_path), "--corpus", corpus, "-o", tmp_path / "run", "--without", "strings")
    assert ran.exit_code == 2
    assert "note-wise-position" in ran.stderr
    ran = run(config(tmp_path), "--corpus", corpus, "-o", tmp_path / "run", "--without", "texture")
    assert ran.exit_code == 1
    assert "'texture' means nothing to deep-performer-align" in ran.stderr


def test_the_corpus_is_found_where_prepare_puts_it(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERFSYNTH_DATA", str(tmp_path))
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora/minuets").symlink_to(corpus)
    ran = run(config(tmp_path, steps=1), "-o", tmp_path / "run", "--quiet")
    assert (ran.exit_code, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("options", "exit_code", "words"),
    [
        (["--corpus", "nowhere"], 1, "nowhere/manifest.jsonl: not found; prepare the corpus first"),
        (["--corpus", "nowhere"], 1, "perfsynth data nasap prepare -o nowhere"),
        (["--max-minutes", "0"], 2, "--max-minutes 0"),
        (["--steps", "0"], 1, "steps = 0: it is a whole number"),
        (["--device", "tpu"], 2, "--device tpu: it is cpu, cuda, cuda:N or auto"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    options: list[str], exit_code: int, words: str, corpus: Path, tmp_path: Path
) -> None:
    arguments = [str(config(tmp_path)), "-o", str(tmp_path / "run"), "--corpus", str(corpus), *options]
    ran = CliRunner().invoke(app, ["train", *arguments])
    assert (ran.exit_code, ran.stdout) == (exit_code, "")
    assert words in ran.stderr.splitlines()[-1]
    assert not (tmp_path / "run").exists()


def test_a_key_the_model_does_not_know_and_a_corpus_without_a_split(corpus: Path, tmp_path: Path) -> None:
    ran = run(config(tmp_path, model="widht = 3"), "--corpus", corpus, "-o", tmp_path / "run")
    assert ran.exit_code == 1
    assert "'widht' means nothing to deep-performer-align" in ran.stderr.splitlines()[-1]
    lines = (corpus / "manifest.jsonl").read_text().splitlines()
    (tmp_path / "manifest.jsonl").write_text(lines[0] + "\n")
    ran = run(config(tmp_path), "--corpus", tmp_path, "-o", tmp_path / "run")
    assert ran.exit_code == 1
    assert "no pieces in the split valid" in ran.stderr.splitlines()[-1]


def test_sizes_that_no_network_has_are_one_line(corpus: Path, tmp_path: Path) -> None:
    ran = run(config(tmp_path, model="width = 15\nheads = 2"), "--corpus", corpus, "-o", tmp_path / "run")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "[model] width = 15, heads = 2: no network of deep-performer-align" in ran.stderr.splitlines()[-1]


def test_a_run_goes_on_with_its_own_corpus_alone(corpus: Path, tmp_path: Path) -> None:
    other, out = tmp_path / "other", tmp_path / "run"
    shutil.copytree(corpus, other)
    (other / "manifest.jsonl").write_text((corpus / "manifest.jsonl").read_text().replace("Bach", "Petzold"))
    assert run(config(tmp_path, steps=2), "--corpus", corpus, "-o", out).exit_code == 0
    ran = run(config(tmp_path, steps=4), "--corpus", other, "-o", out)
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "a run on another corpus" in ran.stderr.splitlines()[-1]
    shutil.copytree(corpus, tmp_path / "same")
    assert run(config(tmp_path, steps=4), "--corpus", tmp_path / "same", "-o", out).exit_code == 0


def test_a_run_is_not_gone_on_with_unasked(corpus: Path, tmp_path: Path) -> None:
    assert run(config(tmp_path, steps=2), "--corpus", corpus, "-o", tmp_path / "run").exit_code == 0
    ran = run(config(tmp_path, steps=2), "--corpus", corpus, "-o", tmp_path / "run", "--no-resume")
    assert ran.exit_code == 2
    assert "holds a run" in ran.stderr


def test_an_interrupt_saves_and_exits_130_and_the_same_line_goes_on(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    path = config(tmp_path, steps=100_000)
    path.write_text(path.read_text().replace("validate_every = 2", "validate_every = 1000000"))
    line = [sys.executable, "-m", "perfsynth", "train", str(path), "--corpus", str(corpus), "-o", str(out)]
    child = subprocess.Popen(
        [*line, "--device", "cpu"], stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    log = out / "log.jsonl"
    while child.poll() is None and not (log.is_file() and log.stat().st_size):
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, words = child.communicate(timeout=120)
    assert child.returncode == 130, words.decode()
    step = json.loads(log.read_text().splitlines()[-1])["step"]
    assert f"saved after step {step}".encode() in words
    assert b"Traceback" not in words
    ran = run(path, "--corpus", corpus, "-o", out, "--max-minutes", "0.0001")
    assert ran.exit_code == 0, ran.stderr
    assert f"step {step + 1}: " in ran.stderr
