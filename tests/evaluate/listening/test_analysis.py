"""The whole analysis: by hand on a few answers, and on simulated listeners of known opinions."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from perfsynth.errors import InputError
from perfsynth.evaluate.listening.analysis import analyse
from perfsynth.evaluate.listening.answers import Sheet
from perfsynth.evaluate.listening.exclusion import Rules, excluded, rules_of
from perfsynth.evaluate.listening.table import agreement_table, comparisons_table, scores_table
from tests.evaluate.listening.listeners import answer, choosers, raters, sheet

NOBODY_OUT = Rules(fast=0.0)


def two_pieces(participant: str, model: tuple[int, int], deadpan: tuple[int, int]) -> Sheet:
    """A listener's ratings of two systems, each playing two pieces."""
    systems = (("model", model), ("deadpan", deadpan))
    rated = [answer(name, value, piece=f"p{i}") for name, values in systems for i, value in enumerate(values)]
    return sheet(participant, rated)


# Means of the listeners: 4.5, 4, 3.5 for model and 2, 2.5, 3 for deadpan.
BY_HAND = [two_pieces("A", (5, 4), (2, 2)), two_pieces("B", (4, 4), (2, 3)), two_pieces("C", (3, 4), (3, 3))]


def test_scores_and_comparison_by_hand() -> None:
    found = analyse(BY_HAND)
    assert found.systems == ("model", "deadpan")
    assert found.n_listeners == 3
    model = found.score("overall", "model")
    # s = 0.5, t(2; 0.975) = 4.302653: 4.302653 * 0.5 / sqrt 3
    assert (model.mean, model.n) == (4.0, 3)
    assert model.margin == pytest.approx(1.242069, abs=1e-6)
    (comparison,) = found.comparisons
    # Differences of deadpan from model: -2.5, -1.5, -0.5; all signs alike: p = 2 / 8.
    assert (comparison.first, comparison.second) == ("deadpan", "model")
    assert comparison.difference.mean == pytest.approx(-1.5)
    assert comparison.p == comparison.p_holm == pytest.approx(0.25)


def test_single_ratings_by_hand() -> None:
    found = analyse(BY_HAND, unit="rating", test="t")
    model = found.score("overall", "model")
    # 5 4 4 4 3 4: s = sqrt(2 / 5), t(5; 0.975) = 2.570582: 2.570582 * 0.632456 / sqrt 6
    assert (model.mean, model.n) == (4.0, 6)
    assert model.margin == pytest.approx(0.663722, abs=1e-6)
    assert found.comparisons[0].difference.n == 6


def test_the_table_of_the_papers() -> None:
    found = analyse(BY_HAND)
    assert scores_table(found) == "         overall\nmodel    4.00 ± 1.24\ndeadpan  2.50 ± 1.24\n"
    assert scores_table(found, "markdown") == (
        "|  | overall |\n|---|---|\n| model | **4.00 ± 1.24** |\n| deadpan | 2.50 ± 1.24 |\n"
    )
    assert scores_table(found, "csv") == ",overall\nmodel,4.00 ± 1.24\ndeadpan,2.50 ± 1.24\n"
    latex = scores_table(analyse([sheet("A", [answer("a_b & c", 3)])]), "latex")
    assert latex.splitlines()[4] == r"a\_b \& c & \textbf{3.00} \\"
    assert comparisons_table(found).splitlines()[1].split() == (
        ["overall", "deadpan", "model", "-1.50", "±", "2.48", "3", "0.250", "0.250", "no", "difference", "shown"]
    )
    assert agreement_table(found).splitlines()[0].split() == ["question", "alpha", "metric", "ICC(2,1)", "ICC(2,k)"]


