"""Agreement of performances: values worked out by hand, invariances, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfsynth.errors import InputError
from perfsynth.evaluate.correlation import mean_pearson, pearson, spread
from perfsynth.evaluate.performance import (
    agreement,
    compare,
    mean_agreement,
    mean_traits,
    shared_traits,
    traits,
)
from perfsynth.evaluate.performance_ceilings import CONSENSUS, DEADPAN, HUMAN, deadpan, judge
from perfsynth.types import PERFORMED_NOTE, Performance, Score
from tests.evaluate import played

SCORE = played.score()
HUMANS = [played.human(SCORE, seed) for seed in range(4)]
R_NAMES = [name for name in agreement(SCORE, HUMANS[0], HUMANS[1]).to_json() if "_r" in name]


def some(performance: Performance, keep: np.ndarray) -> Performance:
    """The performance of some of its notes."""
    return replace(performance, notes=performance.notes[keep])


def test_pearson_leaves_out_holes_and_takes_a_constant_for_nothing() -> None:
    a, b = np.array([1.0, 2.0, np.nan, 3.0, 5.0]), np.array([2.0, 4.0, 1.0, 5.0, np.nan])
    # Over (1, 2), (2, 4), (3, 5): covariance 1, variances 2/3 and 14/9.
    assert pearson(a, b) == pytest.approx(1 / np.sqrt(2 / 3 * 14 / 9))
    assert pearson(a, np.ones(5)) == 0.0
    assert pearson(a[:1], b[:1]) == 0.0
    assert pearson(a, b, resolution=10.0) == 0.0


def test_segments_that_are_mostly_holes_do_not_count() -> None:
    a = np.array([1.0, 2, 3, 4, 1, 2, 3, 4, 1, np.nan, np.nan, np.nan])
    b = np.array([1.0, 2, 3, 4, 4, 3, 2, 1, 1, 2, 3, 4])
    assert mean_pearson(a, b, 4) == pytest.approx(0.0)  # 1 and -1
    assert mean_pearson(a[:3], b[:3], 4) == pytest.approx(1.0)


def test_spread_is_a_ratio_where_both_are_known() -> None:
    assert spread(np.array([0.0, 2, np.nan]), np.array([0.0, 1, 50])) == pytest.approx(2.0)
    assert np.isnan(spread(np.array([0.0, 2]), np.array([1.0, 1])))


def test_a_performance_agrees_with_itself() -> None:
    found = agreement(SCORE, HUMANS[0], HUMANS[0]).to_json()
    assert all(value == pytest.approx(1.0) for value in found.values())


def test_a_mechanical_performance_scores_nothing_where_people_decide() -> None:
    found = agreement(SCORE, deadpan(SCORE), HUMANS[0])
    for name in ("velocity_r", "tempo_r", "tempo_r_windows", "articulation_r", "asynchrony_r", "pedal_r"):
        assert getattr(found, name) == 0.0
    assert found.ioi_r > 0.9 and found.duration_r > 0.5  # the score's own rhythm
    assert found.velocity_spread == pytest.approx(0.0)


def test_what_rounding_leaves_of_a_mechanical_performance_is_no_playing() -> None:
    made = deadpan(SCORE)
    notes = made.notes.copy()
    notes["onset_s"] = np.rint(notes["onset_s"] * 1920 + np.arange(len(notes)) % 2) / 1920
    found = agreement(SCORE, replace(made, notes=notes), HUMANS[0])
    assert found.tempo_r == found.asynchrony_r == 0.0


@given(st.floats(0.2, 5.0), st.floats(0.0, 30.0))
def test_tempo_and_start_change_no_correlation(factor: float, late_s: float) -> None:
    moved = played.slower(HUMANS[0], factor)
    notes, controls = moved.notes.copy(), moved.controls.copy()
    notes["onset_s"] += late_s
    controls["time_s"] += late_s
    found = agreement(SCORE, replace(moved, notes=notes, controls=controls), HUMANS[1]).to_json()
    expected = agreement(SCORE, HUMANS[0], HUMANS[1]).to_json()
    for name in (*R_NAMES, "tempo_spread", "articulation_spread"):
        assert found[name] == pytest.approx(expected[name], abs=1e-6), name
    assert found["asynchrony_spread"] == pytest.approx(factor * expected["asynchrony_spread"])


def test_doubled_dynamics_change_their_spread_alone() -> None:
    softer = HUMANS[0].notes.copy()
    softer["velocity"] = 60 + np.clip(softer["velocity"] - 64, -20, 20)
    louder = softer.copy()
    louder["velocity"] = 60 + 2 * (softer["velocity"] - 60)
    one, two = (agreement(SCORE, replace(HUMANS[0], notes=n), HUMANS[1]) for n in (softer, louder))
    assert two.velocity_r == pytest.approx(one.velocity_r)
    assert two.velocity_spread == pytest.approx(2 * one.velocity_spread)
    assert two.tempo_r == one.tempo_r


def test_correlations_do_not_ask_who_is_the_reference() -> None:
    here, there = agreement(SCORE, HUMANS[0], HUMANS[1]), agreement(SCORE, HUMANS[1], HUMANS[0])
    for name in R_NAMES:
        assert getattr(here, name) == pytest.approx(getattr(there, name)), name
    assert here.tempo_spread == pytest.approx(1 / there.tempo_spread)


def test_only_shared_notes_are_compared() -> None:
    keep = np.arange(len(SCORE.notes)) % 5 != 0
    found = shared_traits(SCORE, HUMANS[0], some(HUMANS[1], keep))
    for side in found:
        assert np.array_equal(np.isfinite(side.onset_s), keep)
    whole = agreement(SCORE, some(HUMANS[0], keep), some(HUMANS[1], keep))
    assert compare(*found) == whole


def test_a_passage_left_out_has_neither_tempo_nor_pedal() -> None:
    beat = SCORE.notes["onset_beat"]
    found = traits(SCORE, some(HUMANS[0], (beat < 20) | (beat >= 40)))
    assert np.isnan(found.log_beat_period[21:39]).all() and np.isfinite(found.log_beat_period[:19]).all()
    assert np.isnan(found.pedal[4 * 21 : 4 * 39]).all() and np.isfinite(found.pedal[4 * 40 :]).all()


def test_the_consensus_of_one_is_that_one() -> None:
    one = traits(SCORE, HUMANS[0])
    found = mean_traits([one, one, one])
    for name in ("velocity", "duration_s", "articulation", "asynchrony_s", "log_beat_period", "pedal"):
        np.testing.assert_allclose(getattr(found, name), getattr(one, name))
    np.testing.assert_allclose(np.diff(found.onset_s), np.diff(one.onset_s), atol=1e-9)


def test_a_note_that_one_player_misses_leaves_no_dent_in_the_consensus() -> None:
    keep = np.ones(len(SCORE.notes), bool)
    keep[[40, 41, 90]] = False
    group = [traits(SCORE, HUMANS[0]), traits(SCORE, some(HUMANS[1], keep))]
    whole = mean_traits([group[0], traits(SCORE, HUMANS[1])])
    found = mean_traits(group)
    assert np.isfinite(found.onset_s).all()
    # The missed notes are taken at the time of their chord: within its scatter, here 10 ms, halved by the mean.
    np.testing.assert_allclose(found.onset_s - found.onset_s[0], whole.onset_s - whole.onset_s[0], atol=0.03)


def test_the_consensus_of_those_who_start_late_is_not_late_in_between() -> None:
    late = HUMANS[1].notes.copy()
    late["onset_s"] += 100.0
    onset_s = mean_traits([traits(SCORE, HUMANS[0]), traits(SCORE, replace(HUMANS[1], notes=late))]).onset_s
    assert np.diff(onset_s).max() < 1.0


def test_means_leave_out_what_is_not_known() -> None:
    one = agreement(SCORE, HUMANS[0], HUMANS[1])
    other = replace(one, velocity_r=0.0, tempo_spread=float("nan"))
    found = mean_agreement([one, other])
    assert found.velocity_r == pytest.approx(one.velocity_r / 2)
    assert found.tempo_spread == one.tempo_spread


def test_rows_of_a_piece_stand_in_the_order_of_skill() -> None:
    rows = judge(SCORE, {"made": played.human(SCORE, 9)}, HUMANS)
    assert list(rows) == ["made", DEADPAN, HUMAN, CONSENSUS]
    velocity = {name: row.agreement.velocity_r for name, row in rows.items()}
    assert velocity[DEADPAN] == 0.0 < velocity[HUMAN] < velocity[CONSENSUS]
    assert rows[HUMAN].divergences["velocity_jsd"] < rows[DEADPAN].divergences["velocity_jsd"]


@pytest.mark.parametrize(("references", "expected"), [(1, []), (2, [HUMAN]), (3, [HUMAN, CONSENSUS])])
def test_ceilings_take_enough_references(references: int, expected: list[str]) -> None:
    assert list(judge(SCORE, {}, HUMANS[:references], tokens=False)) == [DEADPAN, *expected]


def test_players_of_different_passages_are_not_compared_with_each_other() -> None:
    beat = SCORE.notes["onset_beat"]
    halves = [some(HUMANS[0], beat < 32), some(HUMANS[1], beat >= 32)]
    assert list(judge(SCORE, {}, halves, tokens=False)) == [DEADPAN]


def test_the_mechanical_performance_is_what_it_says() -> None:
    made = deadpan(SCORE)
    assert set(made.notes["velocity"]) == {64}
    np.testing.assert_allclose(made.notes["onset_s"], SCORE.notes["onset_beat"] / 2)
    assert len(made.controls) == 0


def test_nothing_in_common_is_refused() -> None:
    notes = HUMANS[0].notes.copy()
    notes["note_id"] = [f"x{index}" for index in range(len(notes))]
    with pytest.raises(InputError, match=r"share 0% of the score's notes"):
        agreement(SCORE, replace(HUMANS[0], notes=notes), HUMANS[1])


def test_a_single_note_is_refused() -> None:
    single = Score(SCORE.notes[:1])
    with pytest.raises(InputError, match="fewer than 8 notes"):
        agreement(
            single, some(HUMANS[0], np.arange(len(SCORE.notes)) < 1), some(HUMANS[1], np.arange(len(SCORE.notes)) < 1)
        )


def test_an_empty_score_is_refused() -> None:
    with pytest.raises(InputError, match="share 0%"):
        agreement(
            Score(SCORE.notes[:0]), Performance(np.zeros(0, PERFORMED_NOTE)), Performance(np.zeros(0, PERFORMED_NOTE))
        )


def test_no_reference_is_refused() -> None:
    with pytest.raises(InputError, match="no reference"):
        judge(SCORE, {"made": HUMANS[0]}, [])
    with pytest.raises(InputError, match="at least one"):
        mean_traits([])


def test_traits_of_two_scores_are_not_compared() -> None:
    with pytest.raises(InputError, match="take both of one score"):
        compare(traits(SCORE, HUMANS[0]), traits(played.score(16), played.human(played.score(16), 0)))


def test_all_notes_at_one_onset_have_no_tempo_and_no_crash() -> None:
    notes = SCORE.notes.copy()
    notes["onset_beat"] = 0.0
    score = replace(SCORE, notes=notes)
    found = agreement(score, HUMANS[0], HUMANS[1])
    assert found.tempo_r == found.pedal_r == 0.0
    assert found.velocity_r > 0.5
