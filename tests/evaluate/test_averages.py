"""Means over reports: what is averaged, what has an interval, and what is said to be lacking."""

from __future__ import annotations

import math

import numpy as np
import pytest

from perfsynth.evaluate.averages import average
from perfsynth.evaluate.intervals import interval, means, weights


def test_means_stand_where_the_numbers_of_the_reports_stand() -> None:
    reports = [
        {"name": "a", "list": [1, 2], "good": True, "n": 1, "inner": {"x": 2.0}, "interval_95": {"n": 7}},
        {"name": "b", "list": [3], "good": False, "n": 2, "inner": {"x": 4.0}, "interval_95": {"n": 9}},
    ]
    found = average(reports)
    assert found.mean == {"n": 1.5, "inner": {"x": 3.0}}
    assert (found.n_reports, found.interval, found.lacking) == (2, {}, {})


def test_intervals_are_those_of_the_bootstrap_and_need_five_that_have_the_figure() -> None:
    values = [0.3, 0.9, 0.4, 0.8, 0.1, 0.6]
    reports = [{"all": value, "five": value, "four": value, "none": None} for value in values]
    reports[0]["five"] = None
    del reports[0]["four"]
    reports[1]["four"] = math.nan
    found = average(reports)
    low, high = interval(means(np.array(values)[:, None], weights(6)))
    assert found.interval["all"] == pytest.approx((low[0], high[0]))
    assert set(found.interval) == {"all", "five"}
    assert found.mean["five"] == pytest.approx(np.mean(values[1:]))
    assert found.mean["four"] == pytest.approx(np.mean(values[2:]))
    assert math.isnan(found.mean["none"])
    assert found.lacking == {("five",): 5, ("four",): 4}


@pytest.mark.filterwarnings("error")
def test_what_is_never_in_a_report_is_never_in_the_mean() -> None:
    reports = [{"some": 1.0, "all": "never", "one": 1.0, "name": "a"} for _ in range(9)]
    reports[0]["one"], reports[1]["some"], reports[2]["some"] = "never", math.inf, None
    found = average(reports)
    assert found.mean == {"some": math.inf, "all": math.inf, "one": math.inf}
    assert found.endless == {("some",): 1, ("all",): 9, ("one",): 1}
    assert found.lacking == {("some",): 8}
    assert found.interval == {}


@pytest.mark.filterwarnings("error")
def test_an_interval_reaches_to_what_is_infinite() -> None:
    draws = np.array([[1.0, np.inf, np.nan]] * 90 + [[np.inf, np.inf, np.nan]] * 10)
    low, high = interval(draws)
    assert low.tolist()[:2] == [1.0, np.inf] and high.tolist()[:2] == [np.inf, np.inf]
    assert np.isnan([low[2], high[2]]).all()


def test_what_lacks_as_a_whole_is_said_once() -> None:
    reports = [{"human": {"a": 1.0, "deep": {"b": 2.0}}}, {"human": {"a": None, "deep": {"b": 1.0}}}, {}]
    assert average(reports).lacking == {("human",): 2, ("human", "a"): 1}
