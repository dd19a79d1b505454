"""MusicXML: small scores written out here, and what must not get in."""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsynth.errors import InputError
from perfsynth.formats import musicxml, read_score
from perfsynth.formats.musicxml import read_musicxml
from perfsynth.types import Mark, Score
from tests.strategies import damaged

ATTRIBUTES = (
    "<attributes><divisions>4</divisions><key><fifths>-3</fifths><mode>minor</mode></key>"
    "<time><beats>3</beats><beat-type>4</beat-type></time></attributes>"
)


def note(pitch: str, duration: int = 4, inner: str = "", *, before: str = "", voice: int = 1, id: str = "") -> str:
    step, octave = pitch[0], pitch[-1]
    alter = f"<alter>{pitch.count('#') - pitch.count('b')}</alter>" if len(pitch) > 2 else ""
    length = f"<duration>{duration}</duration>" if duration else ""
    name = f' id="{id}"' if id else ""
    ties = "".join(f'<tie type="{kind}"/>' for kind, sign in (("start", "T("), ("stop", ")T")) if sign in inner)
    inner = inner.replace("T(", "").replace(")T", "")
    return (
        f"<note{name}>{before}<pitch><step>{step}</step>{alter}<octave>{octave}</octave></pitch>{length}{ties}"
        f"<voice>{voice}</voice><type>quarter</type>{inner}</note>"
    )


REST = "<note><rest/><duration>4</duration><voice>1</voice></note>"
BACKUP = "<backup><duration>12</duration></backup>"
FORWARD_REPEAT = '<barline location="left"><repeat direction="forward"/></barline>'
BACKWARD_REPEAT = '<barline location="right"><repeat direction="backward"/></barline>'


def direction(inner: str, sound: str = "") -> str:
    return f"<direction><direction-type>{inner}</direction-type>{sound}</direction>"


def document(*parts: list[str], head: str = "", part_list: str = "") -> bytes:
    listed = part_list or "".join(
        f'<score-part id="P{i + 1}"><part-name>Part {i + 1}</part-name></score-part>' for i in range(len(parts))
    )
    bodies = ""
    for index, measures in enumerate(parts):
        bodies += f'<part id="P{index + 1}">'
        for number, measure in enumerate(measures, 1):
            implicit = ' implicit="yes"' if measure.startswith("PICKUP") else ""
            attributes = ATTRIBUTES if number == 1 else ""
            bodies += f'<measure number="{number}"{implicit}>{attributes}{measure.replace("PICKUP", "")}</measure>'
        bodies += "</part>"
    return (
        f'<?xml version="1.0"?>{head}<score-partwise version="3.1"><work><work-title>A piece</work-title></work>'
        f'<identification><creator type="composer">Nobody</creator></identification>'
        f"<part-list>{listed}</part-list>{bodies}</score-partwise>"
    ).encode()


def read(*measures: str, repeats: str = "unfold") -> Score:
    return read_musicxml(document(list(measures)), repeats=repeats)


THREE = note("C4") + note("D4") + note("E4")


def test_notes_metre_key_and_names() -> None:
    score = read(THREE, THREE)
    assert score.notes["onset_beat"].tolist() == [0, 1, 2, 3, 4, 5]
    assert score.notes["duration_beat"].tolist() == [1.0] * 6
    assert score.notes["pitch"].tolist() == [60, 62, 64] * 2
    assert score.meters.tolist() == [(0.0, 3, 4)]
    assert score.keys.tolist() == [(0.0, -3, True)]
    assert score.measures.tolist() == [(0.0, 1), (3.0, 2)]
    assert (score.title, score.composer, score.parts[0].name) == ("A piece", "Nobody", "Part 1")
    assert score.notes["velocity"].tolist() == [0] * 6


@pytest.mark.parametrize(
    ("written", "metre"),
    [
        ("<beats>3+2</beats><beat-type>8</beat-type>", (5, 8)),
        ("<beats>3 + 2 + 3</beats><beat-type>8</beat-type>", (8, 8)),
        ("<beats>3</beats><beat-type>8</beat-type><beats>1</beats><beat-type>4</beat-type>", (5, 8)),
    ],
)
def test_an_additive_metre_has_as_many_beats_as_it_has_in_all(written: str, metre: tuple[int, int]) -> None:
    data = document([THREE]).replace(b"<beats>3</beats><beat-type>4</beat-type>", written.encode())
    assert [row[1:] for row in read_musicxml(data).meters.tolist()] == [metre]


def test_numbers_may_stand_between_white_space_and_have_decimals() -> None:
    plain = document(
        [note("C4", 4) + BACKUP.replace("12", "4") + note("E4", 12, voice=2), THREE], [note("G#3", 12), THREE]
    )
    moved = b"</time><transpose><chromatic>-2</chromatic><octave-change>1</octave-change></transpose>"
    plain = plain.replace(b"</time>", moved)
    written = read_musicxml(plain)
    for around in (rb" \1 ", rb"\n\t\1\n", rb"\1.0"):
        data = plain
        for tag in (
            b"divisions",
            b"duration",
            b"beats",
            b"beat-type",
            b"fifths",
            b"alter",
            b"chromatic",
            b"octave-change",
        ):
            data = re.sub(rb"(?<=<" + tag + rb">)(-?\d+)(?=<)", around, data)
        read = read_musicxml(data)
        assert data != plain
        for table in ("notes", "meters", "keys", "measures"):
            assert getattr(read, table).tolist() == getattr(written, table).tolist()


@pytest.mark.parametrize(("divisions", "durations"), [("1", "1 0.5 .5 1"), ("0.5", "0.5 .25 0.25 .50")])
def test_lengths_may_be_fractions(divisions: str, durations: str) -> None:
    notes = "".join(
        f"<note><pitch><step>C</step><octave>4</octave></pitch><duration>{length}</duration></note>"
        for length in durations.split()
    )
    score = (
        "<score-partwise><part-list><score-part id='P1'><part-name/></score-part></part-list><part id='P1'>"
        f"<measure number='1'><attributes><divisions>{divisions}</divisions>"
        f"<time><beats>3</beats><beat-type>4</beat-type></time></attributes>{notes}</measure></part></score-partwise>"
    )
    read = read_musicxml(score.encode()).notes
    assert read["onset_beat"].tolist() == [0.0, 1.0, 1.5, 2.0]
    assert read["duration_beat"].tolist() == [1.0, 0.5, 0.5, 1.0]


