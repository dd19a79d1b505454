"""From what cantabile thinks of a score to what it plays: rests, long notes, nothing more than was asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perfsynth.perform.cantabile.interpretation import Interpretation
from perfsynth.perform.cantabile.network import ASYNCHRONY_S, STATISTICS
from perfsynth.perform.cantabile.playing import chord_times, play
from perfsynth.perform.cantabile.reading import read
from perfsynth.perform.cantabile.shaping import Calibration, Manner, curves
from perfsynth.types import SCORE_NOTE, Mark, Score

SAMPLES = 4  # a quarter note


def score(*notes: tuple[float, float]) -> Score:
    """Of one key, by onset and duration in quarter notes."""
    rows = [(f"n{index}", onset, length, 60) for index, (onset, length) in enumerate(notes)]
    made = np.zeros(len(rows), SCORE_NOTE)
    for index, (note_id, onset, length, pitch) in enumerate(rows):
        made[index]["note_id"], made[index]["pitch"] = note_id, pitch
        made[index]["onset_beat"], made[index]["duration_beat"] = onset, length
    return Score(made)


def thought(of: Score, pedal: np.ndarray) -> Interpretation:
    """Nothing but a pedal, whose probability is known on a grid of sixteenths."""
    n, m = len(of.notes), len(read(of).chord_beat)
    flat = np.zeros(m)
    says = dict.fromkeys(STATISTICS, 0.0)
    zero = np.zeros(n)
    return Interpretation(flat, flat, zero, zero, zero, pedal, np.arange(len(pedal)) / 4, flat, says)


@pytest.mark.parametrize("rubato", [0.0, 1.0, 2.0])
def test_a_written_tempo_is_followed_however_much_rubato_there_is(rubato: float) -> None:
    music = score(*[(float(beat), 1.0) for beat in range(8)])
    twice = np.repeat([-np.log(2) / 2, np.log(2) / 2], 4)
    heard = replace(thought(music, np.zeros(29)), written_tempo=twice)
    steps = np.diff(chord_times(curves(read(music), heard, Manner(rubato=rubato, bpm=60.0), Calibration())))
    np.testing.assert_allclose(steps[:4] / steps[4:].mean(), 2.0)


def test_the_pedal_is_up_while_all_parts_rest_unless_that_is_very_likely() -> None:
    music = score((0.0, 2.0), (4.0, 1.0), (8.0, 1.0))  # silent from 2 to 4 and from 5 to 8
    likely = np.linspace(0.6, 0.65, 8 * SAMPLES + 1)
    likely[5 * SAMPLES :] += 0.3
    asked = curves(read(music), thought(music, likely), Manner(), Calibration(pedal_share=1.2))
    beat = asked.pedal_beat
    assert asked.pedal_down[(beat >= 1.5) & (beat < 2)].all()
    assert not asked.pedal_down[(beat >= 2) & (beat < 4)].any()
    assert asked.pedal_down[(beat >= 5) & (beat < 8)].all()
    assert not curves(read(music), thought(music, likely), Manner(pedal=False), Calibration()).pedal_down.any()


def test_of_two_voices_the_longer_one_keeps_the_pedal_down() -> None:
    music = score((0.0, 1.0), (0.0, 3.0), (4.0, 1.0))
    likely = 0.6 + 0.001 * np.arange(4 * SAMPLES + 1)
    down = curves(read(music), thought(music, likely), Manner(), Calibration(pedal_share=1.6)).pedal_down
    beat = np.arange(len(down)) / SAMPLES
    assert down[(beat >= 1) & (beat < 3)].all()
    assert not down[(beat >= 3) & (beat < 4)].any()


@pytest.mark.parametrize(("octaves", "expression"), [(0.1, 1.0), (0.2, 1.0), (0.1, 0.0)])
def test_each_doubling_of_what_is_written_is_held_longer(octaves: float, expression: float) -> None:
    music = score((0.0, 1.0), (1.0, 2.0), (3.0, 4.0), (7.0, 1.0))
    manner = Manner(articulation=expression)
    asked = curves(read(music), thought(music, np.zeros(29)), manner, Calibration(long_notes=octaves))
    assert np.diff(asked.articulation[:3]) == pytest.approx(octaves * expression)
    assert asked.articulation.mean() == pytest.approx(0.0, abs=1e-9)


def test_the_longer_a_note_is_written_the_less_its_articulation_varies() -> None:
    music = score((0.0, 1.0), (1.0, 2.0), (3.0, 4.0), (7.0, 1.0))
    heard = replace(thought(music, np.zeros(29)), articulation=np.ones(4))
    even, steady = (
        curves(read(music), heard, Manner(), Calibration(steady_notes=octaves)).articulation for octaves in (0.0, 0.5)
    )
    assert np.ptp(even) == pytest.approx(0.0)
    assert np.diff(np.log2(steady[:3])) == pytest.approx(-0.5)


def test_rests_take_no_pedal_from_the_music_between_them() -> None:
    busy = score(*((float(beat), 1.0) for beat in range(16)))
    sparse = score(*((float(beat), 1.0) for beat in range(0, 16, 4)))  # three beats of rest after each
    rng = np.random.default_rng(0)
    down = []
    for music in (busy, sparse):
        grid = np.arange(int(music.notes["onset_beat"].max()) * SAMPLES + 1) / SAMPLES
        likely = 0.4 + 0.05 * rng.random(len(grid))
        asked = curves(read(music), thought(music, likely), Manner(), Calibration(pedal_share=1.0))
        down.append(asked.pedal_down[np.isin(np.floor(grid), music.notes["onset_beat"])].mean())
    assert down[0] == pytest.approx(down[1], abs=0.1)


def test_a_note_is_held_for_no_more_than_anybody_would() -> None:
    music = score((0.0, 64.0), *((1 + beat / 16, 1 / 16) for beat in range(64)))
    asked = curves(read(music), thought(music, np.zeros(21)), Manner(bpm=60.0), Calibration())
    wild = replace(asked, articulation=np.where(music.notes["duration_beat"] > 1, -20.0, 20.0))
    held_s = play(music, wild).notes["duration_s"]
    assert held_s.max() < 60.0


def test_grace_notes_leave_the_others_as_long_as_they_are_and_all_is_played() -> None:
    music = score((0.0, 1.0), (1.0, 2.0), (3.0, 4.0))
    notes = music.notes.copy()
    notes["grace"][1], notes["duration_beat"][1] = 1, 0.0
    graced = replace(music, notes=notes)
    asked = curves(read(graced), thought(graced, np.zeros(13)), Manner(), Calibration(long_notes=0.3))
    assert asked.articulation == pytest.approx([-0.3, 0.0, 0.3])
    assert len(play(graced, asked).notes) == 3


def test_the_last_chord_is_voiced_half_as_far_below_its_loudest_note() -> None:
    music = score(*[(float(beat), 1.0) for beat in range(6)], (6.0, 1.0), (6.0, 1.0))
    music.notes["pitch"][-1] = 72
    said = np.array([1.0, -1.0, 0.5, -0.5, 1.0, 0.0, -2.0, 1.0])
    loud = curves(read(music), replace(thought(music, np.zeros(29)), velocity=said), Manner(), Calibration()).velocity
    assert loud[7] - loud[5] == pytest.approx(loud[4] - loud[5])  # the loudest note and all before it as they were
    assert loud[7] - loud[6] == pytest.approx(1.5 * (loud[7] - loud[5]))


def test_accents_are_less_far_above_the_notes_around_and_what_has_none_stays() -> None:
    music = score(*[(float(beat), 1.0) for beat in range(40)])
    said = np.tile([1.5, -0.5, -0.5, -0.5], 10)
    said = (said - said.mean()) / said.std()
    heard = replace(thought(music, np.zeros(157)), velocity=said)
    plain = curves(read(music), heard, Manner(), Calibration()).velocity
    music.notes["marks"][::4] = Mark.ACCENT
    music.notes["marks"][20] = 0  # as loud as the accents, but no accent
    accented = curves(read(music), heard, Manner(), Calibration()).velocity
    ratio = (accented[0] - accented[1]) / (accented[20] - accented[1])
    assert 0.5 < ratio < 0.7
    assert np.std(accented) == pytest.approx(np.std(plain))


@pytest.mark.parametrize(("beats", "period_s"), [(0.5, 2.0), (1.0, 1.0), (4.0, 0.6)])
def test_plain_chords_are_played_no_more_sparsely_than_any_music(beats: float, period_s: float) -> None:
    music = score(*[(beats * number, beats) for number in range(8)])
    heard = thought(music, np.zeros(round(28 * beats) + 1))
    heard.statistics["log_beat_period"] = np.log(3.0)
    assert curves(read(music), heard, Manner(), Calibration()).beat_period_s == pytest.approx(period_s)
    assert curves(read(music), heard, Manner(bpm=20.0), Calibration()).beat_period_s == pytest.approx(3.0)


def test_notes_of_chords_stay_as_far_apart_while_what_all_highest_share_is_less() -> None:
    rng = np.random.default_rng(0)
    chords = score(*[(float(beat), 1.0) for beat in range(60) for _ in range(3)], (60.0, 1.0))
    strays = rng.normal(0, 0.3, 181)
    strays[2:180:3] -= 1.0  # the highest lead
    heard = replace(thought(chords, np.zeros(245)), asynchrony=strays)
    made = curves(read(chords), heard, Manner(), Calibration()).asynchrony_s / ASYNCHRONY_S
    before, after = (
        one[:180].reshape(60, 3) - one[:180].reshape(60, 3).mean(axis=1)[:, None] for one in (strays, made)
    )
    assert np.abs(after).sum() == pytest.approx(np.abs(before).sum())
    assert 0.2 < after[:, 2].mean() / before[:, 2].mean() < 0.8
    assert np.corrcoef(after[:, 0], before[:, 0])[0, 1] > 0.9
    assert made[180] == pytest.approx(strays[180])
