"""Distances of sound: what is the same has none, and each change shows where it should."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.errors import InputError
from perfsynth.evaluate.audio import RATE, distances, matched, matches


@pytest.fixture(scope="module")
def notes() -> np.ndarray:
    """Four decaying tones, half a second apart."""
    t = np.arange(3 * RATE) / RATE
    audio = np.zeros(len(t))
    for i, hz in enumerate((220.0, 277.2, 329.6, 440.0)):
        since = np.maximum(t - 0.3 - 0.5 * i, 0)
        audio += (since > 0) * np.exp(-4 * since) * np.sin(2 * np.pi * hz * since) * 0.2
    return audio


def test_the_same_has_no_distance(notes: np.ndarray) -> None:
    found = distances(notes, notes)
    assert found.to_json() == pytest.approx({**dict.fromkeys(found.to_json(), 0.0), "onset_f1": 1.0}, abs=1e-4)


def test_level_and_lag_are_taken_out_and_reported(notes: np.ndarray) -> None:
    moved, reference, gain_db, lag_s = matched(np.roll(notes, 640) * 0.5, notes)
    assert gain_db == pytest.approx(20 * np.log10(2), abs=0.05)
    assert lag_s == pytest.approx(640 / RATE)
    assert np.abs(moved - reference).max() < 0.01 * np.abs(reference).max()


def test_hiss_shows_in_the_log_mel_and_other_notes_in_the_chroma(notes: np.ndarray) -> None:
    hiss = notes + np.random.default_rng(0).normal(size=len(notes)) * 1e-3
    other = np.interp(np.arange(len(notes)) * 1.12246, np.arange(len(notes)), notes)  # two semitones higher
    assert distances(hiss, notes).log_mel_44k > 1.0
    assert distances(hiss, notes).spectral_convergence < 0.1
    assert distances(other, notes).chroma > 5 * distances(hiss, notes).chroma


def test_times_are_matched_once() -> None:
    assert matches(np.array([0.0, 0.01, 1.0]), np.array([0.02, 1.03])) == 1
    assert matches(np.array([]), np.array([1.0])) == 0


@pytest.mark.parametrize("wrong", [np.zeros(2 * RATE), np.ones((RATE, 2)), np.ones(100), np.full(2 * RATE, np.nan)])
def test_what_cannot_be_compared_is_refused(wrong: np.ndarray, notes: np.ndarray) -> None:
    with pytest.raises(InputError):
        distances(wrong, notes)
