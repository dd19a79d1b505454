"""Which instrument a recording sounds like: FluidSynth plays the same notes on several, and the nearest is named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from perfsynth.cli._progress import Progress

if TYPE_CHECKING:
    import numpy as np

    from perfsynth.types import Performance

MAX_S = 60.0  # of a long piece: timbre does not need more


def heard_as(
    sides: dict[str, np.ndarray], played: Performance, soundfont: str | None, progress: Progress
) -> dict[str, dict[str, float]]:
    """The distance of recordings, each (n, n_channels) at 44.1 kHz, from each instrument, the nearest first.

    Raises
    ------
    MissingError
        When there is no FluidSynth or no soundfont.
    """
    import soxr

    from perfsynth.evaluate.instrument import INSTRUMENTS, timbre_distances
    from perfsynth.evaluate.matching import RATE
    from perfsynth.synth.core import synthesize
    from perfsynth.types import Part

    length = min(round(MAX_S * RATE), *(len(side) for side in sides.values()))
    short = replace(
        played,
        notes=played.notes[played.notes["onset_s"] < length / RATE],
        controls=played.controls[played.controls["time_s"] < length / RATE],
    )
    sounds = {}
    for i, (name, program) in enumerate(INSTRUMENTS.items()):
        progress(f"playing the {name}", i / len(INSTRUMENTS))
        parts = tuple(Part(name, program) for _ in short.parts)
        audio = synthesize(replace(short, parts=parts), engine="fluidsynth", soundfont=soundfont).audio()
        sounds[name] = soxr.resample(audio.samples, audio.sample_rate, RATE)[:length]
    return {name: timbre_distances(side[:length], sounds) for name, side in sides.items()}
