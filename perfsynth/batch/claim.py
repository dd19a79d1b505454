"""A claim on a result: of all the processes that would write a file, one does.

The claim is a lock on ``NAME.part``, the file that becomes the result. The system lets go of it when its process
ends, however it ends, so that a killed run leaves nothing that a later one would have to break.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from perfsynth.errors import PerfsynthError

try:
    import fcntl
except ImportError:  # not a POSIX system: results are still whole, but two runs may both make them
    fcntl = None  # type: ignore[assignment]

# Of file systems that know no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def part(path: Path) -> Path:
    """Where a result lies until it is whole."""
    return path.with_name(path.name + ".part")


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A file to fill: it becomes `path` when the block ends well, and vanishes otherwise."""
    scratch = part(path)
    try:
        yield scratch
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def claim(path: Path) -> Iterator[bool]:
    """Hold the only right to write `path` while the block runs: yields whether it was to be had.

    Raises
    ------
    PerfsynthError
        When nothing can be written there.
    """
    if fcntl is None:
        yield True
        return
    if not path.parent.is_dir():
        raise PerfsynthError(f"{path}: there is no folder {path.parent}; create it first")
    try:
        handle = _locked(part(path))
    except OSError as error:
        raise PerfsynthError(f"{path}: cannot be written ({error.strerror or error})") from error
    if handle is None:
        yield False
        return
    try:
        yield True
    finally:
        if _is(part(path), handle):
            part(path).unlink(missing_ok=True)
        os.close(handle)


def _locked(path: Path) -> int | None:
    """An open and locked file, None when another process has it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return handle
            os.close(handle)
            raise
        if _is(path, handle):
            return handle
        os.close(handle)  # it became a result between opening and locking


def _is(path: Path, handle: int) -> bool:
    """Whether a name still means the open file."""
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(handle))
    return False
