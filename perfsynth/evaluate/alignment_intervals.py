"""95 % intervals of the figures of an alignment, over stretches of ten seconds.

The errors of neighbouring notes hang together: one wrong turn moves a bar. So stretches are drawn again, with
replacement, and not single notes (Künsch 1989, a bootstrap over blocks).
"""

from __future__ import annotations

import numpy as np

from perfsynth.evaluate.alignment import (
    ENDS,
    RIGHT_S,
    SURE,
    WINDOWS_MS,
    Paired,
    onset_errors_s,
    right_ends,
)
from perfsynth.evaluate.intervals import interval, means, weights

STRETCH_S = 10.0
FEWEST = 5  # stretches; an interval over less says nothing
REPEATS = 1000
AT_ONCE = 100  # repeats, which bounds the memory that medians take


def intervals(pairs: Paired, *, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Lower and upper end of the figures of `perfsynth.evaluate.alignment.evaluate` that are means, shares or medians.

    Parameters
    ----------
    pairs
        Notes and their true times.
    seed
        Of the drawing.

    Returns
    -------
    dict
        In the units of the figures, by their names; empty where the music has less than five stretches.
    """
    played = pairs.true["status"] == "matched"
    _, stretch = np.unique(np.floor(pairs.true["onset_s"][played] / STRETCH_S), return_inverse=True)
    n_stretches = int(stretch.max(initial=-1)) + 1
    if n_stretches < FEWEST:
        return {}
    drawn = weights(n_stretches, repeats=REPEATS, seed=seed)
    error = onset_errors_s(pairs)
    found = np.isfinite(error)
    draws = {
        "median_ms": _medians(1000 * np.abs(error), stretch, drawn),
        "bias_ms": _medians(1000 * error[found], stretch[found], drawn),
    }
    for name, (values, of) in _columns(pairs, error).items():
        total, count = (
            np.bincount(stretch, weights=np.where(of, part, 0.0), minlength=n_stretches) for part in (values, of)
        )
        draws[name] = means(total[:, None], drawn)[:, 0] / np.maximum(means(count[:, None], drawn)[:, 0], 1e-12)
    ends = {name: interval(values) for name, values in draws.items()}
    return {name: (float(low), float(high)) for name, (low, high) in ends.items() if np.isfinite([low, high]).all()}


def _columns(pairs: Paired, error: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What each note that was played adds to a figure, and whether the figure asks it, (n,) each."""
    played = pairs.true["status"] == "matched"
    predicted = pairs.predicted[played]
    size_ms, found, every = 1000 * np.abs(error), np.isfinite(error), np.ones(len(error), bool)
    sure = predicted["confidence"] >= SURE
    shares = {f"within_{window}_ms": size_ms <= window for window in WINDOWS_MS} | {"found": found}
    columns = {name: (100.0 * right, every) for name, right in {**shares, "sure": sure}.items()}
    for name, field in ENDS.items():
        right, known = right_ends(pairs, field)
        if known.any():
            columns[name] = (100.0 * right, known)
    columns["mean_ms"] = (size_ms, found)
    columns["sure_and_right"] = (100.0 * (size_ms <= 1000 * RIGHT_S), sure)
    return columns


def _medians(values: np.ndarray, stretch: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The median of (n,) values in each repeat, each weighed as its stretch: (repeats,), nan without a value."""
    if not len(values):
        return np.full(len(drawn), np.nan)
    order = np.argsort(values)
    found = []
    for first in range(0, len(drawn), AT_ONCE):
        reached = np.cumsum(drawn[first : first + AT_ONCE][:, stretch[order]], axis=1)
        middle = (reached < reached[:, -1:] / 2).sum(axis=1)
        some = np.where(reached[:, -1] > 0, values[order][np.minimum(middle, len(values) - 1)], np.nan)
        found.append(some)
    return np.concatenate(found)
