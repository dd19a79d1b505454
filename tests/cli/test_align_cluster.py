"""``perfsynth align --cluster``: two real Dask workers on this machine, one of them killed while it aligns."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from perfsynth.formats.audio import audio_bytes
from perfsynth.formats.jsonl import read_jsonl
from perfsynth.formats.midi_write import write_performance
from perfsynth.types import PERFORMED_NOTE, Alignment, Audio, Performance

ROOT = Path(__file__).parents[2]
RATE = 22050
N_PAIRS, TIMEOUT_S = 10, 300
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


def sound(pitches: np.ndarray, beat_s: float) -> np.ndarray:
    """(n, 1) float32: a plucked string after another, half a second from the beginning."""
    audio = np.random.default_rng(0).normal(0, 1e-4, round((1.5 + beat_s * len(pitches)) * RATE))
    time_s = np.arange(round(0.5 * RATE)) / RATE
    for index, pitch in enumerate(pitches):
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * k * hertz * time_s) / k for k in range(1, 6)) * np.exp(-4 * time_s)
        first = round((0.5 + beat_s * index) * RATE)
        audio[first : first + len(tone)] += 0.1 * tone
    return audio[:, None].astype(np.float32)


def score(pitches: np.ndarray) -> bytes:
    notes = np.zeros(len(pitches), PERFORMED_NOTE)
    notes["onset_s"], notes["duration_s"] = 0.5 * np.arange(len(pitches)), 0.5
    notes["pitch"], notes["velocity"] = pitches, 64
    return write_performance(Performance(notes))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A folder with a manifest of ten pairs, each at its own tempo, and two that cannot be aligned among them."""
    random = np.random.default_rng(8)
    pitches = random.integers(50, 84, 24)
    (tmp_path / "score.mid").write_bytes(score(pitches))
    (tmp_path / "other.mid").write_bytes(score(random.integers(50, 84, 24)))
    rows = []
    for number in range(N_PAIRS):
        audio = Audio(sound(pitches, 0.5 + 0.02 * number), RATE)
        (tmp_path / f"{number}.wav").write_bytes(audio_bytes(audio, format="wav"))
        rows.append({"id": f"set/{number}", "audio": f"{number}.wav", "score": "score.mid"})
    (tmp_path / "silence.wav").write_bytes(audio_bytes(Audio(np.zeros((RATE, 1), np.float32), RATE), format="wav"))
    rows.insert(3, {"id": "set/silent", "audio": "silence.wav", "score": "score.mid"})
    rows.insert(7, {"id": "set/wrong", "audio": "0.wav", "score": "other.mid"})
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """The address of a scheduler, and two workers in processes of their own."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, dashboard_address=None, host="127.0.0.1", silence_logs=50) as scheduler:
        command = [sys.executable, "-m", "distributed.cli.dask_worker", scheduler.scheduler_address]
        command += ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path / "dask")]
        workers = [subprocess.Popen(command, env=ENV, stderr=subprocess.DEVNULL) for _ in range(2)]
        try:
            yield scheduler.scheduler_address, workers
        finally:
            for process in workers:
                process.kill()
                process.wait()


def test_a_worker_killed_at_its_work_costs_nothing(pairs: Path, cluster: tuple[str, list[subprocess.Popen]]) -> None:
    address, workers = cluster
    line = [sys.executable, "-m", "perfsynth", "align", "--manifest", "pairs.jsonl", "--out-dir", "far"]
    line += ["--cluster", address, "--failures", "failed.jsonl", "--results", "there.jsonl"]
    child = subprocess.Popen(line, cwd=pairs, env=ENV, stderr=subprocess.PIPE, text=True)
    far = pairs / "far" / "set"
    deadline = time.monotonic() + TIMEOUT_S
    # Both workers hold a file that they have begun, and some are done: whichever dies, it dies at its work.
    while len(list(far.glob("*.part"))) < 2 or len(list(far.glob("*.jsonl"))) < 2:
        assert child.poll() is None and time.monotonic() < deadline, "nothing was under way"
        time.sleep(0.002)
    os.kill(workers[0].pid, signal.SIGKILL)
    before = {path.name: path.stat().st_mtime_ns for path in far.glob("*.jsonl")}
    _, words = child.communicate(timeout=TIMEOUT_S)
    assert child.returncode == 3, words
    assert workers[0].wait(10) == -signal.SIGKILL
    assert workers[1].poll() is None

    expected = {f"{number}.jsonl" for number in range(N_PAIRS)}
    assert {path.name for path in far.iterdir()} == expected
    assert 2 <= len(before) < N_PAIRS
    assert {name: (far / name).stat().st_mtime_ns for name in before} == before
    for number in range(N_PAIRS):
        found = read_jsonl((far / f"{number}.jsonl").read_bytes())
        assert isinstance(found, Alignment)
        times = 0.5 + (0.5 + 0.02 * number) * np.arange(24)
        assert np.median(np.abs(found.notes["onset_s"] - times)) < 0.01
        # Not at all where the dead worker had written it and not yet been heard.
        assert words.count(f"set/{number}.jsonl: notes:") <= 1
    there = [json.loads(row)["id"] for row in (pairs / "there.jsonl").read_text().splitlines()]
    assert there == [f"set/{number}" for number in range(N_PAIRS)]
    failed = [json.loads(row) for row in (pairs / "failed.jsonl").read_text().splitlines()]
    assert [row["id"] for row in failed] == ["set/silent", "set/wrong"]
    assert "silent" in failed[0]["error"]
    assert "does not play this score" in failed[1]["error"]
    assert words.splitlines()[-1] == f"perfsynth: 2 of {N_PAIRS + 2} inputs failed, the others are done"
