"""A score as a machine plays it, the input of models that read performances rather than scores."""

from __future__ import annotations

import numpy as np

from perfsynth.perform.deadpan import perform
from perfsynth.types import Score


def mechanical(score: Score, *, bpm: float | None = None) -> np.ndarray:
    """`PERFORMED_NOTE` in score order, as ``deadpan`` plays the score."""
    return perform(score, bpm=bpm).notes


def opening_s(score: Score, *, bpm: float | None = None) -> float:
    """How long the score rests before its first note."""
    return float(mechanical(score, bpm=bpm)["onset_s"].min())
