"""Work for processes that tests start; they import it by name."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def double(number: int) -> int:
    return 2 * number


def refuse(number: int) -> int:
    raise ValueError(f"not {number}")


def threads(_: int) -> tuple[str | None, str | None, str | None]:
    return os.environ.get("OMP_NUM_THREADS"), os.environ.get("NUMBA_NUM_THREADS"), os.environ.get("NUMBA_CACHE_DIR")


def die_once(marker: Path) -> str:
    """Die the first time that it is tried."""
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return marker.name


def die_if_odd(number: int) -> int:
    if number % 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def linger(marker: Path) -> None:
    """Say who is at work, and stay at it; say so too when asked to end."""
    marker.write_text(str(os.getpid()))
    try:
        time.sleep(60)
    finally:
        marker.with_suffix(".ended").touch()


def note(task: tuple[Path, int]) -> int:
    """Leave a file that says which process did it."""
    folder, number = task
    with (folder / f"{number}").open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(0.02)
    return os.getpid()
