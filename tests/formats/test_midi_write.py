"""Performances on the bar grid of their score: the same sound, a tempo track, bars where the score has them."""

from __future__ import annotations

import io
from dataclasses import replace

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsynth import formats, perform
from perfsynth.errors import InputError
from perfsynth.expression import beat_grid
from perfsynth.formats.midi import read_performance
from perfsynth.formats.midi_write import DRUM_CHANNEL, SLOWEST_US, TICKS_PER_BEAT, write_performance
from perfsynth.tempo import BeatGrid
from perfsynth.types import CONTROL, PERFORMED_NOTE, SUSTAIN, Part, Performance

EQUAL_S = 0.002


def performance(onset_s: np.ndarray, duration_s: float | np.ndarray = 0.3) -> Performance:
    """Notes of different pitch, so that no key is struck again, and a pedal at each."""
    notes = np.zeros(len(onset_s), PERFORMED_NOTE)
    notes["onset_s"], notes["duration_s"], notes["velocity"] = onset_s, duration_s, 70
    notes["pitch"] = 21 + np.arange(len(onset_s)) % 88
    controls = np.array([(t, SUSTAIN, 127 * (i % 2), 0) for i, t in enumerate(onset_s)], CONTROL)
    return Performance(notes, controls)


def heard(data: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Onsets, offsets and pedal changes in s, by pitch or time, as pretty_midi reads them."""
    piano = pretty_midi.PrettyMIDI(io.BytesIO(data)).instruments[0]
    notes = sorted(piano.notes, key=lambda note: (note.pitch, note.start))
    return (
        np.array([n.start for n in notes]), np.array([n.end for n in notes]),
        np.array([c.time for c in piano.control_changes]),
    )  # fmt: skip


def events(data: bytes, kind: str) -> list[tuple[int, mido.MetaMessage]]:
    """Messages of a kind in the first track, and their ticks."""
    now, found = 0, []
    for message in mido.MidiFile(file=io.BytesIO(data)).tracks[0]:
        now += message.time
        if message.type == kind:
            found.append((now, message))
    return found


def assert_same_sound(made: Performance, data: bytes) -> None:
    notes = made.notes[np.lexsort([made.notes["onset_s"], made.notes["pitch"]])]
    onset_s, offset_s, pedal_s = heard(data)
    assert np.abs(onset_s - notes["onset_s"]).max() < EQUAL_S
    assert np.abs(offset_s - (notes["onset_s"] + notes["duration_s"])).max() < EQUAL_S
    assert np.abs(np.sort(pedal_s) - np.sort(made.controls["time_s"])).max(initial=0) < EQUAL_S


steps = st.lists(st.one_of(st.floats(0.05, 1.9), st.floats(1.9, 16.0)), min_size=2, max_size=120)


@settings(deadline=None)
@given(steps, st.lists(st.floats(0, 1), min_size=1, max_size=88))
def test_on_a_grid_a_performance_sounds_the_same_within_2_ms(step_s: list[float], places: list[float]) -> None:
    grid = BeatGrid(np.concatenate([[0.0], np.cumsum(step_s)]))
    made = performance(np.sort(places) * grid.time_s[-1])
    data = write_performance(made, grid=grid)
    assert_same_sound(made, data)
    ticks = [tick for tick, _ in events(data, "set_tempo")]
    assert len(ticks) == len(set(ticks)) <= len(step_s)
    per_beat = mido.MidiFile(file=io.BytesIO(data)).ticks_per_beat
    assert per_beat == TICKS_PER_BEAT or max(step_s) > 1.9, "the usual number, where beats are not slow"
    assert all(tick % per_beat == 0 for tick in ticks)


def test_errors_do_not_add_up_over_an_hour() -> None:
    grid = BeatGrid(np.arange(7201) * (0.5 + 1 / 3_000_007))
    made = performance(grid.time_s[::100])
    onset_s, _, _ = heard(write_performance(made, grid=grid))
    assert np.abs(np.sort(onset_s) - made.notes["onset_s"]).max() < EQUAL_S


def test_beats_of_the_grid_are_beats_of_the_file() -> None:
    grid = BeatGrid(np.array([0.0, 0.4, 1.0, 1.5, 2.5]), ((0.0, 1, 4), (1.0, 3, 4)))
    data = write_performance(performance(grid.time_s), grid=grid)
    downs = mido.merge_tracks(mido.MidiFile(file=io.BytesIO(data)).tracks)
    now, ticks = 0, []
    for message in downs:
        now += message.time
        if message.type == "note_on":
            ticks.append(now)
    assert ticks == [0, 960, 1920, 2880, 3840]
    assert [m.tempo for _, m in events(data, "set_tempo")] == [400000, 600000, 500000, 1000000]
    assert [(t, m.numerator, m.denominator) for t, m in events(data, "time_signature")] == [(0, 1, 4), (960, 3, 4)]


def test_a_pickup_may_be_shorter_than_a_beat() -> None:
    grid = BeatGrid(np.array([0.0, 0.2, 0.8, 1.2]), ((0.0, 1, 8), (0.5, 3, 8)), np.array([0.0, 0.5, 1.5, 2.5]))
    made = performance(np.array([0.0, 0.1, 0.2, 0.8]))
    data = write_performance(made, grid=grid)
    assert_same_sound(made, data)
    assert [(t, m.tempo) for t, m in events(data, "set_tempo")] == [(0, 400000), (480, 600000), (1440, 400000)]
    assert [(t, m.numerator, m.denominator) for t, m in events(data, "time_signature")] == [(0, 1, 8), (480, 3, 8)]


def test_a_steady_tempo_is_written_once() -> None:
    data = write_performance(performance(np.arange(8) * 0.5), grid=BeatGrid(np.arange(9) * 0.5))
    assert [(t, m.tempo) for t, m in events(data, "set_tempo")] == [(0, 500000)]


def test_after_the_grid_the_last_tempo_goes_on() -> None:
    grid = BeatGrid(np.array([0.0, 0.5, 1.3]))
    made = performance(np.array([0.2, 1.3, 2.9, 9.75]))
    assert_same_sound(made, write_performance(made, grid=grid))


@pytest.mark.parametrize("time_s", [[0.0, 0.5, 0.5], [0.0, SLOWEST_US / 1e6 + 0.1]])
def test_a_beat_that_no_tempo_can_say_is_named(time_s: list[float]) -> None:
    with pytest.raises(InputError, match=rf"beat {len(time_s) - 1} of the grid lasts"):
        write_performance(performance(np.array([0.1])), grid=BeatGrid(np.array(time_s)))


def test_the_example_on_its_own_grid(example: bytes) -> None:
    score = formats.read_score(example)
    made = perform(score, model="deadpan")
    rng = np.random.default_rng(0)
    warped = made.notes.copy()
    warped["onset_s"] = 0.3 + warped["onset_s"] * 1.1 + 0.2 * np.sin(warped["onset_s"])
    warped["onset_s"] += rng.normal(0, 0.01, len(warped))
    warped["duration_s"] = np.minimum(warped["duration_s"], 0.08)
    made = replace(made, notes=warped, controls=np.zeros(0, CONTROL))
    grid = beat_grid(score, made)
    data = write_performance(made, grid=grid)
    assert_same_sound(made, data)
    beats = len(grid.time_s) - 1
    tempos = events(data, "set_tempo")
    assert beats / 2 < len(tempos) <= beats
    again = read_performance(data)
    assert len(again.notes) == len(made.notes)
    assert [(m.numerator, m.denominator) for _, m in events(data, "time_signature")][-1] == (3, 4)


def test_both_ways_of_writing_sound_alike(example: bytes) -> None:
    score = formats.read_score(example)
    made = perform(score, model="deadpan")
    plain, gridded = (heard(data) for data in (
        write_performance(made), write_performance(made, grid=beat_grid(score, made)),
    ))  # fmt: skip
    for a, b in zip(plain, gridded, strict=True):
        assert np.abs(a - b).max(initial=0) < EQUAL_S


def test_a_key_struck_again_is_released_first() -> None:
    notes = np.array([("", 0.0, 2.0, 60, 70, 0), ("", 1.0, 1.0, 60, 80, 0), ("", 1.0, 0.5, 60, 90, 0)], PERFORMED_NOTE)
    data = write_performance(Performance(notes))
    now, seen = 0, []
    for message in mido.MidiFile(file=io.BytesIO(data)).tracks[1]:
        now += message.time
        if message.type in ("note_on", "note_off"):
            seen.append((now, message.type))
    assert seen[:3] == [(0, "note_on"), (1920, "note_off"), (1920, "note_on")]
    assert [kind for _, kind in seen].count("note_off") == 3


def test_more_parts_than_channels_share_them(caplog: pytest.LogCaptureFixture) -> None:
    notes = np.array([("", 0.1 * part, 0.1, 60, 70, part) for part in range(20)], PERFORMED_NOTE)
    parts = tuple(Part(f"part {index}", index % 18, is_drum=index == 3) for index in range(20))
    file = mido.MidiFile(file=io.BytesIO(write_performance(Performance(notes, parts=parts))))
    channels = [next(m.channel for m in track if m.type == "note_on") for track in file.tracks[1:]]
    assert channels[3] == DRUM_CHANNEL
    assert channels.count(DRUM_CHANNEL) == 1
    assert channels[18] == channels[0]  # of the same program
    assert set(channels) == set(range(16))
    assert "share the 15 melodic channels" in caplog.text
