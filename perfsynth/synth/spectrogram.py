"""The verb of the stage: a performance in, a spectrogram out; and the engines whose sound is measured for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from perfsynth import registry
from perfsynth.dsp.mel import PRESETS, Preset, spectrogram
from perfsynth.dsp.mixing import mixed
from perfsynth.dsp.resample import resample
from perfsynth.errors import UsageError
from perfsynth.nn.device import checked
from perfsynth.seeds import check_seed
from perfsynth.synth.core import check
from perfsynth.synth.modal.room import RoomName
from perfsynth.types import AudioStream, Performance, Spectrogram

PRESET = "perfsynth-44k"
BLOCK = 1024  # frames that are measured at once


def synthesize_spectrogram(
    performance: Performance, *, model: str = "auto", device: str = "cpu", seed: int = 0, **options: Any
) -> Spectrogram:
    """Predict the spectrogram of a performance.

    Parameters
    ----------
    performance
        What to sound; 0 s in it is frame 0.
    model
        A model's name; ``auto`` takes the default, or the first that has the options asked for.
    device
        Where a model that computes with torch does so.
    seed
        Seed of everything random in the model.
    **options
        The model's own; None means its default.

    Returns
    -------
    Spectrogram
        (n_bands, n_frames) in the model's preset, with the performance.

    Raises
    ------
    InputError
        When the performance has no notes.
    MissingError
        When there is no such device.
    UsageError
        When there is no such model, it takes no such option, or `seed` is none.
    """
    check(performance)
    check_seed(seed)
    given = {name: value for name, value in options.items() if value is not None}
    system, predict, taken = registry.choose(model, "synth-mel", given)
    common = {"device": checked(device), "seed": seed}
    passed = {name: value for name, value in common.items() if name in taken}
    made: Spectrogram = predict(performance, **passed, **given)
    return replace(made, performance=performance, **performance.made_by("synth-mel", system.name, seed=seed, **given))


def modal(
    performance: Performance, *, preset: str = PRESET, piano: str | None = None, room: RoomName = "dry", seed: int = 0
) -> Spectrogram:
    """The spectrogram of the modal piano, left and right mixed; see `perfsynth.synth.modal.engine.stream`."""
    from perfsynth.synth.modal.engine import stream

    _preset(preset)
    return measured(stream(performance, piano=piano, room=room, seed=seed), preset)


def measured(stream: AudioStream, preset: str) -> Spectrogram:
    """The spectrogram of a stream, its channels mixed; the audio is not held in memory.

    Raises
    ------
    UsageError
        When there is no such preset.
    """
    how = _preset(preset)
    parts = list(_measured(resample(stream, how.sample_rate), how))
    return Spectrogram(np.concatenate(parts, axis=1), preset, history=stream.history, sha256=stream.sha256)


def _preset(name: str) -> Preset:
    if name not in PRESETS:
        raise UsageError(f"preset {name!r} is unknown; there are {', '.join(PRESETS)}")
    return PRESETS[name]


def _measured(stream: AudioStream, preset: Preset) -> Iterator[np.ndarray]:
    """(n_bands, at most BLOCK) frames at a time, each as if all audio were known."""
    around = -(-(preset.n_fft // 2) // preset.hop)  # frames whose audio the frame beside them may reach
    held = np.zeros(around * preset.hop, np.float32)  # from `around` frames before the next one on
    n_samples = n_frames = 0
    for block in stream.blocks:
        held = np.concatenate([held, mixed(block)])
        n_samples += len(block)
        while len(held) >= (BLOCK + 2 * around) * preset.hop:
            yield spectrogram(held[: (BLOCK + 2 * around) * preset.hop], preset)[:, around : around + BLOCK]
            held = held[BLOCK * preset.hop :]
            n_frames += BLOCK
    left = n_samples // preset.hop + 1 - n_frames
    if left > 0:
        yield spectrogram(np.pad(held, (0, around * preset.hop)), preset)[:, around : around + left]
