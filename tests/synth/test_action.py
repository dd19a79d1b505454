"""Keys and pedals against what a piano does, and the kernel against a plain reference."""

from __future__ import annotations

import itertools
import logging
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsynth.errors import InputError
from perfsynth.synth import action
from perfsynth.synth.action import Strikes, damping_s, strike
from perfsynth.types import CONTROL, PERFORMED_NOTE, SOFT, SOSTENUTO, SUSTAIN, Part, Performance

UP, DOWN = 0, 127
FALL = -action.FLOOR_LN


def performance(notes: list[tuple], controls: list[tuple] = (), parts: tuple[Part, ...] = (Part(),)) -> Performance:
    """Notes are onset, duration, pitch, velocity and perhaps part; controls time, number, value and perhaps part."""
    rows = [("", onset, duration, pitch, velocity, *(part or [0])) for onset, duration, pitch, velocity, *part in notes]
    pedals = [(time, number, value, *(part or [0])) for time, number, value, *part in controls]
    return Performance(np.array(rows, PERFORMED_NOTE), np.array(pedals, CONTROL), parts)


def curve(strikes: Strikes, index: int = 0) -> list[tuple[float, float]]:
    rows = slice(*strikes.breakpoint_offset[index : index + 2])
    return list(zip(strikes.breakpoint_s[rows], strikes.breakpoint_ln[rows], strict=True))


def tau(key: int) -> float:
    return float(damping_s(np.array(key)))


def test_nothing_played():
    strikes = strike(performance([]))
    assert len(strikes.key) == len(strikes.breakpoint_s) == len(strikes.release_s) == len(strikes.pedal_s) == 0
    assert strikes.breakpoint_offset.tolist() == [0]
    assert strikes.hold_offset.tolist() == [0] * 89


def test_note_is_damped_when_its_key_comes_up():
    strikes = strike(performance([(1.0, 0.5, 60, 80)]))
    assert curve(strikes) == [(1.0, 0.0), (1.5, 0.0), (pytest.approx(1.5 + FALL * tau(60)), -FALL)]
    assert strikes.end_s[0] == strikes.breakpoint_s[-1]
    assert (strikes.key[0], strikes.velocity[0], strikes.soft[0]) == (60, 80, 0)


def test_bass_is_damped_slower_and_the_top_not_at_all():
    taus = damping_s(np.arange(21, 109))
    assert (np.diff(taus[:70]) < 0).all()
    assert np.isfinite(taus[: 90 - 21 + 1]).all()
    assert np.isinf(taus[90 - 21 + 1 :]).all()
    assert (taus[0], taus[69]) == pytest.approx(action.DAMPING_S)
    high = strike(performance([(0.0, 0.1, 91, 80)]))
    rung, gone = action.UNDAMPED_S[0], action.UNDAMPED_S[0] + FALL * action.FADE_S
    assert curve(high) == [(0.0, 0.0), (pytest.approx(rung), 0.0), (pytest.approx(gone), -FALL)]
    top = strike(performance([(0.0, 0.1, 108, 80)]))
    assert top.end_s[0] < 7, "a string of 5 cm is silent by then"


def test_drums_alone_are_no_piano_music():
    drums = replace(performance([(0.0, 0.1, 38, 80)]), parts=(Part("Drums", 0, True),))
    with pytest.raises(InputError, match="fluidsynth"):
        strike(drums)


def test_sustain_holds_until_it_comes_up():
    strikes = strike(performance([(0.0, 0.5, 60, 80)], [(0.2, SUSTAIN, DOWN), (3.0, SUSTAIN, UP)]))
    assert curve(strikes)[1] == (3.0, 0.0)
    late = strike(performance([(0.0, 0.5, 60, 80)], [(0.55, SUSTAIN, DOWN), (3.0, SUSTAIN, UP)]))
    assert late.ln_damping(0, np.array([1.0, 2.9])) == pytest.approx([-0.05 / tau(60)] * 2)


@pytest.mark.parametrize(("value", "contact"), [(0, 1.0), (40, 1.0), (60, 0.25), (64, 0.16), (80, 0.0), (127, 0.0)])
def test_half_pedal_damps_by_its_depth(value, contact):
    strikes = strike(performance([(0.0, 0.5, 30, 80)], [(0.1, SUSTAIN, value)]))
    assert strikes.ln_damping(0, np.array([0.7]))[0] == pytest.approx(-0.2 * contact / tau(30), abs=1e-9)


