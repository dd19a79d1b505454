"""MIDI as scores and as performances; pretty_midi is the independent reader."""

from __future__ import annotations

import io
import struct

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsynth.errors import InputError
from perfsynth.formats import read_score
from perfsynth.formats.midi import read_performance, read_score_midi
from perfsynth.formats.midi_write import TICKS_PER_S, write_performance
from perfsynth.types import PERFORMED_NOTE, Part, Performance
from tests.strategies import damaged, performances

TICK_S = 1 / TICKS_PER_S


def on(pitch: int, time: int = 0, velocity: int = 80, channel: int = 0) -> mido.Message:
    return mido.Message("note_on", note=pitch, velocity=velocity, time=time, channel=channel)


def off(pitch: int, time: int = 0, channel: int = 0) -> mido.Message:
    return mido.Message("note_off", note=pitch, time=time, channel=channel)


def midi(*tracks: list, type: int = 1, ticks: int = 480) -> bytes:
    file = mido.MidiFile(type=type, ticks_per_beat=ticks)
    file.tracks.extend(mido.MidiTrack(track) for track in tracks)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def by_onset(notes: np.ndarray) -> np.ndarray:
    ticks = np.rint(notes["onset_s"] * TICKS_PER_S)
    return notes[np.lexsort([notes["part"], notes["pitch"], ticks])]


@settings(max_examples=60, deadline=None)
@given(performances())
def test_a_performance_comes_back_to_half_a_tick(performance: Performance) -> None:
    read = read_performance(write_performance(performance))
    sent, got = by_onset(performance.notes), by_onset(read.notes)
    assert len(got) == len(sent)
    assert np.abs(got["onset_s"] - sent["onset_s"]).max() <= TICK_S / 2 + 1e-9
    assert np.array_equal(got["velocity"], sent["velocity"])
    assert (got["duration_s"] <= sent["duration_s"] + 1.5 * TICK_S).all()  # a restrike may end a note early
    assert np.array_equal(read.controls["value"], performance.controls["value"])
    assert np.abs(read.controls["time_s"] - performance.controls["time_s"]).max(initial=0) <= TICK_S / 2 + 1e-9
    played_by = [[made.parts[part] for part in rows["part"]] for made, rows in ((performance, sent), (read, got))]
    assert played_by[0] == played_by[1]
    assert read.history == performance.history


@settings(max_examples=30, deadline=None)
@given(performances(n_parts=1))
def test_pretty_midi_reads_the_same(performance: Performance) -> None:
    [instrument] = pretty_midi.PrettyMIDI(io.BytesIO(write_performance(performance))).instruments
    sent = by_onset(performance.notes)
    got = sorted((round(note.start * TICKS_PER_S), note.pitch, note.velocity) for note in instrument.notes)
    ticks = np.rint(sent["onset_s"] * TICKS_PER_S).astype(int).tolist()
    assert got == list(zip(ticks, sent["pitch"].tolist(), sent["velocity"].tolist(), strict=True))
    assert len(instrument.control_changes) == len(performance.controls)


def test_lengths_come_back_to_a_tick_where_no_key_is_struck_again() -> None:
    rng = np.random.default_rng(5)
    notes = np.zeros(88, PERFORMED_NOTE)
    notes["pitch"], notes["velocity"] = np.arange(21, 109), 64
    notes["onset_s"], notes["duration_s"] = np.sort(rng.uniform(0, 60, 88)), rng.uniform(0.01, 20, 88)
    read = read_performance(write_performance(Performance(notes)))
    assert np.abs(read.notes["duration_s"] - notes["duration_s"]).max() <= TICK_S + 1e-9
    ends = read.notes["onset_s"] + read.notes["duration_s"]
    assert np.abs(ends - notes["onset_s"] - notes["duration_s"]).max() <= TICK_S / 2 + 1e-9


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(60, 61)), min_size=1, max_size=20))
def test_overlapping_notes_of_one_key_are_never_lost(rows: list[tuple[int, int, int]]) -> None:
    notes = np.array([("", on / 1920, long / 1920, pitch, 64, 0) for on, long, pitch in rows], PERFORMED_NOTE)
    read = read_performance(write_performance(Performance(notes))).notes
    strikes = sorted((round(note["onset_s"] * 1920), int(note["pitch"])) for note in read)
    assert strikes == sorted((on, pitch) for on, _, pitch in rows)
    assert (read["duration_s"] > 0).all()


def test_the_same_performance_gives_the_same_bytes_and_a_second_trip_changes_nothing() -> None:
    notes = np.array([("", 0.1234567, 0.5, 60, 50, 0), ("", 0.1234567, 0.75, 64, 70, 0)], PERFORMED_NOTE)
    data = write_performance(Performance(notes))
    once = read_performance(data)
    assert write_performance(Performance(notes)) == data
    assert read_performance(write_performance(once)).notes.tolist() == once.notes.tolist()


