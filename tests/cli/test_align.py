"""``perfsynth align`` and ``perfsynth evaluate alignment``: files in, files out, words on stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from perfsynth.formats.audio import audio_bytes
from perfsynth.formats.jsonl import read_jsonl, write_jsonl
from perfsynth.formats.midi import read_performance
from perfsynth.formats.midi_write import write_performance
from perfsynth.types import PERFORMED_NOTE, Alignment, Audio, Performance

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
    (made / "silence.wav").write_bytes(audio_bytes(Audio(np.zeros((RATE, 1), np.float32), RATE), format="wav"))
    return made


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    line = [sys.executable, "-m", "perfsynth", *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, timeout=120, env=dict(os.environ), check=False)


def test_rows_and_summary(folder: Path) -> None:
    done = run(folder, "align", "recording.wav", "score.mid")
    assert done.returncode == 0, done.stderr
    found = read_jsonl(done.stdout)
    assert isinstance(found, Alignment)
    error = found.notes["onset_s"] - (1 + 1.2 * BEAT_S * found.notes["score_onset_beat"])
    assert np.median(np.abs(error)) < 0.008
    assert b"tuning:" in done.stderr
    assert b"40, 0 unplayed" in done.stderr


def test_midi_and_plot_and_json(folder: Path) -> None:
    done = run(folder, "align", "recording.wav", "score.mid", "-o", "out.mid", "--plot", "out.png", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stderr.splitlines()[-1])["summary"]["unplayed"] == 0
    performance = read_performance((folder / "out.mid").read_bytes())
    np.testing.assert_allclose(np.sort(performance.notes["onset_s"])[1:], 1 + 0.6 * np.arange(1, 40), atol=0.05)
    assert (folder / "out.png").read_bytes().startswith(b"\x89PNG")
    again = run(folder, "align", "recording.wav", "score.mid", "-o", "out.mid")
    assert again.returncode == 1
    assert b"--force" in again.stderr


def test_evaluate(folder: Path) -> None:
    found = read_jsonl(run(folder, "align", "recording.wav", "score.mid", "-q").stdout)
    assert isinstance(found, Alignment)
    (folder / "truth.jsonl").write_bytes(write_jsonl(found))
    (folder / "found.jsonl").write_bytes(write_jsonl(found))
    done = run(
        folder, "evaluate", "alignment", "found.jsonl", "--reference", "truth.jsonl", "--json", "--plot", "e.png"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["within_20_ms"] == 100
    assert (folder / "e.png").exists()
    table = run(folder, "evaluate", "alignment", "found.jsonl", "--reference", "truth.jsonl").stdout.decode()
    assert "onset error, median [ms]" in table


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("silence.wav", "score.mid"), 1, b"silent"),
        (("-", "-"), 2, b"stdin"),
        (("recording.wav", "recording.wav"), 1, b"recording.wav"),
        (("score.mid", "score.mid"), 1, b"score.mid"),
        (("missing.wav", "score.mid"), 1, b"missing.wav"),
    ],
)
def test_what_cannot_be_aligned(folder: Path, arguments: tuple[str, ...], code: int, word: bytes) -> None:
    done = run(folder, "align", *arguments)
    assert done.returncode == code
    assert word in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == b""
