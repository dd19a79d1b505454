"""Prepare a MusicXML tree for partitura: what it would drop is rewritten into what it reads, or kept aside."""

from __future__ import annotations

import logging
import math
import re
from dataclasses import dataclass, field

from lxml import etree

from perfsynth.errors import InputError
from perfsynth.types import NOTE_ID, Part

log = logging.getLogger("perfsynth")

_QUARTERS = {
    "breve": 8.0, "whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25, "32nd": 0.125,
}  # fmt: skip
_LAYOUT = ("print", "credit", "defaults")
_MAX_ID = int(NOTE_ID[1:]) - 4  # room for the "-12" of an unfolded repeat
MAX_LEAP = 4  # measures; a rest of several measures is written as several rests
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass
class Extras:
    """What partitura has no place for."""

    parts: dict[str, Part] = field(default_factory=dict)  # by part id
    arpeggiated: set[str] = field(default_factory=set)  # note ids
    octaves: dict[str, int] = field(default_factory=dict)  # part id -> octave-change of its transposition


def prepare(root: etree._Element, name: str) -> Extras:
    """Rewrite `root` in place, and collect the rest.

    Every note gets a unique id, metronome marks and changes of pedal become elements that partitura reads,
    layout goes.

    Raises
    ------
    InputError
        When `root` is no partwise score, or a tempo in it is no tempo.
    """
    if root.tag == "score-timewise":
        raise InputError(f"{name}: this MusicXML is timewise; export it as score-partwise")
    if root.tag != "score-partwise":
        raise InputError(f"{name}: this XML is <{etree.QName(root).localname}>, not a MusicXML score")
    extras = Extras()
    for tag in _LAYOUT:
        for element in list(root.iter(tag)):
            element.getparent().remove(element)
    for element in root.iterfind("part-list/score-part"):
        extras.parts[element.get("id", "")] = _part(element)
    _identify(root, extras)
    for direction in list(root.iter("direction")):
        _split_pedal_change(direction)
        _sound_metronome(direction)
    for part in root.iterfind("part"):
        _bound_moves(part, name)
    for sound in root.iter("sound"):
        _check_tempo(sound, name)
    return extras


def _part(element: etree._Element) -> Part:
    program = element.findtext("midi-instrument/midi-program") or "1"
    channel = element.findtext("midi-instrument/midi-channel")
    number = int(program) - 1 if program.isdecimal() and 1 <= int(program) <= 128 else 0
    return Part((element.findtext("part-name") or "").strip(), number, channel == "10")


def _identify(root: etree._Element, extras: Extras) -> None:
    """Give every note an id of its own, keeping those that the file gives."""
    seen: set[str] = set()
    for index, part in enumerate(root.iterfind("part")):
        for number, note in enumerate(part.iter("note")):
            given = note.get("id") or note.get("ID") or ""
            if not given or given in seen or len(given) > _MAX_ID:
                given = f"p{index + 1}n{number + 1}"
                while given in seen:
                    given += "x"
            seen.add(given)
            note.set("id", given)
            if note.find("notations/arpeggiate") is not None:
                extras.arpeggiated.add(given)
        change = part.findtext(".//transpose/octave-change")
        if change is not None and change.strip("+-").isdecimal():
            extras.octaves[part.get("id", "")] = int(change)


def _bound_moves(part: etree._Element, name: str) -> None:
    """Cancel forwards that leap over whole measures, which some exports of small notes contain.

    Left alone, one of them would shift the rest of the piece by minutes.
    """
    divisions, beats, beat_type = 1, 4, 4
    for measure in part.iterfind("measure"):
        for attributes in measure.iterfind("attributes"):
            divisions = _whole(attributes.findtext("divisions"), divisions)
            beats = _whole(attributes.findtext("time/beats"), beats)
            beat_type = _whole(attributes.findtext("time/beat-type"), beat_type)
        longest = MAX_LEAP * divisions * 4 * beats / beat_type
        for duration in measure.iterfind("forward/duration"):
            if _whole(duration.text, 0) > longest:
                log.warning(
                    "%s: measure %s: a leap of %s divisions is left out", name, measure.get("number"), duration.text
                )
                duration.text = "0"


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isdecimal() and int(text) > 0 else otherwise


def _split_pedal_change(direction: etree._Element) -> None:
    """A change of pedal is a stop and a start at one place."""
    pedal = direction.find("direction-type/pedal")
    if pedal is None or pedal.get("type") != "change":
        return
    pedal.set("type", "stop")
    start = etree.Element("direction")
    etree.SubElement(etree.SubElement(start, "direction-type"), "pedal", type="start")
    for tag in ("offset", "voice", "staff"):
        if (found := direction.find(tag)) is not None:
            etree.SubElement(start, tag).text = found.text
    direction.addnext(start)


def _sound_metronome(direction: etree._Element) -> None:
    """A metronome mark without a sounding tempo gets one: quarter notes a minute."""
    mark = direction.find("direction-type/metronome")
    if mark is None or direction.find("sound[@tempo]") is not None:
        return
    units, rate = mark.findall("beat-unit"), mark.findtext("per-minute") or ""
    number = _NUMBER.search(rate)
    if len(units) != 1 or number is None or (units[0].text or "") not in _QUARTERS:
        return  # a relation between two note values, or free text
    quarters = _QUARTERS[units[0].text or ""] * (2 - 0.5 ** len(mark.findall("beat-unit-dot")))
    etree.SubElement(direction, "sound", tempo=repr(float(number.group()) * quarters))


def _check_tempo(sound: etree._Element, name: str) -> None:
    tempo = sound.get("tempo")
    if tempo is None:
        return
    try:
        value = float(tempo)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{name}: tempo {tempo!r}: a tempo is a number of quarter notes a minute above 0")
