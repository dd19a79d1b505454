"""When notes stop sounding: strings of known damping."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.align.bands import Bands, bands
from perfsynth.align.sound_offs import overall_falls, sound_off_s, struck_again_s

RATE = 22050
PITCH = np.array([60, 64, 67, 72, 55, 59, 62, 67])
ONSET_S = 0.5 + 0.25 * np.arange(8)
OFFSET_S = ONSET_S + 0.2
PEDAL_UP_S = 2.9  # after all keys but the last


def strings(end_s: np.ndarray) -> Bands:
    """Decaying tones of six partials that are damped at `end_s`."""
    audio = np.random.default_rng(1).normal(0, 1e-4, 5 * RATE).astype(np.float32)
    for pitch, begin, end in zip(PITCH, ONSET_S, end_s, strict=True):
        time_s = np.arange(len(audio)) / RATE - begin
        envelope = np.exp(-0.5 * time_s) * np.where(begin + time_s > end, np.exp(-(begin + time_s - end) / 0.03), 1)
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * k * hertz * time_s) / k for k in range(1, 7))
        audio += np.where(time_s >= 0, 0.1 * envelope * tone, 0).astype(np.float32)
    return bands(audio)


@pytest.fixture(scope="module")
def dry() -> np.ndarray:
    return sound_off_s(strings(OFFSET_S), PITCH, ONSET_S, OFFSET_S)


@pytest.fixture(scope="module")
def pedalled() -> np.ndarray:
    again_s = struck_again_s(PITCH, ONSET_S)
    return sound_off_s(strings(np.minimum(np.full(8, PEDAL_UP_S), again_s)), PITCH, ONSET_S, OFFSET_S)


def test_damped_strings_end_with_their_keys(dry: np.ndarray) -> None:
    assert np.median(dry - OFFSET_S) < 0.05
    assert (dry >= OFFSET_S).all()


def test_a_pedal_is_heard(dry: np.ndarray, pedalled: np.ndarray) -> None:
    free = np.isinf(struck_again_s(PITCH, ONSET_S))
    assert (pedalled[free] > dry[free]).all()
    assert np.mean(pedalled[free] - dry[free]) > 0.4


def test_a_string_that_is_struck_again_sounds_no_longer(pedalled: np.ndarray) -> None:
    assert PITCH[2] == PITCH[7]
    assert OFFSET_S[2] <= pedalled[2] <= ONSET_S[7] + 1e-9


def test_notes_that_are_not_played_stay_unknown() -> None:
    onset_s, offset_s = ONSET_S.copy(), OFFSET_S.copy()
    onset_s[3], offset_s[3] = np.nan, np.nan
    found = sound_off_s(strings(OFFSET_S), PITCH, onset_s, offset_s)
    assert np.isnan(found).tolist() == [row == 3 for row in range(8)]


def test_strokes_of_one_string() -> None:
    again_s = struck_again_s(np.array([60, 62, 60, 60]), np.array([0.0, 0.5, 1.0, 3.0]))
    assert again_s.tolist() == [1.0, np.inf, 3.0, np.inf]


def test_falls_equal_a_plain_reference() -> None:
    levels = np.random.default_rng(0).random((80, 88)).astype(np.float32)
    falls = overall_falls(levels)
    for column, reach in enumerate((10, 26)):
        plain = [
            np.maximum(levels[t - reach] - levels[t + reach], 0).mean() if reach <= t < 80 - reach else 0.0
            for t in range(80)
        ]
        np.testing.assert_allclose(falls[:, column], plain, atol=1e-6)
    assert not overall_falls(levels[:15]).any()
