"""Playing the repeats: copies of rows along a path, worked out by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perfsynth.formats.unfold import legs_of, unfold, unfold_directions, unfold_notes, unfold_state
from perfsynth.types import DIRECTION, MEASURE, SCORE_NOTE, SLUR, TEMPO

A, B, C = (0.0, 4.0), (4.0, 8.0), (8.0, 10.0)


def notes(*rows: tuple[str, float, float, int]) -> np.ndarray:
    return np.array([(name, on, length, pitch, 0, 0, 1, 1, 0, 0) for name, on, length, pitch in rows], SCORE_NOTE)


def flags(*values: bool) -> np.ndarray:
    return np.array(values, bool)


def tied(leads_to: list[bool], leads_on: list[bool]) -> np.ndarray:
    return np.array([leads_to, leads_on]).T


def test_legs_follow_each_other_from_where_the_page_begins() -> None:
    legs = legs_of([(-1.0, 4.0), (0.0, 4.0), C])
    assert [(leg.begin, leg.end, leg.start) for leg in legs] == [(-1, 4, -1), (0, 4, 4), (8, 10, 8)]


@given(st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=6))
def test_every_leg_is_played_once_and_in_time(stretches: list[tuple[float, float]]) -> None:
    grid = np.zeros(20, MEASURE)
    grid["onset_beat"] = np.arange(20) / 2
    played = unfold(grid, legs_of(stretches))["onset_beat"]
    begin = stretches[0][0]
    n_rows = sum(round(2 * (end - start)) for start, end in stretches)
    assert played.tolist() == (begin + np.arange(n_rows) / 2).tolist()


def test_a_level_comes_back_with_the_place_where_it_is_in_force() -> None:
    def signs(*rows: tuple[float, str, int]) -> np.ndarray:
        return np.array([(beat, beat, "dynamic", text, 0, staff) for beat, text, staff in rows], DIRECTION)

    page = signs((0, "mf", 1), (2, "p", 1), (2.5, "pp", 2), (3, "sf", 1), (6, "f", 1))
    played = unfold_directions(page, legs_of([A, B, B, C]))
    again = played[played["onset_beat"] == 8]
    assert again[["text", "staff"]].tolist() == [("p", 1), ("pp", 2)], "not sf, which holds for one note"
    assert len(played) == len(page) + 1 + 2, "f is played twice, where the page goes on nothing is said again"
    written = unfold_directions(signs((0, "p", 1), (4, "f", 2), (6, "p", 1)), legs_of([A, B, B]))
    assert written["text"].tolist() == ["p", "f", "p", "f", "p"], "what is written where the repeat begins holds"
    loud = unfold_directions(signs((0, "fp", 1), (8, "f", 1)), legs_of([A, B, C, B]))
    assert loud["text"].tolist() == ["fp", "f", "p"], "what is left of fp, without its accent"


def test_rows_on_a_seam_belong_to_the_leg_that_begins_there() -> None:
    rows = np.array([(0, 1), (4 - 1e-9, 2), (8 + 1e-9, 3)], MEASURE)
    played = unfold(rows, legs_of([A, A, B, C]))
    assert played["number"].tolist() == [1, 1, 2, 3]
    assert np.abs(played["onset_beat"] - [0, 4, 8, 12]).max() < 1e-6


def test_a_span_is_cut_where_its_leg_ends() -> None:
    rows = np.array([(2.0, 6.0, 0, 1)], SLUR)
    played = unfold(rows, legs_of([A, A, B]))
    assert played[["onset_beat", "end_beat"]].tolist() == [(2.0, 4.0), (6.0, 8.0)]


def test_a_state_is_restored_where_a_leg_begins_and_not_repeated() -> None:
    tempos = np.array([(0.0, 60.0), (5.0, 90.0)], TEMPO)
    assert unfold_state(tempos, legs_of([A, A])).tolist() == [(0.0, 60.0)]
    assert unfold_state(tempos, legs_of([A, B, A, C])).tolist() == [(0.0, 60.0), (5.0, 90.0), (8.0, 60.0), (12.0, 90.0)]


def test_a_state_that_begins_late_begins_late() -> None:
    tempos = np.array([(5.0, 90.0)], TEMPO)
    assert unfold_state(tempos, legs_of([A, B])).tolist() == [(5.0, 90.0)]
    assert unfold_state(tempos[:0], legs_of([A, B])).tolist() == []


def test_ids_tell_the_time_around_or_stay() -> None:
    page = notes(("a", 0, 4, 60), ("b", 4, 4, 62))
    path = legs_of([A, B, A, A])
    none, no = tied([False] * 2, [False] * 2), flags(False, False)
    assert unfold_notes(page, none, no, path, numbered=True)["note_id"].tolist() == ["a-1", "b-1", "a-2", "a-3"]
    assert unfold_notes(page, none, no, path, numbered=False)["note_id"].tolist() == ["a", "b", "a", "a"]


def test_a_tie_is_joined_within_a_leg_over_a_seam_and_not_over_a_jump() -> None:
    page = notes(("a", 0, 4, 60), ("b", 4, 4, 60), ("c", 8, 2, 60))
    ties, plain = tied([False, True, True], [True, True, False]), flags(False, False, False)
    straight = unfold_notes(page, ties, plain, legs_of([A, B, C]), numbered=False)
    assert straight[["onset_beat", "duration_beat"]].tolist() == [(0.0, 10.0)]
    jumping = unfold_notes(page, ties, plain, legs_of([A, B, B, C]), numbered=False)
    assert jumping[["onset_beat", "duration_beat"]].tolist() == [(0.0, 8.0), (8.0, 6.0)]


def test_a_tie_joins_only_its_own_pitch_and_marks_are_united() -> None:
    page = notes(("a", 0, 4, 60), ("x", 0, 4, 64), ("b", 4, 4, 60), ("y", 4, 4, 65))
    page["marks"] = [1, 2, 4, 8]
    ties = tied([False, False, True, True], [True, True, False, False])
    played = unfold_notes(page, ties, np.zeros(4, bool), legs_of([A, B]), numbered=False)
    assert played["note_id"].tolist() == ["a", "x", "y"]
    assert played["duration_beat"].tolist() == [8.0, 4.0, 4.0]
    assert played["marks"].tolist() == [5, 2, 8]


def test_a_tie_leads_on_from_its_own_note_where_another_ends_beside_it() -> None:
    page = notes(("a", 0, 4, 60), ("short", 3, 1, 60), ("b", 4, 4, 60))
    ties = tied([False, False, True], [True, False, False])
    played = unfold_notes(page, ties, np.zeros(3, bool), legs_of([A, B]), numbered=False)
    assert played["note_id"].tolist() == ["a", "short"]
    assert played["duration_beat"].tolist() == [8.0, 1.0]


def test_a_trailing_grace_belongs_to_the_leg_that_ends() -> None:
    page = notes(("a", 0, 4, 60), ("g", 4, 0, 59), ("b", 4, 4, 62))
    page["grace"][1] = 2
    played = unfold_notes(page, np.zeros((3, 2), bool), page["grace"] > 0, legs_of([A, A, B]), numbered=True)
    assert played["note_id"].tolist() == ["a-1", "g-1", "a-2", "g-2", "b-1"]
    assert played["onset_beat"].tolist() == [0, 4, 4, 8, 8]


def test_the_page_is_left_as_it_was() -> None:
    page = notes(("a", 0, 4, 60), ("b", 4, 4, 60))
    before = page.copy()
    unfold_notes(page, tied([False, True], [True, False]), flags(False, False), legs_of([A, B, A, B]), numbered=True)
    assert page.tolist() == before.tolist()
