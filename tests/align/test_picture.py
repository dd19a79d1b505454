"""The picture of an alignment: its tempo is that of the notes, up to the last, and a single note has none."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.align.picture import picture, tempo_curve
from perfsynth.types import ALIGNED_NOTE, Alignment, Audio


def played(onsets_s: list[float]) -> np.ndarray:
    """Quarter notes, each when it is played."""
    rows = [
        (f"n{n}", 60, float(n), 1.0, at_s, at_s + 0.4, at_s + 0.4, 0.9, "matched") for n, at_s in enumerate(onsets_s)
    ]
    return np.array(rows, ALIGNED_NOTE)


def test_each_quarter_has_its_tempo_between_its_ends() -> None:
    edges_s, bpm = tempo_curve(played([1.0, 1.5, 2.5]))
    assert edges_s == pytest.approx([1.0, 1.5, 2.5])
    assert bpm == pytest.approx([120.0, 60.0])


def test_a_single_note_is_drawn_with_a_word_instead_of_an_empty_axis() -> None:
    sound = Audio(np.random.default_rng(0).normal(0, 0.1, (44100, 1)).astype(np.float32), 44100)
    figures = [picture(sound, Alignment(played(onsets_s))) for onsets_s in ([0.0], [0.0, 0.5])]
    words = [[text.get_text() for text in figure.axes[1].texts] for figure in figures]
    assert words == [["too few notes for a tempo"], []]
