"""Audio read block by block: the same samples as read at once, and the same refusals."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

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


def piped(samples: np.ndarray) -> bytes:
    """FLAC whose header does not say how many samples there are, as encoders write it to a pipe."""
    file = io.BytesIO()
    soundfile.write(file, samples, 22050, format="FLAC", subtype="PCM_24")
    data = bytearray(file.getvalue())
    data[21] &= 0xF0  # with the four bytes after it the 36 bits of STREAMINFO that say so
    data[22:26] = bytes(4)
    return bytes(data)


@pytest.mark.parametrize("from_file", [True, False])
def test_flac_that_does_not_say_how_long_it_is(
    from_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_blocks, "BLOCK_FRAMES", 7000)
    data = piped(SAMPLES)
    for name, part in (("whole", data), ("cut", data[: len(data) * 2 // 3]), ("none", data[: data.index(b"\xff\xf8")])):
        (tmp_path / name).write_bytes(part)
    stream = audio_blocks.read_blocks(tmp_path / "whole" if from_file else data, name="x")
    assert stream.duration_s == 0
    np.testing.assert_array_equal(np.concatenate(list(stream.blocks)), read_audio(data).samples)
    np.testing.assert_allclose(read_audio(data).samples, SAMPLES, atol=1e-6)
    for name, words in (("cut", "x: broken"), ("none", "x: no samples")):
        with pytest.raises(InputError, match=words):
            read_audio((tmp_path / name).read_bytes(), name="x")
        with pytest.raises(InputError, match=words):
            source = tmp_path / name if from_file else (tmp_path / name).read_bytes()
            list(audio_blocks.read_blocks(source, name="x").blocks)


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
