"""A batch on several processes of this machine. One that dies takes down its own task alone, which is done again."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import suppress
from typing import Any, TypeVar

from perfsynth.batch import worker
from perfsynth.batch.executors import ATTEMPTS, Answer
from perfsynth.errors import PerfsynthError

T = TypeVar("T")
R = TypeVar("R")


class Processes:
    """See `perfsynth.batch.executors.Executor`.

    Every process is a pool of its own: a shared pool breaks as a whole when one of its processes is killed, and does
    not tell which task it was at.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> Generator[Answer[R], None, None]:
        """See `Executor`."""
        waiting = deque(range(len(tasks)))
        lost: Counter[int] = Counter()
        threads = max(1, worker.cores() // self.jobs)
        idle = [Lane(threads) for _ in range(min(self.jobs, len(tasks)))]
        lanes = list(idle)
        busy: dict[Future, tuple[Lane, int]] = {}
        try:
            while waiting or busy:
                while idle and waiting:
                    lane, index = idle.pop(), waiting.popleft()
                    busy[lane.submit(work, tasks[index])] = lane, index
                done, _ = wait(busy, return_when=FIRST_COMPLETED)
                for future in done:
                    lane, index = busy.pop(future)
                    idle.append(lane)
                    error = future.exception()
                    if isinstance(error, BrokenExecutor | SystemExit):
                        lost[index] += 1
                        if lost[index] < ATTEMPTS:
                            waiting.append(index)
                            continue
                        error = _given_up()
                    yield Answer(index, None if error else future.result(), error)
        finally:
            _stop(lanes, at_once=bool(waiting or busy))


class Lane:
    """One process, started anew when it has died."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._start()

    def submit(self, work: Callable[[Any], Any], task: Any) -> Future:
        """Give it a task."""
        with suppress(BrokenExecutor):
            return self.pool.submit(work, task)
        self.pool.shutdown(wait=False)
        self._start()
        return self.pool.submit(work, task)

    def _start(self) -> None:
        # Not forked: a fork of a process with threads (OpenMP's, numba's, rich's) can hang.
        self.pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=worker.begin)
        with worker.threads_each(self._threads):
            self.pid: Future[int] = self.pool.submit(os.getpid)


def _stop(lanes: list[Lane], *, at_once: bool) -> None:
    """End the processes: after their work, or at once, with time to remove what is half done."""
    for lane in lanes:
        lane.pool.shutdown(wait=not at_once, cancel_futures=True)
    if not at_once:
        return
    pids = {
        lane.pid.result() for lane in lanes if lane.pid.done() and not lane.pid.cancelled() and not lane.pid.exception()
    }
    started = [child for child in multiprocessing.active_children() if child.pid in pids]
    for child in started:
        child.terminate()
    for child in started:
        child.join(worker.GRACE_S)
        with suppress(ProcessLookupError):
            child.kill()


def _given_up() -> PerfsynthError:
    return PerfsynthError(
        f"the process working on it died {ATTEMPTS} times, killed or out of memory; try it alone, or with fewer --jobs"
    )