def test_white_space_before_the_xml_declaration_is_passed_over() -> None:
    assert len(read_score(b"\n " + document([THREE])).notes) == 3


def test_utf_16_is_read() -> None:
    text = document([THREE]).decode().replace('version="1.0"?', 'version="1.0" encoding="UTF-16"?')
    assert len(read_score(text.replace("A piece", "Größe").encode("utf-16")).notes) == 3


def test_a_pickup_lies_before_beat_0() -> None:
    score = read("PICKUP" + note("G4"), THREE)
    assert score.notes["onset_beat"].tolist() == [-1.0, 0.0, 1.0, 2.0]


def test_ties_are_joined_across_the_bar_line() -> None:
    score = read(note("C4") + note("D4") + note("E4", 4, "T("), note("E4", 4, ")T T(") + note("E4", 4, ")T") + REST)
    assert score.notes["pitch"].tolist() == [60, 62, 64]
    assert score.notes["duration_beat"].tolist() == [1.0, 1.0, 3.0]


def test_unisons_that_are_tied_in_two_voices_are_held_together() -> None:
    first = note("A4", 12, "T(") + BACKUP + note("A4", 8, voice=2) + note("A4", 4, "T(", voice=2)
    second = note("A4", 8, ")T") + note("C5", 4) + BACKUP + note("A4", 4, ")T", voice=2) + note("F4", 8, voice=2)
    score = read(first, second)
    rows = score.notes[score.notes["pitch"] == 69]
    assert rows[["onset_beat", "duration_beat"]].tolist() == [(0.0, 5.0), (2.0, 2.0)]


def test_a_tie_leads_on_from_its_own_voice() -> None:
    first = note("B4", 12, "T(") + BACKUP + note("A4", 11, voice=2) + note("B4", 1, voice=2)
    score = read(first, note("B4", 2, ")T") + note("A4", 10))
    rows = score.notes[score.notes["pitch"] == 71]
    assert rows[["onset_beat", "duration_beat"]].tolist() == [(0.0, 3.5), (2.75, 0.25)]


def test_a_grace_note_that_is_tied_to_its_main_note_is_that_note() -> None:
    grace = note("E4", 0, "T(", before='<grace slash="yes"/>', id="g")
    beside = note("A4", 12) + BACKUP + note("E4", 0, "T(", before="<grace/>", voice=2) + note("E4", 12, ")T", voice=2)
    score = read(note("C4") + grace + note("E4", 8, ")T", id="m"), beside)
    rows = score.notes[["pitch", "onset_beat", "duration_beat", "grace"]].tolist()
    assert rows == [(60, 0, 1, 0), (64, 1, 2, 0), (64, 3, 3, 0), (69, 3, 3, 0)]


def test_triplets_are_exact() -> None:
    attributes = ATTRIBUTES.replace("<divisions>4", "<divisions>3")
    triplet = "".join(note(pitch, 1) for pitch in ("C4", "D4", "E4"))
    data = document([triplet + note("F4", 6)]).replace(ATTRIBUTES.encode(), attributes.encode())
    assert read_musicxml(data).notes["onset_beat"].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_more_dots_than_any_note_has_need_not_be_understood() -> None:
    dotted = note("C4", 4, "<dot/>" * 4)
    score = read(note("G4", 4) + dotted + dotted.replace("<note>", "<note><chord/>").replace("C<", "E<") + REST)
    rows = score.notes[["onset_beat", "duration_beat", "pitch"]].tolist()
    assert rows == [(0.0, 1.0, 67), (1.0, 1.0, 60), (1.0, 1.0, 64)]


def test_graces_keep_their_written_order_and_kind() -> None:
    slashed, plain = '<grace slash="yes"/>', "<grace/>"
    graces = note("E4", 0, before=slashed) + note("D4", 0, before=slashed)
    score = read(note("C4") + graces + note("C4") + note("F4", 0, before=plain) + note("E4"))
    assert score.notes["pitch"].tolist() == [60, 64, 62, 60, 65, 64]
    assert score.notes["grace"].tolist() == [0, 1, 1, 0, 2, 0]
    assert score.notes["onset_beat"].tolist() == [0, 1, 1, 1, 2, 2]
    assert score.notes["duration_beat"].tolist() == [1, 0, 0, 1, 0, 1]


def test_a_chord_of_grace_notes_stays_one() -> None:
    graces = (
        note("E4", 0, before="<grace/>") + note("G4", 0, before="<grace/><chord/>") + note("A4", 0, before="<grace/>")
    )
    score = read(graces + note("C4"))
    assert score.notes["pitch"].tolist() == [64, 67, 69, 60]
    assert score.notes["marks"].tolist() == [0, Mark.CHORDED, 0, 0]


@pytest.mark.parametrize("repeats", ["unfold", "as-written"])
def test_graces_that_end_a_trill_are_played_before_the_repeat_and_at_the_end(repeats: str) -> None:
    turn = note("B3", 0, before="<grace/>", id="t")
    score = read(note("C4", 12, id="a") + turn + BACKWARD_REPEAT, note("D4", 12, id="b") + turn, repeats=repeats)
    firsts = [note_id[0] for note_id in score.notes["note_id"]]
    assert "".join(firsts) == ("atatbp" if repeats == "unfold" else "atbp")  # the second t has an id of its own
    assert score.notes["onset_beat"].tolist()[:2] == [0, 3]
    assert score.notes["onset_beat"][-1] == (9 if repeats == "unfold" else 6)


def test_repeats_are_played_and_ids_tell_the_time_around() -> None:
    measures = [
        note("C4", 12, id="a"),
        FORWARD_REPEAT + note("D4", 12, id="b") + BACKWARD_REPEAT,
        note("E4", 12, id="c"),
    ]
    score = read(*measures)
    assert score.notes["note_id"].tolist() == ["a-1", "b-1", "b-2", "c-1"]
    assert score.notes["onset_beat"].tolist() == [0, 3, 6, 9]
    assert score.measures.tolist() == [(0, 1), (3, 2), (6, 2), (9, 3)]
    written = read(*measures, repeats="as-written")
    assert written.notes["note_id"].tolist() == ["a", "b", "c"]


