"""Audio files: WAV, FLAC, Ogg and MP3 in, WAV, FLAC and Ogg Vorbis out, through libsndfile.

A file is written to something seekable, never to a pipe: its header states a length that is known at the end.
The comment carries the history of what it holds. The same audio gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from perfsynth.errors import InputError, PerfsynthError, UsageError
from perfsynth.formats import ogg, wav
from perfsynth.formats.audio_blocks import UNTOLD, broken, decoded, empty, opened, reason, truncated
from perfsynth.formats.provenance import history_from_text, history_to_text, made_of
from perfsynth.types import Audio, AudioStream

Format = Literal["wav", "flac", "ogg"]
Subtype = Literal["PCM_16", "PCM_24", "FLOAT", "VORBIS"]

# What each format can hold; the first is the default.
SUBTYPES: dict[Format, tuple[Subtype, ...]] = {
    "wav": ("PCM_24", "PCM_16", "FLOAT"),
    "flac": ("PCM_24", "PCM_16"),
    "ogg": ("VORBIS",),
}
# libsndfile's scale, 0 best to 1 smallest. Vorbis: quality 6, some 190 kbit/s in stereo. FLAC: its level 5.
COMPRESSION: dict[Format, float] = {"ogg": 0.4, "flac": 0.625}
# Encoders get no more than this at once: libvorbis keeps a block on the stack.
MAX_OGG_RATE = 200_000  # Hz
ENCODER_FRAMES = 4096


def read_audio(data: bytes, *, name: str = "audio") -> Audio:
    """Read an audio file.

    Parameters
    ----------
    data
        The file's content: WAV, RF64, Wave64, AIFF, CAF, AU, FLAC, Ogg (Vorbis, Opus, FLAC) or MP3.
    name
        What to call it in errors.

    Returns
    -------
    Audio
        (n_samples, n_channels) float32, with the history that perfsynth wrote, if it did.

    Raises
    ------
    InputError
        When the file is empty, broken, truncated, or holds samples that are not finite.
    """
    import soundfile

    if not data:
        raise InputError(f"{name}: empty; expected a WAV, FLAC, Ogg or MP3 file")
    try:
        with opened(data) as file:
            samples, declared = _samples(file, name)
            sample_rate, text = file.samplerate, file.comment
    except soundfile.LibsndfileError as error:
        raise broken(name, error) from error
    if data[:4] in (b"RIFF", b"RF64"):
        declared += wav.missing_bytes(data)
        text = wav.comment(data)
    elif data[:4] == b"OggS":
        ogg.check_whole(data, name)
    if declared > len(samples):
        raise truncated(name)
    if len(samples) == 0:
        raise empty(name)
    if not np.isfinite(samples).all():
        raise InputError(f"{name}: holds samples that are not finite (nan or infinity); export it again")
    return Audio(samples, sample_rate, **made_of(data, "audio", history_from_text(text or "")))


def write_audio(stream: AudioStream, path: Path, *, format: Format, subtype: Subtype | None = None) -> float:
    """Write audio to a file, block by block.

    Parameters
    ----------
    stream
        What to write; consumed.
    path
        A seekable file; overwritten.
    format
        The container.
    subtype
        One of the format's `SUBTYPES`: 24 bits by default, or Vorbis.

    Returns
    -------
    float
        Its length in seconds.

    Raises
    ------
    PerfsynthError
        When the audio is empty or not finite.
    UsageError
        When the format cannot hold it.
    OSError
        When the file cannot be written, as on a full disk.
    """
    with path.open("w+b") as file:
        return _write(stream, file, format, subtype)


def audio_bytes(audio: Audio, *, format: Format, subtype: Subtype | None = None) -> bytes:
    """The content of the file that `write_audio` would write."""
    file = io.BytesIO()
    _write(audio.stream(), file, format, subtype)
    return file.getvalue()


def _samples(file: Any, name: str) -> tuple[np.ndarray, int]:
    """All samples of an open file, and the number of frames that it declares."""
    frames, channels = file.frames, file.channels
    if frames == UNTOLD:
        samples = np.concatenate([np.zeros((0, channels), np.float32), *decoded(file)])
        return samples, len(samples)
    try:
        room = np.empty((frames, channels), np.float32)
    except (MemoryError, ValueError) as error:
        raise InputError(f"{name}: declares {frames} samples, more than memory holds; cut it up") from error
    return file.read(out=room), frames


def _write(stream: AudioStream, file: BinaryIO, format: Format, subtype: Subtype | None) -> float:
    subtype = subtype or SUBTYPES[format][0]
    if subtype not in SUBTYPES[format]:
        raise UsageError(f"{format} holds {' or '.join(SUBTYPES[format])}, not {subtype}")
    checked = _Checked(stream)
    text = history_to_text(stream.history) if stream.history else ""
    if format == "wav":
        wav.write(
            checked,
            file,
            sample_rate=stream.sample_rate,
            n_channels=stream.n_channels,
            sample=subtype,  # type: ignore[arg-type]
            text=text,
        )
    else:
        _encode(checked, file, format, subtype, text)
    if checked.n_frames == 0:
        raise PerfsynthError("there is no audio to write; it needs at least one sample")
    file.flush()
    return checked.n_frames / stream.sample_rate


class _Checked:
    """The blocks of a stream, counted; refuses what no file should hold."""

    def __init__(self, stream: AudioStream) -> None:
        self.stream = stream
        self.n_frames = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        for block in self.stream.blocks:
            if block.ndim != 2 or block.shape[1] != self.stream.n_channels:
                raise PerfsynthError(f"an audio block of shape {block.shape}, not (n, {self.stream.n_channels})")
            if not np.isfinite(block).all():
                second = self.n_frames / self.stream.sample_rate
                raise PerfsynthError(f"the audio is not finite at {second:.1f} s; nothing can play that")
            self.n_frames += len(block)
            yield block


def _encode(blocks: _Checked, file: BinaryIO, format: Format, subtype: Subtype, text: str) -> None:
    import soundfile

    guard = _Guard(file)
    rate, channels = blocks.stream.sample_rate, blocks.stream.n_channels
    if format == "ogg" and rate > MAX_OGG_RATE:  # the encoder would end the process
        raise UsageError(f"ogg holds at most {MAX_OGG_RATE} Hz, not {rate}; give --sample-rate or --format flac")
    try:
        sink = soundfile.SoundFile(
            guard, "w", rate, channels, subtype, format=format.upper(), compression_level=COMPRESSION[format]
        )
    except soundfile.LibsndfileError as error:
        raise UsageError(f"{format} does not hold {channels} channels at {rate} Hz ({reason(error)})") from error
    try:
        with sink:
            if text:
                sink.comment = text
            for block in blocks:
                for start in range(0, len(block), ENCODER_FRAMES):
                    sink.write(np.ascontiguousarray(block[start : start + ENCODER_FRAMES], np.float32))
    except (soundfile.LibsndfileError, AssertionError) as error:  # soundfile asserts that a write was whole
        raise guard.error or PerfsynthError(f"{format}: encoding failed ({error})") from error
    if guard.error is not None:
        raise guard.error
    if format == "ogg":
        ogg.renumber(file)


class _Guard:
    """A file whose errors survive: libsndfile calls it from C, where exceptions are printed and lost."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.error: OSError | None = None
        self.seek, self.tell, self.read = file.seek, file.tell, file.read

    def write(self, data: bytes) -> int:
        """Write, or write nothing once it has failed: the encoder stops at a short write."""
        if self.error is None:
            try:
                written = self.file.write(data)
                self.file.flush()
                return written
            except OSError as error:
                self.error = error
        return 0
