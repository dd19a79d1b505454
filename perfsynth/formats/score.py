"""The order of a score's notes, the same whatever file they came from."""

from __future__ import annotations

import numpy as np


def arranged(notes: np.ndarray) -> np.ndarray:
    """Sort notes by onset, grace notes first in their written order, then by pitch; merge unison doublings.

    Parameters
    ----------
    notes
        (n,) `SCORE_NOTE`, in the order of the file.

    Returns
    -------
    ndarray
        At most n notes. Notes of one part with the same onset and pitch, neither of them a grace note, are one
        key on a keyboard: the longest stays, with the marks of all and the highest velocity.
    """
    is_main = notes["grace"] == 0
    rank = np.where(is_main, notes["pitch"], np.arange(len(notes)))
    order = np.lexsort([-notes["duration_beat"], notes["part"], rank, is_main, np.round(notes["onset_beat"], 6)])
    notes = notes[order]
    same = (
        (np.abs(np.diff(notes["onset_beat"])) < 1e-6)
        & (np.diff(notes["pitch"]) == 0)
        & (np.diff(notes["part"]) == 0)
        & (notes["grace"][1:] == 0)
        & (notes["grace"][:-1] == 0)
    )
    first = np.flatnonzero(np.append(True, ~same)) if len(notes) else np.zeros(0, int)
    merged = notes[first].copy()
    if len(first) < len(notes):
        merged["marks"] = np.bitwise_or.reduceat(notes["marks"], first)
        merged["velocity"] = np.maximum.reduceat(notes["velocity"], first)
    return merged
