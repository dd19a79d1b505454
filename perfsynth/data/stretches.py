"""Stretches of recordings as files of their own, at their own rate or resampled to sound higher or lower."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from perfsynth.batch import storage
from perfsynth.batch.claim import written
from perfsynth.dsp.resample import resample
from perfsynth.errors import PerfsynthError
from perfsynth.formats.audio import write_audio
from perfsynth.formats.audio_blocks import read_blocks
from perfsynth.types import AudioStream


def cut(source: str, start_s: float, length_s: float | None, audio: Path, *, semitones: int = 0) -> None:
    """Write a stretch of a recording as FLAC, whole or not at all.

    Parameters
    ----------
    source
        Path or URL of the recording.
    start_s, length_s
        Of the stretch; None is all of it. What lies beyond the end of the recording is left out.
    audio
        To write.
    semitones
        By which it is put up, and so is faster, or down.

    Raises
    ------
    PerfsynthError
        When the recording cannot be read, or the stretch not be written.
    """
    stream = read_blocks(storage.source(source), name=source)
    rate = stream.sample_rate
    first = round(start_s * rate)
    last = sys.maxsize if length_s is None else round((start_s + length_s) * rate)
    stretch = replace(stream, blocks=_between(stream, first, last))
    if semitones:  # heard as if it had been recorded at another rate
        stretch = resample(replace(stretch, sample_rate=round(rate * 2.0 ** (semitones / 12))), rate)
    try:
        with written(audio) as place:
            write_audio(stretch, place, format="flac", subtype="PCM_16")
    except OSError as error:
        raise PerfsynthError(f"{audio}: cannot be written ({error.strerror or error})") from error


def _between(stream: AudioStream, first: int, last: int) -> Iterator[np.ndarray]:
    at = 0
    for block in stream.blocks:
        inside = block[max(first - at, 0) : max(last - at, 0)]
        if len(inside):
            yield inside
        at += len(block)
        if at >= last:
            return
