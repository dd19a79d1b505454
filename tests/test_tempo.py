"""Beats to seconds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfsynth.tempo import beats_to_seconds, scaled_to, tempo_map
from perfsynth.types import TEMPO

tempos = st.lists(
    st.tuples(st.floats(-4, 200), st.floats(10, 400)), min_size=1, max_size=8, unique_by=lambda row: round(row[0], 3)
).map(lambda rows: tempo_map(np.array(rows, TEMPO)))


def test_an_empty_map_is_120_bpm() -> None:
    assert tempo_map(np.zeros(0, TEMPO)).tolist() == [(0.0, 120.0)]


def test_the_last_of_two_tempi_at_one_place_wins() -> None:
    assert tempo_map(np.array([(4, 90), (0, 60), (0, 70)], TEMPO)).tolist() == [(0.0, 70.0), (4.0, 90.0)]


def test_by_hand() -> None:
    rows = np.array([(0, 60), (4, 120), (8, 30)], TEMPO)
    beats = np.array([-1.0, 0.0, 2.0, 4.0, 6.0, 8.0, 9.0])
    assert beats_to_seconds(beats, rows).tolist() == [-1.0, 0.0, 2.0, 4.0, 5.0, 6.0, 8.0]


def test_beat_0_is_second_0_wherever_the_map_begins() -> None:
    rows = np.array([(-2, 60), (0, 120)], TEMPO)
    assert beats_to_seconds(np.array([-2.0, 0.0, 2.0]), rows).tolist() == [-2.0, 0.0, 1.0]


@given(tempos, st.floats(-4, 200), st.floats(0.01, 100))
def test_time_is_the_integral_of_the_beat_period(rows: np.ndarray, begin: float, length: float) -> None:
    grid = np.linspace(begin, begin + length, 2001)
    middle = (grid[1:] + grid[:-1]) / 2
    current = np.clip(np.searchsorted(rows["onset_beat"], middle, side="right") - 1, 0, len(rows) - 1)
    expected = (np.diff(grid) * 60 / rows["quarter_bpm"][current]).sum()
    seconds = np.diff(beats_to_seconds(grid[[0, -1]], rows))[0]
    assert seconds == pytest.approx(expected, abs=len(rows) * length / 2000 * 6 + 1e-9)


@given(tempos, st.floats(1, 1000))
def test_scaling_meets_the_mean_tempo(rows: np.ndarray, bpm: float) -> None:
    scaled = scaled_to(rows, bpm, start_beat=-4.0, end_beat=100.0)
    seconds = np.diff(beats_to_seconds(np.array([-4.0, 100.0]), scaled))[0]
    assert 60 * 104 / seconds == pytest.approx(bpm)


def test_an_empty_stretch_has_the_tempo_asked_for() -> None:
    assert scaled_to(tempo_map(np.zeros(0, TEMPO)), 90.0, start_beat=3.0, end_beat=3.0).tolist() == [(3.0, 90.0)]


def test_what_is_given_is_left_as_it_was() -> None:
    rows = np.array([(4, 90), (0, 60)], TEMPO)
    before = rows.copy()
    scaled_to(tempo_map(rows), 30.0, start_beat=0.0, end_beat=8.0)
    tempo_map(rows)["quarter_bpm"] = 1.0
    assert rows.tolist() == before.tolist()


@given(tempos, st.lists(st.floats(-100, 1000), min_size=2, max_size=20))
def test_a_later_beat_is_a_later_second(rows: np.ndarray, beats: list[float]) -> None:
    seconds = beats_to_seconds(np.sort(np.array(beats)), rows)
    assert (np.diff(seconds) >= 0).all()
    assert np.array_equal(
        beats_to_seconds(np.array(beats), rows), seconds[np.argsort(np.argsort(beats, kind="stable"))]
    )
