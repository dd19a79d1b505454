"""Sample rate conversion of a stream, through soxr."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from perfsynth.errors import UsageError
from perfsynth.types import AudioStream

QUALITY = "VHQ"  # soxr's 28 bit quality: its errors lie below those of a 24 bit file
MIN_RATE, MAX_RATE = 4000, 384000  # Hz


def check_rate(sample_rate: int | None) -> None:
    """Refuse what is no rate of audio; None, where nobody asks for one, is none to refuse.

    Raises
    ------
    UsageError
        When it lies outside of `MIN_RATE` to `MAX_RATE`.
    """
    if sample_rate is not None and not MIN_RATE <= sample_rate <= MAX_RATE:
        raise UsageError(f"sample rate {sample_rate}: it lies between {MIN_RATE} and {MAX_RATE} Hz")


def resample(stream: AudioStream, sample_rate: int) -> AudioStream:
    """The same audio at another sample rate, made while it is consumed.

    Parameters
    ----------
    stream
        What to convert; consumed. It is returned as it is when it already has this rate.
    sample_rate
        In Hz.

    Returns
    -------
    AudioStream
        Of round(n_samples * sample_rate / stream.sample_rate) samples, aligned with the input: soxr takes its
        filter's delay out.
    """
    if sample_rate == stream.sample_rate:
        return stream

    def blocks() -> Iterator[np.ndarray]:
        import soxr

        converter = soxr.ResampleStream(
            stream.sample_rate, sample_rate, stream.n_channels, dtype="float32", quality=QUALITY
        )
        for block in stream.blocks:
            converted = converter.resample_chunk(np.ascontiguousarray(block, np.float32))
            if len(converted):
                yield converted
        yield converter.resample_chunk(np.zeros((0, stream.n_channels), np.float32), last=True)

    return replace(stream, blocks=blocks(), sample_rate=sample_rate)
