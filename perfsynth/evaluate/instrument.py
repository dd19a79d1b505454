"""Which instrument a recording sounds like, by a fixed classifier.

Wang and Yang 2019 propose an instrument classifier as a measure of timbre. A trained one would judge by what it was
trained on; this one asks directly: several instruments play the same performance, and the one with the least Frechet
distance of modulation features (`frechet`) is what the recording sounds like. The notes being the same, only the
sound is left to differ.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from perfsynth.dsp.mel import PRESETS, spectrogram
from perfsynth.dsp.mixing import mixed
from perfsynth.errors import InputError
from perfsynth.evaluate.frechet import frechet_distance, modulations
from perfsynth.evaluate.matching import levelled

# By name: General MIDI program, from 0.
INSTRUMENTS = {
    "piano": 0,
    "electric piano": 4,
    "harpsichord": 6,
    "vibraphone": 11,
    "church organ": 19,
    "guitar": 24,
    "violin": 40,
    "strings": 48,
    "harp": 46,
    "flute": 73,
}


def timbre_distances(audio: np.ndarray, instruments: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The distance of a recording from each instrument, the nearest first.

    Parameters
    ----------
    audio
        (n, n_channels) float at 44.1 kHz.
    instruments
        By name, the same performance at the same rate.

    Raises
    ------
    InputError
        When there are fewer than two instruments, or a recording is silent.
    """
    if len(instruments) < 2:
        raise InputError(f"{len(instruments)} instruments to choose from; at least two are needed")
    # Tails of unlike length would weigh more than the timbre.
    length = min(len(audio), *(len(sound) for sound in instruments.values()))
    own = _features(audio[:length], "generated")
    found = {name: frechet_distance(own, _features(sound[:length], name)) for name, sound in instruments.items()}
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


def _features(audio: np.ndarray, name: str) -> np.ndarray:
    level, _ = levelled(mixed(audio)[:, None], name=name)
    return modulations(spectrogram(level[:, 0], PRESETS["perfsynth-44k"]))
