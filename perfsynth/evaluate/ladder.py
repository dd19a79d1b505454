"""The calibration ladder: what each distance says of changes whose sound everybody knows.

A log-mel distance of 0.1 is neither good nor bad until it is known that a hiss at -40 dB costs 2 and 12 ms of delay
0.14. So every table of distances stands beside that of the reference against

- itself: what the measure gives for no difference at all;
- itself 6 dB softer, unmatched: which is what matching takes out;
- itself with white noise 40 dB below its root mean square: hardly heard, and dear in everything logarithmic;
- itself 12 ms late, unmatched: not heard at all;
- another piano that plays the same performance, matched: the same notes with another sound.
"""

from __future__ import annotations

import numpy as np

from perfsynth.evaluate.audio import Comparison, compare, distances, segments
from perfsynth.evaluate.matching import RATE, levelled, validate
from perfsynth.progress import Report

SOFTER_DB = -6.0
HISS_DB = -40.0
LATE_S = 0.012
ITSELF, SOFTER, HISS, LATE, OTHER = "itself", "-6 dB", "+ hiss -40 dB", "+12 ms", "another piano"
MAX_SEGMENTS = 3  # of a long piece: the ladder is there to compare with, not to be exact


def rungs(reference: np.ndarray) -> dict[str, np.ndarray]:
    """The changed references, each (n, n_channels) as the reference."""
    late = round(LATE_S * RATE)
    noise = np.random.default_rng(0).normal(size=reference.shape)
    level = np.sqrt((np.asarray(reference, np.float64) ** 2).mean()) * 10 ** (HISS_DB / 20)
    changed = {
        ITSELF: reference,
        SOFTER: reference * 10 ** (SOFTER_DB / 20),
        HISS: reference + level * noise,
        LATE: np.concatenate([np.zeros_like(reference[:late]), reference[:-late]]),
    }
    return {name: audio.astype(np.float32) for name, audio in changed.items()}


def ladder(
    reference: np.ndarray, other: np.ndarray | None = None, *, report: Report | None = None
) -> dict[str, Comparison]:
    """The distances of the rungs.

    Parameters
    ----------
    reference
        (n, n_channels) float at 44.1 kHz, at least a second. Of more than a minute, three pieces are taken.
    other
        The same performance on another piano; without it that rung is missing.
    report
        Told how far it is.
    """
    validate(reference, reference)
    picked = _picked(reference)
    short, _ = levelled(np.concatenate([reference[piece] for piece in picked]))
    found = compare(rungs(short), short, report=report)
    if other is not None:
        length = min(len(reference), len(other))
        pieces = _picked(reference[:length])
        sides = [np.concatenate([audio[piece] for piece in pieces]) for audio in (other, reference)]
        found[OTHER] = distances(sides[0], sides[1], report=report)
    return found


def _picked(reference: np.ndarray) -> list[slice]:
    """At most three pieces, spread over those in which something sounds."""
    sounding = [piece for piece in segments(len(reference)) if np.abs(reference[piece]).max() > 0]
    if len(sounding) <= MAX_SEGMENTS:
        return sounding
    return [sounding[i] for i in np.linspace(0, len(sounding) - 1, MAX_SEGMENTS).round().astype(int)]
