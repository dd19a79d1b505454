"""When the notes of a chord sound, one against the other."""

from __future__ import annotations

import numpy as np

from perfsynth.types import Mark

MOST_ASYNCHRONY_S = 0.12
ROLL_S = 0.07  # from note to note of a chord with an arpeggio sign; chosen among .045, .06, .07, .08
LONGEST_ROLL_S = 0.5
ROLL_SHARE = 0.7  # of the time until the next chord, at most


def within_chords(
    notes: np.ndarray, chord: np.ndarray, time_s: np.ndarray, asynchrony_s: np.ndarray, freedom: float
) -> np.ndarray:
    """When each note sounds, against the time of its chord.

    Parameters
    ----------
    notes
        (n,) `SCORE_NOTE`.
    chord
        (n,) the chord of each.
    time_s
        (m,) when the chords are played.
    asynchrony_s
        (n,) how far the notes are from one another; only the differences within a chord count.
    freedom
        How much of the time that it asks for an arpeggio takes, 0 to 1.

    Returns
    -------
    ndarray
        (n,) s, of mean 0 in each chord; 0 for grace notes.
    """
    grace = notes["grace"] > 0
    apart_s = np.clip(_about_mean(asynchrony_s, chord, ~grace, len(time_s)), -MOST_ASYNCHRONY_S, MOST_ASYNCHRONY_S)
    rolled = ~grace & (notes["marks"] & Mark.ARPEGGIO != 0)
    if not rolled.any():
        return apart_s
    downwards = rolled & (notes["marks"] & Mark.INVERTED != 0)
    key = np.where(downwards, -1, 1) * notes["pitch"].astype(int)
    order = np.flatnonzero(rolled)
    order = order[np.lexsort([key[order], chord[order]])]
    size = np.bincount(chord[rolled], minlength=len(time_s))
    first = np.cumsum(size) - size
    place = np.arange(len(order)) - first[chord[order]]
    until_s = np.append(np.diff(time_s), LONGEST_ROLL_S)
    room_s = np.minimum(LONGEST_ROLL_S, ROLL_SHARE * until_s) / np.maximum(size - 1, 1)
    roll_s = np.zeros(len(notes))
    roll_s[order] = freedom * place * np.minimum(ROLL_S, room_s)[chord[order]]
    return np.where(rolled & (size[chord] > 1), _about_mean(roll_s, chord, rolled, len(time_s)), apart_s)


def _about_mean(values: np.ndarray, chord: np.ndarray, among: np.ndarray, n_chords: int) -> np.ndarray:
    """Values less their mean over the notes `among` of their chord; 0 for the others and for a note alone."""
    count = np.bincount(chord[among], minlength=n_chords)
    total = np.bincount(chord[among], values[among], n_chords)
    return np.where(among & (count[chord] > 1), values - (total / np.maximum(count, 1))[chord], 0.0)
