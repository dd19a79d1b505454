"""The trees beside the networks: what they say is what was fitted, and they are kept with the weights."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth import formats
from perfsynth.data.pieces import Piece
from perfsynth.formats.match import read_match
from perfsynth.perform.cantabile import trees as kept_trees
from perfsynth.perform.cantabile.crops import cut
from perfsynth.perform.cantabile.reading import groups, read
from perfsynth.perform.cantabile.trees import ROWS, Trees, chord_rows, note_rows, pedal_rows
from perfsynth.train.cantabile_examples import examples_of
from perfsynth.train.cantabile_trees import _packed, boosted
from perfsynth.types import Score
from tests.data import corpora


@pytest.fixture(scope="module")
def example_score(example: bytes) -> Score:
    """A minuet of 32 bars."""
    return formats.read_score(example)


STUMP = Trees(
    np.array([0, 3], np.int32), np.array([1, -1, -1, -1], np.int16), np.array([0.5, 0, 0, 0], np.float32),
    np.array([1, 0, 0, 0], np.int32), np.array([2, 0, 0, 0], np.int32), np.array([0, -1, 2, 10], np.float32),
)  # fmt: skip


def test_a_stump_and_a_constant_walked_by_hand() -> None:
    rows = np.array([[9, 0.4], [9, 0.5], [9, 0.6]], np.float32)
    assert STUMP.predict(rows).tolist() == [9.0, 9.0, 12.0]


def test_packed_trees_say_what_the_fitted_model_says() -> None:
    from sklearn.ensemble import HistGradientBoostingRegressor

    rng = np.random.default_rng(3)
    rows = rng.normal(size=(2000, 5)).astype(np.float32)
    wanted = 7.0 + rows[:, 0] * (rows[:, 3] > 0) + 0.1 * rng.normal(size=2000)
    model = HistGradientBoostingRegressor(max_iter=20, max_leaf_nodes=9, early_stopping=False).fit(rows, wanted)
    said = _packed(model).predict(rows)
    assert np.allclose(said, model.predict(rows), atol=1e-5)
    assert np.corrcoef(said, wanted)[0, 1] > 0.9


def test_trees_are_kept_among_the_weights() -> None:
    arrays = {**STUMP.arrays("velocity"), **STUMP.arrays("asynchrony"), "0.note.weight": np.zeros(2)}
    found = kept_trees.trees_among(arrays)
    assert list(found) == ["velocity", "asynchrony"]
    assert np.array_equal(found["velocity"].threshold, STUMP.threshold)
    del arrays["trees.velocity.value"]
    with pytest.raises(KeyError, match=r"trees\.velocity\.value"):
        kept_trees.trees_among(arrays)


def test_rows_are_notes_their_chords_and_what_is_stated(example_score: Score) -> None:
    reading = read(example_score)
    rows = note_rows(cut(reading, 0, len(reading.chord_beat)))
    note, chord = groups()
    assert rows.shape == (len(example_score.notes), len(note) + len(chord) + 5)
    assert rows.dtype == np.float32
    assert np.array_equal(rows[:, len(note) : len(note) + len(chord)], reading.chords[reading.chord])


def test_of_a_chord_is_said_what_its_notes_say_on_average_and_of_the_pedal_what_the_chord_before_says(
    example_score: Score,
) -> None:
    reading = read(example_score)
    crop = cut(reading, 0, len(reading.chord_beat))
    rows, between = chord_rows(crop), pedal_rows(crop)
    note, chord = groups()
    assert rows.shape == (len(crop.beat), len(note) + len(chord) + 5)
    third = crop.notes[crop.chord == 2].mean(axis=0)
    assert rows[2, len(chord) : len(chord) + len(note)] == pytest.approx(third, abs=1e-6)
    assert len(between) == len(crop.pedal_beat)
    last = np.searchsorted(crop.beat, crop.pedal_beat[-1], side="right") - 1
    assert np.array_equal(between[-1, : rows.shape[1]], rows[last])


def test_trees_learn_where_the_pedal_is_down(example_score: Score) -> None:
    played = read_match(corpora.match_file(example_score, np.random.default_rng(0)).encode())
    piece = Piece("minuet", "Petzold", "minuet", {"musicxml": example_score}, {"A01": played})
    (example,) = examples_of(piece)["musicxml"]
    found = boosted([piece], trees=30, leaves=7)
    crop = cut(example.reading, 0, len(example.reading.chord_beat))
    down = found["pedal"].predict(pedal_rows(crop))
    known = np.isfinite(example.pedal)
    assert np.mean(down[known]) == pytest.approx(np.mean(example.pedal[known]), abs=0.1)
    assert (
        np.abs(down[known] - example.pedal[known]).mean()
        < np.abs(np.mean(example.pedal[known]) - example.pedal[known]).mean()
    )


def test_trees_learn_what_the_players_of_a_piece_have_in_common(example_score: Score) -> None:
    rng = np.random.default_rng(0)
    played = {name: read_match(corpora.match_file(example_score, rng).encode()) for name in ("A01", "B01")}
    for performance in played.values():  # everyone plays high notes louder
        performance.notes["velocity"] = 20 + performance.notes["pitch"] // 2
    piece = Piece("minuet", "Petzold", "minuet", {"musicxml": example_score}, played)
    found = boosted([piece], trees=30, leaves=7)
    assert set(found) == set(ROWS)
    reading = examples_of(piece)["musicxml"][0].reading
    said = found["velocity"].predict(note_rows(cut(reading, 0, len(reading.chord_beat))))
    assert np.corrcoef(said, example_score.notes["pitch"])[0, 1] > 0.95