def ending(number: str, kind: str, where: str, repeat: str = "") -> str:
    return f'<barline location="{where}"><ending number="{number}" type="{kind}"/>{repeat}</barline>'


def test_voltas() -> None:
    back = '<repeat direction="backward"/>'
    first = ending("1", "start", "left") + note("D4", 12, id="b") + ending("1", "stop", "right", back)
    second = ending("2", "start", "left") + note("E4", 12, id="c") + ending("2", "stop", "right")
    score = read(note("C4", 12, id="a"), first, second)
    assert score.notes["note_id"].tolist() == ["a-1", "b-1", "a-2", "c-1"]


def test_da_capo_al_fine() -> None:
    fine = direction("<words>Fine</words>", '<sound fine="yes"/>')
    da_capo = direction("<words>D.C. al Fine</words>", '<sound dacapo="yes"/>')
    score = read(note("C4", 12, id="a") + fine, note("D4", 12, id="b") + da_capo)
    assert score.notes["note_id"].tolist() == ["a-1", "b-1", "a-2"]


SEGNO = direction("<segno/>", '<sound segno="s1"/>')
FINE = direction("<words>Fine</words>", '<sound fine="yes"/>')


@pytest.mark.parametrize(
    ("marks", "order"),
    [
        ((SEGNO, FINE, direction("<words>D.S. al Fine</words>", '<sound dalsegno="s1"/>')), "abcdbc"),
        ((direction("<segno/>"), FINE, direction("<words>D.S. al Fine</words>")), "abcdbc"),
        (("", direction("<words>Fine</words>"), direction("<words>D. C. al Fine</words>")), "abcdabc"),
        (("", "", direction("<words>D.S.</words>", '<sound dalsegno="gone"/>')), "abcd"),
        (("", "", direction("<words>Doloroso</words>") + direction("<words>Finest</words>")), "abcd"),
    ],
)
def test_jumps(marks: tuple[str, str, str], order: str) -> None:
    segno, fine, back = marks
    score = read(
        note("C4", 12, id="a"),
        segno + note("D4", 12, id="b"),
        note("E4", 12, id="c") + fine,
        note("F4", 12, id="d") + back,
    )
    assert "".join(score.notes["note_id"].astype("U1")) == order
    assert score.notes["onset_beat"].tolist() == [3.0 * index for index in range(len(order))]


TO_CODA, CODA = direction("<words>To Coda</words>"), direction("<coda/>")


@pytest.mark.parametrize(
    ("ends", "begins", "order"),
    [
        (["", TO_CODA, direction("<words>D.C. al Coda</words>"), ""], ["", "", "", CODA], "abcabd"),
        (["", TO_CODA, direction("<words>D.S. al Coda</words>"), ""], ["", SEGNO, "", CODA], "abcbd"),
        (["", "", direction("<words>D.C.</words>"), ""], ["", "", "", ""], "abcabcd"),
        (["", BACKWARD_REPEAT, direction("<words>D.C.</words>") + BACKWARD_REPEAT, ""], [""] * 4, "ababccabcd"),
        (["", TO_CODA, direction("<words>D.C.</words>"), ""], [""] * 4, "abcabcd"),
    ],
)
def test_jumps_in_the_midst_of_the_page(
    ends: list[str], begins: list[str], order: str, caplog: pytest.LogCaptureFixture
) -> None:
    lines = zip(begins, "abcd", ends, strict=True)
    score = read(*[begin + note("C4", 12, id=name) + end for begin, name, end in lines])
    assert "".join(score.notes["note_id"].astype("U1")) == order
    assert score.notes["onset_beat"].tolist() == [3.0 * index for index in range(len(order))]
    is_aimed = TO_CODA not in ends or CODA in begins
    assert caplog.messages == (
        [] if is_aimed else ["score: it has a To Coda but no coda to go to; that jump is not played"]
    )


def test_what_no_jump_leads_to_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    score = read(note("C4", 12, id="a") + direction("<words>D.C.</words>"), note("D4", 12, id="b") + FINE, THREE)
    assert score.notes["note_id"].tolist() == ["a-1", "a-2", "b-1"]
    assert len(caplog.messages) == 1
    assert "3 of 5 notes are not played" in caplog.text


@pytest.mark.parametrize(("times", "order"), [("3", "aaab"), ("1", "ab"), ("0", "aab"), ("many", "aab")])
def test_a_repeat_is_played_as_often_as_it_says(times: str, order: str) -> None:
    repeat = BACKWARD_REPEAT.replace("<repeat ", f'<repeat times="{times}" ')
    score = read(note("C4", 12, id="a") + repeat, note("D4", 12, id="b"))
    assert "".join(score.notes["note_id"].astype("U1")) == order


def test_a_bracket_over_the_first_time_only() -> None:
    first = ending("1", "start", "left") + note("D4", 12, id="b")
    first += ending("1", "stop", "right", '<repeat direction="backward"/>')
    score = read(note("C4", 12, id="a"), first, note("E4", 12, id="c"))
    assert score.notes["note_id"].tolist() == ["a-1", "b-1", "a-2", "c-1"]


def test_many_repeats_are_all_played() -> None:
    score = read(*[note("C4", 12) + BACKWARD_REPEAT] * 60)
    assert len(score.notes) == 120


@pytest.mark.parametrize(("first", "second"), [("1, 2", "3"), ("1.-2.", "3."), ("1 2", "3")])
def test_an_ending_for_two_times(first: str, second: str) -> None:
    once = ending(first, "start", "left") + note("D4", 12, id="b")
    once += ending(first, "stop", "right", '<repeat direction="backward" times="3"/>')
    last = ending(second, "start", "left") + note("E4", 12, id="c") + ending(second, "stop", "right")
    score = read(note("C4", 12, id="a"), once, last)
    assert score.notes["note_id"].tolist() == ["a-1", "b-1", "a-2", "b-2", "a-3", "c-1"]


def test_a_tempo_in_a_repeat_comes_back() -> None:
    slow, fast = (direction("<words>x</words>", f'<sound tempo="{tempo}"/>') for tempo in (60, 90))
    score = read(slow + note("C4", 12), fast + note("D4", 12) + BACKWARD_REPEAT)
    assert score.tempos.tolist() == [(0, 60), (3, 90), (6, 60), (9, 90)]


