"""What ten fingers can do on the keys of a piano."""

from __future__ import annotations

import numpy as np

from perfsynth.types import PERFORMED_NOTE, Mark

RELEASE_S = 0.04  # a key struck again is lifted that much earlier; nine people in ten leave more


def keys_of(notes: np.ndarray) -> np.ndarray:
    """(n,) `PERFORMED_NOTE`: the keys of (n,) `SCORE_NOTE`, not yet played; times and velocities are 0."""
    played = np.zeros(len(notes), PERFORMED_NOTE)
    for name in ("note_id", "pitch", "part"):
        played[name] = notes[name]
    return played


def lift_before_restrike(played: np.ndarray) -> None:
    """Shorten keys, in place, that are struck again while they are down.

    Parameters
    ----------
    played
        (n,) `PERFORMED_NOTE`, in any order.
    """
    order = np.lexsort([played["onset_s"], played["pitch"], played["part"]])
    same = (np.diff(played["pitch"][order]) == 0) & (np.diff(played["part"][order]) == 0)
    gap = np.diff(played["onset_s"][order])
    most = np.where(same & (gap > 0), np.maximum(gap - RELEASE_S, gap / 2), np.inf)
    first = order[:-1]
    played["duration_s"][first] = np.minimum(played["duration_s"][first], most)


def strikes(graces: np.ndarray) -> np.ndarray:
    """Which stroke of the hand plays each of a row of grace notes: (k,) `SCORE_NOTE` to (k,) from 0, chords at once."""
    return np.maximum(np.cumsum(graces["marks"] & Mark.CHORDED == 0) - 1, 0)