def test_a_key_struck_while_down_is_released_first() -> None:
    notes = np.array([("", 0.0, 2.0, 60, 50, 0), ("", 1.0, 0.5, 60, 70, 0)], PERFORMED_NOTE)
    read = read_performance(write_performance(Performance(notes)))
    assert read.notes["onset_s"].tolist() == [0.0, 1.0]
    assert read.notes["duration_s"].tolist() == [1.0, 0.5]


def test_more_parts_than_channels_lose_no_note() -> None:
    parts = tuple(Part(f"p{index}", index % 20) for index in range(30))
    notes = np.array([("", 0.1 * index, 0.05, 40 + index, 80, index) for index in range(30)], PERFORMED_NOTE)
    read = read_performance(write_performance(Performance(notes, parts=parts)))
    assert sorted(read.notes["pitch"].tolist()) == list(range(40, 70))


def test_drums_are_on_channel_ten() -> None:
    notes = np.array([("", 0.0, 0.1, 36, 100, 0)], PERFORMED_NOTE)
    data = write_performance(Performance(notes, parts=(Part("kit", 0, True),)))
    assert pretty_midi.PrettyMIDI(io.BytesIO(data)).instruments[0].is_drum
    assert read_performance(data).parts[0].is_drum


def test_tempo_changes_become_seconds_and_stay_beats() -> None:
    tempo = [mido.MetaMessage("set_tempo", tempo=500000), mido.MetaMessage("set_tempo", tempo=1000000, time=480)]
    data = midi(tempo, [on(60), off(60, 480), on(62), off(62, 480)])
    assert read_performance(data).notes["onset_s"].tolist() == [0.0, 0.5]
    assert read_performance(data).notes["duration_s"].tolist() == [0.5, 1.0]
    score = read_score_midi(data)
    assert score.notes["onset_beat"].tolist() == [0.0, 1.0]
    assert score.tempos["quarter_bpm"].tolist() == [120.0, 60.0]


