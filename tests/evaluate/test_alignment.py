"""Figures of alignments against the truth, on lists small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.errors import InputError
from perfsynth.evaluate.alignment import calibration, evaluate, paired
from perfsynth.types import ALIGNED_NOTE


def rows(onset_s: list[float], confidence: float = 0.9) -> np.ndarray:
    notes = np.zeros(len(onset_s), ALIGNED_NOTE)
    notes["note_id"] = [f"n{index}" for index in range(len(onset_s))]
    notes["pitch"] = 60 + np.arange(len(onset_s))
    notes["score_onset_beat"] = np.arange(len(onset_s))
    notes["score_duration_beat"] = 1
    notes["onset_s"] = onset_s
    notes["offset_s"], notes["sound_off_s"] = notes["onset_s"] + 0.5, notes["onset_s"] + 1.0
    notes["confidence"] = confidence
    notes["status"] = np.where(np.isnan(notes["onset_s"]), "unplayed", "matched")
    return notes


def test_identity() -> None:
    found = evaluate(paired(rows([0, 1, 2]), rows([0, 1, 2])))
    assert found["median_ms"] == found["bias_ms"] == found["first_chord_ms"] == 0
    assert (
        found["within_20_ms"]
        == found["offsets"]
        == found["sound_offs"]
        == found["sure"]
        == found["sure_and_right"]
        == 100
    )


def test_golden() -> None:
    true = rows([0.0, 1.0, 2.0, np.nan, 4.0])
    predicted = rows([0.01, 1.04, 2.2, np.nan, np.nan])
    found = evaluate(paired(predicted, true))
    assert found["notes"] == 4
    assert found["found"] == 75
    assert [found[f"within_{window}_ms"] for window in (20, 50, 100, 300)] == [25, 50, 50, 75]
    assert found["bias_ms"] == pytest.approx(40)
    assert found["mean_ms"] == pytest.approx(250 / 3)
    assert found["first_chord_ms"] == pytest.approx(10)
    assert found["unplayed_found"] == 100
    assert found["offsets"] == 50


def test_ends_of_sounds_are_measured_where_the_truth_has_them() -> None:
    true, predicted = rows([0.0, 1.0, 2.0]), rows([0.0, 1.0, 2.0])
    true["sound_off_s"] = [1.19, 2.3, np.nan]
    figures = evaluate(paired(predicted, true))
    assert (figures["offsets"], figures["sound_offs"]) == (100, 50)
    predicted["sound_off_s"][0] = np.nan
    assert evaluate(paired(predicted, true))["sound_offs"] == 0
    without = rows([0.0, 1.0, 2.0])
    without["sound_off_s"] = np.nan
    assert np.isnan(evaluate(paired(without, true))["sound_offs"])
    assert np.isnan(evaluate(paired(predicted, without))["sound_offs"])


def test_joined_by_position_where_ids_differ() -> None:
    true = rows([0, 1, 2])
    true["note_id"] = ["a", "b", "c"]
    true["score_onset_beat"] -= 1
    pairs = paired(rows([0, 1, 2]), true)
    assert pairs.true["note_id"].tolist() == ["a", "b", "c"]


def test_notes_that_an_alignment_lacks_are_told(caplog: pytest.LogCaptureFixture) -> None:
    assert len(paired(rows([0, 1]), rows([0, 1, 2])).true) == 2
    assert "1 notes that are truly played are not in the alignment" in caplog.text
    caplog.clear()
    assert len(paired(rows([0, 1, 2]), rows([0, 1])).true) == 2
    assert not caplog.text


def test_little_in_common() -> None:
    other = rows([0, 1, 2, 3])
    other["note_id"], other["pitch"] = ["x", "y", "z", "w"], 30
    with pytest.raises(InputError, match="0 notes are in both"):
        paired(rows([0, 1, 2]), other)
    other["pitch"][0] = rows([0])["pitch"][0]  # one that happens to stand at the same place
    with pytest.raises(InputError, match="1 notes are in both"):
        paired(rows([0, 1, 2]), other)
    with pytest.raises(InputError, match="0 aligned"):
        paired(rows([]), other)


def test_calibration_of_honest_confidence() -> None:
    random = np.random.default_rng(0)
    confidence = random.random(20000)
    right = random.random(20000) < confidence
    assert all(abs(mean - share) < 0.05 for mean, share, _ in calibration(confidence, right))
