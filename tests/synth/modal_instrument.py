"""An instrument of which everything is known, for the tests of the modal piano."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from perfsynth.synth.modal import fitting, model
from perfsynth.synth.modal.grid import ONSET, RATE
from perfsynth.synth.samples import SampleSet
from perfsynth.types import CONTROL, PERFORMED_NOTE, AudioStream, Performance

F0, B = {60: 261.9, 72: 523.6}, 4e-4
DECAY = 1.5  # nepers a second of the first partial
LAYERS = (0.05, 0.25)  # amplitudes
LENGTH_S = 3.0


def partials(key: int) -> np.ndarray:
    k = np.arange(1, 9)
    return k * F0[key] * np.sqrt(1 + B * k * k)


def note(key: int, amplitude: float, *, noise: float = 0.0) -> np.ndarray:
    """A struck string: partials 1/k, each decaying faster, starting within 1 ms; half as loud on the right."""
    n = round(LENGTH_S * RATE)
    t = np.arange(n) / RATE
    wave = np.zeros(n)
    for k, hz in enumerate(partials(key), 1):
        wave += amplitude / k * np.exp(-DECAY * np.sqrt(k) * t) * np.cos(2 * np.pi * hz * t + k)
    since = np.arange(n) - ONSET
    wave *= np.where(since < 0, 0.0, np.where(since < 48, 0.5 - 0.5 * np.cos(np.pi * since / 48), 1.0))
    hiss = np.random.default_rng(key).normal(size=(n, 2)) * noise * amplitude * np.exp(-4 * t)[:, None]
    return (np.stack([wave, 0.5 * wave], axis=1) + hiss * (since >= 0)[:, None]).astype(np.float32)


def sample_set() -> SampleSet:
    """Two keys in two layers, and one noise of a key coming up."""
    recordings = [note(key, amplitude, noise=0.003) for key in F0 for amplitude in LAYERS]
    click = np.random.default_rng(5).normal(size=(4800, 2)) * np.exp(-np.arange(4800) / 900)[:, None] * 0.1
    pieces = [*recordings, click]
    pcm = np.concatenate([np.rint(piece * 32767).astype(np.int16) for piece in pieces])
    n = len(recordings[0])
    level = np.array([np.sqrt((r[: RATE // 2] ** 2).mean()) for r in recordings]).reshape(2, 2)
    return SampleSet(
        pcm=pcm, sample_rate=RATE, keys=np.array(list(F0)), layer_velocity=np.array([40.0, 127.0]),
        start=np.arange(4).reshape(2, 2) * n, length=np.full((2, 2), n), scale=np.full((2, 2), 1 / 32767), level=level,
        likeness=np.ones((2, 1)), release_keys=np.array([60]), release_start=np.array([4 * n]),
        release_length=np.array([4800]), release_scale=np.array([1 / 32767]),
    )  # fmt: skip


def played(*rows: tuple, controls: list | None = None) -> Performance:
    return Performance(np.array([("", *row, 0) for row in rows], PERFORMED_NOTE), np.array(controls or [], CONTROL))


def sound(stream: AudioStream) -> np.ndarray:
    return np.concatenate(list(stream.blocks))


def rms(audio: np.ndarray) -> float:
    return float(np.sqrt((audio.astype(float) ** 2).mean()))


@lru_cache
def _fitted() -> TemporaryDirectory[str]:
    folder = TemporaryDirectory(prefix="modal-")
    model.save(fitting.fit(sample_set()), Path(folder.name))
    return folder  # gone when the tests are over


def piano() -> str:
    """The folder of the instrument as a modal piano, fitted once."""
    return _fitted().name
