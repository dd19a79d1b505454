"""Matching onsets: as many pairs as there can be, each onset once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfsynth.errors import InputError
from perfsynth.evaluate.onsets import matches, onset_scores, written_s

TIMES = st.lists(st.integers(0, 300), max_size=8).map(lambda ms: np.sort(np.array(ms, float)) / 1000)


def most_pairs(one: np.ndarray, other: np.ndarray, window_s: float) -> int:
    """The largest one-to-one matching, by augmenting paths."""
    partner: dict[int, int] = {}

    def place(i: int, seen: set[int]) -> bool:
        for j in range(len(other)):
            if abs(one[i] - other[j]) <= window_s and j not in seen:
                seen.add(j)
                if j not in partner or place(partner[j], seen):
                    partner[j] = i
                    return True
        return False

    return sum(place(i, set()) for i in range(len(one)))


@given(TIMES, TIMES)
def test_the_matching_is_a_largest_one(one: np.ndarray, other: np.ndarray) -> None:
    assert matches(one, other, 0.05) == most_pairs(one, other, 0.05)


def test_scores_by_hand() -> None:
    found = onset_scores(np.array([0.0, 0.01, 1.0, 2.0]), np.array([0.02, 1.03]), 0.05)
    assert (found.precision, found.recall) == (0.5, 1.0)
    assert found.f1 == pytest.approx(2 / 3)
    assert onset_scores(np.array([]), np.array([]), 0.05).f1 == 1.0
    assert onset_scores(np.array([]), np.array([1.0]), 0.05).f1 == 0.0
    assert onset_scores(np.array([0.0]), np.array([1.0]), 0.05).f1 == 0.0


@pytest.mark.parametrize("wrong", [np.array([1.0, 0.5]), np.zeros((2, 2))])
def test_times_that_are_none_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(InputError):
        onset_scores(wrong, np.array([1.0]), 0.05)


def test_chords_are_one_onset() -> None:
    onsets = np.array([1.0, 0.0, 0.02, 0.029, 0.031, 5.0, -1.0])
    assert written_s(onsets, duration_s=4.0).tolist() == [0.0, 0.031, 1.0]