def test_known_opinions_are_recovered() -> None:
    means = {"human": 4.2, "model": 3.6, "deadpan": 2.4, "noise": 1.8}
    found = analyse(raters(means, n_listeners=40, n_pieces=6, seed=3))
    assert found.systems == ("human", "model", "deadpan", "noise")
    for system, mean in means.items():
        estimate = found.score("overall", system)
        assert estimate.low - 0.1 < mean < estimate.high + 0.1  # ratings end at 1 and 5: a little bias is theirs
    assert all(comparison.p_holm < 0.001 for comparison in found.comparisons)
    assert len(found.comparisons) == 6
    (agreement,) = found.agreement
    assert agreement.metric == "ordinal"
    assert 0.4 < agreement.alpha < 0.9
    assert agreement.icc_average > 0.95 > agreement.icc_single


def test_without_a_difference_one_test_in_twenty_finds_one() -> None:
    """Families of six comparisons each: Holm's correction keeps a false alarm in any of them below 5 %."""
    alarms = []
    for seed in range(200):
        sheets = raters(dict.fromkeys("abcd", 3.0), n_listeners=10, n_pieces=2, seed=seed)
        alarms.append(min(comparison.p_holm for comparison in analyse(sheets).comparisons) < 0.05)
    assert np.mean(alarms) <= 0.08


def test_ratings_of_one_listener_do_not_count_as_many() -> None:
    """One system is better to half of the listeners and worse to the others: over listeners there is no winner."""
    sheets = [
        sheet(f"L{number}", [answer(name, value, piece=f"p{piece}") for piece in range(12) for name, value in pair])
        for number, pair in enumerate([[("a", 5), ("b", 1)]] * 4 + [[("a", 1), ("b", 4)]] * 3)
    ]
    assert analyse(sheets).comparisons[0].p > 0.1
    assert analyse(sheets, unit="rating").comparisons[0].p < 0.05


def test_preferences_are_recovered() -> None:
    found = analyse(choosers({"model": 3.0, "deadpan": 1.0, "noise": 0.25}, n_listeners=30, n_pieces=8, seed=0))
    assert found.systems == ("model", "deadpan", "noise")
    # model is preferred to deadpan with 3/4 and to noise with 12/13.
    assert found.score("overall", "model").mean == pytest.approx((3 / 4 + 12 / 13) / 2, abs=0.03)
    by_pair = {(c.first, c.second): c for c in found.comparisons}
    assert by_pair["deadpan", "model"].difference.mean == pytest.approx(1 / 4 - 3 / 4, abs=0.1)
    assert by_pair["model", "noise"].difference.mean == pytest.approx(12 / 13 - 1 / 13, abs=0.08)
    assert all(comparison.p_holm < 0.001 for comparison in found.comparisons)


def test_preferences_count_alike_on_either_side() -> None:
    left = [
        sheet("A", [answer("x", 1.0, other="y")], method="ab"),
        sheet("B", [answer("x", 0.5, other="y")], method="ab"),
    ]
    right = [
        sheet("A", [answer("y", 0.0, other="x")], method="ab"),
        sheet("B", [answer("y", 0.5, other="x")], method="ab"),
    ]
    for sheets in (left, right):
        found = analyse(sheets, rules=NOBODY_OUT)
        assert found.score("overall", "x").mean == 0.75
        assert found.comparisons[0].difference.mean == 0.5
    assert analyse(left).agreement == analyse(right).agreement


def test_votes_alone_are_a_sign_test() -> None:
    sheets = [sheet(f"L{i}", [answer("x", float(i < 9), other="y")], method="ab") for i in range(10)]
    found = analyse(sheets, unit="rating")
    assert found.test == "sign"
    assert found.comparisons[0].p == pytest.approx(2 * 11 / 1024)  # 9 or 10 of 10


