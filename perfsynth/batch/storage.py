"""Files here and in object stores: a path is a path, a URL (``s3://bucket/x.wav``) goes through fsspec.

A store has no locks and no renaming, but it shows an object only when all of it is there: results stay whole, and two
runs that make the same one write the same bytes.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from perfsynth.batch.claim import written
from perfsynth.errors import MissingError, PerfsynthError

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")


def is_url(path: str) -> bool:
    """Whether it lies in a store."""
    return _URL.match(path) is not None


def exists(path: str) -> bool:
    """Whether there is such a file.

    Raises
    ------
    PerfsynthError
        When the store does not answer.
    """
    if not is_url(path):
        return Path(path).is_file()
    system, name = _open(path)
    try:
        return bool(system.isfile(name))
    except OSError as error:
        raise PerfsynthError(f"{path}: cannot be looked for ({_reason(error)})") from error


def size(path: str) -> int:
    """Its bytes."""
    if not is_url(path):
        return Path(path).stat().st_size
    system, name = _open(path)
    return int(system.size(name))


def read(path: str) -> bytes:
    """All of it.

    Raises
    ------
    PerfsynthError
        When it cannot be read.
    """
    try:
        if not is_url(path):
            return Path(path).read_bytes()
        system, name = _open(path)
        data: bytes = system.cat_file(name)
        return data
    except IsADirectoryError as error:
        raise PerfsynthError(f"{path}: is a folder; name the files in it") from error
    except OSError as error:
        raise PerfsynthError(f"{path}: cannot be read ({_reason(error)})") from error


def source(path: str) -> Path | bytes:
    """What to open: a file where it lies, of a store all that it holds.

    Raises
    ------
    PerfsynthError
        When that cannot be read.
    """
    return read(path) if is_url(path) else Path(path)


def put(local: Path, url: str) -> None:
    """Put a file into a store.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    system, name = _open(url)
    system.makedirs(str(PurePosixPath(name).parent), exist_ok=True)
    if "file" in (system.protocol if isinstance(system.protocol, tuple) else (system.protocol,)):
        with written(Path(name)) as place:  # a folder by URL: renamed, as everywhere
            shutil.copyfile(local, place)
    else:
        system.put_file(str(local), name)


def join(folder: str, name: str) -> str:
    """A name in a folder or a store."""
    return f"{folder.rstrip('/')}/{name}" if is_url(folder) else str(Path(folder) / name)


def _open(url: str) -> tuple[Any, str]:
    """The store of a URL and the name in it."""
    try:
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingError(f"{url}: object stores need fsspec: pip install fsspec") from error
    try:
        system, name = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise MissingError(f"{url}: no such kind of store here ({error})") from error
    return system, name


def _reason(error: OSError) -> str:
    return error.strerror or ("No such file or directory" if isinstance(error, FileNotFoundError) else str(error))
