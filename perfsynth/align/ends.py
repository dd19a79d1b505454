"""What the two networks that choose the ends of notes have in common: what they see of a moment, how one is chosen."""

from __future__ import annotations

import numpy as np

from perfsynth.align.features import FRAME_S
from perfsynth.evaluate.alignment import tolerance_s

SHORTEST_S = 0.03
NEIGHBOUR_S = 0.3  # beyond which the next onset does not matter
AGAIN_S = 1.0  # beyond which the next stroke of the same string does not matter


def likeliest_s(score: np.ndarray, after_s: np.ndarray) -> np.ndarray:
    """Which time is most probably right within 50 ms or a fifth, (n,): the middle of what is near the best candidate.

    Parameters
    ----------
    score : (n, w)
        Log-probabilities of the candidates, up to a constant.
    after_s : (n, w)
        Times of the candidates after the onset.
    """
    share = np.exp(score - score.max(axis=1, keepdims=True))
    allowed = tolerance_s(after_s)[:, None]
    close = np.abs(after_s[:, :, None] - after_s[:, None]) <= allowed  # of each candidate to each that may be true
    best = np.einsum("nij,nj->ni", close, share).argmax(axis=1)
    share *= close[np.arange(len(best)), best]
    return np.asarray((share * after_s).sum(axis=1) / share.sum(axis=1))


def gaps(times: np.ndarray, onsets_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From each of some times to the next of sorted onsets, and since the one before, in seconds."""
    following = np.searchsorted(onsets_s, times)
    until = onsets_s[np.clip(following, 0, len(onsets_s) - 1)] - times
    return until, times - onsets_s[np.clip(following - 1, 0, len(onsets_s) - 1)]


def level_at(levels: np.ndarray, at_s: np.ndarray, band: np.ndarray) -> np.ndarray:
    """What is heard in a band at a time, at the ends what is heard there."""
    frames = np.clip(np.rint(at_s / FRAME_S).astype(int), 0, len(levels) - 1)
    return np.asarray(levels[frames, band])


def struck_again_s(pitch: np.ndarray, onset_s: np.ndarray) -> np.ndarray:
    """When the same pitch begins again, (n,), inf where it does not."""
    order = np.lexsort([onset_s, pitch])
    again_s = np.full(len(pitch), np.inf)
    same = np.diff(pitch[order]) == 0
    again_s[order[:-1][same]] = onset_s[order[1:][same]]
    return again_s
