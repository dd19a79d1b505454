"""Cue notes of MusicXML: read, not played, unless they are just small."""

from __future__ import annotations

import pytest

from perfsynth.formats.musicxml import read_musicxml

BACKUP = "<backup><duration>4</duration></backup>"
WHOLE_REST = "<note><rest/><duration>4</duration><voice>1</voice></note>"


def note(name: str, before: str = "", *, duration: int = 4, staff: int = 1) -> str:
    pitch = f"<pitch><step>{name.upper()}</step><octave>4</octave></pitch>"
    length = f"<duration>{duration}</duration>" if duration else ""
    return f'<note id="{name}">{before}{pitch}{length}<voice>1</voice><staff>{staff}</staff></note>'


def cue(name: str, before: str = "<cue/>", *, duration: int = 4, staff: int = 1) -> str:
    return note(name, before, duration=duration, staff=staff)


def played(*measures: str, software: str = "Dorico 5.1", staves: int = 1) -> str:
    """The letters of the notes that sound."""
    head = f"<attributes><divisions>1</divisions><staves>{staves}</staves></attributes>"
    bodies = "".join(f"<measure>{head if not index else ''}{inner}</measure>" for index, inner in enumerate(measures))
    written = f"<identification><encoding><software>{software}</software></encoding></identification>"
    listed = '<part-list><score-part id="P1"><part-name>P</part-name></score-part></part-list>'
    score = read_musicxml(f'<score-partwise>{written}{listed}<part id="P1">{bodies}</part></score-partwise>'.encode())
    return "".join(score.notes["note_id"].astype("U1"))


@pytest.mark.parametrize("beside", [WHOLE_REST, note("c")])
def test_a_cue_beside_what_a_player_plays_is_silent(beside: str, caplog: pytest.LogCaptureFixture) -> None:
    assert played(beside + BACKUP + cue("e"), note("d")) == ("cd" if "pitch" in beside else "d")
    assert caplog.messages == ["score: 1 cue notes are not played: they are there to be read"]


def test_a_cue_keeps_its_time() -> None:
    assert played(WHOLE_REST + BACKUP + cue("e", duration=2) + cue("f", duration=2), note("d")) == "d"
    assert played(cue("e", duration=2) + note("f", duration=2) + BACKUP + WHOLE_REST, note("d")) == "fd"


def test_chords_and_grace_notes_may_be_cues() -> None:
    measure = note("c") + BACKUP + cue("a", "<grace/><cue/>", duration=0) + cue("e") + cue("g", "<cue/><chord/>")
    assert played(measure) == "c"


def test_small_notes_that_are_no_cues_are_played() -> None:
    small = note("e").replace("<voice>", '<type size="cue">whole</type><voice>')
    assert played(note("c") + BACKUP + small) == "ce"


@pytest.mark.parametrize("other", ["", note("c", staff=2)])
def test_a_cue_alone_on_its_staff_is_played(other: str) -> None:
    assert played(cue("e") + (BACKUP + other if other else ""), note("d"), staves=2) == ("ced" if other else "ed")


@pytest.mark.parametrize(
    ("software", "staves", "is_played"),
    [
        ("MuseScore 2.3.2", 1, True), ("MuseScore 3.4.2", 1, True), ("MuseScore 3.6.2", 2, False),
        ("MuseScore 4.5.0", 1, False), ("Finale 2014 for Windows", 2, True), ("Finale 2014 for Windows", 1, False),
    ],
)  # fmt: skip
def test_programs_that_write_small_notes_as_cues(software: str, staves: int, is_played: bool) -> None:
    measure = note("c") + BACKUP + cue("e")
    assert played(measure, software=software, staves=staves) == ("ce" if is_played else "c")


def test_cues_are_played_where_there_is_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    assert played(WHOLE_REST + BACKUP + cue("e")) == "e"
    assert caplog.messages == []
