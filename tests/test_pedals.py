"""Pedals mean the same to what measures, learns from and sounds a performance."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.expression import sounding_s
from perfsynth.pedals import moves, pedal_at
from perfsynth.synth.action import strike
from perfsynth.synth.roll import sounding
from perfsynth.types import CONTROL, PERFORMED_NOTE, SOFT, SUSTAIN, Performance

UP_AND_DOWN = [(0.2, SUSTAIN, 127, 0), (2.0, SUSTAIN, 0, 0), (2.5, SUSTAIN, 127, 0), (4.0, SUSTAIN, 0, 0)]
NEVER_LIFTED = [(0.2, SUSTAIN, 127, 0)]
ANOTHER_PART_UP = [(0.2, SUSTAIN, 127, 0), (0.3, SUSTAIN, 0, 1), (2.0, SUSTAIN, 0, 0)]
ANOTHER_PART_LONGER = [(0.2, SUSTAIN, 127, 0), (0.3, SUSTAIN, 80, 1), (2.0, SUSTAIN, 0, 0), (3.0, SUSTAIN, 0, 1)]


def played(controls: list[tuple]) -> Performance:
    notes = np.zeros(3, PERFORMED_NOTE)
    notes["onset_s"], notes["duration_s"], notes["velocity"] = [0.0, 1.0, 2.8], [0.5, 0.3, 0.4], 64
    notes["pitch"] = [60, 64, 67]
    return Performance(notes, np.array(controls, CONTROL))


@pytest.mark.parametrize(
    ("controls", "end_s"),
    [
        (UP_AND_DOWN, [2.0, 2.0, 4.0]),
        (NEVER_LIFTED, [3.2, 3.2, 3.2]),
        (ANOTHER_PART_UP, [2.0, 2.0, 3.2]),
        (ANOTHER_PART_LONGER, [3.0, 3.0, 3.2]),
        ([], [0.5, 1.3, 3.2]),
    ],
)
def test_what_is_measured_is_what_is_learned_from_in_any_order(controls: list[tuple], end_s: list[float]) -> None:
    for order in (controls, controls[::-1]):
        performance = played(order)
        notes = performance.notes
        sound_s = sounding_s(notes["onset_s"], notes["duration_s"], performance.controls)
        np.testing.assert_allclose(notes["onset_s"] + sound_s, end_s)
        np.testing.assert_allclose(sounding(performance)["end_s"], end_s)


def test_the_dampers_of_a_piano_fall_then() -> None:
    strikes = strike(played(ANOTHER_PART_LONGER))
    falling = strikes.breakpoint_s[strikes.breakpoint_offset[0] + 1]
    assert falling == pytest.approx(3.0, abs=0.05), "the first string begins to be damped"


def test_a_pedal_is_up_at_first_and_pedals_are_apart() -> None:
    controls = played(UP_AND_DOWN).controls
    assert pedal_at(controls, np.array([[0.0, 0.2], [1.9, 2.0]])).tolist() == [[False, True], [True, False]]
    assert moves(controls, SOFT)[1].tolist() == [0.0]
