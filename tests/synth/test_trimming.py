"""Velocity layers of one key are laid over each other by what they have in common."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.synth.trimming import aligned

RATE = 44100


def struck(hz: float, level: float, begin: int, thump: int = 0) -> np.ndarray:
    """(RATE, 2) a note that begins at a sample, with the thump of its key at another."""
    time_s = np.arange(RATE - begin) / RATE
    samples = np.zeros(RATE)
    for partial in (1.0, 2.02, 3.07, 4.17):  # inharmonic: no period is like the one before
        samples[begin:] += level / partial * np.sin(2 * np.pi * partial * hz * time_s) * np.exp(-8 * partial * time_s)
    if thump:
        samples[thump : thump + 200] += 0.1 * level * np.hanning(200)
    return np.stack([samples, 0.8 * samples], axis=1)


@pytest.mark.parametrize("hz", [60.0, 500.0, 1700.0, 3500.0])
@pytest.mark.parametrize("early_s", [0.003, 0.009, 0.013])
def test_the_thump_of_a_key_before_its_note_is_not_taken_for_it(hz: float, early_s: float) -> None:
    layers = [struck(hz, 0.05, 2000, 2000 - round(early_s * RATE)), struck(hz, 0.3, 1500), struck(hz, 0.6, 900)]
    begins = aligned(layers, RATE)
    assert np.ptp(np.subtract(begins, [2000, 1500, 900])) <= 2
    assert abs(begins[2] - 900) < 0.004 * RATE