def test_sostenuto_holds_only_what_was_down():
    held, after = (0.0, 0.5, 60, 80), (0.6, 0.2, 64, 80)
    strikes = strike(performance([held, after], [(0.4, SOSTENUTO, DOWN), (2.0, SOSTENUTO, UP)]))
    assert curve(strikes, 0)[1] == (2.0, 0.0)
    assert curve(strikes, 1)[1] == (pytest.approx(0.8), 0.0)


def test_sostenuto_under_the_sustain_pedal_holds_everything():
    pedals = [(0.0, SUSTAIN, DOWN), (0.4, SOSTENUTO, DOWN), (0.5, SUSTAIN, UP), (2.0, SOSTENUTO, UP)]
    strikes = strike(performance([(0.0, 0.2, 60, 80), (0.6, 0.2, 64, 80)], pedals))
    assert [curve(strikes, i)[1] for i in range(2)] == [(2.0, 0.0), (2.0, 0.0)]


def test_restruck_string_dies_softly_whatever_the_pedal_does():
    strikes = strike(performance([(0.0, 0.4, 60, 80), (1.0, 0.5, 60, 80)], [(0.0, SUSTAIN, DOWN)]))
    assert curve(strikes, 0) == [(0.0, 0.0), (1.0, 0.0), (pytest.approx(1.0 + FALL * action.RESTRIKE_S), -FALL)]


def test_overlapping_notes_hold_their_key_together():
    strikes = strike(performance([(0.0, 3.0, 60, 80), (1.0, 0.5, 60, 90)]))
    assert curve(strikes, 1)[1] == (3.0, 0.0)
    assert strikes.release_s.tolist() == [3.0]


def test_doubled_note_is_one_strike_of_the_louder():
    strikes = strike(performance([(0.0, 0.5, 60, 50), (0.01, 2.0, 60, 90), (0.0, 1.0, 61, 70)]))
    assert strikes.key.tolist() == [60, 61]
    assert strikes.velocity.tolist() == [90, 70]
    assert curve(strikes, 0)[1] == (pytest.approx(2.01), 0.0)


def test_note_without_length_gets_one():
    assert curve(strike(performance([(1.0, 0.0, 60, 80)])))[1] == (pytest.approx(1.0 + action.MIN_HOLD_S), 0.0)


def test_odd_notes_are_mended_and_reported(caplog):
    notes = [(0, 1, 9, 80), (0, 1, 109, 80), (0, 1, 127, 0), (np.nan, 1, 60, 80), (-1.0, 2, 50, 200), (0, 1, 40, 80, 1)]
    with caplog.at_level(logging.WARNING, "perfsynth"):
        strikes = strike(performance(notes, parts=(Part(), Part(is_drum=True))))
    assert strikes.key.tolist() == [21, 50, 97, 103]
    assert strikes.velocity.tolist() == [80, 127, 80, 1]
    assert (strikes.onset_s == 0).all()
    assert "3 notes lie outside" in caplog.text
    assert "1 notes of a drum part" in caplog.text
    assert "1 notes without a finite time" in caplog.text


def test_soft_pedal_counts_at_the_strike():
    strikes = strike(performance([(0, 1, 60, 80), (1, 1, 61, 80), (2, 1, 62, 80)], [(1, SOFT, 127), (1.5, SOFT, 0)]))
    assert strikes.soft.tolist() == [0, 1, 0]


def test_pedal_of_one_part_is_that_of_the_piano():
    pedals = [(0.0, SUSTAIN, DOWN, 1), (0.5, SUSTAIN, UP, 0), (2.0, SUSTAIN, UP, 1)]
    strikes = strike(performance([(0.0, 0.2, 60, 80)], pedals, (Part(), Part())))
    assert curve(strikes)[1] == (2.0, 0.0)


def test_release_noise_falls_with_the_hold_and_under_the_pedal():
    strikes = strike(performance([(0, 1, 60, 127), (0, 4, 62, 127), (0, 1, 64, 64), (0, 2, 60, 9), (5, 1, 95, 127)]))
    assert strikes.release_key.tolist() == [64, 60, 62, 95]
    levels = [np.exp(-0.23) * (0.4 + 0.6 * 64 / 127), np.exp(-0.46), np.exp(-0.92), np.exp(-0.23) / 2]
    assert strikes.release_level == pytest.approx(levels)
    pedalled = strike(performance([(0, 1, 60, 127)], [(0.5, SUSTAIN, DOWN)]))
    assert pedalled.release_level == pytest.approx([np.exp(-0.23) / 2])


