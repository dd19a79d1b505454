"""Files for the Python API: one that is there is replaced by a whole one, or stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import perfsynth
from perfsynth.errors import UsageError
from perfsynth.types import PERFORMED_NOTE, Audio, AudioStream, Performance


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
def test_a_stream_that_breaks_leaves_the_file_that_is_there(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    perfsynth.save(Audio(np.zeros((800, 1), np.float32), 8000), path)
    before = path.read_bytes()

    def blocks() -> Iterator[np.ndarray]:
        yield np.ones((800, 1), np.float32)
        raise RuntimeError("the engine broke")

    with pytest.raises(RuntimeError, match="the engine broke"):
        perfsynth.save(AudioStream(blocks(), 8000, 1, 0.2), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_suffix_of_another_kind_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not written to"):
        perfsynth.save(Performance(np.zeros(1, PERFORMED_NOTE)), tmp_path / "out.pdf")
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "out.mid").symlink_to(tmp_path / "there/played.mid")
    notes = np.zeros(1, PERFORMED_NOTE)
    notes["pitch"], notes["duration_s"], notes["velocity"] = 60, 1.0, 64
    perfsynth.save(Performance(notes), tmp_path / "out.mid")
    assert (tmp_path / "out.mid").is_symlink()
    assert (tmp_path / "there/played.mid").read_bytes()[:4] == b"MThd"
