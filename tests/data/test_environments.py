"""Environments: each part of one does to a recording what it says, and the plain one nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perfsynth.data.environments import PLAIN, RATE, Environment, environments, first, record
from perfsynth.synth.core import synthesize
from perfsynth.types import Audio, Performance
from tests.synth.modal_instrument import played

MUSIC = played((0.2, 0.6, 69, 100))
DRY = {"resonance": 0.0, "pedal_noise": 0.0}


def recorded(environment: Environment, music: Performance = MUSIC, length_s: float = 1.5) -> Audio:
    return record(music, "modal", DRY, environment, length_s=length_s)


@pytest.fixture(scope="module")
def plain() -> np.ndarray:
    return recorded(PLAIN).samples


def spectrum(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.fft.rfftfreq(len(samples), 1 / RATE), np.abs(np.fft.rfft(samples[:, 0])) ** 2


def test_the_plain_one_is_the_engine_itself(plain: np.ndarray) -> None:
    whole = np.concatenate(list(synthesize(MUSIC, engine="modal", sample_rate=RATE, **DRY).blocks))
    assert np.array_equal(plain, first(whole, round(1.5 * RATE)))


def test_a_sharp_instrument_sounds_higher_at_the_same_time(plain: np.ndarray) -> None:
    sharp = recorded(Environment(cents=50)).samples
    hz, power = spectrum(sharp[round(0.3 * RATE) : round(0.8 * RATE)])
    near = (hz > 400) & (hz < 500)
    assert hz[near][power[near].argmax()] == pytest.approx(440 * 2 ** (50 / 1200), abs=2.5)
    onsets = [np.argmax(np.abs(one[:, 0]) > 0.05 * np.abs(one).max()) / RATE for one in (plain, sharp)]
    assert onsets[0] == pytest.approx(onsets[1], abs=0.003)


def test_a_tilt_is_straight_over_octaves_and_leaves_the_pivot(plain: np.ndarray) -> None:
    hz, before = spectrum(plain)
    _, after = spectrum(recorded(Environment(tilt_db=-1.5)).samples)
    for low, expected in ((420, -1.5 * np.log2(0.44)), (850, -1.5 * np.log2(0.88)), (1730, -1.5 * np.log2(1.76))):
        band = (hz > low) & (hz < 1.08 * low)
        assert 10 * np.log10(after[band].sum() / before[band].sum()) == pytest.approx(expected, abs=0.3)


def test_noise_rooms_and_touch(plain: np.ndarray) -> None:
    noisy = recorded(Environment(noise_db=-40)).samples - plain
    assert 20 * np.log10(noisy.std()) == pytest.approx(-40, abs=0.1)
    roomy = recorded(Environment(room="hall")).samples
    tail = slice(round(1.2 * RATE), None)
    assert (roomy[tail] ** 2).sum() > 4 * (plain[tail] ** 2).sum()
    heavy = recorded(Environment(touch=2.0)).samples
    soft = recorded(PLAIN, replace(MUSIC, notes=_at(round(127 * (100 / 127) ** 2)))).samples
    assert np.array_equal(heavy, soft)


def _at(velocity: int) -> np.ndarray:
    notes = MUSIC.notes.copy()
    notes["velocity"] = velocity
    return notes


def test_drawn_ones_differ_and_are_the_same_each_time() -> None:
    made = environments(5, seed=3)
    assert made[0] == PLAIN
    assert [one.name for one in made[1:]] == ["e1", "e2", "e3", "e4", "e5"]
    assert made == environments(5, seed=3)
    assert made[:3] == environments(2, seed=3)
    assert len({one.cents for one in made}) == 6
    assert environments(2, seed=4)[1] != made[1]


def test_a_short_performance_ends_in_silence() -> None:
    assert first(np.ones((3, 2)), 5).tolist() == [[1, 1], [1, 1], [1, 1], [0, 0], [0, 0]]
