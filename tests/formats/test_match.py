"""Match files in both dialects, and lines that are none."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsynth import formats, load
from perfsynth.errors import InputError
from perfsynth.formats.match import read_match
from perfsynth.types import CONTROL, PERFORMED_NOTE, SOFT, SUSTAIN

HEAD = "info(matchFileVersion,{}).\ninfo(midiClockUnits,480).\ninfo(midiClockRate,500000).\n"
NEW = HEAD.format("1.0.0") + (
    "scoreprop(keySignature,C,1:1,0,0.0000).\n"
    "snote(n2-1,[C,n],4,1:1,1/8,1/8,0.5000,1.0000,[v2,staff1])-note(n1,60,960,1440,36,0,0).\n"
    "snote(n1-1,[E,n],4,1:1,0,1/8,0.0000,0.5000,[v2,staff1])-note(n0,64,480,1294,52,0,0).\n"
    "snote(n3-1,[G,n],4,1:1,0,1/8,0.0000,0.5000,[v2,staff1])-deletion.\n"
    "insertion-note(n7,65,1000,1010,12,0,0).\n"
    "ornament(n3-1)-note(n8,67,1010,1010,13,0,0).\n"
    "sustain(500,127).\nsustain(120,40).\nsoft(240,200).\n"
)
OLD = HEAD.format("5.0") + (
    "snote(n1-1,[E,b],4,1:1,0,1/8,0.0000,0.5000,[s])-note(4,[E,b],4,480,1294,1500,52).\n"
    "snote(n2-1,[C,#],5,1:1,1/8,1/8,0.5000,1.0000,[s])-note(5,[c,#],5,960,1440,1440,36).\n"
    "snote(n4-1,[B,#],3,1:1,1/8,1/8,0.5000,1.0000,[s])-note(6,[B,##],3,970,1440,1440,37).\n"
    "hammer_bounce-note(9,[F,bb],4,1000,1010,1010,12).\n"
    "trailing_score_note-note(10,[A,n],0,1020,1010,1010,13).\n"
    "snote(n3-1,[G,n],4,1:1,0,1/8,0.0000,0.5000,[s])-trailing_played_note.\n"
)


def rows(notes: np.ndarray) -> list[tuple]:
    return [(str(n["note_id"]), int(n["pitch"]), float(n["onset_s"]), int(n["velocity"])) for n in notes]


@pytest.mark.parametrize("text", [NEW, OLD])
def test_a_match_file_is_a_performance_wherever_one_is_read(text: str, tmp_path: Path) -> None:
    file = tmp_path / "played"  # known by its content
    file.write_text(text)
    for found in (formats.read_performance(text.encode(), name="played"), load(file)):
        assert rows(found.notes) == rows(read_match(text.encode()).notes)


def test_the_dialect_of_1_0_0() -> None:
    performance = read_match(NEW.encode(), name="new.match")
    tick_s = 0.5 / 480
    assert rows(performance.notes) == [
        ("n1-1", 64, pytest.approx(0.5), 52),
        ("n2-1", 60, pytest.approx(1.0), 36),
        ("", 65, pytest.approx(1000 * tick_s), 12),
        ("", 67, pytest.approx(1010 * tick_s), 13),
    ]
    assert performance.notes["duration_s"] == pytest.approx([814 * tick_s, 0.5, 10 * tick_s, 0.0])
    assert performance.notes.dtype == PERFORMED_NOTE
    controls = [(float(c["time_s"]), int(c["number"]), int(c["value"])) for c in performance.controls]
    assert controls == [
        (pytest.approx(0.125), SUSTAIN, 40),
        (pytest.approx(0.25), SOFT, 127),
        (pytest.approx(500 * tick_s), SUSTAIN, 127),
    ]  # fmt: skip
    assert performance.sha256 == performance.history[0].input_sha256 == hashlib.sha256(NEW.encode()).hexdigest()


def test_the_dialect_of_5_0() -> None:
    notes = read_match(OLD.encode()).notes
    assert [(str(n["note_id"]), int(n["pitch"]), int(n["velocity"])) for n in notes] == [
        ("n1-1", 63, 52), ("n2-1", 73, 36), ("n4-1", 61, 37), ("", 63, 12), ("", 21, 13),
    ]  # fmt: skip
    assert notes["duration_s"][0] == pytest.approx(814 * 0.5 / 480)  # to key up, not to where the pedal lets it go
    assert notes["duration_s"][4] == 0.0  # a key that is up before it is down
    assert len(read_match(OLD.encode()).controls) == 0


def test_keys_that_were_never_struck_are_left_out() -> None:
    silent = NEW + "insertion-note(n9,66,1000,1010,0,0,0).\n"
    assert len(read_match(silent.encode()).notes) == 4
    only = HEAD.format("1.0.0") + "insertion-note(n9,66,1000,1010,0,0,0).\n"
    with pytest.raises(InputError, match="no performed notes"):
        read_match(only.encode())


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_windows_lines_and_a_missing_last_one(line_end: str) -> None:
    text = NEW.rstrip("\n").replace("\n", line_end)
    assert len(read_match(text.encode()).notes) == 4


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("insertion-note(n9,c4,1000,1010,50,0,0).", "is no note"),
        ("insertion-note(n9,60,1000).", "is no note"),
        ("insertion-note(n9,60,soon,1010,50).", "is no note"),
        ("insertion-note(n9,[H,n],4,1000,1010,1010,50).", "is no note"),
        ("insertion-note(n9,[C,natural],4,1000,1010,1010,50).", "is no note"),
        ("insertion-note(n9,128,1000,1010,50,0,0).", "cannot be played"),
        ("insertion-note(n9,-1,1000,1010,50,0,0).", "cannot be played"),
        ("insertion-note(n9,60,1000,1010,128,0,0).", "cannot be played"),
        ("insertion-note(n9,60,-5,1010,50,0,0).", "cannot be played"),
        ("insertion-note(n9,60,nan,1010,50,0,0).", "cannot be played"),
        ("insertion-note(n9,60,1e12,1010,50,0,0).", "cannot be played"),
        ("insertion-note(n9,60,0,inf,50,0,0).", "cannot be played"),
    ],
)
def test_a_note_that_is_none_is_named(line: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_match((NEW + line + "\n").encode(), name="broken.match")
    assert str(caught.value).startswith("broken.match: ")
    assert line[:-1] in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no match file"),
        ("info(midiClockUnits,480).\n", "no match file"),
        (NEW.replace("midiClockUnits,480", "midiClockUnits,0"), "no match file"),
        (NEW.replace("midiClockRate,500000", "midiClockRate,fast"), "no match file"),
        (HEAD.format("1.0.0"), "no performed notes"),
        (HEAD.format("1.0.0") + "snote(n3-1,[G,n],4,1:1,0,1/8,0,0.5,[s])-deletion.\n", "no performed notes"),
    ],
)
def test_what_is_no_match_file_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_match(text.encode())


notes = st.tuples(
    st.sampled_from(["", "n1", "n-2-7"]), st.integers(0, 127), st.integers(0, 10**6), st.integers(0, 10**5),
    st.integers(1, 127),
)  # fmt: skip


@given(st.lists(notes, min_size=1, max_size=20), st.integers(1, 10**4), st.integers(1, 10**7))
def test_what_is_written_is_read(played: list[tuple], units: int, rate: int) -> None:
    text = f"info(midiClockUnits,{units}).\ninfo(midiClockRate,{rate}).\n"
    for index, (note_id, pitch, on, length, velocity) in enumerate(played):
        side = f"snote({note_id},[C,n],4,1:1,0,1/8,0,1,[s])" if note_id else "insertion"
        text += f"{side}-note(n{index},{pitch},{on},{on + length},{velocity},0,0).\n"
    tick_s = rate / units / 1e6
    found = sorted((str(n["note_id"]), int(n["pitch"]), int(n["velocity"])) for n in read_match(text.encode()).notes)
    assert found == sorted((note_id, pitch, velocity) for note_id, pitch, _, _, velocity in played)
    read = read_match(text.encode()).notes
    assert np.all(np.diff(read["onset_s"]) >= 0)
    assert np.allclose(np.sort(read["onset_s"]), np.sort([on * tick_s for _, _, on, _, _ in played]))
    assert np.allclose(np.sort(read["duration_s"]), np.sort([length * tick_s for _, _, _, length, _ in played]))


@settings(max_examples=200)
@given(st.data())
def test_damage_is_read_or_told(data: st.DataObject) -> None:
    broken = bytearray((NEW + OLD).encode())
    for _ in range(data.draw(st.integers(1, 8))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        performance = read_match(bytes(broken))
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert len(performance.notes) > 0
        assert np.all(performance.notes["velocity"] >= 1)
        assert performance.controls.dtype == CONTROL