def test_a_tie_into_a_repeat_is_struck_again_the_second_time() -> None:
    score = read(note("C4", 12, "T("), FORWARD_REPEAT + note("C4", 12, ")T") + BACKWARD_REPEAT)
    assert score.notes["onset_beat"].tolist() == [0, 6]
    assert score.notes["duration_beat"].tolist() == [6, 3]


@pytest.mark.parametrize(
    ("after", "durations"), [(note("D4", 12), [6, 3, 3]), (note("C4", 12), [6, 3, 3]), (note("C4", 12, ")T"), [6, 6])]
)
def test_a_tie_out_of_a_repeat_holds_in_the_endings_that_say_so(after: str, durations: list[float]) -> None:
    first = ending("1", "start", "left") + note("C4", 12, ")T")
    first += ending("1", "stop", "right", '<repeat direction="backward"/>')
    second = ending("2", "start", "left") + after + ending("2", "stop", "right")
    score = read(note("C4", 12, "T("), first, second)
    assert score.notes["onset_beat"].tolist() == [0, 6, 9][: len(durations)]
    assert score.notes["duration_beat"].tolist() == durations


def test_a_note_tied_in_a_chord_and_beside_another_voice() -> None:
    chord = "<chord/>"
    score = read(note("C4", 4, "T(") + note("E4", 4, before=chord) + note("C4", 8, ")T") + BACKUP + note("G3", 12))
    assert [(n["pitch"], n["duration_beat"]) for n in score.notes] == [(55, 3.0), (60, 3.0), (64, 1.0)]


def test_ids_are_kept_completed_and_unique() -> None:
    score = read(
        note("C4", id="n7") + note("D4") + note("E4", id="n7"), note("F4", 12, id="x" * 80), repeats="as-written"
    )
    ids = score.notes["note_id"].tolist()
    assert ids[0] == "n7"
    assert len(set(ids)) == 4
    assert max(map(len, ids)) <= 28


def test_a_transposing_part_sounds_where_it_sounds() -> None:
    clarinet = (
        "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic><octave-change>-1</octave-change></transpose>"
    )
    data = document([THREE]).replace(b"</time></attributes>", f"</time>{clarinet}</attributes>".encode())
    assert read_musicxml(data).notes["pitch"].tolist() == [46, 48, 50]


@pytest.mark.parametrize(
    ("transpositions", "pitches"),
    [
        (["", "0 1", "0"], [60, 72, 60]),
        (["-2", "-2 -1", "-2", "0"], [58, 46, 58, 60]),
        (["0 -1", "", "0"], [48, 48, 60]),
    ],
)
def test_a_transposition_holds_until_the_next(transpositions: list[str], pitches: list[int]) -> None:
    measures = []
    for change in transpositions:
        semitones, octaves = (*change.split(), "")[:2] if change else ("", "")
        octave_change = f"<octave-change>{octaves}</octave-change>" if octaves else ""
        transpose = f"<transpose><chromatic>{semitones}</chromatic>{octave_change}</transpose>" if change else ""
        measures.append(f"<attributes>{transpose}</attributes>" + note("C4", 12))
    assert read(*measures).notes["pitch"].tolist() == pitches


@pytest.mark.parametrize(
    ("transpositions", "pitches"),
    [
        ((("1", "-2"),), [58, 48]),
        ((("2", "-9"), ("1", "-2")), [58, 39]),
        ((("", "-2"),), [58, 46]),
        ((("1", "-2"), ("", "5")), [65, 53]),
    ],
)
def test_a_transposition_may_be_that_of_one_staff(
    transpositions: tuple[tuple[str, str], ...], pitches: list[int]
) -> None:
    written = "".join(
        f"<transpose number='{staff}'><chromatic>{semitones}</chromatic></transpose>"
        for staff, semitones in transpositions
    )
    staves = [note(f"C{5 - staff}", 12, f"<staff>{staff}</staff>", voice=staff) for staff in (1, 2)]
    notes = read(f"<attributes><staves>2</staves>{written}</attributes>" + BACKUP.join(staves)).notes
    assert notes["pitch"][np.argsort(notes["staff"])].tolist() == pitches


def test_unisons_of_a_part_are_one_key() -> None:
    accent = "<notations><articulations><accent/></articulations></notations>"
    score = read(note("C4", 4) + REST + REST + BACKUP + note("C4", 8, accent, voice=2) + REST)
    assert score.notes["duration_beat"].tolist() == [2.0]
    assert score.notes["marks"].tolist() == [Mark.ACCENT]
    assert score.doubled == {"p1n1-1": "p1n4-1"}


def test_two_parts_keep_their_programs() -> None:
    part_list = (
        '<score-part id="P1"><part-name>Violin</part-name><midi-instrument id="I1"><midi-program>41</midi-program>'
        '</midi-instrument></score-part><score-part id="P2"><part-name>Piano</part-name></score-part>'
    )
    score = read_musicxml(document([THREE], [note("C2", 12)], part_list=part_list))
    assert [(part.name, part.program) for part in score.parts] == [("Violin", 40), ("Piano", 0)]
    assert sorted(zip(score.notes["part"].tolist(), score.notes["pitch"].tolist(), strict=True))[-1] == (1, 36)


def drum(name: str, duration: int = 6) -> str:
    where = "<unpitched><display-step>E</display-step><display-octave>4</display-octave></unpitched>"
    by = f'<instrument id="{name}"/>' if name else ""
    return f"<note>{where}<duration>{duration}</duration>{by}<voice>1</voice></note>"


def kit(part: int, keys: dict[str, str]) -> str:
    sounds = "".join(
        f'<midi-instrument id="{name}"><midi-channel>{channel}</midi-channel>'
        f"<midi-unpitched>{key}</midi-unpitched></midi-instrument>"
        for channel, (name, key) in enumerate(keys.items(), 9)
    )
    return f'<score-part id="P{part}"><part-name>Drums {part}</part-name>{sounds}</score-part>'


