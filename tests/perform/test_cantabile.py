"""cantabile plays every note once, in order, at the tempo asked for, and strays only as far as it is told."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfsynth.errors import InputError, UsageError
from perfsynth.evaluate.performance import traits
from perfsynth.expression import beat_grid, chords
from perfsynth.folders import shipped
from perfsynth.perform.cantabile.model import load, perform
from perfsynth.perform.cantabile.reading import groups
from perfsynth.perform.keys import lift_before_restrike
from perfsynth.types import DIRECTION, MEASURE, METER, PERFORMED_NOTE, SCORE_NOTE, SUSTAIN, TEMPO, Mark, Part, Score


def made(rows: list[dict], **tables: np.ndarray) -> Score:
    """Notes of a quarter each, C4, one after the other, unless they say otherwise; by onset then pitch."""
    notes = np.zeros(len(rows), SCORE_NOTE)
    for index, row in enumerate(rows):
        values = {"note_id": f"n{index}", "onset_beat": float(index), "duration_beat": 1.0, "pitch": 60} | row
        for field, value in values.items():
            notes[index][field] = value
    order = np.lexsort([notes["pitch"], notes["onset_beat"]])
    n_parts = int(notes["part"].max(initial=0)) + 1
    return Score(notes[order], parts=tuple(Part(f"part {p}", 0, False) for p in range(n_parts)), **tables)


@pytest.fixture(scope="module")
def chorale() -> Score:
    """Sixteen bars in four voices, with a metre and nothing else."""
    rng = np.random.default_rng(4)
    rows = []
    for beat in range(64):
        root = [60, 65, 67, 60][beat // 4 % 4]
        for voice, interval in enumerate((-12, 4, 7, 12 + int(rng.integers(0, 5)))):
            rows.append({"onset_beat": float(beat), "pitch": root + interval, "note_id": f"n{beat}v{voice}"})
    return made(rows, meters=np.array([(0.0, 4, 4)], METER))


def test_every_note_is_played_once_in_the_order_of_the_score(chorale: Score) -> None:
    played = perform(chorale).notes
    assert played["note_id"].tolist() == chorale.notes["note_id"].tolist()
    assert played["pitch"].tolist() == chorale.notes["pitch"].tolist()
    assert played["onset_s"].min() >= 0
    assert np.all(played["duration_s"] > 0)
    assert np.all((played["velocity"] >= 1) & (played["velocity"] <= 127))


@pytest.mark.parametrize("bpm", [31.0, 96.0, 240.0])
@pytest.mark.parametrize("rubato", [0.0, 1.0, 2.0])
def test_the_mean_tempo_is_the_one_asked_for(chorale: Score, bpm: float, rubato: float) -> None:
    onset_s = perform(chorale, bpm=bpm, rubato=rubato).notes["onset_s"].reshape(64, 4).mean(axis=1)
    assert (onset_s[-1] - onset_s[0]) / 63 == pytest.approx(60 / bpm, rel=0.01)


@pytest.mark.parametrize("rubato", [0.0, 1.0])
def test_a_metronome_mark_is_kept(chorale: Score, rubato: float) -> None:
    marked = Score(chorale.notes, parts=chorale.parts, tempos=np.array([(0.0, 72.0)], TEMPO))
    onset_s = perform(marked, rubato=rubato).notes["onset_s"].reshape(64, 4).mean(axis=1)
    assert (onset_s[-1] - onset_s[0]) / 63 == pytest.approx(60 / 72, rel=0.01)


def test_a_change_of_tempo_is_played_about_as_it_is_written(chorale: Score) -> None:
    marked = replace(chorale, tempos=np.array([(0.0, 50.0), (32.0, 150.0)], TEMPO))
    onsets = perform(marked).notes["onset_s"].reshape(64, 4).mean(axis=1)
    assert 2 < (onsets[31] - onsets[0]) / (onsets[63] - onsets[32]) < 4.5


def test_without_expression_it_is_deadpan(chorale: Score) -> None:
    performance = perform(chorale, expression=0.0, bpm=60.0)
    assert len(set(performance.notes["velocity"].tolist())) == 1
    np.testing.assert_allclose(performance.notes["onset_s"], chorale.notes["onset_beat"], atol=1e-6)
    assert len(performance.controls) == 0


def test_more_rubato_bends_time_and_more_dynamics_bends_loudness(chorale: Score) -> None:
    spreads = []
    for gain in (0.5, 1.0, 2.0):
        heard = traits(chorale, perform(chorale, rubato=gain, dynamics=gain))
        spreads.append((np.nanstd(heard.log_beat_period), np.nanstd(heard.velocity)))
    assert spreads == sorted(spreads)
    assert spreads[2][0] > 2 * spreads[0][0]
    quiet = traits(chorale, perform(chorale, dynamics=0.0))
    assert np.nanstd(quiet.velocity) == 0
    assert np.nanstd(quiet.log_beat_period) > 0


def test_the_same_call_plays_the_same_and_a_seed_alone_changes_nothing(chorale: Score) -> None:
    first, again, other = perform(chorale), perform(chorale), perform(chorale, seed=9)
    assert np.array_equal(first.notes, again.notes)
    assert np.array_equal(first.controls, again.controls)
    assert np.array_equal(first.notes, other.notes)


def test_variations_differ_smoothly(chorale: Score) -> None:
    likeliest = traits(chorale, perform(chorale, bpm=80.0))
    for variation, seed in ((1, 0), (2, 0), (1, 5)):
        other = traits(chorale, perform(chorale, bpm=80.0, variation=variation, seed=seed))
        strayed = other.log_beat_period - likeliest.log_beat_period
        assert 0.005 < np.nanstd(strayed) < 0.5
        steps = np.nanstd(np.diff(strayed))
        assert steps < np.nanstd(strayed), "a drift, not noise from beat to beat"
    calm = traits(chorale, perform(chorale, bpm=80.0, variation=1, temperature=0.0))
    np.testing.assert_allclose(calm.log_beat_period, likeliest.log_beat_period, atol=1e-9)


def test_variations_are_counted_from_0(chorale: Score) -> None:
    with pytest.raises(UsageError, match="from 0"):
        perform(chorale, variation=-1)


def test_the_pedal_is_learned_and_can_be_left_out(chorale: Score) -> None:
    controls = perform(chorale).controls
    assert set(controls["number"].tolist()) <= {SUSTAIN}
    assert np.all(np.diff(controls["time_s"]) >= 0)
    assert len(perform(chorale, pedal=False).controls) == 0


def test_a_pedal_held_over_bars_is_lifted_at_the_chords_where_it_should_clear() -> None:
    from perfsynth.perform.cantabile.pedalling import pedal_controls
    from perfsynth.perform.cantabile.playing import Curves

    beat = np.arange(8.0)
    flat = np.zeros(8)
    lift = np.isin(beat, (2.0, 5.0))
    held = Curves(np.arange(8), beat, 0.5, flat, flat, flat, flat, np.arange(0, 8, 0.25), np.ones(32, bool), lift)
    controls = pedal_controls(held, beat * 0.5, 0.0)
    assert controls["value"].tolist() == [127, 0, 127, 0, 127, 0]
    assert controls["time_s"][1] == pytest.approx(1.0, abs=0.1)
    assert controls["time_s"][3] == pytest.approx(2.5, abs=0.1)
    at_once = replace(held, pedal_lift=np.isin(beat, (0.0, 2.0)))
    assert len(pedal_controls(at_once, beat * 0.5, 0.0)) == 4, "a pedal that has just gone down has nothing to clear"


def test_marks_are_heard(chorale: Score) -> None:
    loud_then_soft = np.array([(0, 0, "dynamic", "ff", 0, 0), (32, 32, "dynamic", "pp", 0, 0)], DIRECTION)
    played = perform(Score(chorale.notes, parts=chorale.parts, meters=chorale.meters, directions=loud_then_soft)).notes
    half = chorale.notes["onset_beat"] < 32
    assert played["velocity"][half].mean() > played["velocity"][~half].mean() + 8


def test_staccato_is_played_shorter(chorale: Score) -> None:
    notes = chorale.notes.copy()
    half = notes["onset_beat"] < 32
    notes["marks"][half] = int(Mark.STACCATO)
    played = perform(Score(notes, parts=chorale.parts, meters=chorale.meters), bpm=80.0).notes
    assert played["duration_s"][half].mean() < 0.75 * played["duration_s"][~half].mean()


def test_grace_notes_come_in_their_order_between_their_neighbours() -> None:
    rows = [{"onset_beat": 0.0}, {"onset_beat": 2.0, "pitch": 67}]
    graces = {"onset_beat": 2.0, "duration_beat": 0.0, "grace": 1}
    rows += [{**graces, "pitch": p, "note_id": name} for p, name in ((62, "x93"), (64, "x47"), (65, "x12"))]
    score = made(rows)
    played = perform(score, bpm=60.0).notes
    onset = dict(zip(played["pitch"].tolist(), played["onset_s"].tolist(), strict=True))
    assert onset[60] < onset[62] < onset[64] < onset[65] < onset[67]


@pytest.mark.parametrize("length", [4.0, 32.0])
def test_a_short_tune_does_not_die_in_its_last_bar(length: float) -> None:
    tune = [64, 62, 60, 62, 64, 64, 64, 62, 62, 62, 64, 67, 67, 64, 62, 60, 62, 64, 64, 64, 64, 62, 62, 64, 62]
    rows = [{"pitch": pitch} for pitch in tune] + [{"pitch": 60, "onset_beat": 25.0, "duration_beat": length}]
    score = made(rows, meters=np.array([(0.0, 4, 4)], METER))
    for rubato in (0.0, 1.0):
        played = perform(score, bpm=100.0, rubato=rubato).notes
        assert played["duration_s"][-1] <= 0.6 * length + 2.001, "written, and a little"
        assert np.diff(played["onset_s"]).max() < 0.6 * 3


def test_a_note_held_through_a_change_of_tempo_ends_with_what_sounds_above_it() -> None:
    rows = [{"pitch": 36, "duration_beat": 16.0}, *[{"onset_beat": float(b), "pitch": 60 + b} for b in range(16)]]
    score = made(rows, tempos=np.array([(0.0, 40.0), (1.0, 120.0)], TEMPO))
    played = perform(score, expression=0.0).notes
    bass = played["pitch"] == 36
    assert played["duration_s"][bass][0] == pytest.approx(1.5 + 15 * 0.5, rel=0.02)
    assert (played["onset_s"] + played["duration_s"])[~bass].max() == pytest.approx(9.0, rel=0.02)


def test_a_tempo_map_begins_with_a_pickup_as_long_as_it_is_written() -> None:
    notes = [{"onset_beat": -0.5, "duration_beat": 0.5}, *[{"onset_beat": float(b)} for b in range(8)]]
    bars = np.array([(-0.5, 0), (0.0, 1), (4.0, 2)], MEASURE)
    score = made(notes, meters=np.array([(-0.5, 4, 4)], METER), measures=bars)
    grid = beat_grid(score, perform(score, expression=0.0, bpm=60.0))
    assert grid.meters == ((0.0, 1, 8), (0.5, 4, 4))
    assert grid.places[:3].tolist() == [0.0, 0.5, 1.5]
    np.testing.assert_allclose(grid.time_s[:3], [0.0, 0.5, 1.5], atol=0.01)


def test_grace_notes_alone_have_a_tempo_map() -> None:
    score = made([{"onset_beat": float(b), "duration_beat": 0.0, "grace": 1} for b in range(4)])
    grid = beat_grid(score, perform(score, bpm=60.0))
    assert np.all(np.diff(grid.time_s) > 0)


def test_a_key_struck_again_is_up_first() -> None:
    played = np.zeros(3, PERFORMED_NOTE)
    played["pitch"], played["onset_s"], played["duration_s"] = 60, (0.0, 0.5, 0.505), 2.0
    lift_before_restrike(played)
    assert np.all(played["onset_s"][:-1] + played["duration_s"][:-1] < played["onset_s"][1:])
    assert np.all(played["duration_s"] > 0)


def test_a_tempo_map_has_a_tempo_a_beat_and_the_same_times(chorale: Score) -> None:
    performance = perform(chorale)
    grid = beat_grid(chorale, performance)
    steps = np.diff(grid.time_s)
    assert np.all(steps > 0)
    assert len(steps) <= np.ceil(chorale.notes["onset_beat"].max()) + 2


ODD = {
    "one note": [{}],
    "one chord": [{"onset_beat": 0.0, "pitch": p} for p in (48, 60, 64)],
    "only grace notes": [{"onset_beat": 0.0, "duration_beat": 0.0, "grace": 1}],
    "outside the piano": [{"pitch": 0}, {"pitch": 127}, {"pitch": 5}],
    "a gap of a thousand bars": [{"onset_beat": 0.0}, {"onset_beat": 4000.0}, {"onset_beat": 4001.0}],
    "no length": [{"duration_beat": 0.0}, {"duration_beat": 0.0}],
    "before the first bar": [{"onset_beat": -1.0}, {"onset_beat": 0.0}],
    "a hair apart": [{"onset_beat": 0.0}, {"onset_beat": 1e-7}, {"onset_beat": 2e-3}],
    "very long": [{"duration_beat": 1e4}, {"onset_beat": 1.0}],
    "the same key twice": [{"onset_beat": 0.0}, {"onset_beat": 0.0, "duration_beat": 2.0}],
    "two parts": [{"part": 0}, {"part": 1}, {"part": 1}],
}


@pytest.mark.parametrize("name", ODD)
def test_odd_scores_are_played(name: str) -> None:
    score = made(ODD[name])
    for expression in (0.0, 1.0, 2.0):
        played = perform(score, expression=expression).notes
        assert played["note_id"].tolist() == score.notes["note_id"].tolist()
        assert np.isfinite(played["onset_s"]).all()
        assert np.isfinite(played["duration_s"]).all()
        assert np.all(played["duration_s"] > 0)


def test_twenty_thousand_notes_at_one_onset_are_played() -> None:
    notes = np.zeros(20_000, SCORE_NOTE)
    notes["note_id"] = [f"n{i}" for i in range(len(notes))]
    notes["pitch"], notes["duration_beat"] = 21 + np.arange(len(notes)) % 88, 1.0
    played = perform(Score(notes[np.lexsort([notes["pitch"]])])).notes
    assert len(played) == 20_000
    assert np.isfinite(played["onset_s"]).all()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 400), st.integers(0, 64), st.integers(0, 127), st.integers(0, 1), st.integers(0, 4095)
        ),
        min_size=1,
        max_size=40,
    ),
    st.integers(0, 3),
)
def test_any_score_is_played_whole(rows: list[tuple], variation: int) -> None:
    score = made(
        [
            {
                "onset_beat": o / 12,
                "duration_beat": 0.0 if g else d / 12,
                "pitch": p,
                "grace": g,
                "marks": m,
                "part": o % 2,
            }
            for o, d, p, g, m in rows
        ]
    )
    played = perform(score, variation=variation, expression=2.0).notes
    assert sorted(played["note_id"].tolist()) == sorted(score.notes["note_id"].tolist())
    assert np.isfinite(played["onset_s"]).all()
    assert np.all(played["onset_s"] >= 0)
    assert np.all(played["duration_s"] > 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"expression": 2.5}, "between 0"),
        ({"rubato": -0.1}, "between 0"),
        ({"composer": "Nobody"}, "not learned"),
    ],
)
def test_options_out_of_range_are_refused(chorale: Score, options: dict, words: str) -> None:
    with pytest.raises((UsageError, InputError), match=words):
        perform(chorale, **options)


def test_a_folder_without_weights_is_refused(chorale: Score, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no weights of cantabile"):
        perform(chorale, weights=str(tmp_path))


def test_weights_that_are_none_are_refused(chorale: Score, tmp_path: Path) -> None:
    shutil.copy(shipped("cantabile") / "config.toml", tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"none at all")
    with pytest.raises(InputError, match="no model of cantabile"):
        perform(chorale, weights=str(tmp_path))


def test_weights_of_another_model_are_refused_by_their_name(chorale: Score) -> None:
    with pytest.raises(InputError, match=r"m2m: weights of m2m, where those of cantabile are needed$"):
        perform(chorale, weights=str(shipped("m2m")))


def test_weights_are_read_again_when_they_have_changed(tmp_path: Path) -> None:
    place = tmp_path / "mine"
    shutil.copytree(shipped("cantabile"), place)
    first = load(str(place))
    assert load(str(place)) is first
    os.utime(place / "config.toml", (1, 1))
    assert load(str(place)) is not first


def test_the_shipped_networks_fit_the_columns_of_today() -> None:
    note, chord = groups()
    for network in load().players.networks:
        assert (network.config.note_columns, network.config.chord_columns) == (len(note), len(chord))


def test_chords_gather_what_sounds_together() -> None:
    notes = made([{"onset_beat": 0.0}, {"onset_beat": 0.0, "pitch": 64}, {"onset_beat": 1.0}]).notes
    chord, beat = chords(notes)
    assert chord.tolist() == [0, 0, 1]
    assert beat.tolist() == [0.0, 1.0]
