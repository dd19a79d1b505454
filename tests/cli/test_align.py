"""``perfsynth align`` and ``perfsynth evaluate alignment``: files in, files out, words on stderr."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from perfsynth import formats
from perfsynth.cli import app
from perfsynth.formats.audio import audio_bytes
from perfsynth.formats.jsonl import read_jsonl, write_jsonl
from perfsynth.formats.midi import read_performance
from perfsynth.formats.midi_write import write_performance
from perfsynth.types import CONTROL, PERFORMED_NOTE, Alignment, Audio, Performance

RATE = 22050
BEAT_S = 0.5  # of a score MIDI at 120 beats a minute


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A score of 40 notes, and a recording of it, a fifth slower, 1 s late."""
    made = tmp_path_factory.mktemp("align")
    random = np.random.default_rng(4)
    notes = np.zeros(40, PERFORMED_NOTE)
    notes["onset_s"], notes["duration_s"] = BEAT_S * np.arange(40), BEAT_S
    notes["pitch"], notes["velocity"] = random.integers(50, 84, 40), 64
    (made / "score.mid").write_bytes(write_performance(Performance(notes)))
    audio = random.normal(0, 1e-4, 27 * RATE)
    for note in notes:
        time_s = np.arange(round(0.6 * RATE)) / RATE
        tone = sum(np.sin(2 * np.pi * k * 440 * 2 ** ((note["pitch"] - 69) / 12) * time_s) / k for k in range(1, 7))
        first = round((1 + 1.2 * note["onset_s"]) * RATE)
        audio[first : first + len(time_s)] += 0.1 * np.exp(-4 * time_s) * tone
    (made / "recording.wav").write_bytes(audio_bytes(Audio(audio[:, None].astype(np.float32), RATE), format="wav"))
    soft = np.zeros((RATE, 1), np.float32)
    (made / "silence.wav").write_bytes(audio_bytes(Audio(soft, RATE), format="wav"))
    (made / "short.wav").write_bytes(audio_bytes(Audio(soft[: RATE // 10] + 0.1, RATE), format="wav"))
    soundfile.write(made / "nan.wav", np.full(RATE, np.nan, np.float32), RATE, subtype="FLOAT")
    # A header for five hours of 8 bits at 8 kHz; the samples are a hole in the file.
    n_bytes = 5 * 3600 * 8000
    head = b"RIFF" + struct.pack("<I", 36 + n_bytes) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    with (made / "hours.wav").open("wb") as file:
        file.write(head + b"data" + struct.pack("<I", n_bytes))
        file.truncate(44 + n_bytes)
    slower = notes.copy()
    slower["onset_s"] = 1 + 1.2 * notes["onset_s"]
    (made / "played.mid").write_bytes(write_performance(Performance(slower)))
    notes["pitch"] = random.integers(50, 84, 40)
    (made / "other.mid").write_bytes(write_performance(Performance(notes)))
    (made / "empty.mid").write_bytes(write_performance(Performance(notes[:0])))
    return made


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    line = [sys.executable, "-m", "perfsynth", *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, timeout=300, env=dict(os.environ), check=False)


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_rows_and_summary(folder: Path) -> None:
    done = run(folder, "align", "recording.wav", "score.mid")
    assert done.returncode == 0, done.stderr
    found = read_jsonl(done.stdout)
    assert isinstance(found, Alignment)
    error = found.notes["onset_s"] - (1 + 1.2 * BEAT_S * found.notes["score_onset_beat"])
    assert np.median(np.abs(error)) < 0.008
    assert b"tuning:" in done.stderr
    assert b"40, 0 unplayed" in done.stderr


def test_midi_and_plot_and_json(here: Path) -> None:
    done = invoke("align", "recording.wav", "score.mid", "-o", "out.mid", "--plot", "out.png", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stderr.splitlines()[-1])["summary"]["unplayed"] == 0
    performance = read_performance((here / "out.mid").read_bytes())
    np.testing.assert_allclose(np.sort(performance.notes["onset_s"])[1:], 1 + 0.6 * np.arange(1, 40), atol=0.05)
    assert (here / "out.png").read_bytes().startswith(b"\x89PNG")
    file = mido.MidiFile(here / "out.mid")
    ticks = [np.cumsum([message.time for message in track]) for track in file.tracks]
    tempos = [
        int(tick) // file.ticks_per_beat
        for track, at in zip(file.tracks, ticks, strict=True)
        for message, tick in zip(track, at, strict=True)
        if message.type == "set_tempo"
    ]
    assert len(tempos) == len(set(tempos)) > 1  # no beat has two
    again = invoke("align", "recording.wav", "score.mid", "-o", "out.mid")
    assert again.exit_code == 1
    assert "--force" in again.stderr
    drawn = invoke("align", "recording.wav", "score.mid", "-o", "new.mid", "--plot", "out.png")
    assert drawn.exit_code == 1
    assert "out.png: already there" in drawn.stderr
    (here / "out.png").write_bytes(b"old")
    over = invoke("align", "recording.wav", "score.mid", "-o", "out.mid", "--plot", "out.png", "--force")
    assert over.exit_code == 0, over.stderr
    assert (here / "out.png").read_bytes().startswith(b"\x89PNG")


def test_in_a_batch_each_recording_has_its_picture(here: Path) -> None:
    rows = [{"id": f"{name}/same", "audio": "recording.wav", "score": "score.mid"} for name in "ab"]
    (here / "twice.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    line = ("align", "--manifest", "twice.jsonl", "--out-dir", "twice", "--plot")
    refused = invoke(*line, "one.png")
    assert refused.exit_code != 0
    assert "name a folder" in refused.stderr
    assert not (here / "one.png").exists()
    done = invoke(*line, "pictures", "--force")
    assert done.exit_code == 0, done.stderr
    made = sorted(str(path.relative_to(here)) for path in (here / "pictures").rglob("*.png"))
    assert made == ["pictures/a/same.png", "pictures/b/same.png"]


def test_a_batch_keeps_what_is_done_and_says_what_failed(here: Path) -> None:
    rows = [
        {"id": "set/a", "audio": "recording.wav", "score": "score.mid", "split": "train"},
        {"id": "set/b", "audio": "silence.wav", "score": "score.mid"},
        {"id": "set/c", "audio": "played.mid", "score": "score.mid"},
    ]
    (here / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    line = ("align", "--manifest", "pairs.jsonl", "--out-dir", "made", "--format", "csv", "--skip-existing")
    done = invoke(*line, "--failures", "failed.jsonl", "--results", "there.jsonl")
    assert done.exit_code == 3, done.stderr
    assert sorted(path.name for path in (here / "made" / "set").iterdir()) == ["a.csv", "c.csv"]
    assert len((here / "made/set/a.csv").read_text().splitlines()) == 41
    (failed,) = [json.loads(line) for line in (here / "failed.jsonl").read_text().splitlines()]
    assert failed["id"] == "set/b"
    assert failed["error"].startswith("silence.wav and score.mid: the recording is silent")
    there = [json.loads(line) for line in (here / "there.jsonl").read_text().splitlines()]
    assert there[0] == rows[0] | {"alignment": "made/set/a.csv"}
    assert "made/set/a.csv: tuning:" in done.stderr
    before = (here / "made/set/a.csv").stat().st_mtime_ns
    again = invoke(*line, "--shard", "1/2")
    assert again.exit_code == 0, again.stderr
    assert (here / "made/set/a.csv").stat().st_mtime_ns == before


def test_a_batch_on_two_processes(here: Path) -> None:
    rows = [{"id": name, "inputs": ["played.mid", score]} for name, score in (("a", "score.mid"), ("b", "other.mid"))]
    rows.append({"id": "c", "inputs": ["played.mid", "score.mid"]})
    (here / "played.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run(here, "align", "--manifest", "played.jsonl", "--out-dir", "two", "--jobs", "2")
    assert done.returncode == 3, done.stderr
    assert sorted(path.name for path in (here / "two").iterdir()) == ["a.jsonl", "c.jsonl"]
    assert b"two/c.jsonl: notes: 40, 0 unplayed" in done.stderr
    assert b"played.mid and other.mid: the performance does not play this score" in done.stderr


def test_a_recording_of_notes(here: Path) -> None:
    done = invoke("align", "played.mid", "score.mid", "-o", "symbolic.jsonl")
    assert done.exit_code == 0, done.stderr
    found = read_jsonl((here / "symbolic.jsonl").read_bytes())
    assert isinstance(found, Alignment)
    np.testing.assert_allclose(found.notes["onset_s"], 1 + 1.2 * BEAT_S * np.arange(40), atol=1e-3)
    assert (found.notes["confidence"] == 1).all()


@pytest.mark.parametrize(
    "given",
    [("--plot", "x.png"), ("--device", "cpu"), ("--backend", "numba"), ("--method", "deep-performer")],
)
def test_options_of_sound_are_refused_for_a_recording_of_notes(here: Path, given: tuple[str, str]) -> None:
    refused = invoke("align", "played.mid", "score.mid", "-o", "never.jsonl", *given)
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert f"{given[0]}: for a recording of sound; played.mid holds notes" in refused.stderr
    assert not (here / "never.jsonl").exists()


def test_a_match_file_is_a_truth(here: Path) -> None:
    assert invoke("align", "played.mid", "score.mid", "-o", "true.match").exit_code == 0
    assert invoke("align", "played.mid", "score.mid", "-o", "found.jsonl").exit_code == 0
    done = invoke("evaluate", "alignment", "found.jsonl", "--reference", "true.match", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["within_20_ms"] == 100


@pytest.mark.parametrize("suffix", ["match", "mid"])
def test_what_is_written_of_a_recording_of_notes_keeps_how_it_was_played(here: Path, suffix: str) -> None:
    played = read_performance((here / "played.mid").read_bytes())
    notes = np.append(played.notes, played.notes[-1:])
    notes["velocity"] = np.arange(40, 40 + len(notes))
    notes["pitch"][-1] = 100  # which the score has not
    notes["onset_s"][-1] += 1
    pedals = np.array([(1.5, 64, 127, 0), (2.5, 64, 0, 0), (3.0, 67, 90, 0)], CONTROL)
    (here / "strong.mid").write_bytes(write_performance(Performance(notes, pedals)))
    done = invoke("align", "strong.mid", "score.mid", "-o", f"loud.{suffix}")
    assert done.exit_code == 0, done.stderr
    found = formats.read_performance((here / f"loud.{suffix}").read_bytes())
    n_kept = len(notes) - (suffix == "mid")
    assert found.notes["velocity"].tolist() == notes["velocity"][:n_kept].tolist()
    np.testing.assert_allclose(found.controls["time_s"], pedals["time_s"], atol=2e-3)
    assert found.controls[["number", "value"]].tolist() == pedals[["number", "value"]].tolist()


def test_a_match_file_may_name_either_of_two_notes_on_a_key(here: Path) -> None:
    found = read_jsonl(invoke("align", "played.mid", "score.mid").stdout_bytes)
    assert isinstance(found, Alignment)
    first, second = found.notes["note_id"][:2]
    (here / "shared.jsonl").write_bytes(write_jsonl(replace(found, doubled={"a": str(first), "b": str(second)})))
    assert invoke("align", "played.mid", "score.mid", "-o", "either.match", "--force").exit_code == 0
    lines = (here / "either.match").read_text().replace(f"snote({first},", "snote(a,").splitlines()
    struck = next(line for line in lines if f"snote({second}," in line)
    lines.append(struck.replace(f"snote({second},", "snote(b,"))  # both are played: the one that has a row counts
    (here / "either.match").write_text("\n".join(lines) + "\n")
    done = invoke("evaluate", "alignment", "shared.jsonl", "--reference", "either.match", "--json")
    assert done.exit_code == 0, done.stderr
    assert "not in the alignment" not in done.stderr
    figures = json.loads(done.stdout)
    assert (figures["notes"], figures["within_20_ms"]) == (40, 100)


def test_evaluate(here: Path) -> None:
    found = read_jsonl(invoke("align", "recording.wav", "score.mid", "-q").stdout_bytes)
    assert isinstance(found, Alignment)
    (here / "truth.jsonl").write_bytes(write_jsonl(found))
    line = ("evaluate", "alignment", "truth.jsonl", "--reference", "truth.jsonl")
    done = invoke(*line, "--json", "--plot", "e.png")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["within_20_ms"] == 100
    assert (here / "e.png").exists()
    assert "onset error, median [ms]" in invoke(*line).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("silence.wav", "score.mid"), 1, "silent"),
        (("short.wav", "score.mid"), 1, "0.10 s"),
        (("nan.wav", "score.mid"), 1, "not finite"),
        (("hours.wav", "score.mid"), 1, "lasts 5.0 h: at most 4 h"),
        (("recording.wav", "other.mid"), 1, "does not play this score"),
        (("played.mid", "other.mid"), 1, "does not play this score"),
        (("recording.wav", "empty.mid"), 1, "empty.mid"),
        (("-", "-"), 2, "stdin"),
        (("recording.wav",), 2, "audio and score"),
        (("recording.wav", "recording.wav"), 1, "recording.wav"),
        (("missing.wav", "score.mid"), 1, "missing.wav"),
        (("recording.wav", "score.mid", "--plot", "x.gif"), 2, "--plot"),
    ],
)
def test_what_cannot_be_aligned(here: Path, arguments: tuple[str, ...], code: int, word: str) -> None:
    done = invoke("align", *arguments)
    assert done.exit_code == code, done.stderr
    assert word in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