def test_percussion_sounds_by_the_keys_of_its_instruments(caplog: pytest.LogCaptureFixture) -> None:
    flute = '<score-part id="P1"><part-name>Flute</part-name></score-part>'
    part_list = flute + kit(2, {"bass": "37", "snare": "39", "triangle": "82"})
    measure = drum("bass") + drum("snare") + drum("triangle", 12).replace("<note>", "<note><chord/>")
    score = read_musicxml(document([THREE], [measure + BACKWARD_REPEAT], part_list=part_list))
    drums = score.notes[score.notes["part"] == 1]
    assert drums[["onset_beat", "pitch"]].tolist() == [(0, 36), (1.5, 38), (1.5, 81), (3, 36), (4.5, 38), (4.5, 81)]
    assert len(set(drums["note_id"].tolist())) == 6
    assert [part.is_drum for part in score.parts] == [False, True]
    assert not caplog.messages


def test_percussion_alone_of_one_instrument_that_notes_do_not_name() -> None:
    score = read_musicxml(document([drum("") * 2], part_list=kit(1, {"tom": "46"})))
    assert score.notes["pitch"].tolist() == [45, 45]
    assert score.parts[0].is_drum


@pytest.mark.parametrize("key", ["", "0", "129", "many"])
def test_percussion_that_does_not_say_how_it_sounds_is_counted_once(key: str, caplog: pytest.LogCaptureFixture) -> None:
    part_list = kit(1, {"bass": "37", "odd": key}) + kit(2, {}) + kit(3, {})
    measures = [drum("bass") + drum("odd"), drum("odd") + drum("")], [drum("") * 2], [THREE]
    score = read_musicxml(document(*measures, part_list=part_list))
    assert score.notes["pitch"][score.notes["part"] == 0].tolist() == [36]
    assert len(caplog.messages) == 1
    assert "5 unpitched notes of Drums 1, Drums 2 are left out" in caplog.text
    assert [part.is_drum for part in score.parts] == [True, False, False]


@pytest.mark.parametrize("measures", [[], [REST * 3]])
def test_a_part_without_notes_does_not_stop_the_others(measures: list[str]) -> None:
    score = read_musicxml(document([note("C4", 12, id="a") + BACKWARD_REPEAT], measures))
    assert score.notes["note_id"].tolist() == ["a-1", "a-2"]
    assert len(score.parts) == 2


def test_repeats_written_in_one_part_hold_for_all() -> None:
    score = read_musicxml(document([note("C4", 12) + BACKWARD_REPEAT, THREE], [note("C3", 12), note("D3", 12)]))
    assert score.notes["onset_beat"][score.notes["part"] == 1].tolist() == [0, 3, 6]


def onsets(score: Score, part: int) -> list[float]:
    return [float(onset) for onset in score.notes["onset_beat"][score.notes["part"] == part]]


SHORT, LONG = note("C4"), note("C3", 12)
THIRD = "<attributes><divisions>3</divisions></attributes>" + note("C4", 1)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("repeats", ["unfold", "as-written"])
@pytest.mark.parametrize(
    ("one", "other", "bars"),
    [
        ([LONG, SHORT], [LONG, THREE], [0, 3]),
        ([SHORT, LONG], [LONG, LONG], [0, 3]),
        ([LONG, THIRD, LONG], [LONG, LONG, LONG], [0, 3, 6]),
        ([LONG, SHORT + BACKUP.replace("12", "4") + note("E4", 2, voice=2)], [LONG, THREE], [0, 3]),
        ([LONG, ""], [LONG, THREE], [0, 3]),
        ([LONG], [LONG, LONG, THREE], [0, 3, 6]),
        (["PICKUP" + SHORT, LONG], ["PICKUP" + SHORT, LONG], [-1, 0]),
    ],
)
def test_parts_stay_together_and_whole_where_one_is_shorter(
    order: int, repeats: str, one: list[str], other: list[str], bars: list[float]
) -> None:
    score = read_musicxml(document(*[one, other][::order]), repeats=repeats)
    assert len(score.notes) == sum(measure.count("<pitch>") for measure in one + other)
    assert score.measures["onset_beat"].tolist() == bars
    for part, measures in enumerate([one, other][::order]):
        begins = [bar for bar, measure in zip(bars, measures, strict=False) if measure]
        assert set(begins) <= set(onsets(score, part))


def test_parts_stay_together_where_one_has_no_metre() -> None:
    data = document(["PICKUP" + SHORT, LONG], ["PICKUP" + SHORT, LONG])
    metre = ATTRIBUTES[ATTRIBUTES.index("<time>") : ATTRIBUTES.index("</attributes>")].encode()
    head, tail = data.split(b'<part id="P2">')
    score = read_musicxml(head + b'<part id="P2">' + tail.replace(metre, b""))
    assert onsets(score, 0) == onsets(score, 1) == [-1, 0]


def test_a_short_part_is_repeated_with_the_others() -> None:
    score = read_musicxml(document([LONG, SHORT + BACKWARD_REPEAT], [LONG, THREE + BACKWARD_REPEAT]))
    assert onsets(score, 0) == [0, 3, 6, 9]
    assert onsets(score, 1) == [0, 3, 4, 5, 6, 9, 10, 11]


def test_a_short_part_is_no_shorter_where_it_sends_back_to_the_beginning() -> None:
    da_capo = direction("<words>D.C.</words>")
    score = read_musicxml(document([LONG, SHORT + da_capo], [LONG, THREE]))
    assert onsets(score, 0) == [0, 3, 6, 9]
    assert onsets(score, 1) == [0, 3, 4, 5, 6, 9, 10, 11]


@pytest.mark.parametrize(
    ("notation", "mark"),
    [
        ("<articulations><staccato/></articulations>", Mark.STACCATO),
        ("<articulations><strong-accent/><tenuto/></articulations>", Mark.MARCATO | Mark.TENUTO),
        ("<articulations><detached-legato/></articulations>", Mark.PORTATO),
        ("<ornaments><trill-mark/></ornaments>", Mark.TRILL),
        ("<ornaments><inverted-mordent/></ornaments>", Mark.MORDENT | Mark.INVERTED),
        ("<fermata/>", Mark.FERMATA),
        ("<arpeggiate/>", Mark.ARPEGGIO),
        ('<arpeggiate direction="down"/>', Mark.ARPEGGIO | Mark.INVERTED),
    ],
)
def test_marks(notation: str, mark: Mark) -> None:
    assert read(note("C4", 12, f"<notations>{notation}</notations>")).notes["marks"].tolist() == [mark]


