"""Distributions, Table II, intervals, summaries and the picture: hand-computed and against plain references."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from perfsynth.cli._report import as_json
from perfsynth.evaluate.audio_table import markdown
from perfsynth.evaluate.intervals import interval, means, weights
from perfsynth.evaluate.performance import shared_traits, traits
from perfsynth.evaluate.performance_ceilings import CONSENSUS, DEADPAN, HUMAN, Judged, deadpan, judge
from perfsynth.evaluate.performance_corpus import as_read, differences, flat, summarise
from perfsynth.evaluate.performance_distributions import EDGES, histograms, jensen_shannon
from perfsynth.evaluate.performance_plot import performance_figure
from perfsynth.evaluate.performance_table import LABELS, by_measure, token_table, with_intervals
from perfsynth.evaluate.performance_tokens import dtw_distance, series_divergence, table_ii, tokens
from perfsynth.tokens import seed
from perfsynth.types import DIRECTION, Performance, Score
from tests.evaluate import played

SCORE = played.score()
HUMANS = [played.human(SCORE, number) for number in range(3)]


def test_divergence_worked_out_by_hand() -> None:
    # p = (1/2, 1/2), q = (1, 0), m = (3/4, 1/4): half of 1/2 log2(2/3) + 1/2 log2 2, and of log2(4/3).
    expected = (0.5 * np.log2(2 / 3) + 0.5 + np.log2(4 / 3)) / 2
    assert float(jensen_shannon(np.array([[2.0, 2.0], [3.0, 0.0]]))) == pytest.approx(expected)
    assert float(jensen_shannon(np.array([[3.0, 0.0], [0.0, 1.0]]))) == pytest.approx(1.0)
    assert np.isnan(jensen_shannon(np.zeros((2, 3))))


def test_distributions_do_not_know_the_tempo() -> None:
    pair = shared_traits(SCORE, HUMANS[0], HUMANS[1])
    slow = shared_traits(SCORE, played.slower(HUMANS[0], 1.7), HUMANS[1])
    for name, found in histograms(*pair).items():
        np.testing.assert_allclose(histograms(*slow)[name], found, atol=0.02, err_msg=name)
        np.testing.assert_allclose(found.sum(axis=1), 1.0)
        assert found.shape == (2, len(EDGES[name]) + 1)


def test_the_tokens_are_those_of_the_vocabulary() -> None:
    score, human = played.score(16), played.human(played.score(16), 2)
    order = np.lexsort([human.notes["pitch"], np.rint(human.notes["onset_s"] * seed.TICKS_PER_S)])
    in_time = Score(score.notes[order])
    found = tokens(traits(in_time, replace(human, notes=human.notes[order])), np.ones(len(order), bool))
    encoded = seed.encode(replace(human, controls=human.controls[:0])).ids
    columns = [seed.FIELDS.index(name) for name in ("velocity", "ioi", "duration")]
    np.testing.assert_array_equal(found, encoded[:, columns])


def test_series_divergence_worked_out_by_hand() -> None:
    a, b = np.array([1.0, 3.0, 0.0]), np.array([2.0, 2.0, 0.0])
    assert series_divergence(a, b) == pytest.approx(0.25 * np.log(0.5) + 0.75 * np.log(1.5))


def plain_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Dynamic time warping with symmetric2 steps, cell by cell."""
    total = np.full((len(a) + 1, len(b) + 1), np.inf)
    for i in range(len(a)):
        for j in range(len(b)):
            cost = abs(a[i] - b[j])
            best = min(total[i, j + 1] + cost, total[i + 1, j] + cost, total[i, j] + 2 * cost)
            total[i + 1, j + 1] = cost if i == j == 0 else best
    return float(total[-1, -1])


@pytest.mark.parametrize("n", [1, 2, 3, 17])
def test_warping_is_that_of_the_plain_recurrence(n: int) -> None:
    a, b = np.random.default_rng(n).integers(0, 40, (2, 5, n)).astype(float)
    np.testing.assert_allclose(dtw_distance(a, b), [plain_distance(x, y) for x, y in zip(a, b, strict=True)])


def test_padding_alone_raises_correlations() -> None:
    pair = shared_traits(SCORE, deadpan(SCORE), HUMANS[0])
    honest, released = (table_ii(*pair, padding=padding) for padding in ("none", "as-released"))
    assert honest["performance/velocity/correlation"] == 0.0
    assert released["performance/velocity/correlation"] > 0.5


def test_as_released_pads_to_whole_blocks() -> None:
    pair = shared_traits(SCORE, HUMANS[0], HUMANS[1])
    a, b = (tokens(side, np.ones(len(SCORE.notes), bool))[:, 0] for side in pair)
    framed = [np.concatenate([[seed.BOS], ids, [seed.EOS]]) for ids in (a, b)]
    padded = [np.pad(ids, (0, -len(ids) % 256)) for ids in framed]
    found = table_ii(*pair, padding="as-released")
    assert found["performance/velocity/correlation"] == pytest.approx(np.corrcoef(*padded)[0, 1])
    assert found["performance/velocity/dtwd"] == pytest.approx(
        float(dtw_distance(*(side[None].astype(float) for side in padded))[0]) / len(padded[0]) / 68
    )


