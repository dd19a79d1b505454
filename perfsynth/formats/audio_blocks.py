"""Audio files read block by block, for recordings of an hour that memory need not hold at once."""

from __future__ import annotations

import hashlib
import io
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from perfsynth.errors import InputError, PerfsynthError
from perfsynth.formats import ogg, wav
from perfsynth.formats.sniff import AUDIO, Kind, sniff
from perfsynth.types import AudioStream

BLOCK_FRAMES = 1 << 18  # 6 s at 44.1 kHz
HEAD_BYTES = 256  # that tell what a file is
UNTOLD = 2**63 - 1  # frames: libsndfile's word for FLAC that does not say how long it is, as from a pipe


def kind_of(source: bytes | Path, *, name: str) -> Kind:
    """What a file is, told by its first bytes.

    Raises
    ------
    PerfsynthError
        When it cannot be read.
    InputError
        When it is nothing that perfsynth reads.
    """
    if isinstance(source, bytes):
        return sniff(source, name=name)
    try:
        with source.open("rb") as file:
            return sniff(file.read(HEAD_BYTES), name=name)
    except OSError as error:
        raise PerfsynthError(f"{name}: cannot be read ({error.strerror})") from error


def read_blocks(source: bytes | Path, *, name: str = "audio") -> AudioStream:
    """Open an audio file whose samples are decoded as they are asked for.

    Parameters
    ----------
    source
        A file, or the content of one: WAV, RF64, AIFF, FLAC, Ogg or MP3.
    name
        What to call it in errors.

    Raises
    ------
    InputError
        When it is empty, broken or no audio; while it is consumed, when it turns out to be truncated.
    """
    import soundfile

    kind = kind_of(source, name=name)
    if kind not in AUDIO:
        raise InputError(f"{name}: this is {kind}, where audio (WAV, FLAC, Ogg or MP3) is expected")
    try:
        with opened(source) as file:
            rate, channels, frames = file.samplerate, file.channels, file.frames
    except soundfile.LibsndfileError as error:
        raise broken(name, error) from error
    if frames == 0:
        raise empty(name)
    duration_s = 0.0 if frames == UNTOLD else frames / rate
    return AudioStream(_blocks(source, name), rate, channels, duration_s, sha256=_digest(source))


def opened(source: bytes | Path) -> Any:
    """An open file, to be read on to its end."""
    import soundfile

    file = soundfile.SoundFile(_file(source))
    if file.frames == UNTOLD:
        file.seekable = lambda: False  # after each block soundfile seeks to where it is, which fails there
    return file


def decoded(file: Any) -> Iterator[np.ndarray]:
    """The blocks of an open file, (n, n_channels) float32."""
    while len(block := file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
        yield block


def _file(source: bytes | Path) -> Any:
    return io.BytesIO(source) if isinstance(source, bytes) else str(source)


def _blocks(source: bytes | Path, name: str) -> Iterator[Any]:
    import soundfile

    held = 0
    try:
        with opened(source) as file:
            declared = file.frames
            for block in decoded(file):
                held += len(block)
                yield block
    except soundfile.LibsndfileError as error:
        raise broken(name, error) from error
    if held == 0 and declared == UNTOLD:
        raise empty(name)
    if UNTOLD > declared > held or _is_cut(source, name):
        raise truncated(name)


def _is_cut(source: bytes | Path, name: str) -> bool:
    """Whether the file ends before its header says so; libsndfile plays what there is."""
    if isinstance(source, bytes):
        data: Any = source
    else:
        with source.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if data[:4] == b"OggS":
        ogg.check_whole(data, name)
    return bool(data[:4] in (b"RIFF", b"RF64") and wav.missing_bytes(data) > 0)


def _digest(source: bytes | Path) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def empty(name: str) -> InputError:
    """What to say of a file without samples."""
    return InputError(f"{name}: no samples in this audio file; it needs at least one")


def truncated(name: str) -> InputError:
    """What to say of a file that ends too soon."""
    return InputError(f"{name}: holds less audio than it declares; it is truncated, so copy it again")


def broken(name: str, error: Exception) -> InputError:
    """What to say of a file that libsndfile cannot read."""
    return InputError(f"{name}: broken audio file ({reason(error)}); export it again")


def reason(error: Exception) -> str:
    """What libsndfile says."""
    return str(getattr(error, "error_string", error)).rstrip(".")
