"""The <sound> elements of MusicXML: tempos and jumps, wherever they stand."""

from __future__ import annotations

import pytest

from perfsynth.formats.musicxml import read_musicxml
from perfsynth.types import Score


def read(*measures: str) -> Score:
    """A score in 4/4, divisions of a sixteenth."""
    head = "<attributes><divisions>4</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
    body = "".join(f"<measure>{head * (not index)}{measure}</measure>" for index, measure in enumerate(measures))
    listed = '<part-list><score-part id="P1"><part-name>P</part-name></score-part></part-list>'
    return read_musicxml(f'<score-partwise>{listed}<part id="P1">{body}</part></score-partwise>'.encode())


def note(pitch: str, duration: int = 16) -> str:
    written = f"<step>{pitch[0]}</step><octave>{pitch[1]}</octave>"
    return f"<note><pitch>{written}</pitch><duration>{duration}</duration><voice>1</voice></note>"


@pytest.mark.parametrize("fine", ["yes", "4"])
def test_jumps_may_stand_in_a_measure_itself(fine: str) -> None:
    score = read(note("C4"), note("D4") + f'<sound fine="{fine}"/>', note("E4") + '<sound dacapo="yes"/>')
    assert score.notes["pitch"].tolist() == [60, 62, 64, 60, 62]
    segno = '<sound segno="a"/>'
    score = read(note("C4"), segno + note("D4"), note("E4") + '<sound dalsegno="a"/>')
    assert score.notes["pitch"].tolist() == [60, 62, 64, 62, 64]


def words(offset: str = "", sound: str = "") -> str:
    return f"<direction><direction-type><words>animato</words></direction-type>{offset}{sound}</direction>"


@pytest.mark.parametrize(
    ("later", "beat"),
    [
        (words('<offset sound="yes">6</offset>', '<sound tempo="90"/>'), 1.5),
        (words('<offset sound="no">6</offset>', '<sound tempo="90"/>'), 0.0),
        (words("", '<sound tempo="90"><offset>6</offset></sound>'), 1.5),
        ('<sound tempo="90"><offset>6</offset></sound>', 1.5),
        ('<sound tempo="90"><offset>99</offset></sound>', 4.0),
    ],
)
def test_a_tempo_may_be_set_off_from_where_it_is_written(later: str, beat: float) -> None:
    first = '<sound tempo="60"/>' * (beat > 0)
    score = read(first + later + note("C4", 4) + note("D4", 12), note("E4"))
    assert score.tempos.tolist() == [(0.0, 60.0), (beat, 90.0)][beat == 0 :]
    assert score.notes["onset_beat"].tolist() == [0.0, 1.0, 4.0]
    assert score.measures["onset_beat"].tolist() == [0.0, 4.0]


def test_what_is_set_off_may_come_earlier_and_takes_its_pedal_along() -> None:
    offset = '<offset sound="yes">-4</offset>'
    start = words().replace("<words>animato</words>", '<pedal type="start"/>')
    change = start.replace("start", "change").replace("</direction>", f"{offset}</direction>")
    stop = change.replace("change", "stop").replace("-4", "-99")
    score = read(start + note("C4", 8) + change + note("D4", 8), note("E4", 8), note("F4", 8) + stop)
    pedals = score.directions[score.directions["kind"] == "pedal"]
    assert pedals[["onset_beat", "end_beat"]].tolist() == [(0.0, 1.0), (1.0, 6.0)]


def test_a_tempo_counts_where_no_note_begins() -> None:
    sound = words(sound='<sound tempo="66"/>')
    forward, back = (f"<{move}><duration>6</duration></{move}>" for move in ("forward", "backup"))
    for measure in (forward + sound + back + note("C4"), note("C4") + back + sound):
        assert read(note("C4") + words(sound='<sound tempo="90"/>'), measure).tempos["quarter_bpm"].tolist()[-1] == 66.0
    assert read(forward + sound + back + note("C4")).tempos.tolist() == [(1.5, 66.0)]
