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
