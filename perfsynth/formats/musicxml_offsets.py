"""Offsets in a MusicXML tree: what sounds later or earlier than it is written goes to where it sounds."""

from __future__ import annotations

from fractions import Fraction

from lxml import etree

from perfsynth.formats.musicxml_measures import measured
from perfsynth.formats.musicxml_numbers import whole


def place_offsets(part: etree._Element) -> None:
    """Move each direction and each sound of a part whose offset sounds, within its measure.

    An offset that only says where a sign is printed is left, as its sound comes at once. Every tempo gets a place.
    """
    divisions = 1
    for measure in part.iterfind("measure"):
        begins_with = divisions
        _, length, divisions = measured(measure, divisions)
        for direction in measure.findall("direction"):
            for sound in direction.findall("sound[offset]"):
                alone = etree.Element("direction")
                direction.addnext(alone)
                alone.append(sound)
                _move(alone, sound.findtext("offset"), length, begins_with)
            if (offset := direction.find("offset[@sound='yes']")) is not None:
                _move(direction, offset.text, length, begins_with)
    for sound in part.iterfind("measure/direction/sound[@tempo]"):
        sound.getparent().addprevious(_place())


def _move(direction: etree._Element, offset: str | None, length: Fraction, divisions: int) -> None:
    """Put a direction where `offset` leads, between a step there and one back.

    The measure lasts `length` quarter notes and begins with `divisions`.
    """
    measure = direction.getparent()
    place, _, divisions = measured(measure[: measure.index(direction)], divisions)
    goal = min(max(place + Fraction(whole(offset), divisions), Fraction(0)), length)
    steps = int((goal - place) * divisions)
    if steps:
        there, back = ("forward", "backup") if steps > 0 else ("backup", "forward")
        direction.addprevious(_step(there, abs(steps)))
        direction.addnext(_step(back, abs(steps)))


def _step(tag: str, duration: int) -> etree._Element:
    step = etree.Element(tag)
    etree.SubElement(step, "duration").text = str(duration)
    return step


def _place() -> etree._Element:
    """A bar line that is not seen: partitura takes tempos only at a place where something else is."""
    line = etree.Element("barline", location="middle")
    etree.SubElement(line, "bar-style").text = "none"
    return line
