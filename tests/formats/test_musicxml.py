"""MusicXML: small scores written out here, and what must not get in."""

from __future__ import annotations

import io
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


def test_a_pickup_lies_before_beat_0() -> None:
    score = read("PICKUP" + note("G4"), THREE)
    assert score.notes["onset_beat"].tolist() == [-1.0, 0.0, 1.0, 2.0]


def test_ties_are_joined_across_the_bar_line() -> None:
    score = read(note("C4") + note("D4") + note("E4", 4, "T("), note("E4", 4, ")T T(") + note("E4", 4, ")T") + REST)
    assert score.notes["pitch"].tolist() == [60, 62, 64]
    assert score.notes["duration_beat"].tolist() == [1.0, 1.0, 3.0]


def test_triplets_are_exact() -> None:
    attributes = ATTRIBUTES.replace("<divisions>4", "<divisions>3")
    triplet = "".join(note(pitch, 1) for pitch in ("C4", "D4", "E4"))
    data = document([triplet + note("F4", 6)]).replace(ATTRIBUTES.encode(), attributes.encode())
    assert read_musicxml(data).notes["onset_beat"].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_graces_keep_their_written_order_and_kind() -> None:
    slashed, plain = '<grace slash="yes"/>', "<grace/>"
    graces = note("E4", 0, before=slashed) + note("D4", 0, before=slashed)
    score = read(note("C4") + graces + note("C4") + note("F4", 0, before=plain) + note("E4"))
    assert score.notes["pitch"].tolist() == [60, 64, 62, 60, 65, 64]
    assert score.notes["grace"].tolist() == [0, 1, 1, 0, 2, 0]
    assert score.notes["onset_beat"].tolist() == [0, 1, 1, 1, 2, 2]
    assert score.notes["duration_beat"].tolist() == [1, 0, 0, 1, 0, 1]


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


def test_a_tempo_in_a_repeat_comes_back() -> None:
    slow, fast = (direction("<words>x</words>", f'<sound tempo="{tempo}"/>') for tempo in (60, 90))
    score = read(slow + note("C4", 12), fast + note("D4", 12) + BACKWARD_REPEAT)
    assert score.tempos.tolist() == [(0, 60), (3, 90), (6, 60), (9, 90)]


def test_a_tie_into_a_repeat_is_struck_again_the_second_time() -> None:
    score = read(note("C4", 12, "T("), FORWARD_REPEAT + note("C4", 12, ")T") + BACKWARD_REPEAT)
    assert score.notes["onset_beat"].tolist() == [0, 6]
    assert score.notes["duration_beat"].tolist() == [6, 3]


def test_ids_are_kept_completed_and_unique() -> None:
    score = read(
        note("C4", id="n7") + note("D4") + note("E4", id="n7"), note("F4", 12, id="x" * 80), repeats="as-written"
    )
    ids = score.notes["note_id"].tolist()
    assert ids[0] == "n7"
    assert len(set(ids)) == 4


def test_a_transposing_part_sounds_where_it_sounds() -> None:
    clarinet = (
        "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic><octave-change>-1</octave-change></transpose>"
    )
    data = document([THREE]).replace(b"</time></attributes>", f"</time>{clarinet}</attributes>".encode())
    assert read_musicxml(data).notes["pitch"].tolist() == [46, 48, 50]


def test_unisons_of_a_part_are_one_key() -> None:
    accent = "<notations><articulations><accent/></articulations></notations>"
    score = read(note("C4", 4) + REST + REST + BACKUP + note("C4", 8, accent, voice=2) + REST)
    assert score.notes["duration_beat"].tolist() == [2.0]
    assert score.notes["marks"].tolist() == [Mark.ACCENT]


def test_two_parts_keep_their_programs() -> None:
    part_list = (
        '<score-part id="P1"><part-name>Violin</part-name><midi-instrument id="I1"><midi-program>41</midi-program>'
        '</midi-instrument></score-part><score-part id="P2"><part-name>Piano</part-name></score-part>'
    )
    score = read_musicxml(document([THREE], [note("C2", 12)], part_list=part_list))
    assert [(part.name, part.program) for part in score.parts] == [("Violin", 40), ("Piano", 0)]
    assert sorted(zip(score.notes["part"].tolist(), score.notes["pitch"].tolist(), strict=True))[-1] == (1, 36)


def test_repeats_written_in_one_part_hold_for_all() -> None:
    score = read_musicxml(document([note("C4", 12) + BACKWARD_REPEAT, THREE], [note("C3", 12), note("D3", 12)]))
    assert score.notes["onset_beat"][score.notes["part"] == 1].tolist() == [0, 3, 6]


@pytest.mark.parametrize(
    ("notation", "mark"),
    [
        ("<articulations><staccato/></articulations>", Mark.STACCATO),
        ("<articulations><strong-accent/><tenuto/></articulations>", Mark.MARCATO | Mark.TENUTO),
        ("<articulations><detached-legato/></articulations>", Mark.PORTATO),
        ("<ornaments><trill-mark/></ornaments>", Mark.TRILL),
        ("<ornaments><inverted-mordent/></ornaments>", Mark.MORDENT),
        ("<fermata/>", Mark.FERMATA),
        ("<arpeggiate/>", Mark.ARPEGGIO),
    ],
)
def test_marks(notation: str, mark: Mark) -> None:
    assert read(note("C4", 12, f"<notations>{notation}</notations>")).notes["marks"].tolist() == [mark]


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
            archive.writestr(name, data)
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
        (document([direction("<words>x</words>", '<sound tempo="-60"/>') + THREE]), "tempo '-60'"),
        (zipped({"readme.txt": b"no score"}), "holds no MusicXML"),
        (zipped({"piece.xml": document([THREE])})[:60], "broken .mxl"),
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