@pytest.mark.parametrize(
    ("pitch", "ornaments", "mark"),
    [
        ("C5", "<trill-mark/><accidental-mark>flat</accidental-mark>", Mark.TRILL | Mark.UPPER_HALF),
        ("Bb4", "<trill-mark/><accidental-mark>natural</accidental-mark>", Mark.TRILL | Mark.UPPER_WHOLE),
        ("E4", "<mordent/><accidental-mark>sharp</accidental-mark>", Mark.MORDENT | Mark.LOWER_HALF),
        ("C4", '<turn/><accidental-mark placement="below">flat</accidental-mark>', Mark.TURN | Mark.LOWER_WHOLE),
        (
            "Eb4",
            "<trill-mark/><accidental-mark>sharp</accidental-mark>",
            Mark.TRILL | Mark.UPPER_HALF | Mark.UPPER_WHOLE,
        ),
        ("E4", "<trill-mark/><accidental-mark>flat</accidental-mark>", Mark.TRILL),
        ("E4", "<trill-mark/><accidental-mark>slash-flat</accidental-mark>", Mark.TRILL),
    ],
)
def test_accidentals_at_ornaments(pitch: str, ornaments: str, mark: Mark) -> None:
    score = read(note(pitch, 12, f"<notations><ornaments>{ornaments}</ornaments></notations>"))
    assert score.notes["marks"].tolist() == [mark]


def test_directions_and_their_extent() -> None:
    score = read(
        direction("<dynamics><p/></dynamics>") + direction('<wedge type="crescendo"/>') + THREE,
        direction('<wedge type="stop"/>')
        + direction("<dynamics><sfz/></dynamics>")
        + direction("<words>rit.</words>")
        + THREE,
        direction("<words>Allegro con brio</words>")
        + direction("<words>dolce</words>")
        + direction("<words>sempre piano</words>")
        + THREE,
    )
    rows = [(row["onset_beat"], row["end_beat"], row["kind"], row["text"]) for row in score.directions]
    assert (0.0, 0.0, "dynamic", "p") in rows
    assert (0.0, 3.0, "crescendo") in [row[:3] for row in rows]
    assert (3.0, 3.0, "dynamic", "sfz") in rows
    assert (3.0, "ritardando", "rit") in [(row[0], *row[2:]) for row in rows]
    assert (6.0, "tempo", "Allegro con brio") in [(row[0], *row[2:]) for row in rows]
    assert (6.0, 6.0, "dynamic", "p") in rows
    assert (6.0, "words", "dolce") in [(row[0], *row[2:]) for row in rows]


@pytest.mark.parametrize(
    ("written", "kinds"),
    [
        ("cresc.", [("crescendo", "cresc")]),
        ("dim.  -  -  -", [("diminuendo", "dim")]),
        ("[cresc.]", [("crescendo", "cresc")]),
        ("sempre pp", [("dynamic", "pp"), ("words", "sempre")]),
        ("p dolce", [("dynamic", "p"), ("words", "dolce")]),
        ("rinf.", [("dynamic", "rf")]),
        ("ppppp", [("dynamic", "ppppp")]),
        ("sfzp", [("dynamic", "sfzp")]),
        ("poco pf", [("dynamic", "pf"), ("words", "poco")]),
        ("\ue526", [("dynamic", "n")]),
        ("\ue533", [("dynamic", "ffffff")]),
        ("\ue520\ue520", [("dynamic", "pp")]),
        ("sempre&lt;sym&gt;dynamicForte&lt;/sym&gt;", [("dynamic", "f"), ("words", "sempre")]),
        ("&amp;lt;i&amp;gt;sff&amp;lt;/i&amp;gt;", [("dynamic", "sffz")]),
        ("dimin. - - e rit.", [("diminuendo", "dimin."), ("ritardando", "rit")]),
        ("m.d.", [("words", "m.d")]),
        ("", []),
    ],
)
@pytest.mark.parametrize("place", ["<dynamics><other-dynamics>{}</other-dynamics></dynamics>", "<words>{}</words>"])
def test_dynamics_that_are_only_spelt_out(place: str, written: str, kinds: list[tuple[str, str]]) -> None:
    rows = read(direction(place.format(written)) + THREE).directions
    assert sorted(rows[["kind", "text"]].tolist()) == kinds


@pytest.mark.parametrize("title", ["Sonate in f", "più f", "Tempo di p"])
def test_a_letter_among_words_is_no_dynamic_of_its_own(title: str) -> None:
    assert "f" not in read(direction(f"<words>{title}</words>") + THREE).directions["text"].tolist()


@pytest.mark.parametrize("text", ["-" * 200_000 + "x", " " * 200_000 + "x", "- " * 100_000, "&lt;" * 50_000])
def test_long_texts_are_read_in_no_time(text: str) -> None:
    assert len(read(direction(f"<words>{text}</words>") + THREE).notes) == 3


def test_every_sign_of_a_direction_counts() -> None:
    rows = read(direction("<dynamics><f/><fz/></dynamics>") + THREE).directions
    assert sorted(rows[["kind", "text"]].tolist()) == [("dynamic", "f"), ("dynamic", "fz")]


@pytest.mark.parametrize("stop", ["<dynamics><f/></dynamics>", '<dashes type="stop" number="1"/>'])
def test_a_crescendo_in_words_ends_at_its_dashes_or_the_next_dynamic(stop: str) -> None:
    dashes = '</direction-type><direction-type><dashes type="start" number="1"/>' if "dashes" in stop else ""
    score = read(direction(f"<words>poco cresc.</words>{dashes}") + THREE, THREE, direction(stop) + THREE)
    rows = score.directions[score.directions["kind"] == "crescendo"]
    assert list(zip(rows["onset_beat"], rows["end_beat"], strict=True)) == [(0.0, 6.0)]


def test_a_crescendo_in_words_alone_lasts_two_bars_at_most() -> None:
    rows = read(direction("<words>cresc.</words>") + THREE, *[THREE] * 4).directions
    assert rows[["onset_beat", "end_beat", "kind"]].tolist() == [(0.0, 8.0, "crescendo")]


