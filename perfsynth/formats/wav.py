"""RIFF: the chunks of a WAV file, and writing one block by block.

Written here rather than by libsndfile, which stamps the time of day into the PEAK chunk of float files, leaves a
file above 4 GB with a wrong size, and skips comments above 2048 bytes when it reads.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Literal

import numpy as np

Sample = Literal["PCM_16", "PCM_24", "FLOAT"]

SAMPLE_BYTES: dict[Sample, int] = {"PCM_16": 2, "PCM_24": 3, "FLOAT": 4}
PCM, IEEE_FLOAT = 1, 3  # WAVE_FORMAT tags
UNKNOWN_SIZE = 0xFFFFFFFF  # of RF64 (EBU Tech 3306), where ds64 has it
PIPED_SIZE = 0x7FFFF000  # programs that write to a pipe declare this (sox) or more (ffmpeg)
MAX_RIFF_BYTES = 0xFFFFFFFF


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes | memoryview, int]]:
    """The chunks of a RIFF or RF64 file: name, what there is of its content, and the size it declares.

    The size of an RF64 file's data chunk is the one in its ds64 chunk.
    """
    view, position, long_size = memoryview(data), 12, UNKNOWN_SIZE
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        content = view[position + 8 :]
        if name == b"ds64" and len(content) >= 16:
            long_size = struct.unpack_from("<Q", content, 8)[0]
        if name == b"data" and size == UNKNOWN_SIZE:
            size = long_size
        yield name, content[:size], size
        position += 8 + size + size % 2


def comment(data: bytes) -> str:
    """The ICMT text of a WAV file; empty when it has none."""
    for name, content, _ in chunks(data):
        if name == b"LIST" and bytes(content[:4]) == b"INFO":
            for key, text, _ in chunks(b"RIFF\0\0\0\0" + bytes(content)):
                if key == b"ICMT":
                    return bytes(text).rstrip(b"\0").decode("utf-8", "replace")
    return ""


def missing_bytes(data: bytes) -> int:
    """How many bytes of samples a WAV file declares and does not hold."""
    for name, content, size in chunks(data):
        if name == b"data" and (size < PIPED_SIZE or data[:4] == b"RF64"):
            return size - len(content)
    return 0


def write(
    blocks: Iterable[np.ndarray], file: BinaryIO, *, sample_rate: int, n_channels: int, sample: Sample, text: str
) -> None:
    """Write a WAV file, or an RF64 file when it grows beyond what RIFF can hold.

    Parameters
    ----------
    blocks
        Each (n_samples, n_channels) float32; integer formats clip at full scale +-1.
    file
        Empty and seekable.
    sample_rate
        In Hz.
    n_channels
        Of every block.
    sample
        How a sample is stored.
    text
        The comment.

    Raises
    ------
    OSError
        When the disk is full.
    """
    file.write(_header(sample_rate, n_channels, sample, text, 0))
    data_bytes = 0
    for block in blocks:
        data_bytes += file.write(_encoded(block, sample))
    file.write(b"\0" * (data_bytes % 2))
    file.seek(0)
    file.write(_header(sample_rate, n_channels, sample, text, data_bytes))


def _encoded(block: np.ndarray, sample: Sample) -> bytes:
    if sample == "FLOAT":
        return block.astype("<f4").tobytes()
    full_scale = 1 << (8 * SAMPLE_BYTES[sample] - 1)
    whole = np.clip(np.rint(block.astype(np.float64) * full_scale), -full_scale, full_scale - 1).astype("<i4")
    if sample == "PCM_16":
        return whole.astype("<i2").tobytes()
    return np.ascontiguousarray(whole).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def _header(sample_rate: int, n_channels: int, sample: Sample, text: str, data_bytes: int) -> bytes:
    """All that precedes the samples; its length depends on the text alone, so that it can be written again."""
    frame_bytes = n_channels * SAMPLE_BYTES[sample]
    tag = IEEE_FLOAT if sample == "FLOAT" else PCM
    layout = struct.pack(
        "<HHIIHH", tag, n_channels, sample_rate, sample_rate * frame_bytes, frame_bytes, 8 * SAMPLE_BYTES[sample]
    )
    n_frames = data_bytes // frame_bytes
    rest = _chunk(b"fmt ", layout if tag == PCM else layout + b"\0\0")
    if tag != PCM:  # every format but PCM states its number of frames
        rest += _chunk(b"fact", struct.pack("<I", min(n_frames, UNKNOWN_SIZE)))
    if text:
        rest += _chunk(b"LIST", b"INFO" + _chunk(b"ICMT", text.encode() + b"\0"))
    reserved = 8 + 28
    riff_bytes = 4 + reserved + len(rest) + 8 + data_bytes + data_bytes % 2
    if riff_bytes > MAX_RIFF_BYTES:
        sizes = _chunk(b"ds64", struct.pack("<QQQI", riff_bytes, data_bytes, n_frames, 0))
        return b"RF64" + struct.pack("<I", UNKNOWN_SIZE) + b"WAVE" + sizes + rest + _open(b"data", UNKNOWN_SIZE)
    room = _chunk(b"JUNK", bytes(28))  # where ds64 goes if it has to
    return b"RIFF" + struct.pack("<I", riff_bytes) + b"WAVE" + room + rest + _open(b"data", data_bytes)


def _open(name: bytes, size: int) -> bytes:
    return name + struct.pack("<I", size)


def _chunk(name: bytes, content: bytes) -> bytes:
    return _open(name, len(content)) + content + b"\0" * (len(content) % 2)
