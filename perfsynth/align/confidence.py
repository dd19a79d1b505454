"""How sure a time is, and how sure it is that the recording plays the score at all."""

from __future__ import annotations

import numpy as np

from perfsynth.align.path import Course
from perfsynth.align.refine import Refined
from perfsynth.align.structure import IDLE

NEIGHBOURS = 9  # chords around one
LEAST = 1e-3  # of a share, before its logit is taken
# Logistic regression on recordings whose times are known (benchmarks/alignment_confidence.py).
WEIGHTS = np.array([0.589, 0.067, 0.788, -0.308, -0.179])
BIAS = 2.35
TOGETHER = 15  # notes that are all to be right: of the notes above one half, 99 in 100 are
FIT, UNPLAYED = 0.6, 0.03  # what a frame costs in a recording that just fits; what it loses if it plays nothing
NOTHING = 0.7  # what a frame costs of which nothing can be compared: its distance is 1, and says nothing


def confidences(found: Refined, path_s: np.ndarray, chord: np.ndarray) -> np.ndarray:
    """How sure each time is.

    Returns
    -------
    (n,)
        The probability that `TOGETHER` notes, each as clear as this one, all lie within 50 ms of where they were put.
        The probability of a single one is close to 1 for most, and tells little.
    """
    single = 1 / (1 + np.exp(-(described(found, path_s, chord) @ WEIGHTS + BIAS)))
    return np.asarray(single**TOGETHER)


def described(found: Refined, path_s: np.ndarray, chord: np.ndarray) -> np.ndarray:
    """What is known about the time of each note.

    Returns
    -------
    (n, 5)
        Logits of how clearly it, its chord and the chords around are heard; how far it was moved from the path, and
        how unevenly its chord was, in units of 50 ms.
    """
    n_chords = int(chord[-1]) + 1
    first = np.searchsorted(chord, np.arange(n_chords))
    window = np.ones(min(NEIGHBOURS, n_chords))
    weight = np.convolve(np.ones(n_chords), window, "same")
    around = np.convolve(found.clear_chord[first], window, "same") / weight
    moved = (found.chord_s - path_s)[first]
    uneven = np.abs(moved - np.convolve(moved, window, "same") / weight)
    columns = [
        _logit(found.clear),
        _logit(found.clear_chord),
        _logit(around[chord]),
        np.minimum(np.abs(found.onset_s - path_s) * 20, 5),
        np.minimum(uneven[chord] * 20, 5),
    ]
    return np.stack(columns, axis=1)


def _logit(share: np.ndarray) -> np.ndarray:
    inside = np.clip(share, LEAST, 1 - LEAST)
    return np.asarray(np.log(inside / (1 - inside)))


def likeness(along: Course) -> float:
    """Above 0 where a recording plays a score, below where it does not.

    It counts what the music cost a frame, jumps and odd beginnings with it: a wrong score is left out where that is
    possible, and what remains is dear. What only one side has counts `NOTHING`: where keys come up early and no pedal
    holds the sound, the recording is silent while the score is not, and in slow music nothing begins for most of the
    time.
    """
    structure = along.structure
    played = sum(len(stretch.path) for stretch in structure.stretches)
    if not played:
        return -1.0
    idle = structure.n_recorded - played
    cost = (structure.price * structure.n_recorded - IDLE * idle) / played
    cost -= (1 - NOTHING) * (1 - structure.comparable)
    return float(FIT - cost - UNPLAYED * idle / structure.n_recorded)
