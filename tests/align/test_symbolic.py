"""Joining notes to a score by the notes alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsynth.align import symbolic
from perfsynth.errors import InputError
from perfsynth.types import PERFORMED_NOTE, SCORE_NOTE, Performance
from tests.evaluate import played

SCORE = played.score(96)
HUMAN = played.human(SCORE, 3).notes  # in score order


def shuffled(notes: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The notes in another order, and where each has gone."""
    order = np.random.default_rng(seed).permutation(len(notes))
    return notes[order], np.argsort(order)


def share_right(row: np.ndarray, truth: np.ndarray) -> float:
    return float((row == truth).mean())


def test_every_note_of_a_whole_performance_is_found() -> None:
    notes, truth = shuffled(HUMAN)
    assert share_right(symbolic.match(SCORE.notes, notes), truth) == 1.0


def test_missed_and_added_notes_disturb_nobody_else() -> None:
    generator = np.random.default_rng(1)
    kept = generator.random(len(HUMAN)) > 0.1
    added = HUMAN[~kept].copy()
    added["pitch"] += 1
    notes, place = shuffled(np.concatenate([HUMAN[kept], added]))
    truth = np.full(len(HUMAN), -1)
    truth[kept] = place[: kept.sum()]
    assert share_right(symbolic.match(SCORE.notes, notes), truth) > 0.99


def test_a_passage_left_out_stays_unplayed() -> None:
    beat = SCORE.notes["onset_beat"]
    kept = (beat < 30) | (beat >= 60)
    notes = HUMAN[kept].copy()
    notes["onset_s"] -= np.where(
        beat[kept] >= 60, HUMAN["onset_s"][beat >= 60].min() - HUMAN["onset_s"][beat >= 30].min(), 0
    )
    truth = np.where(kept, np.cumsum(kept) - 1, -1)
    assert share_right(symbolic.match(SCORE.notes, notes), truth) > 0.99


def test_repeated_keys_keep_their_order() -> None:
    notes = np.zeros(40, SCORE_NOTE)
    notes["onset_beat"], notes["duration_beat"], notes["pitch"] = np.arange(40) / 4, 0.25, 60
    made = np.zeros(40, PERFORMED_NOTE)
    made["onset_s"], made["pitch"], made["velocity"] = np.cumsum(0.1 + 0.02 * np.sin(np.arange(40))), 60, 64
    assert symbolic.match(notes, made).tolist() == list(range(40))


def test_a_melody_ahead_of_its_bass_is_found() -> None:
    notes, made = SCORE.notes, HUMAN.copy()
    made["onset_s"] -= np.where(notes["pitch"] >= 72, 0.08, 0.0)
    assert share_right(symbolic.match(notes, made), np.arange(len(notes))) > 0.99


def test_another_piece_is_not_recognised() -> None:
    other = played.human(played.score(96, seed=7), 3).notes
    assert (symbolic.match(SCORE.notes, other) >= 0).mean() < 0.5


@settings(max_examples=25)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 10**6))
def test_pairs_are_of_one_pitch_and_no_note_plays_twice(n: int, k: int, number: int) -> None:
    generator = np.random.default_rng(number)
    notes, made = np.zeros(n, SCORE_NOTE), np.zeros(k, PERFORMED_NOTE)
    notes["onset_beat"], notes["pitch"] = generator.integers(0, 8, n) / 2, generator.integers(60, 64, n)
    made["onset_s"], made["pitch"] = generator.random(k) * 4, generator.integers(60, 64, k)
    row = symbolic.match(notes, made)
    found = row[row >= 0]
    assert len(row) == n and len(np.unique(found)) == len(found)
    np.testing.assert_array_equal(notes["pitch"][row >= 0], made["pitch"][found])


def test_no_pitch_in_common_is_no_match() -> None:
    made = HUMAN.copy()
    made["pitch"] = 1
    assert (symbolic.match(SCORE.notes, made) == -1).all()


def test_a_single_note_is_matched() -> None:
    assert symbolic.match(SCORE.notes[:1], HUMAN[:1]).tolist() == [0]


@pytest.mark.parametrize("empty", ["score", "performance"])
def test_an_empty_side_is_refused(empty: str) -> None:
    sides = {"score": SCORE.notes, "performance": HUMAN}
    sides[empty] = sides[empty][:0]
    with pytest.raises(InputError, match=f"the {empty} has no notes"):
        symbolic.match(*sides.values())


def test_a_great_many_notes_of_one_key_are_matched_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbolic, "MOST_PAIRS", 500)
    notes, made = np.zeros(200, SCORE_NOTE), np.zeros(200, PERFORMED_NOTE)
    notes["pitch"] = made["pitch"] = 60
    assert sorted(symbolic.match(notes, made)) == list(range(200))
    notes["onset_beat"], made["onset_s"] = np.arange(200) / 4, np.arange(200) / 8
    assert symbolic.match(notes, made).tolist() == list(range(200))


def test_an_alignment_of_notes_has_the_rows_of_one_of_sound() -> None:
    kept = np.arange(len(HUMAN)) % 10 > 0
    found = symbolic.aligned(Performance(HUMAN[kept], sha256="abc"), replace(SCORE, doubled={"a": "b"}))
    rows, place = found.notes, {str(note["note_id"]): note for note in HUMAN[kept]}
    assert len(rows) == len(SCORE.notes)
    matched = rows["status"] == "matched"
    assert matched.sum() >= 0.98 * kept.sum()
    assert (rows["confidence"] == matched).all()
    assert np.isnan(rows["onset_s"][~matched]).all()
    right = [row["onset_s"] == place[row["note_id"]]["onset_s"] for row in rows[matched] if row["note_id"] in place]
    assert np.mean(right) > 0.98
    first = rows[matched][0]
    assert first["offset_s"] == pytest.approx(first["onset_s"] + place[first["note_id"]]["duration_s"])
    assert found.history[-1].options["recording"] == "abc"
    assert found.doubled == {"a": "b"}


def test_a_performance_of_another_piece_is_refused() -> None:
    with pytest.raises(InputError, match="does not play this score"):
        symbolic.aligned(played.human(played.score(96, seed=7), 3), SCORE)
