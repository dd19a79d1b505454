"""Which model does what: its stage, where its code lives, in one line each. Imports nothing heavy.

A model is a function of its stage's shape, named ``module:function``. Adding a system is adding its file and
one entry here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from perfsynth.errors import UsageError
from perfsynth.known import kind_of


@dataclass(frozen=True)
class Model:
    """A named system: what stage it serves, where it lives, what it is in a sentence."""

    name: str
    stage: str
    target: str  # "module:function"
    summary: str
    license: str = "MIT"
    source: str = ""  # the paper it follows
    config: str = ""  # in configs/: what trains it, for a model that needs weights
    weights: str = ""  # its folder in pretrained/, where that is not its name

    @property
    def folder(self) -> str:
        """In pretrained/: what ships of it, with its card."""
        return self.weights or self.name

    def load(self) -> Callable[..., Any]:
        """Import the function behind the name."""
        module, function = self.target.split(":")
        loaded: Callable[..., Any] = getattr(import_module(module), function)
        return loaded


# The first model of a stage is its default.
MODELS: tuple[Model, ...] = (
    Model(
        "cantabile",
        "render-performance",
        "perfsynth.perform.cantabile.model:perform",
        "tempo, dynamics, articulation and pedal of a pianist, learned from human performances",
        license="weights: CC BY-NC-SA 4.0, trained on (n)ASAP",
        config="cantabile.toml",
    ),
    Model(
        "deadpan",
        "render-performance",
        "perfsynth.perform.deadpan:perform",
        "the score as written: its tempo marks, its dynamics as velocity, its articulation as duration",
    ),
    Model(
        "m2m",
        "render-performance",
        "perfsynth.perform.m2m:perform",
        "note by note as tokens, each drawn on its own",
        license="weights: CC BY-NC-SA 4.0, trained on (n)ASAP",
        source="Tang et al. 2025, M2M",
        config="m2m.toml",
    ),
    Model(
        "deep-performer-align",
        "render-performance",
        "perfsynth.perform.deep_performer_align:perform",
        "onsets and durations regressed from the score; no dynamics",
        license="weights: CC BY-NC-SA 4.0, trained on (n)ASAP",
        source="Dong et al. 2022, alignment model",
        config="deep-performer-align.toml",
    ),
    Model(
        "modal",
        "synth-audio",
        "perfsynth.synth.modal.engine:stream",
        "a grand of partials, shaped noise and recorded attacks; nothing to install",
        license="model: CC BY 3.0, after samples by Alexander Holm",
        weights="modal-salamander",
    ),
    Model(
        "fluidsynth",
        "synth-audio",
        "perfsynth.synth.fluidsynth:stream",
        "any General MIDI soundfont through the FluidSynth program",
    ),
    Model(
        "sampler",
        "synth-audio",
        "perfsynth.synth.sampler:stream",
        "a sampled grand, 16 layers cross-faded; fetch it with perfsynth data salamander",
        license="samples: CC BY 3.0, Alexander Holm",
    ),
    Model(
        "neural",
        "synth-audio",
        "perfsynth.synth.neural:stream",
        "the modal piano, coloured by a network that has heard other pianos",
        license="weights: CC BY-NC-SA 4.0, trained on (n)ASAP",
        config="neural-piano.toml",
    ),
    Model(
        "violin",
        "synth-audio",
        "perfsynth.synth.deep_performer_violin:stream",
        "a violin: deep-performer's bands of real recordings, sounded by a bowed string; 16 kHz",
        license="weights: CC BY-NC-SA 4.0, trained on (n)ASAP and the Bach Violin Dataset",
        source="Dong et al. 2022, synthesis model",
        config="deep-performer-violin.toml",
    ),
    Model(
        "deep-performer",
        "synth-audio",
        "perfsynth.synth.deep_performer:stream",
        "bands of a piano predicted from its notes, and the modal piano filtered to them; 16 kHz",
        license="weights: CC BY-NC-SA 4.0, trained on (n)ASAP",
        source="Dong et al. 2022, synthesis model",
        config="deep-performer-small.toml",
    ),
    Model(
        "performancenet",
        "synth-audio",
        "perfsynth.synth.performancenet:stream",
        "piano rolls to linear frequencies by convolutions, then Griffin-Lim",
        source="Wang and Yang 2019",
        config="performancenet.toml",
    ),
    Model(
        "lan-rnn",
        "synth-audio",
        "perfsynth.synth.lan_rnn:stream",
        "samples straight from the keys, by a recurrent network in both directions; 16 kHz",
        source="Lan, Leung and Yang",
        config="lan-rnn.toml",
    ),
    Model(
        "m2a",
        "synth-audio",
        "perfsynth.synth.m2a:stream",
        "a piano roll to semitone bands by a Transformer, and to sound by convolutions; 24 kHz",
        source="Tang et al. 2025, M2A; Shi et al. 2023",
        config="m2a.toml",
    ),
    Model(
        "m2a-baseline",
        "synth-audio",
        "perfsynth.synth.m2a_baseline:stream",
        "the same from the score as written, without a performance between",
        source="Tang et al. 2025, baseline",
        config="m2a-baseline.toml",
    ),
    Model(
        "hifigan-roll",
        "synth-audio",
        "perfsynth.synth.hifigan_roll:stream",
        "samples straight from piano rolls, by convolutions that learnt from discriminators; 16 kHz",
        source="Dong et al. 2022, baseline",
        config="hifigan-roll.toml",
    ),
    Model(
        "modal",
        "synth-mel",
        "perfsynth.synth.spectrogram:modal",
        "the spectrogram of the modal piano, in any preset",
        license="model: CC BY 3.0, after samples by Alexander Holm",
        weights="modal-salamander",
    ),
    Model(
        "neural",
        "synth-mel",
        "perfsynth.synth.neural:predict",
        "the spectrogram of the neural piano",
        license="weights: CC BY-NC-SA 4.0, trained on (n)ASAP",
        config="neural-piano.toml",
    ),
    Model(
        "deep-performer",
        "synth-mel",
        "perfsynth.synth.deep_performer:predict",
        "note encoder, polyphonic mixer, decoder; 16 kHz",
        license="weights: CC BY-NC-SA 4.0, trained on (n)ASAP",
        source="Dong et al. 2022, synthesis model",
        config="deep-performer-small.toml",
    ),
    Model(
        "m2a",
        "synth-mel",
        "perfsynth.synth.m2a:predict",
        "a piano roll to semitone bands by a Transformer; 24 kHz",
        source="Tang et al. 2025, M2A; Shi et al. 2023",
        config="m2a.toml",
    ),
    Model(
        "m2a-baseline",
        "synth-mel",
        "perfsynth.synth.m2a_baseline:predict",
        "the same from the score as written, without a performance between",
        source="Tang et al. 2025, baseline",
        config="m2a-baseline.toml",
    ),
    Model(
        "performancenet",
        "synth-mel",
        "perfsynth.synth.performancenet:predict",
        "piano rolls to linear frequencies by convolutions, to sound by Griffin-Lim",
        source="Wang and Yang 2019",
        config="performancenet.toml",
    ),
    Model(
        "source-filter",
        "vocode",
        "perfsynth.vocode.source_filter:vocode",
        "what a spectrogram is of, played by an engine and filtered to its bands; every preset, nothing trained",
    ),
    Model(
        "griffin-lim",
        "vocode",
        "perfsynth.vocode.griffin_lim:vocode",
        "phases found by iteration; takes every preset, trained on nothing",
        source="Griffin and Lim 1984; Perraudin et al. 2013",
    ),
    Model(
        "hifigan",
        "vocode",
        "perfsynth.vocode.hifigan:vocode",
        "convolutions that learnt the mel distance; 16 kHz",
        source="Kong et al. 2020, version 2; Dong et al. 2022, inversion model",
        config="hifigan-small.toml",
        license="weights: CC BY-NC-SA 4.0, trained on (n)ASAP",
    ),
    Model(
        "neural",
        "vocode",
        "perfsynth.vocode.neural:vocode",
        "source-filter, gone on with by a network that has heard pianos and rooms; 44.1 kHz",
        license="weights: CC BY-NC-SA 4.0, trained on (n)ASAP",
        config="neural-vocoder.toml",
        weights="neural-vocoder",
    ),
    Model(
        "m2a",
        "vocode",
        "perfsynth.vocode.m2a:vocode",
        "convolutions that learnt from discriminators, for semitone bands; 24 kHz",
        source="Kong et al. 2020, version 1; Shi et al. 2023",
        config="m2a-vocoder.toml",
    ),
    Model(
        "seed",
        "tokenize",
        "perfsynth.tokens.seed:encode",
        "six integers a note on a grid of 1/192 s",
        source="Tang et al. 2025, section on M2M",
    ),
)


def names(stage: str) -> tuple[str, ...]:
    """The models of a stage, the default first."""
    return tuple(model.name for model in MODELS if model.stage == stage)


def get(name: str, stage: str) -> Model:
    """Find a model by name; ``auto`` is the stage's default.

    Raises
    ------
    UsageError
        When the stage has no model of that name.
    """
    models = [model for model in MODELS if model.stage == stage]
    for model in models:
        if name in (model.name, "auto"):
            return model
    raise UsageError(f"{name!r} is no model of {stage}; it has {', '.join(m.name for m in models)}")


def options(stage: str) -> set[str]:
    """What the models of a stage can be asked for, beside what they work on: the names of their parameters."""
    parameters = [inspect.signature(model.load()).parameters for model in MODELS if model.stage == stage]
    return {name for each in parameters for name in list(each)[1:]}


def choose(
    name: str, stage: str, options: dict[str, Any], *, without: tuple[str, ...] = ()
) -> tuple[Model, Callable[..., Any], set[str]]:
    """The model of a name, its function and the parameters that takes.

    ``auto`` is the first that takes `options` and is not among those to go without.

    An instrument whose first word is the name of a model is played by that.

    Raises
    ------
    UsageError
        When there is no such model, or it takes no such option.
    """
    found = []
    instrument = kind_of(str(options.get("instrument", "")))
    if name == "auto" and instrument in names(stage):
        name = instrument
    able = [each for each in names(stage) if each not in without]
    for candidate in able if name == "auto" else (name,):
        model = get(candidate, stage)
        function = model.load()
        taken = set(inspect.signature(function).parameters)
        found.append((model, sorted(options.keys() - taken)))
        if not found[-1][1]:
            return model, function, taken
    if name == "auto" and len(options) > 1 and len(found) > 1:
        asked = ", ".join(_flag(option, value) for option, value in options.items())
        raise UsageError(f"no model of {stage} takes {asked} together; leave one out")
    model, unknown = found[0]
    raise UsageError(f"{model.name} takes no {_flag(unknown[0], options[unknown[0]])}; leave it out")


def _flag(option: str, value: object) -> str:
    """An option as it is typed."""
    return f"--{'no-' if value is False else ''}{option.replace('_', '-')}"
