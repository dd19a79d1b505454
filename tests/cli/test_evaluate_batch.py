"""``perfsynth evaluate audio`` and ``alignment`` over the rows of a manifest: a report each, and their means."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from perfsynth.cli import app
from perfsynth.evaluate.intervals import interval, means, weights
from perfsynth.formats.jsonl import write_jsonl
from perfsynth.formats.midi_write import write_performance
from perfsynth.types import ALIGNED_NOTE, PERFORMED_NOTE, Alignment, Performance

RATE = 16000
AUDIO = ("audio", "--manifest", "pairs.jsonl", "--out-dir", "reports", "--no-ladder")
ALIGNMENT = ("alignment", "--manifest", "rows.jsonl", "--out-dir", "reports")


def evaluate(*arguments: object, env: dict[str, str] | None = None) -> Result:
    """Run the command in this process, which has what it imports already."""
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)], env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def table(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def reports(folder: Path = Path("reports")) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.json"))}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two notes as sines, softer, noisy and silent; their MIDI file; a manifest of three pairs below them."""
    folder = tmp_path_factory.mktemp("sounds")
    time_s = np.arange(int(1.5 * RATE)) / RATE
    attack = np.minimum(1, 20 * (time_s % 0.75)) * np.exp(-3 * (time_s % 0.75))
    sound = 0.3 * attack * np.sin(2 * np.pi * np.where(time_s < 0.75, 440.0, 660.0) * time_s)
    (folder / "made").mkdir()
    noise = np.random.default_rng(0).normal(0, 0.003, len(sound))
    made = {"reference": sound, "made/softer": sound / 2, "made/noisy": sound + noise, "made/silent": 0 * sound}
    for name, samples in made.items():
        soundfile.write(folder / f"{name}.wav", samples, RATE, subtype="FLOAT")
    notes = np.array([(f"n{i}", 0.75 * i, 0.7, (69, 76)[i], 90, 0) for i in range(2)], PERFORMED_NOTE)
    (folder / "played.mid").write_bytes(write_performance(Performance(notes)))
    names = ("softer", "silent", "noisy")
    table(
        folder / "pairs.jsonl",
        [{"id": f"set/{name}", "audio": f"made/{name}.wav", "reference": "reference.wav", "n": 1} for name in names],
    )
    return folder


