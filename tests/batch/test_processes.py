"""Several processes: every task answered once, whatever its process does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from perfsynth.batch.executors import Executor, ThisProcess
from perfsynth.batch.processes import Processes
from tests.batch import work

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 100
    while not path.exists() or not path.read_text():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("executor", [ThisProcess(), Processes(2)])
def test_every_task_has_one_answer(executor: Executor) -> None:
    answers = list(executor.run(work.double, range(20)))
    assert sorted((answer.index, answer.result) for answer in answers) == [(n, 2 * n) for n in range(20)]
    assert list(executor.run(work.double, [])) == []


def test_an_error_is_an_answer() -> None:
    answers = list(Processes(1).run(work.refuse, [1, 2]))
    assert sorted(str(answer.error) for answer in answers) == ["not 1", "not 2"]


def test_a_task_whose_process_is_killed_is_done_again(tmp_path: Path) -> None:
    answers = list(Processes(2).run(work.die_once, [tmp_path / name for name in "abcd"]))
    assert sorted(str(answer.result) for answer in answers) == list("abcd")
    assert not any(answer.error for answer in answers)


def test_a_task_that_kills_its_process_fails_alone() -> None:
    answers = sorted(Processes(2).run(work.die_if_odd, [0, 1, 2, 4, 6]), key=lambda answer: answer.index)
    assert [answer.result for answer in answers] == [0, None, 2, 4, 6]
    assert "died 3 times" in str(answers[1].error)


def test_threads_are_shared_out_and_caches_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    before = dict(os.environ)
    answers = [answer.result for answer in Processes(64).run(work.threads, range(2))]
    assert [answer[:2] for answer in answers if answer] == [("1", "1")] * 2
    assert len({answer[2] for answer in answers if answer}) == 2
    assert dict(os.environ) == before


def test_leaving_early_ends_the_processes(tmp_path: Path) -> None:
    markers = [tmp_path / "a", tmp_path / "b"]
    answers = Processes(3).run(_either, [*markers, tmp_path / "quick"])
    with closing(answers):
        assert next(answers).index == 2
        for marker in markers:
            wait_for(marker)
    for marker in markers:
        assert marker.with_suffix(".ended").exists()
        assert is_gone(int(marker.read_text()))


def _either(path: Path) -> None:
    if path.name != "quick":
        work.linger(path)


def test_processes_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\nfrom tests.batch import work\nfrom perfsynth.batch.processes import Processes\n"
        "if __name__ == '__main__':\n    list(Processes(1).run(work.linger, [pathlib.Path(sys.argv[1])]))\n"
    )
    (tmp_path / "main.py").write_text(program)
    child = subprocess.Popen(
        [sys.executable, tmp_path / "main.py", tmp_path / "marker"], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    wait_for(tmp_path / "marker")
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert is_gone(int((tmp_path / "marker").read_text()))
    assert (tmp_path / "marker.ended").exists()
