"""perfsynth plays a music score as a person would.

The commands of the shell are functions here, on the types of `perfsynth.types`::

    score = perfsynth.load("score.musicxml")
    performance = perfsynth.perform(score, bpm=96)
    perfsynth.save(perfsynth.sound(performance), "out.wav")

or all at once: ``perfsynth.save(perfsynth.render(perfsynth.load("score.musicxml")), "out.wav")``.
``perfsynth.align(perfsynth.load("recording.flac"), score)`` says when each note of the score is played.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from perfsynth.version import __version__

if TYPE_CHECKING:
    from perfsynth.align.core import align
    from perfsynth.files import load, save
    from perfsynth.perform.core import perform
    from perfsynth.pipeline import render, sound
    from perfsynth.synth.core import synthesize
    from perfsynth.synth.spectrogram import synthesize_spectrogram
    from perfsynth.tokens.core import detokenize, tokenize
    from perfsynth.vocode.core import vocode

# Loaded on first use: importing perfsynth costs nothing.
_HOMES = {
    "load": "perfsynth.files",
    "save": "perfsynth.files",
    "synthesize": "perfsynth.synth.core",
    "synthesize_spectrogram": "perfsynth.synth.spectrogram",
    "sound": "perfsynth.pipeline",
    "render": "perfsynth.pipeline",
    "tokenize": "perfsynth.tokens.core",
    "detokenize": "perfsynth.tokens.core",
}

_VERBS = ("align", "perform", "vocode")  # packages that are called

__all__ = [
    "__version__", "align", "detokenize", "load", "perform", "render", "save", "sound", "synthesize",
    "synthesize_spectrogram", "tokenize", "vocode",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _VERBS:
        return import_module(f"perfsynth.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'perfsynth' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
