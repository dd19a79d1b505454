"""The recordings of a corpus of sounds: which to learn from, which to be validated on, and what is kept of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from perfsynth import formats
from perfsynth.data.sound_corpus import Recording, read_recordings
from perfsynth.dsp.resample import resample
from perfsynth.errors import InputError

CACHE = "cache"


class OfRecording(Protocol):
    """What is made of a recording."""

    @property
    def recording(self) -> Recording:
        """Which one."""


Of = TypeVar("Of", bound=OfRecording)


def recordings_of(corpus: Path, splits: tuple[str, ...]) -> list[Recording]:
    """The recordings of a corpus that a run learns from, and those that it is validated on."""
    return [recording for recording in read_recordings(corpus) if recording.split in (*splits, "valid")]


def parted(made: list[Of], splits: tuple[str, ...], corpus: Path) -> tuple[list[Of], list[Of]]:
    """What to learn from, and what to be validated on.

    Raises
    ------
    InputError
        When there is nothing for one of them.
    """
    learn = [one for one in made if one.recording.split in splits]
    held_out = [one for one in made if one.recording.split == "valid"]
    if not learn or not held_out:
        raise InputError(f"{corpus}: {len(learn)} recordings to learn from, {len(held_out)} to check")
    return learn, held_out


def with_instruments(model: dict[str, Any], corpus: Path) -> dict[str, Any]:
    """What ``[model]`` says, with the instruments of a corpus in it unless it names its own.

    Raises
    ------
    InputError
        When one of the corpus is none of those.
    """
    found = tuple(dict.fromkeys(recording.instrument for recording in read_recordings(corpus)))
    if missing := sorted(set(found) - set(model.get("instruments", found))):
        raise InputError(f"{corpus}: instrument {missing[0]} is none of the network's; set instruments in [model]")
    return {"instruments": found} | model


def first_instrument(corpus: Path) -> str:
    """The instrument of a corpus's first recording."""
    return read_recordings(corpus)[0].instrument


def stereo(recording: Recording, sample_rate: int) -> np.ndarray:
    """(n, 2) the samples of a recording; a single channel is both."""
    audio = formats.read_audio(Path(recording.audio).read_bytes(), name=recording.audio)
    samples = resample(audio.stream(), sample_rate).audio().samples
    return np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples[:, :2]


def since(samples: np.ndarray, start_s: float, sample_rate: int) -> np.ndarray:
    """The samples from a time on, all of them where it lies before the first."""
    return samples[round(max(start_s, 0.0) * sample_rate) :]


def kept(folder: Path, source: str, what: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """An array that belongs to the content of a file: mapped from the cache, or made and kept there."""
    digest = sha256(Path(source).read_bytes()).hexdigest()[:20]
    path = folder / CACHE / f"{digest}.{what}.npy"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.npy")
        np.save(part, np.asarray(make(), np.float32))
        part.replace(path)
    mapped: np.ndarray = np.load(path, mmap_mode="r")
    return mapped
