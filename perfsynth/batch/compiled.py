"""What numba has compiled, given on from one cache to another.

Every worker has a cache of its own (`perfsynth.batch.worker.own_cache`). Compiling the kernels of alignment takes some
ten times as long as aligning a recording, so that a new cache starts with all that the others have, and with what was
compiled without workers, which lies beside the code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from perfsynth.batch.claim import written

INDEX, DATA = ".nbi", ".nbc"  # numba's: of a function, its signatures; of a signature, its code
PACKAGE = Path(__file__).parents[1]


def give(base: Path, number: int, *, package: Path = PACKAGE) -> int:
    """Copy into cache `number` each function that it lacks and another cache has.

    The others may be in use: a function whose index changes while it is copied is left out, and numba compiles it.
    What was compiled of other code is known to numba by its stamp, and not used.

    Parameters
    ----------
    base
        The folder of the numbered caches.
    number
        Of the one to fill.
    package
        The code, beside which there may be a cache, too.

    Returns
    -------
    int
        How many functions were copied.
    """
    copied = 0
    for index, name in (*_beside(package), *_numbered(base)):
        target = base / str(number) / name
        if not target.exists():
            copied += _copied(index, target)
    return copied


def _numbered(base: Path) -> Iterator[tuple[Path, Path]]:
    """Indices in the numbered caches, and their names in another one."""
    for folder in sorted(folder for folder in base.iterdir() if folder.name.isdecimal()):
        for index in sorted(folder.rglob(f"*{INDEX}")):
            yield index, index.relative_to(folder)


def _beside(package: Path) -> Iterator[tuple[Path, Path]]:
    """Indices beside the code, and their names in a cache elsewhere: numba's, or else they are never looked for."""
    for index in sorted(package.rglob(f"__pycache__/*{INDEX}")):
        folder = index.parents[1].absolute()
        yield index, Path(f"{folder.name}_{hashlib.sha1(str(folder).encode()).hexdigest()}") / index.name


def _copied(index: Path, target: Path) -> bool:
    with suppress(OSError):
        before = index.read_bytes()
        name = index.name.removesuffix(INDEX)
        target.parent.mkdir(parents=True, exist_ok=True)
        for data in index.parent.iterdir():
            if data.suffix == DATA and data.name.removesuffix(DATA).rpartition(".")[0] == name:
                _write(target.parent / data.name, data.read_bytes())
        if index.read_bytes() == before:
            _write(target, before)
            return True
    return False


def _write(path: Path, data: bytes) -> None:
    with written(path) as place:
        place.write_bytes(data)
