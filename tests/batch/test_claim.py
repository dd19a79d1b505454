"""Claims: one process writes a file, and a dead one holds nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from perfsynth.batch.claim import claim, part, written
from perfsynth.batch.manifest import write_rows
from perfsynth.errors import PerfsynthError

HOLD = """
import sys, time, pathlib
from perfsynth.batch.claim import claim
with claim(pathlib.Path(sys.argv[1])) as held:
    print(held, flush=True)
    sys.stdin.read()
"""


def test_another_process_is_kept_out_until_the_first_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "made.wav"
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "True\n"
    with claim(path) as held:
        assert not held
    child.kill()
    child.communicate()
    assert part(path).exists()  # left by the killed process, and nobody's
    with claim(path) as held:
        assert held
    assert list(tmp_path.iterdir()) == []


def test_a_claim_ends_with_the_result_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "made.wav"
    with claim(path) as held:
        assert held
        with claim(path) as again:
            assert not again
        part(path).write_bytes(b"music")
        part(path).replace(path)
        with claim(path) as next_one:  # the name is free again as soon as the file is whole
            assert next_one
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"music"


def test_an_error_gives_the_claim_back(tmp_path: Path) -> None:
    path = tmp_path / "made.wav"
    with pytest.raises(ZeroDivisionError), claim(path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(PerfsynthError, match="create it first"), claim(tmp_path / "nowhere" / "x"):
        pass
    with pytest.raises(PerfsynthError, match="cannot be written"), claim(Path("/proc/x")):
        pass
    with pytest.raises(PerfsynthError, match="cannot be written"), claim(tmp_path / ("x" * 300)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_is_there_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    with written(path) as place:
        place.write_bytes(b"music")
        assert not path.exists()
    with pytest.raises(ZeroDivisionError), written(path) as place:
        place.write_bytes(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"music"
    assert [one.name for one in tmp_path.iterdir()] == ["song.wav"]


def test_a_manifest_whose_rows_end_early_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_rows(tmp_path / "m.jsonl", [{"id": "a"}, {"id": object()}])
    assert list(tmp_path.iterdir()) == []