def test_listeners_who_did_not_listen_are_left_out() -> None:
    # A cheat clicks through in 2 s where 10 s sound, and rates at random: without him the result is as before.
    honest = raters({"human": 4.5, "deadpan": 2.0}, n_listeners=8, n_pieces=5, seed=0)
    hasty = [replace(a, value=1.0, seconds=2.0) for a in honest[0].answers]
    cheat = sheet("cheat", hasty)
    found = analyse([*honest, cheat])
    assert found.excluded == {"cheat": "too fast in 10 of 10 trials"}
    assert found.scores == analyse(honest).scores
    # A listener may be fast now and then: 1 of 10 trials is within the 15 %.
    once = sheet("once", [replace(a, seconds=2.0 if i == 0 else 12.0) for i, a in enumerate(honest[0].answers)])
    assert not excluded([once], rules_of("rating"))


def test_the_hidden_reference_must_be_heard() -> None:
    def listener(name: str, *ratings: float) -> Sheet:
        answers = [answer("human", rating, piece=f"p{i}") for i, rating in enumerate(ratings)]
        return sheet(name, [*answers, answer("model", 50)], method="mushra")

    good = listener("good", 100, 100, 95, 90, 100, 100, 100)
    once = listener("once", 100, 100, 100, 60, 100, 100, 100)  # 1 of 7 is 14 %
    twice = listener("twice", 100, 89, 100, 60, 100, 100, 100)
    found = analyse([good, once, twice])
    assert found.excluded == {"twice": "hidden reference below 90 % in 2 of 7 ratings"}
    assert not excluded([twice], rules_of("rating"))
    assert "twice" in excluded([twice], Rules(reference_min=0.9))


def test_headphones_can_be_asked_for() -> None:
    heard = sheet("heard", [answer("a", 3)], headphones=5 / 6)
    guessed = sheet("guessed", [answer("a", 3)], headphones=2 / 6)
    skipped = sheet("skipped", [answer("a", 3)])
    assert not excluded([heard, guessed, skipped], Rules())
    assert excluded([heard, guessed, skipped], Rules(headphones_min=0.8)) == {
        "guessed": "headphone check 33 % right", "skipped": "headphone check skipped",
    }  # fmt: skip


def test_nobody_left_is_an_error() -> None:
    with pytest.raises(InputError, match=r"all 1 listeners are excluded .*too fast in 1 of 1 trials.*loosen"):
        analyse([sheet("A", [answer("a", 3, seconds=1.0)])])
    with pytest.raises(InputError, match="at least one listener"):
        analyse([])


def test_gaps_are_no_obstacle(caplog: pytest.LogCaptureFixture) -> None:
    broken_off = replace(BY_HAND[2], answers=BY_HAND[2].answers[:1], complete=False)
    found = analyse([*BY_HAND[:2], broken_off])
    assert "broken off after 1 answers" in caplog.text
    assert found.comparisons[0].difference.n == 2
    assert found.score("overall", "model").n == 3
    assert math.isnan(found.agreement[0].icc_single)
    assert not math.isnan(found.agreement[0].alpha)


def test_references_come_first_and_anchors_last() -> None:
    sheets = [sheet("A", [answer("human", 1), answer("anchor-3500", 5), answer("b", 2), answer("a", 4)])]
    assert analyse(sheets).systems == ("human", "a", "b", "anchor-3500")


def test_plots_show_every_system_and_question() -> None:
    from perfsynth.evaluate.listening.plot import scores_figure

    extra = [replace(a, question="timbre", value=6 - a.value) for a in BY_HAND[0].answers]
    drawn = scores_figure(analyse([sheet("A", [*BY_HAND[0].answers, *extra]), sheet("B", [*BY_HAND[1].answers])]))
    left, right = drawn.axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["deadpan", "model"] or (
        [label.get_text() for label in left.get_yticklabels()] == ["model", "deadpan"]
    )
    assert (left.get_title(), right.get_title()) == ("overall", "timbre")
    assert left.get_xlim() == (1, 5)
    means = sorted(round(float(line.get_xdata()[0]), 3) for line in left.get_lines() if len(line.get_xdata()) == 1)
    assert {2.25, 4.25} <= set(means)
