"""The <sound> elements of MusicXML: tempos and jumps, wherever they stand."""

from __future__ import annotations

import time

from lxml import etree

from perfsynth.formats.musicxml_tempos import sound_tempos


def test_the_tempos_of_a_long_score_of_many_parts_are_found_in_no_time() -> None:
    words = "<direction-type><words>dolce</words></direction-type>"
    rest = "<note><rest/><duration>4</duration></note>"
    measure = f"<measure><direction>{words}<sound tempo='100'/></direction>{2 * rest}</measure>"
    root = etree.fromstring("<score-partwise>" + f"<part>{measure * 800}</part>" * 4 + "</score-partwise>")
    begin = time.process_time()
    sound_tempos(root, "score")
    assert time.process_time() - begin < 2.0
