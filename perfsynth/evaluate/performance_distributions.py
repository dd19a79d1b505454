"""Whether a performance uses the range that people use: distributions of what it does, and how far two differ.

Two performances can agree in shape and differ here, or the other way about: a mean prediction follows every phrase
and is timid all along. The overall tempo is left out: a generated performance is taken at that of its reference.
Distributions are those of one piece: what suits another piece is no merit in this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from perfsynth.evaluate.performance import Traits

# Inner edges of the bins; the first and the last bin are open.
EDGES: dict[str, np.ndarray] = {
    "velocity": np.arange(4.0, 128.0, 4.0),  # MIDI velocity
    # s to the next note of the score: finest within chords
    "ioi": np.concatenate([np.linspace(-0.05, 0.05, 11), np.geomspace(0.06, 4.0, 32)]),
    "duration": np.geomspace(0.04, 6.0, 40),  # s
    "articulation": np.arange(-4.0, 2.01, 0.5),  # log2
    "tempo": np.log(np.geomspace(0.1, 4.0, 32)),  # ln beat period
}


def histograms(generated: Traits, reference: Traits) -> dict[str, np.ndarray]:
    """Shares of each measure of `EDGES` over the notes or beats that both have.

    Returns
    -------
    dict
        (2, n_bins) by measure, the generated side first; both rows add up to 1, or to 0 where nothing is shared.
    """
    stretch = _stretch(generated, reference)
    sides = (_samples(generated, reference, stretch), _samples(reference, generated, 1.0))
    return {name: np.stack([_shares(side[name], edges) for side in sides]) for name, edges in EDGES.items()}


def _stretch(generated: Traits, reference: Traits) -> float:
    """How much slower the reference is, as a factor of the mean beat period."""
    difference = reference.log_beat_period - generated.log_beat_period
    finite = np.isfinite(difference)
    return float(np.exp(difference[finite].mean())) if finite.any() else 1.0


def _samples(side: Traits, other: Traits, stretch: float) -> dict[str, np.ndarray]:
    both = np.isfinite(side.onset_s) & np.isfinite(other.onset_s)
    beats = np.isfinite(side.log_beat_period) & np.isfinite(other.log_beat_period)
    return {
        "velocity": side.velocity[both],
        "ioi": stretch * np.diff(side.onset_s[both]),
        "duration": stretch * side.duration_s[both],
        "articulation": side.articulation[both & np.isfinite(other.articulation)],
        "tempo": side.log_beat_period[beats] + np.log(stretch),
    }


def _shares(values: np.ndarray, inner: np.ndarray) -> np.ndarray:
    values = values[np.isfinite(values)]
    count = np.bincount(np.digitize(values, inner), minlength=len(inner) + 1)
    return count / max(len(values), 1)


def jensen_shannon(pair: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence in bits, 0..1, of two distributions.

    Parameters
    ----------
    pair
        (..., 2, n_bins), not negative; the rows are made to add up to 1.

    Returns
    -------
    ndarray
        (...), nan where a side is empty.
    """
    total = pair.sum(axis=-1, keepdims=True)
    shares = pair / np.where(total > 0, total, 1.0)
    middle = shares.mean(axis=-2, keepdims=True)
    ratio = np.divide(shares, middle, out=np.ones_like(shares), where=shares > 0)
    bits: np.ndarray = (shares * np.log2(ratio)).sum(axis=(-1, -2)) / 2
    return np.where((total > 0).all(axis=(-1, -2)), bits, np.nan)
