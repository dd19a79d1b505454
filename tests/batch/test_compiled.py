"""What one worker's numba has compiled is there for the next one, and is the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from perfsynth.batch import compiled
from perfsynth.batch.compiled import give

KERNEL = """
from numba import njit

@njit(cache=True)
def total(x):
    return sum(x, 0)

@njit(cache=True)
def other(x):
    return x * 2
"""
RUN = """
from kernel import other, total
found = total.stats
print(total((1, 2, 3)), total((1.5, 2.5)), other(4), sum(found.cache_hits.values()), sum(found.cache_misses.values()))
"""


def run(folder: Path, number: int | None) -> list[str]:
    """Results, cache hits and misses of a process with a cache; None: beside the code."""
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "NUMBA_CACHE_DIR": str(folder / "caches" / str(number))}
    if number is None:
        del env["NUMBA_CACHE_DIR"]
    ran = subprocess.run(
        [sys.executable, "-c", RUN], cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=True
    )
    return ran.stdout.split()


def test_a_new_cache_has_what_another_has_compiled(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text(KERNEL)
    base = tmp_path / "caches"
    assert run(tmp_path, 0) == ["6", "4.0", "8", "0", "2"]
    assert give(base, 1, package=tmp_path) == 2
    assert give(base, 1, package=tmp_path) == 0
    assert run(tmp_path, 1) == ["6", "4.0", "8", "2", "0"]
    (tmp_path / "kernel.py").write_text(KERNEL.replace("sum(x, 0)", "sum(x, 1) "))
    assert give(base, 2, package=tmp_path) == 2
    assert run(tmp_path, 2) == ["7", "5.0", "8", "0", "2"]  # what was compiled of other code is not used


def test_what_was_compiled_beside_the_code_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text(KERNEL)
    (tmp_path / "caches").mkdir()
    assert run(tmp_path, None) == ["6", "4.0", "8", "0", "2"]
    assert give(tmp_path / "caches", 0, package=tmp_path) == 2
    assert run(tmp_path, 0) == ["6", "4.0", "8", "2", "0"]


def cache(folder: Path, **files: bytes) -> None:
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name.replace("__", ".")).write_bytes(data)


def test_a_function_that_is_being_compiled_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache(tmp_path / "0" / "m", f__nbi=b"1", f__1__nbc=b"f", ff__nbi=b"2", ff__1__nbc=b"ff")
    (tmp_path / "0.lock").touch()
    write = compiled._write

    def slow(path: Path, data: bytes) -> None:
        if data == b"f":
            (tmp_path / "0" / "m" / "f.nbi").write_bytes(b"1+")
        write(path, data)

    monkeypatch.setattr(compiled, "_write", slow)
    assert give(tmp_path, 1, package=tmp_path) == 1
    assert {path.name for path in (tmp_path / "1" / "m").iterdir()} == {"f.1.nbc", "ff.nbi", "ff.1.nbc"}
    assert give(tmp_path, 1, package=tmp_path) == 1
    assert (tmp_path / "1" / "m" / "f.nbi").read_bytes() == b"1+"


def test_what_a_cache_has_stays(tmp_path: Path) -> None:
    cache(tmp_path / "0" / "m", f__nbi=b"theirs")
    cache(tmp_path / "1" / "m", f__nbi=b"own")
    assert give(tmp_path, 1, package=tmp_path) == 0
    assert (tmp_path / "1" / "m" / "f.nbi").read_bytes() == b"own"