def test_pedal_moves_have_a_speed():
    slow = [(0.02 * i, SUSTAIN, value) for i, value in enumerate(range(0, 128, 8))]
    strikes = strike(performance([(0, 1, 60, 80)], [*slow, (2.0, SUSTAIN, UP)]))
    assert strikes.pedal_down.tolist() == [True, False]
    assert strikes.pedal_s == pytest.approx([0.16, 2.0])
    assert strikes.pedal_speed == pytest.approx([16 / 127 / 0.04, 120 / 127 / 0.04])


def test_holds_are_disjoint_and_cover_key_and_sostenuto():
    notes = [(0, 1, 60, 80), (0.5, 1, 60, 80), (3, 1, 60, 80)]
    strikes = strike(performance(notes, [(3.5, SOSTENUTO, DOWN)]))
    rows = slice(*strikes.hold_offset[60 - 21 : 60 - 21 + 2])
    assert strikes.hold_start_s[rows].tolist() == [0, 3]
    assert strikes.hold_end_s[rows].tolist() == [1.5, np.inf]


def test_pedal_storm_stays_bounded():
    rng = np.random.default_rng(1)
    times, values = np.sort(rng.uniform(0, 10, 10_000)).tolist(), rng.integers(0, 128, 10_000).tolist()
    storm = [(time, SUSTAIN, value) for time, value in zip(times, values, strict=True)]
    notes = [(rng.uniform(0, 9), 0.05, key, 80) for key in rng.integers(21, 91, 300).tolist()]
    strikes = strike(performance(notes, storm))
    assert np.diff(strikes.breakpoint_offset).max() <= FALL / action.TOLERANCE_LN + 4
    assert len(strikes.damper_s) <= 10 / action.MIN_PEDAL_S + 2
    assert len(strikes.pedal_s) < 10 / action.FULL_TRAVEL_S
    # Dampers see the mean of the storm: E[contact] over values 0..127.
    mean = (np.clip((80 - np.arange(128)) / 40, 0, 1) ** 2).mean()
    bass = strike(performance([(1.0, 0.05, 21, 80)], storm))
    fall_s = bass.end_s[0] - 1.05
    assert fall_s == pytest.approx(FALL * tau(21) / mean, rel=0.1)


def plain_ln(strikes: Strikes, index: int, time: float) -> float:
    """The damping of one strike, integrated from one event to the next."""
    key, onset = int(strikes.key[index]), strikes.onset_s[index]
    again = strikes.onset_s[(strikes.key == key) & (strikes.onset_s > onset)].min(initial=np.inf)
    rows = slice(*strikes.hold_offset[key - 21 : key - 19])
    holds = list(zip(strikes.hold_start_s[rows], strikes.hold_end_s[rows], strict=True))
    edges = np.concatenate([strikes.damper_s, strikes.hold_start_s, strikes.hold_end_s, strikes.onset_s, [time]])
    edges = np.unique(np.clip(edges, onset, time))
    ln = 0.0
    for begin, end in itertools.pairwise(edges):
        middle = (begin + end) / 2
        contact = strikes.damper_contact[np.searchsorted(strikes.damper_s, middle) - 1]
        rate = 0.0 if any(a <= middle < b for a, b in holds) else contact / tau(key)
        ln -= (end - begin) * (1 / action.RESTRIKE_S if middle > again else rate)
    return ln


notes_drawn = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.sampled_from([21, 60, 61, 89, 90, 91]), st.just(64)),
    min_size=1, max_size=12,
)  # fmt: skip
pedals_drawn = st.lists(
    st.tuples(st.integers(0, 80), st.sampled_from([SUSTAIN, SOSTENUTO]), st.integers(0, 127)), max_size=12
)


@given(notes_drawn, pedals_drawn)
@settings(max_examples=60, deadline=None)
def test_damping_is_that_of_the_plain_reference(notes, pedals):
    notes = [(onset / 20, length / 20, key, velocity) for onset, length, key, velocity in notes]
    strikes = strike(performance(notes, [(time / 20, number, value) for time, number, value in pedals]))
    for index in range(len(strikes.key)):
        end = strikes.end_s[index]
        times, lns = zip(*curve(strikes, index), strict=True)
        assert (np.diff(times) > 0).all()
        assert (np.diff(lns) <= 0).all()
        for time in np.linspace(strikes.onset_s[index], min(end, 8.0), 7):
            found = strikes.ln_damping(index, np.array([time]))[0]
            assert found == pytest.approx(plain_ln(strikes, index, time), abs=action.TOLERANCE_LN + 1e-6)
        rung = strikes.onset_s[index] + action.ring_s(strikes.key[index])
        assert rung < end <= rung + FALL * action.FADE_S + 1e-6 or plain_ln(strikes, index, end) == pytest.approx(
            -FALL, abs=1e-6
        )
