"""Chords and notes around a path that is wrong, with evidence that is known."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.align.refine import refine
from perfsynth.align.structure import follow

GRID = np.arange(-86, 87) * 0.0058


def heard(path_s: np.ndarray, times_s: list[list[float]]) -> np.ndarray:
    """Evidence of a note at each of its times."""
    rows = [
        np.max([-0.5 * ((place + GRID - time_s) / 0.006) ** 2 for time_s in times], axis=0)
        for place, times in zip(path_s, times_s, strict=True)
    ]
    return np.maximum(np.array(rows), -12.0)


def test_repeated_notes_are_counted_by_the_tempo_around() -> None:
    """The path squeezes the second of ten equal notes against the first; each is heard at all the times."""
    true_s = 1 + 0.3 * np.arange(20)
    path_s = true_s.copy()
    path_s[9:11] -= 0.16
    evidence = heard(path_s, [true_s.tolist()] * 20)
    found = refine(path_s, np.arange(20), evidence, GRID, pitch=np.full(20, 60), written_s=true_s)
    np.testing.assert_allclose(found.onset_s, true_s, atol=0.01)


def test_rolled_chords_where_there_is_time_for_them() -> None:
    """Four notes over 0.24 s, before the next chord of others after 2 s."""
    chord, pitch = np.array([0, 0, 0, 0, 1, 1]), np.array([48, 55, 60, 64, 50, 57])
    true_s = np.array([1.0, 1.08, 1.16, 1.24, 3.0, 3.0])
    path_s = np.array([1.05] * 4 + [3.0] * 2)
    evidence = heard(path_s, [[time_s] for time_s in true_s])
    found = refine(path_s, chord, evidence, GRID, pitch=pitch, written_s=np.array([0, 0, 0, 0, 2.0, 2.0]))
    np.testing.assert_allclose(found.onset_s, true_s, atol=0.01)


def test_a_note_does_not_take_the_place_of_the_same_pitch_in_the_next_chord() -> None:
    path_s = np.array([1.0, 1.0, 1.12, 1.12])
    evidence = heard(path_s, [[1.0], [1.12], [1.12], [1.12]])  # the second is not heard where it is
    pitch = np.array([48, 60, 50, 60])
    found = refine(path_s, np.array([0, 0, 1, 1]), evidence, GRID, pitch=pitch, written_s=np.array([0, 0, 0.12, 0.12]))
    assert found.onset_s[1] < 1.07
    np.testing.assert_allclose(found.onset_s[[0, 2, 3]], [1.0, 1.12, 1.12], atol=0.01)


@pytest.mark.parametrize("break_s", [8.0, -3.0])
def test_a_break_does_not_bend_the_tempo_beside_it(break_s: float) -> None:
    """A stop, and bars that are left out: what is before and after them keeps its own pace."""
    written_s = 0.4 * np.arange(30)
    true_s = 1 + written_s
    if break_s > 0:
        true_s[15:] += break_s
    else:
        written_s[15:] -= break_s
    path_s = true_s.copy()
    path_s[[13, 17]] += 0.1
    evidence = heard(path_s, [[time_s] for time_s in true_s])
    found = refine(path_s, np.arange(30), evidence, GRID, pitch=np.arange(40, 70), written_s=written_s)
    np.testing.assert_allclose(found.onset_s, true_s, atol=0.01)


def test_music_played_otherwise_than_written_is_not_left_out() -> None:
    """A quarter of the frames differ on both sides: they are left out only where they are not music."""
    random = np.random.default_rng(0)
    written = random.normal(size=(200, 40)).astype(np.float32)
    written[:, 30:] = 0
    recorded = written.copy()
    recorded[:50] = written[:50, ::-1]
    recorded[:50, :30] = 0
    written, recorded = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (written, recorded))
    begins = {
        music: follow(
            recorded, written, 0.2, boundaries=[50, 100, 150], jumps=True, music=np.full(200, music)
        ).stretches[0].path[0].tolist()
        for music in (0.0, 1.0)
    }  # fmt: skip
    assert begins[0.0][1] >= 45
    assert begins[1.0][1] <= 30
