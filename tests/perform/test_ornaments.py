"""Ornaments are played out in the key, in time, and never lose a note."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.perform.core import perform
from perfsynth.perform.ornaments import neighbour
from perfsynth.types import KEY, SCORE_NOTE, TEMPO, Mark, Performance, Score


def played(mark: int, *, beats: float = 2.0, pitch: int = 67, fifths: int = 0, composer: str = "") -> Performance:
    """An ornamented note between two plain ones, at 60 quarter notes a minute."""
    notes = np.zeros(3, SCORE_NOTE)
    notes["note_id"] = ("a", "b", "c")
    notes["onset_beat"] = (0.0, 1.0, 1.0 + beats)
    notes["duration_beat"] = (1.0, beats, 1.0)
    notes["pitch"] = (60, pitch, 60)
    notes["marks"] = (0, mark, 0)
    keys, tempos = np.array([(0.0, fifths, False)], KEY), np.array([(0.0, 60.0)], TEMPO)
    score = Score(notes, keys=keys, tempos=tempos, composer=composer)
    return perform(score, model="deadpan", ornaments=True)


def figure(performance: Performance) -> tuple[list[int], np.ndarray]:
    """Pitches and onsets of what stands between the plain notes, in time."""
    notes = np.sort(performance.notes, order="onset_s")[1:-1]
    return notes["pitch"].tolist(), notes["onset_s"]


def test_a_late_trill_begins_and_ends_on_the_main_note() -> None:
    pitches, onset_s = figure(played(Mark.TRILL, composer="Johannes Brahms"))
    assert set(pitches) == {67, 69}
    assert pitches[0] == pitches[-1] == 67
    assert np.all(np.diff(onset_s) > 0)
    assert len(pitches) == pytest.approx(2.0 / 0.085, abs=2)


def test_an_early_trill_begins_above() -> None:
    pitches, _ = figure(played(Mark.TRILL, composer="J. S. Bach"))
    assert pitches[0] == 69
    assert pitches[-1] == 67


def test_turns_and_mordents_run_through_the_scale() -> None:
    assert figure(played(Mark.TURN, beats=0.25, fifths=1))[0] == [69, 67, 66, 67]
    assert figure(played(Mark.TURN | Mark.INVERTED, beats=0.25))[0] == [65, 67, 69, 67]
    assert figure(played(Mark.MORDENT))[0] == [67, 65, 67]
    assert figure(played(Mark.MORDENT | Mark.INVERTED, fifths=-2))[0] == [67, 69, 67]
    late, onset_s = figure(played(Mark.TURN))
    assert late == [67, 69, 67, 65, 67]
    assert onset_s[1] > 1.0 + 2.0 / 2


def test_an_accidental_comes_before_the_key() -> None:
    assert set(figure(played(Mark.TRILL | Mark.UPPER_HALF))[0]) == {67, 68}
    assert set(figure(played(Mark.TRILL | Mark.UPPER_HALF | Mark.UPPER_WHOLE))[0]) == {67, 70}
    assert figure(played(Mark.TURN | Mark.LOWER_HALF, beats=0.25))[0] == [69, 67, 66, 67]
    assert figure(played(Mark.MORDENT | Mark.UPPER_HALF))[0] == [67, 65, 67]


@pytest.mark.parametrize("mark", [Mark.TRILL, Mark.TURN, Mark.MORDENT])
def test_the_notes_of_the_score_come_first_and_the_time_is_kept(mark: Mark) -> None:
    plain, performance = played(0), played(mark)
    assert performance.notes["note_id"].tolist()[:3] == ["a", "b", "c"]
    assert set(performance.notes["note_id"][3:].tolist()) == {""}
    ends = performance.notes["onset_s"] + performance.notes["duration_s"]
    inside = performance.notes[(performance.notes["onset_s"] >= 1.0 - 1e-9) & (performance.notes["onset_s"] < 3.0)]
    assert inside["onset_s"].min() == pytest.approx(plain.notes["onset_s"][1])
    assert ends.max() == pytest.approx(plain.notes["onset_s"][2] + plain.notes["duration_s"][2])


def test_where_there_is_no_time_the_plain_note_is_played() -> None:
    assert figure(played(Mark.TRILL, beats=0.05))[0] == [67]
    assert figure(played(Mark.MORDENT, beats=0.05))[0] == [67]


def test_neighbours_lie_in_the_key() -> None:
    assert neighbour(64, 1, 0) == 65
    assert neighbour(64, 1, 1) == 66
    assert neighbour(71, 1, 0) == 72
    assert neighbour(61, -1, 0) == 60
    assert neighbour(65, -1, -3) == 63


@pytest.mark.parametrize(
    ("beside", "staff", "is_played_out"),
    [
        ((69, 67, 69, 67), 0, False),  # written out
        ((69, 67, 66, 67), 0, False),
        ((69, 71, 69, 71), 0, True),  # another voice above
        ((67, 67, 67, 67), 0, True),
        ((69, 67, 69, 67), 1, True),
    ],
)
def test_what_is_written_out_beside_the_sign_is_not_played_twice(
    beside: tuple[int, ...], staff: int, is_played_out: bool
) -> None:
    notes = np.zeros(5, SCORE_NOTE)
    notes["note_id"] = ("main", "a", "b", "c", "d")
    notes["onset_beat"] = (0, 0, 0.5, 1, 1.5)
    notes["duration_beat"] = (2, 0.5, 0.5, 0.5, 0.5)
    notes["pitch"] = (67, *beside)
    notes["staff"] = (0, *[staff] * 4)
    notes["marks"][0] = Mark.TRILL
    score = Score(notes, tempos=np.array([(0.0, 60.0)], TEMPO))
    performance = perform(score, model="deadpan", ornaments=True)
    assert (len(performance.notes) > len(notes)) == is_played_out
