"""Scores that were recorded rather than written: told from the others, and put on a grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsynth import formats
from perfsynth.formats.quantise import is_unquantised, quantised
from perfsynth.types import DIRECTION, METER, SCORE_NOTE, TEMPO, Score


def score(
    onset: np.ndarray, duration: float | np.ndarray = 0.5, velocity: int | np.ndarray = 64, bpm: float = 120
) -> Score:
    """A score of a line of notes."""
    notes = np.zeros(len(onset), SCORE_NOTE)
    notes["note_id"] = [f"n{index}" for index in range(len(onset))]
    notes["onset_beat"], notes["duration_beat"], notes["velocity"] = onset, duration, velocity
    notes["pitch"] = 60 + np.arange(len(onset)) % 12
    return Score(notes, tempos=np.array([(0.0, bpm)], TEMPO), meters=np.array([(0.0, 3, 4)], METER))


def recorded(beat: np.ndarray, bpm: float, seed: int = 0, spread_s: float = 0.008) -> Score:
    """`beat` played at `bpm` by a hand that is a little off, as a file of 120 bpm has it."""
    onset_s = 0.7 + beat * 60 / bpm + np.random.default_rng(seed).normal(0, spread_s, len(beat))
    return score(onset_s * 2, 0.4 * 120 / bpm, np.where(beat % 1 == 0, 90, 50))


def test_the_example_is_written(example: bytes) -> None:
    assert not is_unquantised(formats.read_score(example))


@given(
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from([1, 2, 3, 4, 5, 6, 8, 12, 16])), min_size=8, max_size=60),
    st.sampled_from([96, 220, 384, 480, 960]),
)
def test_no_written_rhythm_is_taken_for_a_recording(places: list[tuple[int, int]], ticks: int) -> None:
    one = places[0][1]  # one subdivision a bar, as far as MIDI's ticks go
    onset = np.sort([np.rint(beat / one * ticks) / ticks for beat, _ in places])
    assert not is_unquantised(score(onset))


@given(st.integers(0, 10**6), st.integers(40, 200))
def test_a_recording_is_told(seed: int, bpm: int) -> None:
    made = recorded(np.arange(64) / 2, bpm, seed, spread_s=0.02)
    assert is_unquantised(made)


def test_a_few_notes_are_no_recording() -> None:
    assert not is_unquantised(score(np.array([0.013, 0.511, 1.037])))
    assert not is_unquantised(score(np.zeros(0)))


@pytest.mark.parametrize("bpm", [90, 120, 138])
def test_a_steady_recording_gets_its_rhythm_back(bpm: float) -> None:
    rhythm = np.tile([0.0, 0.5, 1.0, 2.0, 2.5, 2.75, 3.0], 12) + np.repeat(np.arange(12) * 4.0, 7)
    made = quantised(recorded(rhythm, bpm))
    notes = made.notes[np.argsort([int(str(i)[1:]) for i in made.notes["note_id"]])]
    assert len(notes) == len(rhythm)
    assert float(made.tempos["quarter_bpm"][0]) == pytest.approx(bpm, rel=0.03)
    steps = np.diff(notes["onset_beat"])
    assert np.mean(np.isclose(steps, np.diff(rhythm), atol=0.01)) > 0.95


def test_what_the_file_said_of_tempo_and_metre_is_dropped_and_the_notes_stay() -> None:
    from dataclasses import replace

    source = recorded(np.arange(48) / 2, 100)
    source = replace(source, directions=np.array([(0, 0, "tempo", "Allegro", 0, 0)], DIRECTION))
    made = quantised(source)
    assert len(made.meters) == len(made.directions) == len(made.measures) == 0
    assert not is_unquantised(made)
    assert sorted(made.notes["note_id"]) == sorted(source.notes["note_id"])
    assert sorted(made.notes["pitch"]) == sorted(source.notes["pitch"])
    assert made.notes["onset_beat"].min() >= 0
    assert made.notes["duration_beat"].min() >= 0.25
    assert np.all(np.diff(made.notes["onset_beat"]) >= 0)


def test_a_pick_up_is_quantised_with_the_rest() -> None:
    beat = np.concatenate([np.arange(48), np.arange(24) * 2 + 0.5])
    early, late = (quantised(score(np.sort(beat) * 1.2 + 0.013 + by, 0.4)) for by in (-1.5, 6.0))
    assert early.notes["onset_beat"].tolist() == late.notes["onset_beat"].tolist()
    assert early.tempos["quarter_bpm"][0] == pytest.approx(100, rel=0.03)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0, 200), min_size=1, max_size=20))
def test_whatever_comes_stays_whole_and_on_the_grid(onset: list[float]) -> None:
    made = quantised(score(np.sort(onset)))
    assert len(made.notes) == len(onset)
    for edge in (made.notes["onset_beat"], made.notes["onset_beat"] + made.notes["duration_beat"]):
        assert np.isfinite(edge).all()
    twelfths = made.notes["onset_beat"] * 12
    assert np.allclose(twelfths, np.rint(twelfths), atol=1e-6)
    assert made.notes["onset_beat"].min() < 1
    assert 1 <= made.tempos["quarter_bpm"][0] <= 1000
