"""Scores beside excerpts: found again in the whole performance, and played at its mean tempo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perfsynth import formats
from perfsynth.data.pieces import Entry, Piece, save, write_manifest
from perfsynth.data.sound_corpus import Recording, excerpt, write_recordings
from perfsynth.data.sound_scores import GRACE_S, VELOCITY, located, prepare, steady
from perfsynth.formats.midi_write import write_performance
from perfsynth.types import PERFORMED_NOTE, SCORE_NOTE, Performance, Score

S_PER_BEAT = 0.5


def written(n_notes: int = 60) -> Score:
    notes = np.zeros(n_notes, SCORE_NOTE)
    notes["note_id"] = [f"n{i}" for i in range(n_notes)]
    notes["onset_beat"], notes["duration_beat"] = np.arange(n_notes) - 1, 1.0
    notes["pitch"] = 48 + np.arange(n_notes) * 7 % 25
    notes["duration_beat"][10] = 0  # a grace note
    return Score(notes)


def performed(score: Score) -> Performance:
    """With a tempo that swells about 120 beats a minute, all loud and short."""
    notes = np.zeros(len(score.notes), PERFORMED_NOTE)
    beat = score.notes["onset_beat"]
    notes["note_id"], notes["pitch"], notes["velocity"] = score.notes["note_id"], score.notes["pitch"], 100
    notes["onset_s"] = 1 + S_PER_BEAT * beat + 0.1 * np.sin(beat)
    notes["duration_s"] = 0.1
    return Performance(notes)


def test_an_excerpt_is_found_in_its_performance() -> None:
    whole = performed(written())
    cut = excerpt(whole, 7.3, 12.0)
    read = formats.read_performance(write_performance(cut), name="cut.mid")
    found = located(read, whole, 7.0)
    assert found is not None
    assert found["note_id"].tolist() == cut.notes["note_id"].tolist()
    assert np.abs(found["onset_s"] - cut.notes["onset_s"]).max() < 0.005
    assert located(read, whole, 12.0) is None


def test_the_score_is_played_at_the_mean_tempo() -> None:
    score = written()
    made = steady(performed(score).notes[5:30], score)
    assert made is not None
    assert made.notes["pitch"].tolist() == score.notes["pitch"][5:30].tolist()
    assert set(made.notes["velocity"].tolist()) == {VELOCITY}
    steps = np.diff(made.notes["onset_s"])
    assert np.ptp(steps) < 1e-6
    assert steps.mean() == pytest.approx(S_PER_BEAT, rel=0.03)
    assert np.abs(made.notes["onset_s"] - performed(score).notes["onset_s"][5:30]).max() < 0.15
    assert made.notes["duration_s"][10 - 5] == pytest.approx(GRACE_S)
    assert made.notes["duration_s"][0] == pytest.approx(steps.mean())


def test_too_little_to_tell_a_tempo_is_none() -> None:
    score = written()
    assert steady(performed(score).notes[:5], score) is None
    chord = performed(score).notes[:20].copy()
    chord["note_id"] = "n3"
    assert steady(chord, score) is None
    chord["note_id"] = "unknown"
    assert steady(chord, score) is None


def test_scores_are_put_beside_the_excerpts(tmp_path: Path) -> None:
    corpus, sounds = tmp_path / "corpus", tmp_path / "sounds"
    (corpus / "pieces").mkdir(parents=True)
    sounds.mkdir()
    score = written()
    whole = performed(score)
    save(Piece("A/b", "A", "train", {"midi": score}, {"Ann01": whole}), corpus / "pieces" / "0.npz")
    write_manifest([Entry("A/b", "A", "train", "pieces/0.npz", 60, ("midi",), ("Ann01",), {}, "")], corpus)
    (sounds / "x.mid").write_bytes(write_performance(excerpt(whole, 7.3, 12.0)))
    names = ("A/b/Ann01/7", "coverage/0", "A/c/Ann01/7")
    write_recordings([Recording(name, "train", "i", "x.mid", "x.wav") for name in names], sounds)
    assert prepare(corpus, sounds) == ["A/b/Ann01/7"]
    made = formats.read_performance((sounds / "scores" / "x.mid").read_bytes(), name="x.mid")
    assert len(made.notes) == len(excerpt(whole, 7.3, 12.0).notes)