def test_a_fermata_over_a_rest_or_a_bar_line_is_a_word() -> None:
    held = REST.replace("</note>", "<notations><fermata/></notations></note>")
    line = '<barline location="right"><fermata/></barline>'
    rows = read(note("C4") + held + note("D4") + line, THREE).directions
    assert rows[["onset_beat", "kind", "text"]].tolist() == [(1.0, "words", "fermata"), (3.0, "words", "fermata")]


def test_an_empty_direction_is_passed_over() -> None:
    assert len(read("<direction><direction-type/></direction>" + THREE).notes) == 3


@pytest.mark.parametrize("length", ["", "<duration>0</duration>", "<duration>-1</duration>"])
def test_a_note_without_a_length_is_played_short_with_a_warning(length: str, caplog: pytest.LogCaptureFixture) -> None:
    broken = note("G4", id="odd").replace("<duration>4</duration>", length)
    notes = read(note("C4") + broken + THREE).notes
    assert notes["duration_beat"][notes["pitch"] == 67].tolist() == [0.125]
    assert "note odd has no length" in caplog.text


def test_pedals_are_paired_in_time_though_the_file_has_them_voice_by_voice() -> None:
    start, stop = direction('<pedal type="start"/>'), direction('<pedal type="stop"/>')
    upper = note("C4") + note("C4") + start + note("C4")  # down on 2, until 5
    lower = note("C3", 4, voice=2) + stop + note("C3", 8, voice=2)  # the stop on 1 of the pedal from 0
    rows = read(start + upper + BACKUP + lower, note("C4", 8) + stop + note("C4")).directions
    assert rows[["onset_beat", "end_beat"]].tolist() == [(0.0, 1.0), (2.0, 5.0)]


def test_pedal_marks_with_a_change() -> None:
    start, change, stop = (direction(f'<pedal type="{kind}"/>') for kind in ("start", "change", "stop"))
    pedal = read(start + THREE, change + THREE, stop + THREE).directions
    assert [(row["onset_beat"], row["end_beat"], row["kind"]) for row in pedal] == [(0, 3, "pedal"), (3, 6, "pedal")]


@pytest.mark.parametrize(
    ("unit", "rate", "bpm"),
    [
        ("<beat-unit>quarter</beat-unit>", "72", 72.0),
        ("<beat-unit>quarter</beat-unit><beat-unit-dot/>", "60", 90.0),
        ("<beat-unit>half</beat-unit>", "ca. 50", 100.0),
        ("<beat-unit>eighth</beat-unit>", "120", 60.0),
    ],
)
def test_a_metronome_mark_is_a_tempo(unit: str, rate: str, bpm: float) -> None:
    mark = direction(f"<metronome>{unit}<per-minute>{rate}</per-minute></metronome>")
    assert read(mark + THREE).tempos.tolist() == [(0.0, bpm)]


@pytest.mark.parametrize(
    ("unit", "sounding", "bpm"),
    [
        ("eighth", "168", 42.0), ("half", "42", 168.0), ("half", "84", 168.0), ("half", "42.1", 168.0),
        ("half", "160", 160.0), ("quarter", "80", 80.0), ("unknown", "80", 80.0),
    ],
)  # fmt: skip
def test_a_sounding_tempo_that_misreads_the_unit_of_its_metronome_mark_gives_way(
    unit: str, sounding: str, bpm: float
) -> None:
    mark = f"<metronome><beat-unit>{unit}</beat-unit><per-minute>84</per-minute></metronome>"
    assert read(direction(mark, f'<sound tempo="{sounding}"/>') + THREE).tempos.tolist() == [(0.0, bpm)]


def test_a_relation_between_note_values_changes_the_tempo_in_force() -> None:
    def equals(left: str, right: str) -> str:
        return direction(f"<metronome>{left}{right}</metronome>")

    quarter, dot = "<beat-unit>quarter</beat-unit>", "<beat-unit-dot/>"
    begin = direction(f"<metronome>{quarter}<per-minute>80</per-minute></metronome>")
    score = read(begin + THREE, equals(quarter, quarter + dot) + THREE, equals(quarter + dot, quarter) + THREE)
    assert score.tempos.tolist() == [(0.0, 80.0), (3.0, 120.0), (6.0, 80.0)]
    assert len(read(equals(quarter, quarter + dot) + THREE).tempos) == 0


def test_120_at_the_beginning_is_no_tempo_where_nothing_is_printed() -> None:
    sound = '<sound tempo="120"/>'
    metronome = "<metronome><beat-unit>quarter</beat-unit><per-minute>120</per-minute></metronome>"
    for words in ("<words>Andante</words>", "<words>dolce</words>"):
        assert len(read(direction(words, sound) + THREE, THREE).tempos) == 0
    assert len(read(sound + THREE).tempos) == 0
    for inner in (metronome, "<words>Allegro (♩ = 120)</words>"):
        assert read(direction(inner, sound) + THREE).tempos.tolist() == [(0.0, 120.0)]
    assert read(sound + THREE, '<sound tempo="80"/>' + THREE).tempos["quarter_bpm"].tolist() == [120.0, 80.0]
    assert read('<sound tempo="118"/>' + THREE).tempos["quarter_bpm"].tolist() == [118.0]
    assert read(THREE, sound + THREE).tempos["quarter_bpm"].tolist() == [120.0]


def test_slurs() -> None:
    begin, end = (f'<notations><slur type="{kind}" number="1"/></notations>' for kind in ("start", "stop"))
    score = read(note("C4", 4, begin) + note("D4") + note("E4", 4, end))
    assert [(row["onset_beat"], row["end_beat"]) for row in score.slurs] == [(0.0, 3.0)]


def test_a_broken_leap_does_not_move_the_piece() -> None:
    leap = "<forward><duration>319291</duration></forward>"
    score = read(THREE, note("C4", 12) + BACKUP + leap + note("E4", 12, voice=2), THREE)
    assert score.measures["onset_beat"].tolist() == [0, 3, 6]


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)  # always the same bytes
    return buffer.getvalue()


CONTAINER = b'<container><rootfiles><rootfile full-path="deep/piece.xml"/></rootfiles></container>'


