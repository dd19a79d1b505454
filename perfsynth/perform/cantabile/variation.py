"""Other interpretations: slow drifts of tempo, dynamics and articulation, never noise from note to note."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PERIODS = (4.0, 8.0, 16.0, 32.0, 64.0)  # beats: from a bar to a section
AMPLITUDE = 0.45  # in units of the learned curve's spread, at temperature 1
WAVES = 6  # a period


@dataclass(frozen=True)
class Drift:
    """Curves over the chords, to be added to the learned ones; mean 0."""

    tempo: np.ndarray
    velocity: np.ndarray
    articulation: np.ndarray


def drift(beat: np.ndarray, variation: int, seed: int, temperature: float) -> Drift:
    """The drifts of one variation; the same numbers give the same drifts."""
    rng = np.random.default_rng([seed, variation])
    curves = [_wave(beat, rng) for _ in range(3)]
    tempo, velocity, articulation = (AMPLITUDE * temperature * curve for curve in curves)
    return Drift(tempo, velocity - 0.3 * tempo, articulation)  # slower is a little softer


def _wave(beat: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A smooth random curve of mean 0 and spread 1: cosines of random phase around each of the periods."""
    periods = np.repeat(PERIODS, WAVES) * np.exp(rng.normal(0, 0.25, len(PERIODS) * WAVES))
    phases = rng.uniform(0, 2 * np.pi, len(periods))
    curve = np.cos(2 * np.pi * beat[:, None] / periods + phases).sum(axis=1) / np.sqrt(len(periods) / 2)
    return curve - curve.mean()
