"""Onset F-measures: what is struck can be heard to be struck, and when.

Two questions. Against the reference recording: does the same detector find the same onsets in both, within 25 ms?
Against the performance that both play (score-informed): does it find the onsets that are written there, within
50 ms, each matched once (the window and the one-to-one matching are those of mir_eval.onset)? The second has a
ceiling below 1, because a detector misses soft notes in the best of recordings: it is the reference's own figure,
and is reported beside it.

Notes closer than 30 ms are one onset: no detector tells them apart, and a chord is one attack.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.errors import InputError
from perfsynth.evaluate.matching import RATE

BETWEEN_RECORDINGS_S = 0.025
SCORE_INFORMED_S = 0.05
CHORD_S = 0.03
HOP = 256  # samples, 5.8 ms


@dataclass(frozen=True)
class OnsetScores:
    """Precision, recall and F-measure, each 0..1."""

    precision: float
    recall: float
    f1: float


def detected_s(audio: np.ndarray) -> np.ndarray:
    """Onset times in seconds of one channel, (n,) float at 44.1 kHz: peaks of librosa's spectral flux."""
    import librosa

    times: np.ndarray = librosa.onset.onset_detect(
        y=np.asarray(audio, np.float32), sr=RATE, hop_length=HOP, units="time"
    )
    return times


def written_s(onset_s: np.ndarray, *, duration_s: float) -> np.ndarray:
    """Distinct onsets of a performance, ascending: the first of each group of notes closer than 30 ms.

    Parameters
    ----------
    onset_s
        (n_notes,) in any order.
    duration_s
        Of the recording; what begins after it cannot be heard.
    """
    times = np.sort(onset_s[(onset_s >= 0) & (onset_s < duration_s)])
    kept: list[float] = []
    for time in times.tolist():
        if not kept or time - kept[-1] >= CHORD_S:
            kept.append(time)
    return np.array(kept)


def onset_scores(estimated_s: np.ndarray, reference_s: np.ndarray, window_s: float) -> OnsetScores:
    """Precision = hits / estimated, recall = hits / reference, F = 2 PR / (P + R).

    Parameters
    ----------
    estimated_s, reference_s
        (n,) and (m,), each ascending, in seconds. Two empty lists agree; an empty and a filled one do not.
    window_s
        How far apart two times may be to match.
    """
    for times in (estimated_s, reference_s):
        if times.ndim != 1 or (np.diff(times) < 0).any():
            raise InputError(f"onset times of shape {times.shape}: one ascending list is needed")
    if not len(estimated_s) or not len(reference_s):
        same = float(len(estimated_s) == len(reference_s))
        return OnsetScores(same, same, same)
    hits = matches(estimated_s, reference_s, window_s)
    precision, recall = hits / len(estimated_s), hits / len(reference_s)
    return OnsetScores(precision, recall, 2 * precision * recall / (precision + recall) if hits else 0.0)


def matches(estimated_s: np.ndarray, reference_s: np.ndarray, window_s: float) -> int:
    """How many of two ascending lists of times can be paired, each once.

    Taking the earliest partner that is left is a maximum matching, as all windows are of one width.
    """
    count = i = j = 0
    while i < len(estimated_s) and j < len(reference_s):
        gap = estimated_s[i] - reference_s[j]
        if abs(gap) <= window_s:
            count, i, j = count + 1, i + 1, j + 1
        elif gap < 0:
            i += 1
        else:
            j += 1
    return count
