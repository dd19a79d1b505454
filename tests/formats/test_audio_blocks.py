"""Audio read block by block: the same samples as read at once, and the same refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perfsynth.errors import InputError, PerfsynthError
from perfsynth.formats import audio_blocks
from perfsynth.formats.audio import Format, audio_bytes, read_audio
from perfsynth.types import Audio

SAMPLES = np.random.default_rng(0).normal(0, 0.1, (60000, 2)).astype(np.float32)


@pytest.mark.parametrize("format", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("from_file", [True, False])
def test_blocks_are_the_whole(format: Format, from_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_blocks, "BLOCK_FRAMES", 7000)
    data = audio_bytes(Audio(SAMPLES, 22050), format=format)
    (tmp_path / "x").write_bytes(data)
    stream = audio_blocks.read_blocks(tmp_path / "x" if from_file else data, name="x")
    whole = read_audio(data)
    assert (stream.sample_rate, stream.n_channels, stream.sha256) == (22050, 2, whole.sha256)
    blocks = list(stream.blocks)
    assert max(map(len, blocks)) <= 7000
    np.testing.assert_array_equal(np.concatenate(blocks), whole.samples)
    assert stream.duration_s == pytest.approx(len(whole.samples) / 22050)


@pytest.mark.parametrize("format", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("from_file", [True, False])
def test_a_truncated_file_is_refused(format: Format, from_file: bool, tmp_path: Path) -> None:
    data = audio_bytes(Audio(SAMPLES, 22050), format=format)
    data = data[: len(data) * 3 // 4]
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(InputError, match=r"^x: .*(truncated|broken)"):
        list(audio_blocks.read_blocks(tmp_path / "x" if from_file else data, name="x").blocks)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "x: empty"),
        (b"MThd\0\0\0\6", "x: this is midi"),
        (b"RIFF\0\0\0\0WAVEjunk", "x: broken"),
        (b"???", "x: not"),
    ],
)
def test_what_is_no_audio(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    for source in (data, tmp_path / "x"):
        with pytest.raises(InputError, match=words):
            audio_blocks.read_blocks(source, name="x")


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PerfsynthError, match="x: cannot be read"):
        audio_blocks.kind_of(tmp_path / "missing", name="x")
