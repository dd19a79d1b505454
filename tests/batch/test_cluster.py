"""A cluster of two real Dask workers on this machine, one of which is killed at its work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from perfsynth.batch.cluster import Cluster
from perfsynth.cli import app
from perfsynth.errors import MissingError, UsageError
from perfsynth.formats.midi_write import write_performance
from perfsynth.types import CONTROL, PERFORMED_NOTE, Performance
from tests.batch import work

ROOT = Path(__file__).parents[2]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A scheduler in this process, two workers in their own."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, dashboard_address=None, host="127.0.0.1", silence_logs=50) as cluster:
        command = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address]
        command += ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path)]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        workers = [subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) for _ in range(2)]
        try:
            yield cluster.scheduler_address
        finally:
            for process in workers:
                process.kill()
                process.wait()


def test_a_killed_worker_costs_no_task(address: str, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    tasks = [(folder, number) for number in range(60)]
    done: dict[int, int] = {}
    killed = None
    with closing(Cluster(address).run(work.note, tasks)) as answers:
        for answer in answers:
            assert answer.error is None
            assert answer.index not in done
            assert answer.result is not None
            done[answer.index] = answer.result
            if len(set(done.values())) == 2 and killed is None:
                killed = answer.result
                os.kill(killed, signal.SIGKILL)
    assert sorted(done) == list(range(60))
    assert killed is not None
    assert {path.name for path in folder.iterdir()} == {str(number) for number in range(60)}
    # What the dead worker had finished and told was not done again.
    again = [path for path in folder.iterdir() if len(path.read_text().split()) > 1]
    assert len(again) < 60 - len(again)


def test_errors_are_answers(address: str) -> None:
    answers = list(Cluster(address).run(work.refuse, [1, 2]))
    assert sorted(str(answer.error) for answer in answers) == ["not 1", "not 2"]


@pytest.mark.parametrize(
    ("address", "said"), [("foo", "missing port"), ("http://x:1", "unknown address scheme"), ("nonsense://", "")]
)
def test_what_is_no_address_is_refused(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"--cluster {address}: no address of a scheduler.*{said}"):
        next(Cluster(address).run(work.refuse, [1]))


def test_a_command_on_the_cluster_makes_the_same_bytes(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    notes = np.zeros(1, PERFORMED_NOTE)
    notes["velocity"], notes["duration_s"] = 64, 1.0
    for pitch in range(60, 66):
        notes["pitch"] = pitch
        Path(f"{pitch}.mid").write_bytes(write_performance(Performance(notes, np.zeros(0, CONTROL))))
    Path("broken.mid").write_bytes(b"garbage")
    inputs = sorted(path.name for path in Path().glob("*.mid"))
    ran = CliRunner().invoke(app, ["tokenize", *inputs, "--out-dir", "far", "--cluster", address])
    assert ran.exit_code == 3, ran.stderr
    assert "perfsynth: broken.mid: not a file perfsynth reads" in ran.stderr
    CliRunner().invoke(app, ["tokenize", *inputs, "--out-dir", "near"])
    made = {path.name: path.read_bytes() for path in Path("far").iterdir()}
    assert len(made) == 6
    assert made == {path.name: path.read_bytes() for path in Path("near").iterdir()}


def test_no_scheduler_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perfsynth.batch.cluster.TIMEOUT_S", 0.3)
    with pytest.raises(MissingError, match="no Dask scheduler answers"):
        list(Cluster("tcp://127.0.0.1:9").run(work.double, [1]))