@pytest.fixture
def here(sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with all of it."""
    shutil.copytree(sounds, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def alignments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six alignments late by 0 to 50 ms, the last of which lacks a note, and a manifest of them."""
    monkeypatch.chdir(tmp_path)
    true = np.zeros(8, ALIGNED_NOTE)
    true["note_id"], true["pitch"] = [f"n{i}" for i in range(8)], 60 + np.arange(8)
    true["score_onset_beat"], true["score_duration_beat"] = np.arange(8), 1
    true["onset_s"], true["confidence"], true["status"] = 0.5 * np.arange(8), 1.0, "matched"
    true["offset_s"], true["sound_off_s"] = true["onset_s"] + 0.4, np.nan
    Path("truth.jsonl").write_bytes(write_jsonl(Alignment(true)))
    for number in range(6):
        found = true.copy()
        found["onset_s"] += number / 100
        Path(f"{number}.jsonl").write_bytes(write_jsonl(Alignment(found)))
    table(Path("rows.jsonl"), [{"alignment": f"{n}.jsonl", "reference": "truth.jsonl"} for n in range(6)])
    return tmp_path


def test_each_row_has_the_report_of_its_pair_and_one_fails(here: Path) -> None:
    ran = evaluate(*AUDIO, "--json", "--failures", "failed.jsonl")
    assert ran.exit_code == 3, ran.stderr
    made = reports()
    assert list(made) == ["set/noisy.json", "set/softer.json"]
    for name in ("noisy", "softer"):
        alone = evaluate("audio", f"made/{name}.wav", "--reference", "reference.wav", "--no-ladder", "--json")
        assert alone.stdout.encode() == made[f"set/{name}.json"]
    (failed,) = rows_of(Path("failed.jsonl"))
    assert failed.pop("error").startswith("made/silent.wav against reference.wav: generated audio is silent")
    assert failed == {"id": "set/silent", "audio": "made/silent.wav", "reference": "reference.wav", "n": 1}
    found = json.loads(ran.stdout)
    both = [json.loads(report) for report in made.values()]
    assert found["rows"] == 2
    for group in ("matching", "distances"):
        assert found["mean"][group] == {
            name: pytest.approx((both[0][group][name] + both[1][group][name]) / 2) for name in both[0][group]
        }
    assert found["mean"]["condition"]["generated"]["peak_dbfs"] == pytest.approx(
        np.mean([one["condition"]["generated"]["peak_dbfs"] for one in both])
    )
    assert found["mean"]["distances"]["log_mel_44k"] > 0.1
    assert "generated" not in found["mean"]
    assert found["interval_95"] == {}  # of two rows there is none


def test_the_second_time_nothing_is_done_and_a_failed_row_runs_again(here: Path) -> None:
    arguments = (*AUDIO, "--skip-existing", "--failures", "failed.jsonl", "--results", "there.jsonl")
    assert evaluate(*arguments).exit_code == 3
    there = rows_of(Path("there.jsonl"))
    assert [row["report"] for row in there] == ["reports/set/softer.json", "reports/set/noisy.json"]
    assert there[0]["audio"] == "made/softer.wav"
    before = {path: path.stat().st_mtime_ns for path in Path("reports").rglob("*.json")}
    first = reports()
    shutil.copy("made/softer.wav", "made/silent.wav")
    again = evaluate("audio", "--manifest", "failed.jsonl", *AUDIO[3:], "--skip-existing", "--json")
    assert (again.exit_code, json.loads(again.stdout)["rows"]) == (0, 1), again.stderr
    ran = evaluate(*arguments)
    assert ran.exit_code == 0, ran.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert reports().items() >= first.items()
    assert "Means over 3 rows" in ran.stdout
    assert [int(word) for word in ran.stderr.splitlines()[-1].split()[:3]] == [0, 3, 0]
    assert "already there" in evaluate(*AUDIO).stderr


def test_two_processes_make_the_same(alignments: Path) -> None:
    assert evaluate(*ALIGNMENT).exit_code == 0
    ran = evaluate(*ALIGNMENT[:3], "--out-dir", "two", "--jobs", 2)
    assert ran.exit_code == 0, ran.stderr
    assert reports(Path("two")) == reports() != {}


def test_a_row_names_the_notes_and_options_hold_for_all(here: Path, fluidsynth_env: dict[str, str]) -> None:
    row = {"audio": "../made/noisy.wav", "reference": "../reference.wav"}
    (here / "lists").mkdir()
    table(here / "lists/made.jsonl", [row | {"performance": "../played.mid"}, row | {"id": "without"}])
    told = evaluate("audio", "--manifest", "lists/made.jsonl", "--out-dir", "reports", env=fluidsynth_env)
    assert told.exit_code == 0, told.stderr
    informed, without = (json.loads(report) for report in reports().values())
    alone = evaluate(
        "audio", "lists/../made/noisy.wav", "--reference", "lists/../reference.wav", "--performance",
        "lists/../played.mid", "--json", env=fluidsynth_env,
    )  # fmt: skip
    assert informed == json.loads(alone.stdout)
    assert "score_informed" not in without
    assert set(informed["ladder"]) - set(without["ladder"]) == {"another piano"}
    head = next(line for line in told.stdout.splitlines() if line.startswith("| measure"))
    assert [cell.strip() for cell in head.split("|")[2:-1]] == ["generated", *informed["ladder"]]
    assert "score_informed: 1 of 2 rows have it" in told.stderr
    assert "score_informed.generated" not in told.stderr  # what lacks as a whole is said once
    assert "lists/../made/noisy.wav: the ladder lacks another piano" in told.stderr


def test_means_and_intervals_are_those_of_the_single_reports(alignments: Path) -> None:
    ran = evaluate(*ALIGNMENT, "--json")
    assert ran.exit_code == 0, ran.stderr
    found = json.loads(ran.stdout)
    single = [
        json.loads(evaluate("alignment", f"{n}.jsonl", "--reference", "truth.jsonl", "--json").stdout) for n in range(6)
    ]
    assert [json.loads(report) for report in reports().values()] == single
    assert found["rows"] == 6
    figures = [name for name, value in single[0].items() if isinstance(value, int | float)]
    for name in figures:
        values = np.array([[one[name]] for one in single], float)
        low, high = interval(means(values, weights(6)))
        assert found["mean"][name] == pytest.approx(values.mean())
        assert found["interval_95"][name] == pytest.approx([low[0], high[0]])
    assert found["mean"]["median_ms"] == pytest.approx(25)
    assert 5 < found["interval_95"]["median_ms"][0] < 25 < found["interval_95"]["median_ms"][1] < 45
    assert found["mean"]["unplayed_found"] is None  # every note of the truth is played
    shown = evaluate(*ALIGNMENT, "--skip-existing").stdout
    assert shown.startswith("Means over 6 rows:\n\n| measure")
    line = next(line for line in shown.splitlines() if "median [ms]" in line)
    low, high = found["interval_95"]["median_ms"]
    assert f"25.0 ({low:.1f}..{high:.1f})" in line


def test_shards_make_the_whole(alignments: Path) -> None:
    said = [evaluate(*ALIGNMENT, "--shard", f"{part}/4", "--json") for part in (1, 2, 3, 4)]
    assert [json.loads(one.stdout)["rows"] for one in said] == [2, 2, 1, 1]
    assert json.loads(said[0].stdout)["mean"]["median_ms"] == pytest.approx((0 + 40) / 2)
    whole = json.loads(evaluate(*ALIGNMENT, "--skip-existing", "--json").stdout)
    assert (whole["rows"], len(reports())) == (6, 6)


def test_what_not_all_rows_have_is_said(alignments: Path) -> None:
    lines = Path("5.jsonl").read_text().replace('"matched"', '"unplayed"')
    Path("5.jsonl").write_text(lines)
    ran = evaluate(*ALIGNMENT)
    assert ran.exit_code == 0, ran.stderr
    assert "mean_ms: 5 of 6 rows have it; the mean is over these" in ran.stderr
    assert "notes:" not in ran.stderr


def test_a_mean_with_a_row_that_found_nothing_is_never(alignments: Path) -> None:
    Path("5.jsonl").write_text(Path("5.jsonl").read_text().replace('"matched"', '"unplayed"'))
    ran = evaluate(*ALIGNMENT)
    line = next(line for line in ran.stdout.splitlines() if "median [ms]" in line)
    assert "never (found in 5 of 6)" in line
    assert "median_ms: never in 1 of 6 rows, and so in the mean" in ran.stderr
    assert json.loads(reports()["5.json"])["median_ms"] == "never"
    found = json.loads(evaluate(*ALIGNMENT, "--force", "--json").stdout)
    assert found["mean"]["median_ms"] == "never" and "median_ms" not in found["interval_95"]
    assert found["mean"]["found"] == pytest.approx(500 / 6)


def test_a_file_that_is_no_report_is_not_averaged(alignments: Path) -> None:
    evaluate(*ALIGNMENT)
    for broken in ("[1]", "{"):
        Path("reports/3.json").write_text(broken)
        ran = evaluate(*ALIGNMENT, "--skip-existing")
        assert (ran.exit_code, ran.stdout) == (1, "")
        assert "reports/3.json: is no report" in ran.stderr
    assert evaluate(*ALIGNMENT, "--force").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("audio", "--manifest", "rows.jsonl"), "--out-dir"),
        (
            ("audio", "a.wav", "--reference", "b.wav", "--out-dir", "x", "--jobs", "2"),
            "--out-dir, --jobs: for the rows",
        ),
        (("alignment", "a.jsonl", "--reference", "b.jsonl", "--skip-existing"), "--manifest"),
        ((*ALIGNMENT, "0.jsonl", "--plot", "a.png"), "leave ALIGNMENT, --plot out"),
        ((*ALIGNMENT, "--report", "a.html"), "leave --report out"),
        ((*AUDIO, "--reference", "b.wav", "--performance", "a.mid"), "leave --reference, --performance out"),
        ((*AUDIO, "--probe"), "leave --probe out"),
        ((*AUDIO, "--engine", "modal", "--other", "b.wav"), "leave --other, --engine out"),
        (("alignment",), "--manifest"),
        (("alignment", "a.jsonl"), "--reference"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(alignments: Path, arguments: tuple[str, ...], words: str) -> None:
    ran = evaluate(*arguments)
    assert (ran.exit_code, ran.stdout, ran.stderr.count("\n")) == (2, "", 1), ran.stderr
    assert words in ran.stderr
    assert not Path("reports").exists()


def test_rows_that_name_no_pair(alignments: Path) -> None:
    table(Path("rows.jsonl"), [{"alignment": "0.jsonl"}])
    assert "'alignment' and 'reference'" in evaluate(*ALIGNMENT).stderr
    table(Path("rows.jsonl"), [{"audio": "a.wav", "reference": "b.wav", "performance": 3}])
    ran = evaluate("audio", "--manifest", "rows.jsonl", "--out-dir", "reports")
    assert ran.exit_code == 1
    assert "'performance' is 3" in ran.stderr
