"""Which model does what: its stage, where its code lives, in one line each. Imports nothing heavy.

A model is a function of its stage's shape, named ``module:function``. Adding a system is adding its file and
one entry here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from perfsynth.errors import UsageError


@dataclass(frozen=True)
class Model:
    """A named system: what stage it serves, where it lives, what it is in a sentence."""

    name: str
    stage: str
    target: str  # "module:function"
    summary: str
    license: str = "MIT"
    source: str = ""  # the paper it follows

    def load(self) -> Callable[..., Any]:
        """Import the function behind the name."""
        module, function = self.target.split(":")
        loaded: Callable[..., Any] = getattr(import_module(module), function)
        return loaded


# The first model of a stage is its default.
MODELS: tuple[Model, ...] = (
    Model(
        "deadpan",
        "render-performance",
        "perfsynth.perform.deadpan:perform",
        "the score as written: its tempo marks, its dynamics as velocity, its articulation as duration",
    ),
    Model(
        "modal",
        "synth-audio",
        "perfsynth.synth.modal.engine:stream",
        "a grand of partials, shaped noise and recorded attacks; nothing to install",
        license="model: CC BY 3.0, after samples by Alexander Holm",
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
