"""Repeats and endings of a MusicXML tree: as partitura reads them, and what it has no place for."""

from __future__ import annotations

import re
from typing import NamedTuple

from lxml import etree

MAX_TIMES = 100  # of one repeat


class Often(NamedTuple):
    """How often a repeat is played: in all, and whether anew after a da capo or dal segno."""

    times: int = 2
    after_jump: bool = False


def pair_repeats(part: etree._Element) -> None:
    """Make every repeat sign that sounds one of print, and drop those that nothing sends back to.

    partitura plays what follows a forward repeat twice, up to the next sign or the end, where no backward one is.
    """
    for sound in part.findall("measure/direction/sound[@forward-repeat='yes']"):
        line = etree.Element("barline", location="middle")
        etree.SubElement(line, "repeat", direction="forward")
        sound.getparent().addprevious(line)
    _begin_after_endings(part)
    opened: etree._Element | None = None
    for repeat in part.findall("measure/barline/repeat"):
        is_forward = repeat.get("direction") == "forward"
        if is_forward and opened is not None:
            opened.getparent().remove(opened)
        opened = repeat if is_forward else None
    if opened is not None:
        opened.getparent().remove(opened)


def _begin_after_endings(part: etree._Element) -> None:
    """Say where a repeat begins that has no forward sign but follows endings: behind the last of them."""
    closed: etree._Element | None = None  # the first measure behind endings, until another sign
    number = ""  # of the ending in which the measure lies
    for measure in part.findall("measure"):
        if measure.find("barline/repeat[@direction='forward']") is not None:
            closed = None
        for ending in measure.iterfind("barline/ending[@type='start']"):
            number = ending.get("number", "")
        if measure.find("barline/repeat[@direction='backward']") is not None:
            if closed is not None and (not number or "1" in _numbers(number).split(",")):
                line = etree.Element("barline", location="left")
                etree.SubElement(line, "repeat", direction="forward")
                closed.insert(0, line)
            closed = None
        elif number and _is_closed(measure):
            closed = measure.getnext()
        if _is_closed(measure):
            number = ""


def _is_closed(measure: etree._Element) -> bool:
    return any(ending.get("type") in ("stop", "discontinue") for ending in measure.iterfind("barline/ending"))


def often(part: etree._Element) -> dict[tuple[str, int], Often]:
    """How often the repeats are played that say so, by part id and place of the measure from 1."""
    found = {}
    for place, measure in enumerate(part.iterfind("measure"), 1):
        for repeat in measure.iterfind("barline/repeat[@direction='backward']"):
            text, anew = repeat.get("times", ""), repeat.get("after-jump") == "yes"
            says = text.isdecimal() and int(text) > 0
            if says or anew:
                found[part.get("id", ""), place] = Often(min(int(text), MAX_TIMES) if says else 2, anew)
    return found


def number_endings(root: etree._Element) -> None:
    """Write the numbers of each ending as a list: "1.-3." is "1,2,3"."""
    for ending in root.iter("ending"):
        ending.set("number", _numbers(ending.get("number", "")))


def _numbers(text: str) -> str:
    numbers: list[int] = []
    for first, last in re.findall(r"(\d{1,2})(?:\W*-\W*(\d{1,2}))?", text):
        numbers += range(int(first), int(last or first) + 1)
    return ",".join(map(str, numbers)) or "1"
