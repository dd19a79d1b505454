"""From curves to keys and pedals: what hands and feet do with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perfsynth.perform import deadpan
from perfsynth.perform.cantabile.graces import GRACE_S
from perfsynth.perform.cantabile.pedalling import RING_S, SHORTEST_PRESS_S, pedal_controls
from perfsynth.perform.cantabile.playing import LAST_HELD, LAST_S, OVERLAP_S, Curves, chord_times, play
from perfsynth.perform.cantabile.reading import chord_of_each
from perfsynth.perform.cantabile.rolling import LONGEST_ROLL_S, ROLL_S
from perfsynth.types import SCORE_NOTE, Mark, Part, Performance, Score

BEAT_S = 0.5


def written(rows: list[tuple[float, float, int, int, int]]) -> Score:
    """Onset and duration in quarter notes, pitch, whether a grace note, marks."""
    notes = np.zeros(len(rows), SCORE_NOTE)
    for name, column in zip(
        ("onset_beat", "duration_beat", "pitch", "grace", "marks"), zip(*rows, strict=True), strict=True
    ):
        notes[name] = column
    notes["note_id"] = [f"n{k}" for k in range(len(rows))]
    return Score(notes)


def level(score: Score, **changed: object) -> Curves:
    """Curves that say nothing of their own."""
    chord, beat = chord_of_each(score.notes)
    n, m = len(chord), len(beat)
    none = np.zeros(0)
    flat = Curves(
        chord, beat, BEAT_S, np.zeros(m), np.full(n, 64.0), np.zeros(n), np.zeros(n), none, none.astype(bool),
        np.zeros(m, bool),
    )  # fmt: skip
    return replace(flat, **changed)  # type: ignore[arg-type]


def ends_s(played: Performance) -> np.ndarray:
    return np.asarray(played.notes["onset_s"] + played.notes["duration_s"])


def test_keys_overlap_what_follows_a_little_however_long_they_would_be_held() -> None:
    score = written([(beat, 1.0, 60 + int(beat), 0, 0) for beat in np.arange(8.0)])
    over_s = [
        ends_s(play(score, level(score, articulation=np.full(8, octaves))))[:-1] - BEAT_S * np.arange(1, 8)
        for octaves in (-1.0, 0.0, 0.1, 1.0, 3.0)
    ]
    assert np.allclose(over_s[0], -BEAT_S / 2)
    assert np.allclose(over_s[1], 0)
    assert np.allclose(over_s[2], BEAT_S * (2**0.1 - 1), atol=0.006), "a legato stays as it is"
    assert (over_s[3] < over_s[4]).all()
    assert (over_s[4] < OVERLAP_S).all()


@pytest.mark.parametrize("mark", [Mark.TRILL, Mark.TURN, Mark.MORDENT])
def test_a_note_with_an_ornament_is_held_for_as_long_as_it_is_written(mark: Mark) -> None:
    score = written([(0, 2.0, 60, 0, int(mark)), (2, 1.0, 62, 0, 0)])
    played = play(score, level(score, articulation=np.array([-4.0, -1.0]), freedom=0.0))
    assert played.notes["duration_s"] == pytest.approx([2 * BEAT_S, BEAT_S / 2])


@pytest.mark.parametrize(
    ("mark", "pitches"), [(Mark.ARPEGGIO, [48, 55, 64]), (Mark.ARPEGGIO | Mark.INVERTED, [64, 55, 48])]
)
def test_an_arpeggio_is_rolled_the_way_it_goes(mark: Mark, pitches: list[int]) -> None:
    score = written([(0, 4, 55, 0, mark), (0, 4, 48, 0, mark), (0, 4, 64, 0, mark), (0, 4, 72, 0, 0), (4, 1, 60, 0, 0)])
    notes = play(score, level(score, asynchrony_s=np.array([0.01, -0.01, 0.0, 0.0, 0.0]))).notes
    signed = np.sort(notes[:3], order="onset_s")
    assert signed["pitch"].tolist() == pitches
    assert np.diff(signed["onset_s"]) == pytest.approx([ROLL_S] * 2)
    together = play(score, level(score, freedom=0.0)).notes
    assert np.ptp(together["onset_s"][:4]) == 0


def test_a_roll_leaves_room_for_the_next_chord() -> None:
    wide = [(0, 8, pitch, 0, int(Mark.ARPEGGIO)) for pitch in range(30, 90, 4)]
    long, short = (written([*wide, (step, 1, 60, 0, 0)]) for step in (8.0, 0.25))
    spread_s = [np.ptp(play(score, level(score)).notes["onset_s"][:-1]) for score in (long, short)]
    assert spread_s == pytest.approx([LONGEST_ROLL_S, 0.7 * 0.25 * BEAT_S])


def run_of(size: int) -> Score:
    """Four quarters, grace notes before the third."""
    small = [(2.0, 0.0, 72 + k, 1, 0) for k in range(size)]
    return written([(0, 1, 60, 0, 0), (1, 1, 62, 0, 0), *small, (2, 1, 64, 0, 0), (3, 1, 65, 0, 0), (40, 1, 60, 0, 0)])


def test_a_run_of_small_notes_takes_its_time_and_the_mean_tempo_is_met() -> None:
    score = run_of(9)
    notes = play(score, level(score)).notes
    small, main = notes[2:11], np.delete(notes, np.s_[2:11])
    assert np.diff(small["onset_s"]) == pytest.approx(np.full(8, GRACE_S), abs=1e-6)
    step_s = np.diff(main["onset_s"])
    assert step_s[1] - 9 * GRACE_S == pytest.approx(step_s[0] / 2, rel=1e-3), "half of the step before is left"
    assert main["onset_s"][-1] == pytest.approx(40 * BEAT_S)
    squeezed = play(score, level(score, freedom=0.0)).notes
    assert np.delete(squeezed, np.s_[2:11])["onset_s"] == pytest.approx(BEAT_S * np.array([0, 1, 2, 3, 40]))


def test_grace_notes_of_one_chord_are_struck_together() -> None:
    score = run_of(6)
    score.notes["marks"][[3, 4, 7]] = Mark.CHORDED  # a triad, a note, a note and an octave
    for played in (play(score, level(score)), deadpan.perform(score)):
        onset_s = played.notes["onset_s"][2:8]
        assert np.ptp(onset_s[:3]) == np.ptp(onset_s[4:]) == 0
        assert (np.diff(onset_s[[0, 3, 4]]) > 0.05).all()


def test_a_few_grace_notes_squeeze_in() -> None:
    score = run_of(2)
    assert chord_times(level(score)) == pytest.approx(BEAT_S * np.array([0, 1, 2, 3, 40]))
    assert np.delete(play(score, level(score)).notes, [2, 3])["onset_s"] == pytest.approx(
        BEAT_S * np.array([0, 1, 2, 3, 40])
    )


def test_the_pedal_is_the_piano_s() -> None:
    score = written([(beat, 1.0, 60, 0, 0) for beat in np.arange(8.0)])
    curves = level(score, pedal_beat=np.arange(0, 8, 0.25), pedal_down=np.arange(32) < 20)
    violin, piano, kit = Part("Violin", 40), Part("Piano", 0), Part("Drums", 0, is_drum=True)
    for parts, pedals in (
        ((violin, piano, kit), [1, 1]),
        ((violin,), []),
        ((piano, piano), [0, 1, 0, 1]),
        ((), [0, 0]),
    ):
        controls = pedal_controls(curves, BEAT_S * np.arange(8), 8 * BEAT_S, parts)
        assert controls["part"].tolist() == pedals
        assert np.all(np.diff(controls["time_s"]) >= 0)


@pytest.mark.parametrize(
    ("written_beats", "freedom", "held_s"),
    [(1.0, 1.0, LAST_HELD * BEAT_S), (1.0, 0.0, BEAT_S), (6.0, 1.0, LAST_S), (8.0, 1.0, 8 * BEAT_S)],
)
def test_the_last_keys_are_held_for_longer_unless_they_are_long(
    written_beats: float, freedom: float, held_s: float
) -> None:
    score = written([(beat, 1.0, 60, 0, 0) for beat in np.arange(7.0)] + [(7.0, written_beats, 64, 0, 0)])
    assert play(score, level(score, freedom=freedom)).notes["duration_s"][-1] == pytest.approx(held_s)


@pytest.mark.parametrize(("down", "lifted_s"), [(30, 5.0 + RING_S), (26, 26 / 4 * BEAT_S)])
def test_a_pedal_that_holds_the_last_chord_lets_it_ring(down: int, lifted_s: float) -> None:
    score = written([(beat, 1.0, 60, 0, 0) for beat in np.arange(8.0)])
    curves = level(score, pedal_beat=np.arange(0, 8, 0.25), pedal_down=np.arange(32) < down)
    controls = pedal_controls(curves, BEAT_S * np.arange(8), 5.0)
    assert controls["time_s"][-1] == pytest.approx(lifted_s)


def test_a_foot_that_would_hardly_touch_the_pedal_stays_off_it() -> None:
    score = written([(beat, 1.0, 60, 0, 0) for beat in np.arange(8.0)])
    down = np.isin(np.arange(0, 8, 0.25), (1.0, 4.0, 4.25, 4.5, 4.75))
    curves = level(score, pedal_beat=np.arange(0, 8, 0.25), pedal_down=down)
    controls = pedal_controls(curves, BEAT_S * np.arange(8), 8 * BEAT_S)
    assert BEAT_S / 4 < SHORTEST_PRESS_S < BEAT_S
    assert controls["time_s"] == pytest.approx([4 * BEAT_S, 5 * BEAT_S])
