"""Means, tests and agreement against values worked out by hand or printed in the literature."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, wilcoxon

from perfsynth.errors import InputError
from perfsynth.evaluate.listening.agreement import intraclass_correlation, krippendorff_alpha
from perfsynth.evaluate.listening.statistics import holm, mean_interval, paired_p

NAN = math.nan


def test_the_interval_of_five_ratings() -> None:
    # s = sqrt(2.5), t(4; 0.975) = 2.776445: 3 +- 2.776445 * 1.581139 / 2.236068
    estimate = mean_interval([1, 2, 3, 4, 5])
    assert (estimate.mean, estimate.n) == (3.0, 5)
    assert estimate.margin == pytest.approx(1.963243, abs=1e-6)
    assert estimate.high == pytest.approx(4.963243, abs=1e-6)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    chance = np.random.default_rng(1)
    held = [
        estimate.low <= 3.0 <= estimate.high for estimate in map(mean_interval, 3 + chance.standard_normal((2000, 8)))
    ]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_one_value_has_no_interval_and_none_no_mean() -> None:
    estimate = mean_interval([4.0])
    assert estimate.mean == 4.0
    assert math.isnan(estimate.margin)
    with pytest.raises(InputError, match="at least one"):
        mean_interval([])


def test_holm_by_hand() -> None:
    # Sorted .005 .01 .03 .04, times 4 3 2 1: .02 .03 .06 .04, of which the last may not fall below .06.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.4, 0.9]), [0.8, 0.9])
    assert holm([]).shape == (0,)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_keeps_the_order_and_lies_between_none_and_bonferroni(p: list[float]) -> None:
    corrected = holm(p)
    assert (corrected >= np.array(p)).all()
    assert (corrected <= np.minimum(1, len(p) * np.array(p)) + 1e-12).all()
    assert (np.diff(corrected[np.argsort(p, kind="stable")]) >= 0).all()


@pytest.mark.parametrize(
    ("differences", "test", "p"),
    [
        ([1, 2, 3, 4, 5], "wilcoxon", 2 / 2**5),  # all signs alike: one of 32 on either side
        ([1, 2, 3, 4, -5], "wilcoxon", 20 / 32),  # rank sum 5 or less: 10 of the 32 sign patterns, twice
        ([1, 1, 1, -1, 0, 0], "sign", 10 / 16),  # 3 of 4 heads: 2 (4 + 1) / 16
        ([2, 2, 2, 2, 2], "sign", 2 / 2**5),
        ([1, 2, 3], "t", 0.0741799),  # t = 2 / (1 / sqrt 3) = 3.4641 with 2 degrees of freedom
        ([0, 0, 0], "wilcoxon", 1.0),
        ([0, 0, 0], "t", 1.0),
        ([3], "t", 1.0),
        ([2, 2, 2], "t", 0.0),
    ],
)
def test_paired_tests_by_hand(differences: list[float], test: str, p: float) -> None:
    assert paired_p(differences, test) == pytest.approx(p, abs=1e-6)  # type: ignore[arg-type]
    assert paired_p([-d for d in differences], test) == pytest.approx(p, abs=1e-6)  # type: ignore[arg-type]


@given(st.lists(st.integers(-4, 4).filter(bool), min_size=2, max_size=10))
def test_the_signed_rank_test_is_that_of_all_signs(differences: list[int]) -> None:
    """Against the sum over every pattern of signs, ties included."""
    ranks = rankdata(np.abs(differences))
    sums = [sum(r for r, s in zip(ranks, signs, strict=True) if s) for signs in product((0, 1), repeat=len(ranks))]
    positive = sum(r for r, d in zip(ranks, differences, strict=True) if d > 0)
    rarer = min(positive, ranks.sum() - positive)
    assert paired_p(differences) == pytest.approx(min(1.0, 2 * np.mean([s <= rarer for s in sums])))


def test_the_signed_rank_test_is_scipys_without_ties_and_near_it_for_many() -> None:
    chance = np.random.default_rng(0)
    few, many = chance.normal(0.3, 1, 30), chance.normal(0.1, 1, 200)
    assert paired_p(few) == pytest.approx(wilcoxon(few, method="exact").pvalue)
    assert paired_p(many) == pytest.approx(wilcoxon(many, method="asymptotic").pvalue, rel=0.02)
    assert paired_p(np.append(many, 0.2)) == pytest.approx(wilcoxon(np.append(many, 0.2)).pvalue)


def test_rounding_errors_of_means_are_no_differences() -> None:
    assert paired_p(np.array([0.1 + 0.2 - 0.3] * 9)) == 1.0


def test_no_pairs_are_no_test() -> None:
    with pytest.raises(InputError, match="at least one pair"):
        paired_p([])


# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: four observers, twelve units.
KRIPPENDORFF = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
])  # fmt: skip


@pytest.mark.parametrize(("metric", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_krippendorffs_example(metric: str, alpha: float) -> None:
    assert krippendorff_alpha(KRIPPENDORFF, metric) == pytest.approx(alpha, abs=5e-4)  # type: ignore[arg-type]


def test_alpha_by_hand() -> None:
    # Two raters, units (1, 1) and (1, 2). Observed: 1 of 2 units differs by 1: 1/2. Values 1 1 1 2: of the 12 ordered
    # pairs 6 differ by 1: 1/2. So alpha is 0.
    assert krippendorff_alpha(np.array([[1.0, 1.0], [1.0, 2.0]])) == pytest.approx(0.0)


@pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval"])
def test_alpha_at_its_ends(metric) -> None:
    alike = np.tile([1.0, 2.0, 3.0, 4.0], (5, 1))
    assert krippendorff_alpha(alike, metric) == 1.0
    assert math.isnan(krippendorff_alpha(np.full((3, 4), 2.0), metric))
    assert math.isnan(krippendorff_alpha(np.array([[1.0, NAN], [NAN, 2.0]]), metric))
    chance = np.random.default_rng(0).integers(1, 6, (20, 200)).astype(float)
    assert krippendorff_alpha(chance, metric) == pytest.approx(0.0, abs=0.02)


# Shrout and Fleiss 1979, table 2: four judges, six targets; table 4: ICC(2,1) = .29, ICC(2,4) = .62.
SHROUT = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)


def test_intraclass_correlation_of_shrout_and_fleiss() -> None:
    single, average = intraclass_correlation(SHROUT.T)
    assert (round(single, 2), round(average, 2)) == (0.29, 0.62)


def test_intraclass_correlation_refuses_gaps_and_knows_nothing_of_equals() -> None:
    with pytest.raises(InputError, match="without gaps"):
        intraclass_correlation(KRIPPENDORFF)
    assert all(map(math.isnan, intraclass_correlation(np.ones((3, 3)))))
