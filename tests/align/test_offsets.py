"""When keys go up: strings of known damping, slow and fast."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.align.bands import Bands, bands
from perfsynth.align.ends import likeliest_s
from perfsynth.align.offsets import RATIOS, key_up_s
from perfsynth.types import SCORE_NOTE

RATE = 22050
SCALE = (60, 64, 67, 65, 62, 59, 60, 55)


def played(beat_s: float, held: float) -> tuple[Bands, np.ndarray, np.ndarray]:
    """Decaying tones of six partials, each key held for a share of a beat: the sound, the notes, their onsets."""
    notes = np.zeros(len(SCALE), SCORE_NOTE)
    notes["note_id"] = [f"n{number}" for number in range(len(SCALE))]
    notes["onset_beat"], notes["duration_beat"], notes["pitch"] = np.arange(len(SCALE)), 1, SCALE
    onset_s = 0.5 + beat_s * notes["onset_beat"]
    audio = np.random.default_rng(1).normal(0, 1e-4, round((len(SCALE) + 2) * beat_s * RATE)).astype(np.float32)
    for pitch, begin in zip(SCALE, onset_s, strict=True):
        time_s = np.arange(len(audio)) / RATE - begin
        damped = np.exp(-np.maximum(time_s - held * beat_s, 0) / 0.03)
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * k * hertz * time_s) / k for k in range(1, 7))
        audio += np.where(time_s >= 0, 0.1 * np.exp(-0.5 * time_s) * damped * tone, 0).astype(np.float32)
    return bands(audio), notes, onset_s


@pytest.mark.parametrize("beat_s", [0.3, 1.5])
@pytest.mark.parametrize("held", [0.6, 0.9])
def test_the_ends_of_damped_strings_are_neither_early_nor_late(beat_s: float, held: float) -> None:
    heard, notes, onset_s = played(beat_s, held)
    error_s = key_up_s(heard, notes, onset_s, 0) - onset_s - held * beat_s
    assert abs(np.median(error_s)) < max(0.03, 0.05 * held * beat_s)
    assert np.mean(np.abs(error_s) < max(0.05, 0.2 * held * beat_s)) >= 0.75


def test_notes_that_are_not_played_have_no_end() -> None:
    heard, notes, onset_s = played(0.3, 0.9)
    onset_s[2] = np.nan
    found = key_up_s(heard, notes, onset_s, 0)
    assert np.isnan(found).tolist() == np.isnan(onset_s).tolist()
    assert np.isnan(key_up_s(heard, notes, np.full(len(notes), np.nan), 0)).all()


def test_what_is_certain_is_taken_as_it_is() -> None:
    after_s = 1.5 * RATIOS[None]
    score = np.full(after_s.shape, -30.0)
    score[0, 20] = 0.0
    assert likeliest_s(score, after_s)[0] == pytest.approx(after_s[0, 20], rel=1e-6)


def test_the_window_that_holds_most_is_taken() -> None:
    after_s = np.array([[0.1, 1.0, 1.05, 1.1, 3.0]])
    found = likeliest_s(np.log([[0.3, 0.2, 0.2, 0.2, 0.1]]), after_s)
    assert found[0] == pytest.approx(1.05)
