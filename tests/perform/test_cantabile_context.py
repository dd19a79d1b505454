"""What surrounds a chord, of scores so small that one sees it."""

from __future__ import annotations

import numpy as np

from perfsynth.perform.cantabile.context import Vicinity, arcs
from perfsynth.perform.cantabile.reading import read, written_tempo
from perfsynth.types import DIRECTION, SCORE_NOTE, SLUR, TEMPO, Score

BEAT = np.arange(6.0)


def test_each_beat_is_along_the_longest_slur_over_it() -> None:
    slurs = np.array([(0.0, 4.0, 0, 1), (1.0, 2.0, 0, 1)], SLUR)
    share, length = arcs(slurs, BEAT)
    np.testing.assert_allclose(share, [-1, -0.5, 0, 0.5, 1, 0])
    np.testing.assert_allclose(length, [np.log2(5)] * 5 + [0])


def test_rank_is_the_place_between_the_least_and_the_greatest_around() -> None:
    values = np.array([0.0, 2.0, 1.0, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(Vicinity(BEAT).rank(values, 1.0), [-1, 1, -1, 0, 0, 0])
    np.testing.assert_allclose(Vicinity(BEAT).rank(values, 9.0), [-1, 1, 0, 0, 0, 0])


def music(**tables: np.ndarray) -> Score:
    notes = np.zeros(6, SCORE_NOTE)
    notes["note_id"], notes["pitch"] = [f"n{beat}" for beat in range(6)], 60
    notes["onset_beat"], notes["duration_beat"], notes["staff"] = BEAT, 1.0, 1
    return Score(notes, **tables)


def test_the_written_tempo_is_told_relative_to_its_mean() -> None:
    told = written_tempo(read(music(tempos=np.array([(0.0, 60.0), (3.0, 120.0)], TEMPO))).chords)
    np.testing.assert_allclose(told, np.repeat([-0.5, 0.5], 3) * np.log(2), atol=1e-6)
    assert not written_tempo(read(music()).chords).any()


def test_accents_are_told_apart_from_levels() -> None:
    signs = np.array([(0.0, 0.0, "dynamic", "p", 0, 0), (3.0, 3.0, "dynamic", "sf", 0, 0)], DIRECTION)
    with_accent, without = (read(music(directions=rows)) for rows in (signs, signs[:1]))
    told = np.flatnonzero((with_accent.notes != without.notes).any(axis=1))
    assert told.tolist() == [3]
    assert (with_accent.notes != without.notes)[3].sum() == 1
