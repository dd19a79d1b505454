"""The verb of the stage: a spectrogram in, audio out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from perfsynth import registry
from perfsynth.dsp.mel import PRESETS
from perfsynth.dsp.resample import check_rate, resample
from perfsynth.errors import InputError, expect
from perfsynth.nn.device import checked
from perfsynth.seeds import check_seed
from perfsynth.types import AudioStream, Performance, Spectrogram

NEED_PERFORMANCE = ("source-filter",)


def vocode(
    spectrogram: Spectrogram,
    *,
    model: str = "auto",
    sample_rate: int | None = None,
    device: str = "cpu",
    seed: int = 0,
    **options: Any,
) -> AudioStream:
    """Turn a spectrogram into sound at its own level.

    Parameters
    ----------
    spectrogram
        Of a preset that the model knows.
    model
        A vocoder's name; ``auto`` takes ``source-filter`` where the performance is known and ``griffin-lim`` where not,
        or the first that has the options asked for.
    sample_rate
        In Hz; the preset's own by default. Another one is resampled.
    device
        Where a model that computes with torch does so.
    seed
        Seed of everything random in the model.
    **options
        The model's own; None means its default.

    Returns
    -------
    AudioStream
        Made while it is consumed; frame i of the spectrogram is around sample ``i * hop``.

    Raises
    ------
    InputError
        When the spectrogram is empty, not finite, or of a preset that the model does not know.
    MissingError
        When there is no such device.
    UsageError
        When there is no such model, it takes no such option, no audio has that sample rate, or `seed` is none.
    """
    expect(spectrogram, Spectrogram, "perfsynth.synthesize_spectrogram makes one of a performance")
    check(spectrogram)
    check_rate(sample_rate)
    check_seed(seed)
    given = {name: value for name, value in options.items() if value is not None}
    without = () if spectrogram.performance is not None else NEED_PERFORMANCE
    system, sound, taken = registry.choose(model, "vocode", given, without=without)
    common = {"device": checked(device), "seed": seed}
    passed = {name: value for name, value in common.items() if name in taken}
    made: AudioStream = sound(spectrogram, **passed, **given)
    made = replace(made, **spectrogram.made_by("vocode", system.name, seed=seed, **given))
    return made if sample_rate is None else resample(made, sample_rate)


def check(spectrogram: Spectrogram) -> None:
    """Refuse what no vocoder can sound.

    Raises
    ------
    InputError
        When the preset is unknown, the shape is not its own, or a value is not finite.
    """
    preset = PRESETS.get(spectrogram.preset)
    if preset is None:
        raise InputError(f"preset {spectrogram.preset!r} is unknown; there are {', '.join(PRESETS)}")
    shape = spectrogram.values.shape
    if len(shape) != 2 or shape[0] != preset.n_bands or shape[1] == 0:
        raise InputError(f"shape {shape}; {preset.name} has {preset.n_bands} bands and at least one frame")
    if not np.isfinite(spectrogram.values).all():
        raise InputError("the spectrogram has values that are not finite numbers; make it again")


def require(spectrogram: Spectrogram, preset: str, model: str) -> None:
    """Refuse a spectrogram of another preset than a vocoder's own.

    Raises
    ------
    InputError
        With the preset that is needed.
    """
    if spectrogram.preset != preset:
        others = "source-filter or griffin-lim" if spectrogram.performance is not None else "griffin-lim"
        raise InputError(f"preset {spectrogram.preset}; {model} was trained on {preset}: use --model {others}")


def played_in(spectrogram: Spectrogram) -> Performance:
    """The performance that a spectrogram keeps.

    Raises
    ------
    InputError
        When it keeps none, or one without notes.
    """
    if spectrogram.performance is None or len(spectrogram.performance.notes) == 0:
        raise InputError(
            "the spectrogram keeps no performance, as those of perfsynth synth-mel do; use --model griffin-lim"
        )
    return spectrogram.performance


def said(spectrogram: Spectrogram, option: str) -> str:
    """What the last step that says so made the spectrogram with; nothing where none does."""
    said = [step.options[option] for step in spectrogram.history if step.options.get(option)]
    return str(said[-1]) if said else ""
