"""How far listeners agree: Krippendorff's alpha (missing answers allowed) and the intraclass correlation."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from perfsynth.errors import InputError

Metric = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(ratings: np.ndarray, metric: Metric = "interval") -> float:
    """Krippendorff's alpha: 1 for agreement, 0 for what chance would give, below 0 for discord.

    Parameters
    ----------
    ratings
        (n_raters, n_units) float; nan where a rater did not rate.
    metric
        What lies between two values: ``nominal`` all or nothing, ``ordinal`` the ranks between them, ``interval`` the
        square of their difference.

    Returns
    -------
    float
        1 - observed / expected disagreement; nan where no unit has two ratings or all ratings are one value.

    Raises
    ------
    InputError
        When it is no matrix.

    References
    ----------
    Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), sections C and D.
    """
    if ratings.ndim != 2:
        raise InputError(f"ratings of shape {ratings.shape}: raters in rows and units in columns are needed")
    values = np.unique(ratings[np.isfinite(ratings)])
    counts = (ratings[:, :, None] == values).sum(axis=0).astype(np.float64)  # (n_units, n_values)
    counts = counts[counts.sum(axis=1) >= 2]
    if len(counts) == 0:
        return math.nan
    pairs = counts.sum(axis=1) - 1
    coincidences = (counts / pairs[:, None]).T @ counts - np.diag((counts / pairs[:, None]).sum(axis=0))
    totals = coincidences.sum(axis=0)
    distances = _distances(values, totals, metric)
    expected = (np.outer(totals, totals) * distances).sum() / (totals.sum() - 1)
    return float(1 - (coincidences * distances).sum() / expected) if expected > 0 else math.nan


def _distances(values: np.ndarray, totals: np.ndarray, metric: Metric) -> np.ndarray:
    if metric == "nominal":
        return 1.0 - np.eye(len(values))
    if metric == "interval":
        return (values[:, None] - values[None, :]) ** 2
    # Ratings up to and with each value, less half of those on it: the differences count the ranks in between.
    ranks = np.cumsum(totals) - totals / 2
    return (ranks[:, None] - ranks[None, :]) ** 2


def intraclass_correlation(ratings: np.ndarray) -> tuple[float, float]:
    """ICC(2,1) and ICC(2,k): how far one listener, and the mean of all, can be relied on (Shrout and Fleiss 1979).

    Parameters
    ----------
    ratings
        (n_raters, n_units) float, without gaps; two of each at least.

    Returns
    -------
    tuple of float
        Two-way random effects, absolute agreement; nan where all ratings are alike.

    Raises
    ------
    InputError
        When there are gaps, or too few raters or units.
    """
    if ratings.ndim != 2 or min(ratings.shape) < 2 or not np.isfinite(ratings).all():
        raise InputError(f"ratings of shape {ratings.shape}: two raters and units without gaps are needed")
    k, n = ratings.shape
    mean = ratings.mean()
    units, raters = ratings.mean(axis=0) - mean, ratings.mean(axis=1) - mean
    rest = ratings - mean - units[None, :] - raters[:, None]
    between_units = k * (units**2).sum() / (n - 1)
    between_raters = n * (raters**2).sum() / (k - 1)
    error = (rest**2).sum() / ((n - 1) * (k - 1))
    single = between_units + (k - 1) * error + k * (between_raters - error) / n
    average = between_units + (between_raters - error) / n
    if single <= 0 or average <= 0:
        return math.nan, math.nan
    return float((between_units - error) / single), float((between_units - error) / average)
