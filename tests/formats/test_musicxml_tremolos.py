"""Tremolos are played as the notes that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.errors import InputError
from perfsynth.formats.musicxml import read_musicxml
from perfsynth.types import Score

DIVISIONS = 4


def note(
    id: str, pitch: str, duration: int, written: str, sign: str = "", *, chord: bool = False, more: str = ""
) -> str:
    kind, _, strokes = sign.partition(" ")
    ornament = f'<ornaments><tremolo type="{kind}">{strokes}</tremolo></ornaments>' if sign else ""
    value, dot = written.rstrip("."), "<dot/>" * written.count(".")
    return (
        f'<note id="{id}">{"<chord/>" * chord}<pitch><step>{pitch[0]}</step><octave>{pitch[1]}</octave></pitch>'
        f"<duration>{duration}</duration><voice>1</voice><type>{value}</type>{dot}{more}"
        f"<notations>{ornament}</notations></note>"
    )


def read(*notes: str) -> Score:
    body = "".join(notes)
    return read_musicxml(
        '<score-partwise><part-list><score-part id="P1"><part-name>P</part-name></score-part></part-list><part id="P1">'
        f'<measure number="1"><attributes><divisions>{DIVISIONS}</divisions></attributes>{body}</measure></part>'
        "</score-partwise>".encode()
    )


def heard(score: Score) -> list[tuple[float, float, int]]:
    return [(float(n["onset_beat"]), float(n["duration_beat"]), int(n["pitch"])) for n in score.notes]


@pytest.mark.parametrize(
    ("written", "duration", "sign", "strokes"),
    [
        ("half", 8, "single 1", 4),
        ("half.", 12, "single 2", 12),
        ("quarter", 4, "single 3", 8),
        ("eighth", 2, "single 1", 2),  # its flag and a stroke: sixteenths
        ("quarter", 4, "unmeasured ", 8),
    ],
)
def test_a_note_is_struck_again_as_often_as_its_strokes_say(
    written: str, duration: int, sign: str, strokes: int
) -> None:
    score = read(note("a", "C4", duration, written, sign), note("b", "E4", 4, "quarter"))
    length = duration / DIVISIONS / strokes
    assert np.allclose(heard(score)[:-1], [(k * length, length, 60) for k in range(strokes)])
    assert heard(score)[-1] == (duration / DIVISIONS, 1.0, 64)
    assert score.notes["note_id"].tolist() == ["a-1", *(f"at{k}-1" for k in range(1, strokes)), "b-1"]


def test_in_a_tuplet_there_are_as_many_strokes_as_outside() -> None:
    triplets = "<time-modification><actual-notes>12</actual-notes><normal-notes>8</normal-notes></time-modification>"
    score = read(note("a", "C4", 4, "quarter.", "single 1", more=triplets), note("b", "E4", 4, "quarter"))
    assert np.allclose(heard(score), [(0, 1 / 3, 60), (1 / 3, 1 / 3, 60), (2 / 3, 1 / 3, 60), (1, 1, 64)])


def test_all_keys_of_a_chord_are_struck() -> None:
    score = read(note("a", "C4", 4, "quarter", "single 1"), note("b", "E4", 4, "quarter", chord=True))
    assert heard(score) == [(0, 0.5, 60), (0, 0.5, 64), (0.5, 0.5, 60), (0.5, 0.5, 64)]


def test_two_chords_alternate_over_the_time_of_both() -> None:
    first = note("a", "C4", 4, "half", "start 2"), note("b", "E4", 4, "half", chord=True)
    score = read(*first, note("c", "G4", 4, "half", "stop 2"), note("d", "C5", 4, "quarter"))
    each = [keys for k in range(0, 8, 2) for keys in ((k, 60), (k, 64), (k + 1, 67))]
    assert heard(score) == [(k / 4, 0.25, pitch) for k, pitch in each] + [(2, 1, 72)]


def test_a_tie_out_of_a_tremolo_does_not_hold_what_is_struck_again() -> None:
    tied = note("a", "C4", 4, "quarter", "single 1", more='<tie type="start"/>')
    score = read(tied, note("b", "C4", 4, "quarter", "single 1", more='<tie type="stop"/>'))
    assert heard(score) == [(0, 0.5, 60), (0.5, 0.5, 60), (1, 0.5, 60), (1.5, 0.5, 60)]


@pytest.mark.parametrize("sign", ["start 2", "stop 2"])
def test_half_a_tremolo_stays_as_it_is_written(sign: str) -> None:
    score = read(note("a", "C4", 4, "quarter", sign), note("b", "E4", 4, "quarter"))
    assert heard(score) == [(0, 1, 60), (1, 1, 64)]


@pytest.mark.parametrize("length", ["", "four", "-4", "1e99"])
def test_lengths_that_are_none_are_refused_or_harmless(length: str) -> None:
    broken = note("a", "C4", 4, "quarter", "single 1").replace("<duration>4", f"<duration>{length}")
    try:
        score = read(broken, note("b", "E4", 4, "quarter", "single 1"))
    except InputError:
        return
    assert "b-1" in score.notes["note_id"].tolist()