@pytest.mark.parametrize(
    ("bpm", "stated"), [((), []), ((120,), []), ((120, 120), []), ((96,), [96]), ((120, 80), [120, 80])]
)
def test_120_throughout_is_what_nobody_chose(bpm: tuple[int, ...], stated: list[float]) -> None:
    head = [mido.MetaMessage("set_tempo", tempo=60_000_000 // rate, time=480 * (i > 0)) for i, rate in enumerate(bpm)]
    assert read_score_midi(midi(head, [on(60), off(60, 1920)])).tempos["quarter_bpm"].tolist() == stated


def test_before_its_first_tempo_a_file_is_played_at_120() -> None:
    late = [mido.MetaMessage("set_tempo", tempo=1_000_000, time=960)]
    data = midi(late, [on(60, 480), off(60, 480), on(62), off(62, 480)])
    assert read_performance(data).notes[["onset_s", "duration_s"]].tolist() == [(0.5, 0.5), (1.0, 1.0)]
    assert read_score_midi(data).tempos.tolist() == [(0.0, 120.0), (2.0, 60.0)]
    silent = midi(late, [on(60, 960), off(60, 480)])
    assert read_performance(silent).notes["onset_s"].tolist() == [1.0]


@pytest.mark.parametrize(("first_note", "tempo"), [(0, 3), (480, 480), (960, 480), (480, 490)])
def test_a_score_whose_first_tempo_comes_with_its_first_note_states_no_other(first_note: int, tempo: int) -> None:
    head = [mido.MetaMessage("set_tempo", tempo=1_000_000, time=tempo)]
    score = read_score_midi(midi(head, [on(60, first_note), off(60, 480)]))
    assert score.tempos.tolist() == [(tempo / 480, 60.0)]


def test_metre_key_title_and_measures() -> None:
    head = [
        mido.MetaMessage("track_name", name="Waltz"),
        mido.MetaMessage("time_signature", numerator=3, denominator=4),
        mido.MetaMessage("key_signature", key="F#m"),
        mido.MetaMessage("time_signature", numerator=6, denominator=8, time=480 * 6),
    ]
    score = read_score_midi(midi(head, [on(60), off(60, 480 * 11)]))
    assert score.title == "Waltz"
    assert score.meters.tolist() == [(0.0, 3, 4), (6.0, 6, 8)]
    assert score.keys.tolist() == [(0.0, 3, True)]
    assert score.measures["onset_beat"].tolist() == [0.0, 3.0, 6.0, 9.0]


def test_without_metre_it_is_four_four() -> None:
    assert read_score_midi(midi([on(60), off(60, 480)])).meters.tolist() == [(0.0, 4, 4)]


def test_type_0_with_two_channels_and_running_status() -> None:
    programs = [mido.Message("program_change", channel=1, program=40)]
    data = midi([*programs, on(60), on(67, channel=1), off(60, 480), off(67, channel=1)], type=0)
    score = read_score_midi(data)
    assert [part.program for part in score.parts] == [0, 40]
    running = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\x0f" + bytes([0, 0x90, 60, 64, 0, 64, 64, 96, 60, 0, 0, 64, 0])
    running = running.replace(b"\x0f", b"\x11", 1) + b"\0\xff\x2f\0"
    assert read_performance(running).notes["pitch"].tolist() == [60, 64]


def test_a_program_is_that_of_its_channel_whichever_track_sets_it() -> None:
    def program(number: int, channel: int, time: int = 0) -> mido.Message:
        return mido.Message("program_change", program=number, channel=channel, time=time)

    head = [program(40, 0), program(42, 1), program(73, 1, 480)]
    upper = [mido.MetaMessage("track_name", name="Violin"), on(60), off(60, 480)]
    lower = [mido.MetaMessage("track_name", name="Cello"), on(48, channel=1), off(48, 480, channel=1)]
    lower += [on(50, channel=1), off(50, 480, channel=1)]
    read = read_performance(midi(head, upper, lower))
    assert [(part.name, part.program) for part in read.parts] == [("Violin", 40), ("Cello", 42), ("Cello", 73)]
    assert read.notes[["pitch", "part"]].tolist() == [(48, 1), (60, 0), (50, 2)]
    own = midi([program(5, 0), on(60), off(60, 480)], [program(6, 0), on(62), off(62, 480)])
    assert [part.program for part in read_performance(own).parts] == [5, 6]


def test_a_key_may_be_released_by_another_track_of_its_channel() -> None:
    data = midi([on(60), on(60, 960), off(60, 480)], [on(67), off(60, 480), off(67), off(60, 480)])
    notes = read_performance(data).notes
    assert notes[["onset_s", "duration_s", "pitch"]].tolist() == [(0.0, 0.5, 60), (0.0, 0.5, 67), (1.0, 0.5, 60)]
    both = midi([on(60), off(60, 960)], [on(60), off(60, 480)])  # each track ends its own
    assert sorted(read_performance(both).notes[["duration_s", "part"]].tolist()) == [(0.5, 1), (1.0, 0)]


def test_a_pedal_is_that_of_its_channel_whatever_plays_there() -> None:
    def pedal(value: int, channel: int, time: int = 0) -> mido.Message:
        return mido.Message("control_change", control=64, value=value, channel=channel, time=time)

    alone = midi([pedal(127, 1), pedal(0, 1, 480)], [on(60, channel=1), off(60, 480, channel=1)])
    read = read_performance(alone)
    assert len(read.parts) == 1
    assert read.controls[["value", "part"]].tolist() == [(127, 0), (0, 0)]
    changed = mido.Message("program_change", program=40, time=480)
    read = read_performance(midi([pedal(127, 0), on(60), off(60, 480), changed, pedal(0, 0), on(62), off(62, 480)]))
    assert [part.program for part in read.parts] == [0, 40]
    assert sorted(read.controls[["part", "value"]].tolist()) == [(0, 0), (0, 127), (1, 0), (1, 127)]
    elsewhere = read_performance(midi([on(60), off(60, 480), pedal(127, 3)]))
    assert (len(elsewhere.parts), elsewhere.controls["part"].tolist()) == (2, [1])


def test_a_file_in_a_riff_container_is_read() -> None:
    data = midi([on(60), off(60, 480)])
    wrapped = b"RIFF" + struct.pack("<I", len(data) + 12) + b"RMIDdata" + struct.pack("<I", len(data)) + data
    assert read_score(wrapped).notes.tolist() == read_score(data).notes.tolist()
    with pytest.raises(InputError, match="broken MIDI"):
        read_score(b"RIFF\0\0\0\0RMIDdata")


def test_two_keyboard_tracks_are_two_staves_and_their_unisons_one_key() -> None:
    score = read_score_midi(midi([on(60), off(60, 480)], [on(60), off(60, 960), on(48), off(48, 480)]))
    assert len(score.parts) == 1
    assert score.notes["pitch"].tolist() == [60, 48]
    assert score.notes["duration_beat"].tolist() == [2.0, 1.0]
    assert score.notes["staff"].tolist() == [2, 2]


def test_hanging_doubled_and_unmatched_notes() -> None:
    data = midi([off(50), on(60), on(60, 240), off(60, 240), on(62), mido.MetaMessage("end_of_track", time=480)])
    notes = read_performance(data).notes
    assert notes["pitch"].tolist() == [60, 60, 62]
    assert notes["duration_s"].tolist() == [0.5, 0.75, 0.5]


def test_the_pedal_of_a_score_is_a_direction() -> None:
    def pedal(value: int, time: int) -> mido.Message:
        return mido.Message("control_change", control=64, value=value, time=time)

    score = read_score_midi(midi([on(60), pedal(127, 0), pedal(0, 480), pedal(90, 480), off(60, 480)]))
    rows = score.directions
    assert rows["kind"].tolist() == ["pedal", "pedal"]
    assert list(zip(rows["onset_beat"], rows["end_beat"], strict=True)) == [(0.0, 1.0), (2.0, 3.0)]


def test_a_score_has_no_note_without_a_length() -> None:
    data = midi([on(60), off(60), on(62), off(62, 480)])
    assert read_score_midi(data).notes["duration_beat"].tolist() == [1 / 480, 1.0]
    assert read_performance(data).notes["duration_s"].tolist() == [0.0, 0.5]


def test_of_two_metres_and_keys_at_one_place_the_last_holds() -> None:
    head = [
        mido.MetaMessage("time_signature", numerator=4, denominator=4),
        mido.MetaMessage("time_signature", numerator=3, denominator=8),
        mido.MetaMessage("key_signature", key="G"),
        mido.MetaMessage("key_signature", key="Dm"),
    ]
    score = read_score_midi(midi(head, [on(60), off(60, 480)]))
    assert score.meters.tolist() == [(0.0, 3, 8)]
    assert score.keys.tolist() == [(0.0, -1, True)]


def test_a_metre_that_no_one_can_count_is_passed_over() -> None:
    data = midi([mido.MetaMessage("time_signature", numerator=4, denominator=4), on(60), off(60, 480)])
    broken = data.replace(b"\xff\x58\x04\x04\x02", b"\xff\x58\x04\x04\xff")
    assert broken != data
    assert read_score_midi(broken).meters.tolist() == [(0.0, 4, 4)]


def test_data_bytes_out_of_range_are_clipped() -> None:
    data = midi([on(60), off(60, 480)])
    broken = data.replace(bytes([0x90, 60, 80]), bytes([0x90, 60, 200]))
    assert broken != data
    assert read_performance(broken).notes["velocity"].tolist() == [127]


@pytest.mark.parametrize("text", ["perfsynth [", "perfsynth {}", 'perfsynth {"history": [5]}', "[" * 50_000])
def test_a_strange_text_is_no_history(text: str) -> None:
    prefix = "perfsynth " if text.startswith("[") else ""
    data = midi([mido.MetaMessage("text", text=prefix + text), on(60), off(60, 480)])
    assert [step.stage for step in read_performance(data).history] == ["read"]


def test_a_type_2_file_and_its_like_name_the_remedy() -> None:
    with pytest.raises(InputError, match="type 0 or 1"):
        read_performance(midi([on(60), off(60, 480)], type=2))


def test_the_sustain_pedal_held_to_the_end_and_other_controllers() -> None:
    pedal = [mido.Message("control_change", control=control, value=100) for control in (1, 64, 66, 67, 7)]
    data = midi([*pedal, on(60), off(60, 480)])
    assert read_performance(data).controls["number"].tolist() == [64, 66, 67]
    rows = read_score_midi(data).directions
    assert rows[["onset_beat", "end_beat", "kind"]].tolist() == [(0.0, 1.0, "pedal")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "broken"),
        (b"MThd", "broken"),
        (midi([]), "no notes"),
        (midi([mido.MetaMessage("set_tempo", tempo=0), on(60), off(60, 480)]), "tempo of 0"),
        (midi([on(60), off(60, 480)], type=2), "type 2"),
        (midi([on(60), off(60, 480)]).replace(b"\x01\xe0", b"\xe7\x28", 1), "SMPTE"),
        (midi([on(60), off(60, 2**27)]), "hours"),
    ],
)
@pytest.mark.parametrize("read", [read_performance, read_score_midi])
def test_what_is_no_score_is_refused_by_name(data: bytes, words: str, read: object) -> None:
    with pytest.raises(InputError, match=f"odd.mid.*{words}"):
        read(data, name="odd.mid")  # type: ignore[operator]


def test_two_hundred_thousand_notes() -> None:
    notes = np.zeros(200_000, PERFORMED_NOTE)
    notes["onset_s"] = np.arange(200_000) / 100
    notes["duration_s"], notes["velocity"], notes["pitch"] = 0.1, 64, 21 + np.arange(200_000) % 88
    data = write_performance(Performance(notes))
    assert len(read_performance(data).notes) == 200_000


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_is_an_input_error_or_harmless(data: st.DataObject) -> None:
    whole = midi([mido.MetaMessage("set_tempo", tempo=400000), on(60), off(60, 480), on(64, 3), off(64, 99)])
    broken = data.draw(st.composite(damaged)(whole))
    for read in (read_performance, read_score_midi):
        try:
            made = read(broken)
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert len(made.notes)
