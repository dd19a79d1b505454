"""Pearson's correlation as the measures of performances use it: holes are left out, a constant side scores 0."""

from __future__ import annotations

import numpy as np

CONSTANT = 1e-9  # a standard deviation that rounding alone explains


def pearson(a: np.ndarray, b: np.ndarray, *, resolution: float = CONSTANT) -> float:
    """Correlation over the places where both are finite; 0 where one side is constant or nothing is left.

    Parameters
    ----------
    a, b
        (n,) each; nan is a hole.
    resolution
        Standard deviation up to which a side counts as constant: what the rounding of times to the ticks of a
        MIDI file leaves of a mechanical performance is no playing, and must not be correlated.
    """
    both = np.isfinite(a) & np.isfinite(b)
    if np.count_nonzero(both) < 2:
        return 0.0
    a, b = a[both] - a[both].mean(), b[both] - b[both].mean()
    if min(a.std(), b.std()) <= max(resolution, CONSTANT):
        return 0.0
    return float(np.clip((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()), -1.0, 1.0))


def mean_pearson(a: np.ndarray, b: np.ndarray, size: int, *, resolution: float = CONSTANT) -> float:
    """Mean correlation over segments of `size`; those of which less than half is finite on both sides are left out.

    What is shorter than a segment altogether is one. 0 where no segment is left.
    """
    both = np.isfinite(a) & np.isfinite(b)
    if len(a) <= size:
        return pearson(a, b, resolution=resolution)
    cuts = [slice(start, start + size) for start in range(0, len(a), size)]
    kept = [cut for cut in cuts if np.count_nonzero(both[cut]) >= size // 2]
    values = [pearson(a[cut], b[cut], resolution=resolution) for cut in kept]
    return float(np.mean(values)) if values else 0.0


def spread(generated: np.ndarray, reference: np.ndarray, *, resolution: float = CONSTANT) -> float:
    """Standard deviation of the generated over that of the reference where both are finite; nan over a constant."""
    both = np.isfinite(generated) & np.isfinite(reference)
    if np.count_nonzero(both) < 2 or reference[both].std() <= max(resolution, CONSTANT):
        return float("nan")
    return float(generated[both].std() / reference[both].std())
