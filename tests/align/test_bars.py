"""Bars that a recording leaves out, on the grid of a MIDI file."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest

from perfsynth.align.bars import LONGEST_S, SLOW_S, grid, played_bars
from perfsynth.align.core import rows
from perfsynth.align.tables import as_performance
from perfsynth.formats.midi import read_performance
from perfsynth.formats.midi_write import write_performance
from perfsynth.types import MEASURE, METER, SCORE_NOTE, Alignment, Score

BAR = 4  # quarter notes


def written(n_bars: int = 10) -> Score:
    notes = np.zeros(BAR * n_bars, SCORE_NOTE)
    notes["note_id"] = [f"n{index}" for index in range(len(notes))]
    notes["onset_beat"], notes["duration_beat"] = np.arange(len(notes)), 1
    notes["pitch"] = 60 + np.arange(len(notes)) % 12
    lines = np.array([(BAR * bar, bar + 1) for bar in range(n_bars)], MEASURE)
    return Score(notes, measures=lines, meters=np.array([(0.0, BAR, 4)], METER))


def played(score: Score, gone: slice, *, first_s: float = 0.5) -> Alignment:
    """Half a second a beat, without the notes of some bars."""
    there = np.ones(len(score.notes), bool)
    there[gone] = False
    onset_s = np.where(there, first_s + 0.5 * (np.cumsum(there) - 1), np.nan)
    return Alignment(rows(score.notes, onset_s, onset_s + 0.4, there.astype(float)))


def test_bars_left_out_are_taken_out(caplog: pytest.LogCaptureFixture) -> None:
    score = written()
    alignment = played(score, slice(8, 20))
    with caplog.at_level(logging.WARNING, "perfsynth"):
        cut = played_bars(score, alignment)
    assert "bars 3 to 5" in caplog.text
    assert cut.measures["onset_beat"].tolist() == [BAR * bar for bar in range(7)]
    assert cut.measures["number"].tolist() == [1, 2, 6, 7, 8, 9, 10]
    np.testing.assert_array_equal(cut.notes["onset_beat"], np.arange(28))
    found = grid(cut, as_performance(alignment, score))
    assert found is not None
    np.testing.assert_allclose(np.diff(found.time_s)[1:], 0.5, atol=1e-6)


def test_without_the_cut_the_bars_would_take_no_time() -> None:
    score = written()
    alignment = played(score, slice(8, 20))
    found = grid(score, as_performance(alignment, score))
    assert found is not None
    assert np.diff(found.time_s).min() < 0.05


def test_a_whole_performance_is_left_as_it_is() -> None:
    score = written()
    assert played_bars(score, played(score, slice(0, 0))) is score
    assert played_bars(replace(score, measures=score.measures[:0]), played(score, slice(8, 20))).notes is score.notes


def test_metres_and_rests_move_along() -> None:
    score = written()
    notes = np.delete(score.notes, slice(12, 16))  # bar 4 rests, between bars that are left out
    metres = np.array([(0.0, 4, 4), (16.0, 2, 2), (28.0, 4, 4)], METER)
    score = replace(score, notes=notes, meters=metres)
    cut = played_bars(score, played(score, slice(8, 16)))
    assert len(cut.measures) == 7
    assert cut.meters.tolist() == [(0.0, 4, 4), (8.0, 2, 2), (16.0, 4, 4)]


@pytest.mark.parametrize("first_s", [0.0, 3.0, 40.0, 700.0])
def test_a_long_lead_in_becomes_bars_of_rest(first_s: float) -> None:
    score = written()
    alignment = played(score, slice(0, 0), first_s=first_s)
    performance = as_performance(alignment, score)
    found = grid(score, performance)
    assert found is not None
    assert np.diff(found.time_s).max() <= max(SLOW_S, 0.5) + 0.5
    again = read_performance(write_performance(performance, grid=found))
    np.testing.assert_allclose(again.notes["onset_s"], performance.notes["onset_s"], atol=0.003)


def test_a_pause_that_no_tempo_holds_is_said(caplog: pytest.LogCaptureFixture) -> None:
    score = written()
    alignment = played(score, slice(0, 0))
    late = alignment.notes.copy()
    for field in ("onset_s", "offset_s"):
        late[field][20:] += LONGEST_S + 3
    with caplog.at_level(logging.WARNING, "perfsynth"):
        assert grid(score, as_performance(Alignment(late), score)) is None
    assert "no MIDI tempo" in caplog.text
