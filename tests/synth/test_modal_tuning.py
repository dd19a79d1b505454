"""Temperaments by the intervals they are known for."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.errors import UsageError
from perfsynth.synth.modal import tuning


def interval(temperament: str, low: int, high: int) -> float:
    """Cents from one pitch class up to another."""
    deviation = tuning.cents(temperament)
    return float(((high - low) % 12) * 100 + deviation[high] - deviation[low])


def test_equal_temperament_changes_nothing() -> None:
    assert np.abs(tuning.ratios() - 1).max() < 1e-12


def test_concert_pitch_moves_every_key_alike() -> None:
    assert np.abs(tuning.ratios(415.0) - 415 / 440).max() < 1e-12


@pytest.mark.parametrize("temperament", tuning.NARROWED)
def test_the_a_is_where_concert_pitch_puts_it(temperament: str) -> None:
    assert tuning.ratios(442.0, temperament)[69 - 21] == pytest.approx(442 / 440)


# Barbour, Tuning and Temperament (1951): C C# D Eb E F F# G G# A Bb B in cents above C.
@pytest.mark.parametrize(
    ("temperament", "scale"),
    [
        ("pythagorean", [0, 114, 204, 294, 408, 498, 612, 702, 816, 906, 996, 1110]),
        ("meantone", [0, 76, 193, 310, 386, 503.5, 579, 697, 773, 890, 1007, 1083]),
        ("werckmeister", [0, 90, 192, 294, 390, 498, 588, 696, 792, 888, 996, 1092]),
        ("kirnberger", [0, 90, 193, 294, 386, 498, 590, 696.5, 792, 890, 996, 1088]),
        ("vallotti", [0, 94, 196, 298, 392, 502, 592, 698, 796, 894, 1000, 1090]),
    ],
)
def test_scales_are_those_of_the_books(temperament: str, scale: list[float]) -> None:
    assert [interval(temperament, 0, pitch) for pitch in range(12)] == pytest.approx(scale, abs=0.7)


def test_what_is_no_tuning_is_refused() -> None:
    with pytest.raises(UsageError, match="concert pitch 4400 Hz"):
        tuning.ratios(4400.0)
    with pytest.raises(UsageError, match=r"temperament sour: choose one of equal, "):
        tuning.ratios(440.0, "sour")
    with pytest.raises(UsageError, match="concert pitch nan"):
        tuning.ratios(float("nan"))
