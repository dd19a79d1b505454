"""Piano rolls: what sounds, what begins and ends, how far a note is, what the pedal does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsynth.synth.roll import audible, edge_roll, onset_roll, position_roll, sounding, sounding_roll
from perfsynth.types import SUSTAIN, Part
from tests.synth.modal_instrument import played

FRAME_S = 0.01


def test_the_pedal_holds_notes_until_it_comes_up_or_the_key_is_struck_again() -> None:
    pedal = [(0.5, SUSTAIN, 127, 0), (2.0, SUSTAIN, 0, 0)]
    table = sounding(
        played((0.0, 0.1, 60, 80), (0.6, 0.1, 62, 80), (1.0, 0.1, 64, 80), (1.5, 1.0, 64, 80), controls=pedal)
    )
    assert table["end_s"].tolist() == pytest.approx([0.1, 2.0, 1.5, 2.5])
    held = sounding(played((0.0, 0.1, 60, 80), (0.2, 0.6, 61, 80), controls=[(0.05, SUSTAIN, 100, 0)]))
    assert held["end_s"].tolist() == pytest.approx([0.8, 0.8])


def test_drums_and_notes_without_a_time_are_left_out() -> None:
    performance = played((0.0, 0.1, 60, 80), (np.nan, 1.0, 62, 80), (1.0, 0.1, 64, 80))
    performance.notes["part"][2] = 1
    table = sounding(replace(performance, parts=(Part(), Part(is_drum=True))))
    assert table["pitch"].tolist() == [60]


def test_rolls_of_a_note() -> None:
    table = sounding(played((0.02, 0.04, 60, 127)))
    assert sounding_roll(table, 0, 8, FRAME_S)[60].tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    assert edge_roll(table, 0, 8, FRAME_S)[60].tolist() == [0, 0, 1, 0, 0, 0, -1, 0]
    assert onset_roll(table, 0, 8, FRAME_S)[60].tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    assert position_roll(table, 0, 8, FRAME_S)[60].tolist() == pytest.approx([0, 0, 1, 0.75, 0.5, 0.25, 0, 0])
    assert audible(table, 12, FRAME_S, 0.02).tolist() == [True] * 8 + [False] * 4
    assert audible(table, 12, FRAME_S, 0.02, before=0).tolist() == [False] * 2 + [True] * 6 + [False] * 4


def test_a_repeated_note_begins_and_does_not_end() -> None:
    table = sounding(played((0.0, 0.03, 60, 80), (0.03, 0.03, 60, 80)))
    assert edge_roll(table, 0, 8, FRAME_S)[60].tolist() == [1, 0, 0, 1, 0, 0, -1, 0]


notes = st.lists(
    st.tuples(st.floats(0, 2), st.floats(0, 1), st.integers(0, 127), st.integers(1, 127)), min_size=1, max_size=12
)


@settings(max_examples=30, deadline=None)
@given(notes, st.integers(0, 150))
def test_a_cut_is_a_part_of_the_whole(rows: list[tuple[float, float, int, int]], first: int) -> None:
    table = sounding(played(*rows))
    for roll in (sounding_roll, edge_roll, onset_roll, position_roll):
        whole = roll(table, 0, 320, FRAME_S)
        assert np.allclose(roll(table, first, 100, FRAME_S), whole[:, first : first + 100])
        assert not roll(table, -100, 100, FRAME_S).any()


@settings(max_examples=30, deadline=None)
@given(notes)
def test_rolls_agree_with_each_other(rows: list[tuple[float, float, int, int]]) -> None:
    table = sounding(played(*rows))
    sounds, edges, onsets, position = (
        roll(table, 0, 320, FRAME_S) for roll in (sounding_roll, edge_roll, onset_roll, position_roll)
    )
    assert np.array_equal(sounds > 0, position > 0)
    assert np.array_equal(edges > 0, onsets > 0)
    assert np.all(position[onsets > 0] == 1)
    assert np.all(sounds[edges < 0] == 0)