def test_mxl_with_and_without_a_container() -> None:
    data = document([THREE])
    for members in (
        {"META-INF/container.xml": CONTAINER, "other.xml": b"<x/>", "deep/piece.xml": data},
        {"mimetype": b"", "piece.musicxml": data},
    ):
        score = read_score(zipped(members))
        assert score.notes["pitch"].tolist() == [60, 62, 64]


UNPITCHED = (
    "<note><unpitched><display-step>E</display-step><display-octave>4</display-octave></unpitched>"
    "<duration>12</duration><voice>1</voice></note>"
)
DOCTYPE = (
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 Partwise//EN" "http://localhost:1/partwise.dtd">'
)
LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def test_the_usual_doctype_is_accepted_and_never_fetched() -> None:
    assert len(read_musicxml(document([THREE], head=DOCTYPE)).notes) == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (document([THREE], head=LAUGHS), "entities"),
        (document([THREE], head=OUTSIDE), "entities"),
        (b"<html><body/></html>", "not a MusicXML score"),
        (b"<score-timewise/>", "timewise"),
        (b"<score-partwise", "broken XML"),
        (b"<score-partwise/>", "no pitched notes"),
        (document([]), "no pitched notes"),
        (document([REST * 3]), "no pitched notes"),
        (document([note("C9", 12).replace("<octave>9", "<octave>12")]), "pitch"),
        (document([direction("<words>x</words>", '<sound tempo="NaN"/>') + THREE]), "tempo 'NaN'"),
        (document([direction("<words>x</words>", '<sound tempo="0"/>') + THREE]), "tempo '0'"),
        (document([direction("<words>x</words>", '<sound tempo="inf"/>') + THREE]), "tempo 'inf'"),
        (document([direction("<words>x</words>", '<sound tempo="1e300"/>') + THREE]), "tempo '1e300'"),
        (document([direction("<words>x</words>", '<sound tempo="soon"/>') + THREE]), "tempo 'soon'"),
        (document([note("C4", 10**8)]), "lasts 3472 hours"),
        (document([UNPITCHED]), "no pitched notes"),
        (document([THREE]).replace(b"<octave>4", b"<octave>x", 1), "makes no sense"),
        (document([THREE]).replace(b"<duration>4</duration>", b"<duration>-9</duration>"), "makes no sense"),
        (b"\xff\xfe\xff", "broken XML"),
        (b'<?xml version="1.0" encoding="klingon"?><score-partwise/>', "broken XML"),
        (document([direction("<words>x</words>", '<sound tempo="-60"/>') + THREE]), "tempo '-60'"),
        (zipped({"readme.txt": b"no score"}), "holds no MusicXML"),
        (zipped({"piece.xml": document([THREE])})[:60], "broken .mxl"),
        (zipped({"a.musicxml": document([THREE]), "b.xml": document([THREE])}), "holds 2 scores; unpack it"),
        (b'<museScore version="4.20"/>', "export it as MusicXML"),
    ],
)
def test_what_is_no_score_is_refused_in_one_line(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_musicxml(data, name="odd.xml")
    assert str(caught.value).startswith("odd.xml: ")


def test_a_zip_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped({"piece.xml": b" " * 2_000_000})
    assert len(bomb) < 10_000
    monkeypatch.setattr(musicxml, "MAX_XML_BYTES", 1_000_000)
    with pytest.raises(InputError, match="larger than"):
        read_musicxml(bomb)


def test_an_archive_that_understates_its_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(musicxml, "MAX_XML_BYTES", 1_000_000)
    size = 2_000_000
    honest = zipped({"piece.xml": b" " * size})
    lying = honest.replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != honest
    with pytest.raises(InputError):
        read_musicxml(lying)


PIECES = [
    direction("<dynamics><p/></dynamics>"), direction('<wedge type="crescendo"/>'), direction('<wedge type="stop"/>'),
    direction('<pedal type="change"/>'), direction("<words>cresc.</words>"), direction("<words>D.C.</words>"),
    direction("<words>To Coda</words>"), SEGNO, FINE, FORWARD_REPEAT, BACKWARD_REPEAT, ending("2", "start", "left"),
    ending("1", "stop", "right"), BACKUP, REST, UNPITCHED, note("C4"), note("C4", 4, "T("), note("C4", 4, ")T"),
    note("E4", 4, before="<chord/>"), note("E4", 0, before="<grace/>"), note("E4", 0), "<direction/>",
    "<attributes><divisions>7</divisions></attributes>", "<attributes><divisions>0</divisions></attributes>",
    "<attributes><time><senza-misura/></time></attributes>", "<forward><duration>-30</duration></forward>",
    '<barline><repeat/></barline>', '<barline><ending number="" type="start"/></barline>',
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), min_size=1, max_size=5))
def test_any_order_of_elements_is_a_sound_score_or_an_input_error(measures: list[str]) -> None:
    try:
        score = read(*measures)
    except InputError as error:
        assert "\n" not in str(error)
        return
    notes = score.notes
    assert len(set(notes["note_id"].tolist())) == len(notes)
    assert ((notes["duration_beat"] > 0) != (notes["grace"] > 0)).all()
    assert (np.diff(notes["onset_beat"]) > -1e-6).all()
    assert (score.directions["end_beat"] >= score.directions["onset_beat"]).all()
    for states in (score.tempos, score.meters, score.keys):
        assert (np.diff(states["onset_beat"]) > 0).all()


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_damage_is_an_input_error_or_harmless(data: st.DataObject) -> None:
    whole = document([direction("<dynamics><p/></dynamics>") + THREE, note("C4", 12, "T(") + BACKWARD_REPEAT])
    packed = data.draw(st.booleans())
    broken = data.draw(st.composite(damaged)(zipped({"piece.xml": whole}) if packed else whole))
    try:
        score = read_musicxml(broken)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert np.isfinite(score.notes["onset_beat"]).all()


@pytest.mark.parametrize(("first", "numbers"), [("0", [0, 1]), ("X1", [1, 2])])
def test_measures_have_the_numbers_of_print(first: str, numbers: list[int]) -> None:
    text = document([THREE, THREE]).decode()
    printed = text.replace('number="1"', f'number="{first}"', 1).replace('number="2"', 'number="1"', 1)
    assert read_musicxml(printed.encode()).measures["number"].tolist() == numbers
