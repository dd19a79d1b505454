"""How long the measures of a MusicXML tree are: what would shift one part against the others is set right."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from fractions import Fraction

from lxml import etree

from perfsynth.formats.musicxml_numbers import positive

log = logging.getLogger("perfsynth")

_VALUES = ("maxima", "long", "breve", "whole", "half", "quarter", "eighth", "16th", "32nd", "64th")
QUARTERS = {name: Fraction(32, 2**place) for place, name in enumerate(_VALUES)}
MAX_LEAP = 4  # measures; a rest of several measures is written as several rests
_MOVES = ("note", "backup", "forward")
_LEAVES = ("fine", "dacapo", "dalsegno", "tocoda")  # sounds that stand where a measure ends


def add_up(time: etree._Element) -> None:
    """An additive metre, 3+2/8 or 3/8 + 1/4, becomes one of as many beats as it has in all, 5/8."""
    beats, types = time.findall("beats"), time.findall("beat-type")
    finest = max((positive(one.text, 1) for one in types), default=1)
    counts = [(one.text or "").split("+") for one in beats]
    if len(beats) != len(types) or max(map(len, counts), default=0) + len(beats) <= 2:
        return
    shares = [finest // positive(one.text, 1) for one in types]
    total = sum(positive(n, 0) * share for each, share in zip(counts, shares, strict=True) for n in each)
    beats[0].text, types[0].text = str(total), str(finest)
    for element in (*beats[1:], *types[1:]):
        time.remove(element)


def bound_moves(part: etree._Element, name: str) -> None:
    """Cancel forwards that leap over whole measures, which some exports of small notes contain.

    Left alone, one of them would shift the rest of the piece by minutes.
    """
    divisions, beats, beat_type = 1, 4, 4
    for measure in part.iterfind("measure"):
        for attributes in measure.iterfind("attributes"):
            divisions = positive(attributes.findtext("divisions"), divisions)
            beats = positive(attributes.findtext("time/beats"), beats)
            beat_type = positive(attributes.findtext("time/beat-type"), beat_type)
        longest = MAX_LEAP * divisions * 4 * beats / beat_type
        for duration in measure.iterfind("forward/duration"):
            if positive(duration.text, 0) > longest:
                log.warning(
                    "%s: measure %s: a leap of %s divisions is left out", name, measure.get("number"), duration.text
                )
                duration.text = "0"


def even_out(root: etree._Element) -> None:
    """Fill each measure up to the length that it has in the longest part, so that all parts reach the bar line at once.

    Some programs leave the rests out that follow a part's last note.
    """
    parts = [list(part.iterfind("measure")) for part in root.iterfind("part")]
    divisions = [1] * len(parts)
    for index in range(max(map(len, parts), default=0)):
        there = [number for number, measures in enumerate(parts) if index < len(measures)]
        found = {number: measured(parts[number][index], divisions[number]) for number in there}
        end = max(length for _, length, _ in found.values())
        for number, (place, length, divisions[number]) in found.items():
            if length < end:
                fill(parts[number][index], end - place, divisions[number])


def measured(measure: Iterable[etree._Element], divisions: int) -> tuple[Fraction, Fraction, int]:
    """Where the last note or move of a measure's elements ends, how long they are (both in quarter notes), and their
    last divisions.
    """
    place = length = Fraction(0)
    before: etree._Element | None = None  # the note that a chord would stand on
    for element in measure:
        if element.tag == "attributes":
            divisions = positive(element.findtext("divisions"), divisions)
        if element.tag not in _MOVES or (before is not None and element.find("chord") is not None):
            continue
        move = Fraction(positive(element.findtext("duration"), 0), divisions)
        place = max(place - move, Fraction(0)) if element.tag == "backup" else place + move
        length = max(length, place)
        before = element if element.tag == "note" else before
    return place, length, divisions


def fill(measure: etree._Element, gap: Fraction, divisions: int) -> None:
    """Move on by `gap` quarter notes where the measure ends, before its bar line and what sends a player elsewhere."""
    last = max((index for index, element in enumerate(measure) if element.tag in _MOVES), default=-1)
    ends = [index for index in range(last + 1, len(measure)) if _ends(measure[index])]
    move = etree.Element("forward")
    finer = (gap * divisions).denominator
    etree.SubElement(move, "duration").text = str(int(gap * divisions * finer))
    filling = [move]
    if finer > 1:
        filling = [_divided(divisions * finer), move, _divided(divisions)]
    place = ends[0] if ends else len(measure)
    measure[place:place] = filling


def _ends(element: etree._Element) -> bool:
    """Whether an element stands where its measure ends."""
    if element.tag == "barline":
        return element.get("location", "right") == "right"
    return any(sound.get(leave) for sound in element.iterfind("sound") for leave in _LEAVES)


def _divided(divisions: int) -> etree._Element:
    attributes = etree.Element("attributes")
    etree.SubElement(attributes, "divisions").text = str(divisions)
    return attributes
