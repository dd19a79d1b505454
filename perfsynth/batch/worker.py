"""What a process that works for a batch is: bounded in threads, with a compilation cache of its own, never orphaned."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from types import FrameType

from perfsynth.batch.compiled import give
from perfsynth.folders import cache_folder

GRACE_S = 5.0  # to clean up after a signal, before a process is killed
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
CACHE = "NUMBA_CACHE_DIR"
_held: list[int] = []  # open locks: they last as long as the process


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def threads_each(number: int) -> Iterator[None]:
    """Processes started in the block use `number` threads, unless the user has said how many."""
    added = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(added, str(number)))
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def begin() -> None:
    """Become a worker; called first of all in a new process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent tells its workers when to stop
    signal.signal(signal.SIGTERM, _leave)
    own_cache()
    threading.Thread(target=_follow_parent, daemon=True).start()


def own_cache() -> None:
    """Give this process a numba cache that no other process writes to at the same time.

    Two processes that add to one cache can give two compiled functions one name, and load the wrong one.
    """
    if _held or "numba" in sys.modules:
        return
    try:
        import fcntl
    except ImportError:
        return
    base = cache_folder() / "numba"
    try:
        base.mkdir(parents=True, exist_ok=True)
        for number in count():
            handle = os.open(base / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                continue
            _held.append(handle)
            give(base, number)
            os.environ[CACHE] = str(base / str(number))
            return
    except OSError:  # no place for a cache, or no locks: compile each time rather than share
        return


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _follow_parent() -> None:
    """End when the parent is gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_S)
        os._exit(1)
