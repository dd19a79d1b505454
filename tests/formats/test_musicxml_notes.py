"""Single notes of MusicXML: what is said of them in several places, or not at all."""

from __future__ import annotations

import pytest

from perfsynth.formats.musicxml import read_musicxml
from perfsynth.types import Mark, Score


def read(*notes: str) -> Score:
    """A score in 2/4, divisions of a sixteenth."""
    head = "<attributes><divisions>4</divisions><time><beats>2</beats><beat-type>4</beat-type></time></attributes>"
    listed = '<part-list><score-part id="P1"><part-name>P</part-name></score-part></part-list>'
    measure = f'<measure number="1">{head}{"".join(notes)}</measure>'
    return read_musicxml(f'<score-partwise>{listed}<part id="P1">{measure}</part></score-partwise>'.encode())


def note(step: str, inner: str = "", *, duration: int = 4, before: str = "", tie: str = "") -> str:
    pitch = f"<pitch><step>{step}</step><octave>4</octave></pitch>"
    return f"<note>{before}{pitch}<duration>{duration}</duration>{tie}<voice>1</voice>{inner}</note>"


def ornaments(*inner: str) -> str:
    return "".join(f"<notations><ornaments>{one}</ornaments></notations>" for one in inner)


@pytest.mark.parametrize("accidental", ["sharp", "three-quarters-flat", "nonsense", ""])
def test_a_pitch_without_an_alteration_is_a_natural_whatever_is_printed(accidental: str) -> None:
    assert read(note("C", f"<accidental>{accidental}</accidental>")).notes["pitch"].tolist() == [60]


def test_a_note_under_the_end_of_a_trill_line_is_no_trill() -> None:
    line = '<wavy-line type="{}"/>'
    begins = ornaments("<trill-mark/>" + line.format("start"))
    score = read(note("C", begins), note("D"), note("E", ornaments(line.format("stop"))))
    assert score.notes["marks"].tolist() == [Mark.TRILL, 0, 0]
    alone = read(note("C", ornaments(line.format("start") + line.format("stop"))))
    assert alone.notes["marks"].tolist() == [Mark.TRILL]
    again = read(note("C", begins), note("D", ornaments(line.format("stop") + "<trill-mark/>")))
    assert again.notes["marks"].tolist() == [Mark.TRILL, Mark.TRILL]


def test_all_notations_of_a_note_are_read() -> None:
    staccato, accent = (f"<articulations><{sign}/></articulations>" for sign in ("staccato", "accent"))
    both = Mark.STACCATO | Mark.ACCENT
    for inner in (staccato + accent, f"{staccato}</notations><notations>{accent}"):
        assert read(note("C", f"<notations>{inner}</notations>")).notes["marks"].tolist() == [both]
    fermata = "<notations><fermata/></notations>"
    assert read(note("C", ornaments("<turn/>") + fermata)).notes["marks"].tolist() == [Mark.TURN | Mark.FERMATA]
    both_signs = f"<notations>{staccato}</notations><notations>{{}}</notations>"
    slurs = [both_signs.format(f'<slur type="{kind}"/>') for kind in ("start", "stop")]
    assert read(*(note("C", slur) for slur in slurs)).slurs[["onset_beat", "end_beat"]].tolist() == [(0.0, 2.0)]


def test_notes_of_a_chord_have_lengths_of_their_own() -> None:
    chord = [note("C", duration=6), note("E", duration=4, before="<chord/>"), note("G", duration=6, before="<chord/>")]
    score = read(*chord, note("A", duration=2))
    rows = score.notes[["onset_beat", "duration_beat", "pitch"]].tolist()
    assert rows == [(0.0, 1.5, 60), (0.0, 1.0, 64), (0.0, 1.5, 67), (1.5, 0.5, 69)]
    tied = [note("C", duration=8), note("E", duration=4, before="<chord/>", tie='<tie type="start"/>')]
    back = "<backup><duration>4</duration></backup>"
    score = read(*tied, back, note("E", duration=8, tie='<tie type="stop"/>'))
    assert score.notes[["duration_beat", "pitch"]].tolist() == [(2.0, 60), (3.0, 64)]


@pytest.mark.parametrize("text", ["", "p i", "4_1"])
def test_fingerings_and_chord_symbols_need_not_be_understood(text: str) -> None:
    symbol = "<harmony><root><root-step>C</root-step><root-alter>0.5</root-alter></root><kind>major</kind></harmony>"
    fingering = f"<notations><technical><fingering>{text}</fingering></technical></notations>"
    assert read(symbol, note("C", fingering)).notes["pitch"].tolist() == [60]


@pytest.mark.parametrize(
    ("begin", "end", "durations"),
    [
        ("start", "stop", [2]), ("start", "continue", [2]), ("start", "", [1, 1]), ("let-ring", "", [1, 1]),
        ("let-ring", "stop", [1, 1]),
    ],
)  # fmt: skip
def test_a_tie_that_is_only_printed_is_one(begin: str, end: str, durations: list[float]) -> None:
    signs = [f'<notations><tied type="{kind}"/></notations>' if kind else "" for kind in (begin, end)]
    assert read(note("C", signs[0]), note("C", signs[1])).notes["duration_beat"].tolist() == durations


def test_a_tie_that_sounds_may_end_at_one_that_is_only_printed() -> None:
    notations = '<notations><tied type="stop"/></notations>'
    score = read(note("C", tie='<tie type="start"/>'), note("C", notations))
    assert score.notes["duration_beat"].tolist() == [2]
