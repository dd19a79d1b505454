"""What a performance adds to its score: values worked out by hand, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.expression import chords, joined, measure, played_notes, sounding_s, time_at
from perfsynth.pedals import pedal_at
from perfsynth.types import CONTROL, PERFORMED_NOTE, SCORE_NOTE, SUSTAIN, Performance, Score
from tests.evaluate import played


def notes_of(*rows: tuple[float, float, int, int]) -> np.ndarray:
    """Score notes from (onset, duration, pitch, grace)."""
    notes = np.zeros(len(rows), SCORE_NOTE)
    for index, (onset, duration, pitch, grace) in enumerate(rows):
        notes[index] = (f"n{index}", onset, duration, pitch, 0, 0, 1, 1, grace, 0)
    return notes


def performed(*rows: tuple[float, float]) -> np.ndarray:
    """Performed notes from (onset, duration), of `notes_of` in order."""
    return np.array([(f"n{i}", onset, length, 60, 64, 0) for i, (onset, length) in enumerate(rows)], PERFORMED_NOTE)


def test_a_performance_worked_out_by_hand() -> None:
    # A chord of two, a grace note, a note at 1, one at 2 that lasts two beats.
    notes = notes_of((0, 1, 60, 0), (0, 1, 64, 0), (1, 0, 67, 1), (1, 1, 65, 0), (2, 2, 60, 0))
    found = measure(notes, performed((0.9, 0.5), (1.1, 0.25), (1.4, 0.1), (1.5, 1.0), (2.5, 1.0)), np.arange(5))
    assert found.chord.tolist() == [0, 0, -1, 1, 2]
    np.testing.assert_allclose(found.chord_time_s, [1.0, 1.5, 2.5])
    np.testing.assert_allclose(found.asynchrony_s, [-0.1, 0.1, np.nan, 0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(found.log_beat_period, np.log([0.5, 1.0]))
    # Held 0.5 of 0.5 s, 0.25 of 0.5, 1 of 1; the last one 1 s of two beats at the last tempo known, 0.75 s a beat.
    np.testing.assert_allclose(found.articulation, [0.0, -1.0, np.nan, 0.0, np.log2(1 / 1.5)], atol=1e-12)


def test_a_chord_nobody_played_is_interpolated() -> None:
    notes = notes_of((0, 1, 60, 0), (1, 1, 62, 0), (2, 1, 64, 0))
    found = measure(notes, performed((0.0, 0.5), (1.0, 0.5)), np.array([0, -1, 1]))
    np.testing.assert_allclose(found.chord_time_s, [0.0, 0.5, 1.0])
    assert found.chord_played.tolist() == [True, False, True]
    assert np.isnan(found.velocity[1]) and np.isnan(found.asynchrony_s[1])


def test_chords_take_together_what_rounding_parts_and_leave_out_graces() -> None:
    index, beats = chords(notes_of((1 / 3, 1, 60, 0), (0.3333, 1, 64, 0), (0.5, 0, 65, 1), (0.5, 1, 67, 0)))
    assert index.tolist() == [0, 0, -1, 1]
    np.testing.assert_allclose(beats, [0.3333, 0.5])


def test_time_goes_on_at_the_tempo_of_the_nearest_beats() -> None:
    beat, time_s = np.arange(9.0), np.concatenate([np.arange(5.0), 4 + 0.5 * np.arange(1, 5)])
    np.testing.assert_allclose(time_at(np.array([-1.0, 0.5, 9.0]), beat, time_s), [-1.0, 0.5, 6.5])


def test_a_single_chord_has_a_time_everywhere() -> None:
    np.testing.assert_allclose(time_at(np.array([1.0, 3.0]), np.array([1.0]), np.array([2.0])), [2.0, 3.0])


def test_the_pedal_is_down_from_64_and_holds_keys_until_it_is_lifted() -> None:
    controls = np.array(
        [(1.0, SUSTAIN, 64, 0), (2.0, SUSTAIN, 63, 0), (3.0, SUSTAIN, 127, 0), (3.5, 67, 0, 0)], CONTROL
    )
    assert pedal_at(controls, np.array([0.5, 1.0, 1.9, 2.0, 4.0])).tolist() == [False, True, True, False, True]
    onset_s, duration_s = np.array([0.0, 0.0, 3.0]), np.array([0.5, 1.5, 0.5])
    # Released before the pedal; held by it until 2 s; held by one that is never lifted.
    np.testing.assert_allclose(sounding_s(onset_s, duration_s, controls), [0.5, 2.0, 0.5])


def test_notes_are_joined_by_id() -> None:
    notes = notes_of((0, 1, 60, 0), (1, 1, 62, 0), (2, 1, 64, 0))
    played_by = Performance(
        np.array([("n2", 0, 1, 64, 64, 0), ("", 0, 1, 1, 64, 0), ("n0", 0, 1, 60, 64, 0)], PERFORMED_NOTE)
    )
    assert played_notes(Score(notes), played_by).tolist() == [2, -1, 0]
    bears = joined(Score(notes), played_by, np.array([1, -1, 0])).notes["note_id"]
    assert bears.tolist() == ["n2", "n0", ""]


@pytest.mark.parametrize("names", [("n1", "other"), ("other", "n1"), ("other",)])
def test_a_key_that_two_notes_of_the_page_share_may_bear_the_name_of_either(names: tuple[str, ...]) -> None:
    score = Score(notes_of((0, 1, 60, 0), (1, 1, 62, 0)), doubled={"other": "n1"})
    struck = np.array([(name, index, 1, 62, 64, 0) for index, name in enumerate(names)], PERFORMED_NOTE)
    assert played_notes(score, Performance(struck)).tolist() == [-1, names.index("n1") if "n1" in names else 0]


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_a_slower_tempo_is_nothing_but_a_slower_tempo(factor: float) -> None:
    score = played.score()
    one, other = played.human(score, 1), played.slower(played.human(score, 1), factor)
    here, there = (measure(score.notes, side.notes, played_notes(score, side)) for side in (one, other))
    np.testing.assert_allclose(there.log_beat_period - here.log_beat_period, np.log(factor))
    np.testing.assert_allclose(there.articulation, here.articulation, atol=1e-9)
    np.testing.assert_allclose(there.asynchrony_s, factor * here.asynchrony_s, atol=1e-9)
