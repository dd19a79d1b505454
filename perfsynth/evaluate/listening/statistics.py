"""Means with intervals, paired tests and their correction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from perfsynth.errors import InputError
from perfsynth.evaluate.intervals import LEVEL

Test = Literal["wilcoxon", "t", "sign"]
EXACT_PAIRS = 200  # for more the normal approximation of the signed-rank test is as good


@dataclass(frozen=True)
class Estimate:
    """A mean, its confidence interval and how many values it rests on; one value alone has no interval (nan)."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def margin(self) -> float:
        """Half the width of the interval: what stands behind the ±."""
        return (self.high - self.low) / 2


def mean_interval(values: Sequence[float] | np.ndarray) -> Estimate:
    """The mean of (n,) values and its 95 % interval by Student's t: mean ± t(n - 1) s / sqrt(n).

    Raises
    ------
    InputError
        When there is no value.
    """
    from scipy.stats import t

    sample = np.asarray(values, np.float64)
    if sample.ndim != 1 or len(sample) == 0:
        raise InputError(f"values of shape {sample.shape}: a mean needs at least one")
    mean = float(sample.mean())
    if len(sample) == 1:
        return Estimate(mean, math.nan, math.nan, 1)
    margin = float(t.ppf((1 + LEVEL) / 2, len(sample) - 1) * sample.std(ddof=1) / math.sqrt(len(sample)))
    return Estimate(mean, mean - margin, mean + margin, len(sample))


def paired_p(differences: Sequence[float] | np.ndarray, test: Test = "wilcoxon") -> float:
    """Two-sided p that paired differences (n,) lie around 0.

    ``wilcoxon`` the signed-rank test (exact up to `EXACT_PAIRS`, ties or not), ``t`` Student's, ``sign`` the exact sign
    test, which leaves out differences of 0. Where nothing differs, p is 1; one pair proves nothing either.

    Raises
    ------
    InputError
        When there is no pair.
    """
    from scipy import stats

    sample = np.asarray(differences, np.float64)
    if sample.ndim != 1 or len(sample) == 0:
        raise InputError(f"differences of shape {sample.shape}: a test needs at least one pair")
    # A mean of ratings is a sum of fractions: what is left of equal ones is not a difference.
    sample = np.where(np.abs(sample) < 1e-12, 0.0, sample)
    nonzero = sample[sample != 0]
    if len(nonzero) == 0 or len(sample) == 1:
        return 1.0
    if test == "sign":
        return float(stats.binomtest(int((nonzero > 0).sum()), len(nonzero)).pvalue)
    if test == "t":
        if sample.std() < 1e-12:
            return 0.0
        return float(stats.ttest_1samp(sample, 0.0).pvalue)
    return _signed_rank_p(np.round(nonzero, 12))


def _signed_rank_p(differences: np.ndarray) -> float:
    """Wilcoxon's p over all signs that these differences could have, ties keeping their mean rank."""
    from scipy import stats

    if len(differences) > EXACT_PAIRS:
        return float(stats.wilcoxon(differences).pvalue)
    doubled = np.round(2 * stats.rankdata(np.abs(differences))).astype(np.int64)  # mean ranks are whole or half
    chances = np.zeros(doubled.sum() + 1)  # of each sum of the ranks of positive differences
    chances[0] = 1.0
    for rank in doubled:
        shifted = np.concatenate([np.zeros(rank), chances[:-rank]])
        chances = (chances + shifted) / 2
    rarer = min(doubled[differences > 0].sum(), doubled[differences < 0].sum())
    return float(min(1.0, 2 * chances[: rarer + 1].sum()))


def holm(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """p values (n,) corrected for their number (Holm 1979): the k-th smallest times n - k + 1, never decreasing."""
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(1.0, stepped)
    return corrected