def test_a_performance_is_not_far_from_itself() -> None:
    pair = shared_traits(SCORE, HUMANS[0], HUMANS[0])
    for padding in ("none", "as-released"):
        for name, value in table_ii(*pair, padding=padding).items():
            assert value == pytest.approx(1.0 if name.endswith("correlation") else 0.0, abs=1e-12), name


def test_intervals_are_those_of_the_mean() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, (100, 1))
    low, high = interval(means(values, weights(100)))
    half = 1.96 * values.std() / 10  # of a normal mean
    assert low[0] == pytest.approx(values.mean() - half, abs=0.06)
    assert high[0] == pytest.approx(values.mean() + half, abs=0.06)


def test_what_is_not_known_is_left_out_of_intervals() -> None:
    values = np.array([[1.0, np.nan], [1.0, np.nan], [np.nan, np.nan]])
    drawn = weights(3)
    np.testing.assert_allclose(drawn.sum(axis=1), 1.0)
    low, high = interval(means(values, drawn))
    assert low[0] == high[0] == 1.0
    assert np.isnan(low[1]) and np.isnan(high[1])


def judged(velocity_r: float) -> Judged:
    """A row whose velocity r is known."""
    row = judge(SCORE, {}, HUMANS[:1], tokens=False)[DEADPAN]
    return Judged(replace(row.agreement, velocity_r=velocity_r), row.divergences, {})


def test_differences_are_paired_over_shared_pieces() -> None:
    both = {str(each): {"model": judged(each), HUMAN: judged(each + 0.1)} for each in (0.1, 0.3, 0.5, 0.7, 0.9)}
    rows = both | {"alone": {"model": judged(0.2)}}
    summary, paired = summarise(rows), differences(rows, "model")
    assert summary["model"].n_pieces == 6 and summary["model"].mean["velocity_r"] == pytest.approx(0.45)
    assert summary[HUMAN].n_pieces == 5 and summary[HUMAN].mean["velocity_r"] == pytest.approx(0.6)
    assert list(paired) == [HUMAN] and paired[HUMAN].n_pieces == 5
    assert paired[HUMAN].mean["velocity_r"] == pytest.approx(0.1)
    # Every piece differs by as much: however pieces are drawn, so does the mean.
    np.testing.assert_allclose(paired[HUMAN].interval["velocity_r"], 0.1)


def test_tables_name_every_measure() -> None:
    rows = judge(SCORE, {"made": HUMANS[2]}, HUMANS)
    assert set(LABELS) == set(rows["made"].numbers())
    table = by_measure({name: row.numbers() for name, row in rows.items()})
    assert table[0] == ["measure", "made", DEADPAN, HUMAN, CONSENSUS] and len(table) == len(LABELS) + 1
    assert len(token_table({"made": rows["made"].tokens["none"]})) == 3
    for n_pieces in (4, 5):
        text = markdown(with_intervals(summarise({str(number): rows for number in range(n_pieces)})))
        assert "| pieces" in text and (".." in text) == (n_pieces == 5)


def test_what_is_judged_is_read_again() -> None:
    row = judge(SCORE, {"made": HUMANS[2]}, HUMANS)["made"]
    row.tokens["none"]["segments/velocity/correlation"] = float("nan")
    again = Judged.from_json(json.loads(as_json(row.to_json())))
    assert again.agreement == row.agreement and again.divergences == row.divergences
    np.testing.assert_equal(again.tokens, row.tokens)


def test_flat_midi_has_no_more_than_notes_and_metre() -> None:
    directions = np.array([(0.0, 0.0, "dynamic", "ff", 0, 0)], DIRECTION)
    notes = SCORE.notes.copy()
    notes["velocity"], notes["staff"], notes["marks"] = 90, 1, 8
    marked = replace(SCORE, notes=notes, directions=directions, composer="Bach")
    plain = flat(marked)
    assert len(plain.directions) == 0 and plain.composer == "" and len(plain.meters) == 1
    assert not plain.notes["velocity"].any() and not plain.notes["marks"].any()
    assert marked.notes["velocity"].all()
    np.testing.assert_array_equal(plain.notes["onset_beat"], SCORE.notes["onset_beat"])
    assert as_read({"midi": marked}, "flat") is not None
    assert as_read({"midi": marked}, "musicxml") is None


def test_the_picture_shows_all_that_is_compared() -> None:
    drawn = performance_figure(SCORE, HUMANS[0], HUMANS[1:])
    tempo, velocity, pedal = drawn.axes
    assert len(tempo.lines) == len(velocity.lines) == 3 and len(pedal.collections) == 2
    assert [text.get_text() for text in tempo.get_legend().get_texts()] == ["human (2)", "generated"]
    generated = tempo.lines[-1].get_ydata()
    expected = 60 / np.exp(traits(SCORE, HUMANS[0]).log_beat_period)
    assert np.nanmin(generated) >= expected.min() and np.nanmax(generated) <= expected.max()


def test_a_picture_of_all_notes_at_one_onset_shows_how_loud_they_are() -> None:
    notes = SCORE.notes.copy()
    notes["onset_beat"] = 0.0
    chord = Score(notes)
    drawn = performance_figure(chord, HUMANS[0], [Performance(HUMANS[1].notes)])
    drawn.canvas.draw()
    tempo, velocity, pedal = drawn.axes
    assert len(tempo.lines) == len(pedal.collections) == 0, "one chord has no tempo"
    np.testing.assert_allclose(velocity.lines[-1].get_ydata(), traits(chord, HUMANS[0]).velocity.mean())
