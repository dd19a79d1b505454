"""Prepare a MusicXML tree for partitura: what it would drop is rewritten into what it reads, or kept aside."""

from __future__ import annotations

import logging
from copy import deepcopy
from dataclasses import dataclass, field

from lxml import etree

from perfsynth.errors import InputError
from perfsynth.formats.musicxml_accidentals import neighbours
from perfsynth.formats.musicxml_cues import silent_cues
from perfsynth.formats.musicxml_dynamics import spell_out
from perfsynth.formats.musicxml_jumps import SAID, TARGET, Names, aim_jumps, in_directions, sound_jump
from perfsynth.formats.musicxml_measures import add_up, bound_moves, even_out
from perfsynth.formats.musicxml_notes import complete, shares, tied
from perfsynth.formats.musicxml_numbers import tidy
from perfsynth.formats.musicxml_offsets import place_offsets
from perfsynth.formats.musicxml_repeats import Often, number_endings, often, pair_repeats
from perfsynth.formats.musicxml_tempos import sound_tempos
from perfsynth.formats.musicxml_transpose import transpositions
from perfsynth.formats.musicxml_tremolos import write_out
from perfsynth.formats.musicxml_unpitched import sound_unpitched
from perfsynth.types import NOTE_ID, Mark, Part

log = logging.getLogger("perfsynth")

_UNHEARD = ("print", "credit", "defaults", "harmony", "technical")
_MAX_ID = int(NOTE_ID[1:]) - 8  # room for the "t12" of a tremolo's stroke and the "-12" of an unfolded repeat


@dataclass
class Extras:
    """What partitura has no place for."""

    parts: dict[str, Part] = field(default_factory=dict)  # by part id
    marks: dict[str, Mark] = field(default_factory=dict)  # by note id: see `_said_beside`
    ties: dict[str, tuple[bool, bool]] = field(default_factory=dict)  # by note id: a tie leads to it, leads on
    shares: dict[str, float] = field(default_factory=dict)  # by note id: of the length of its chord's first note
    silent: set[str] = field(default_factory=set)  # ids of notes that do not sound
    trailing: set[str] = field(default_factory=set)  # ids of grace notes after the last note of their measure
    often: dict[tuple[str, int], Often] = field(default_factory=dict)  # a repeat, by part id and measure (from 1)
    names: dict[str, Names] = field(default_factory=dict)  # by part id: of jumps and where they lead


def prepare(root: etree._Element, name: str) -> Extras:
    """Rewrite `root` in place, and collect the rest.

    Every note gets a unique id, metronome marks and changes of pedal become elements that partitura reads,
    tremolos become the notes that they stand for, measures become as long in one part as in the others, percussion
    gets the keys of a drum kit, cue notes that are only read are told; layout, chord symbols and fingerings go.

    Raises
    ------
    InputError
        When `root` is no partwise score, or a tempo in it is no tempo.
    """
    if root.tag == "score-timewise":
        raise InputError(f"{name}: this MusicXML is timewise; export it as score-partwise")
    if root.tag != "score-partwise":
        raise InputError(
            f"{name}: this XML is <{etree.QName(root).localname}>, not a MusicXML score; export it as MusicXML"
        )
    tidy(root)
    for element in list(root.iter(*_UNHEARD)):
        element.getparent().remove(element)
    parts = {element.get("id", ""): _part(element) for element in root.iterfind("part-list/score-part")}
    extras = Extras(sound_unpitched(root, parts, name))
    for note in root.iter("note"):
        complete(note)
    _identify(root, extras)
    transpositions(root)
    for time in root.iter("time"):
        add_up(time)
    _prepare_directions(root, name)
    lost: set[str] = set()
    for part in root.iterfind("part"):
        write_out(part)
        place_offsets(part)
        bound_moves(part, name)
        part_lost, extras.names[part.get("id", "")] = aim_jumps(part)
        lost |= part_lost
        pair_repeats(part)
        extras.often |= often(part)
        extras.shares |= shares(part)
        _say_fermatas(part)
    for jump in sorted(jump for jump in lost if root.find(f".//sound[@{TARGET[jump]}]") is None):
        log.warning("%s: it has a %s but no %s to go to; that jump is not played", name, SAID[jump], TARGET[jump])
    even_out(root)
    number_endings(root)
    extras.silent = silent_cues(root, name)
    for note in root.iter("note"):
        extras.ties[note.get("id", "")] = tied(note)
    return extras


def _prepare_directions(root: etree._Element, name: str) -> None:
    """Say what directions say of tempo, loudness, pedals and jumps as partitura reads it."""
    for part in root.iterfind("part"):
        in_directions(part)
    sound_tempos(root, name)
    for direction in list(root.iter("direction")):
        for kind in [kind for kind in direction.iterfind("direction-type") if len(kind) == 0]:
            direction.remove(kind)
        spell_out(direction)
        _split_pedal_change(direction)
        sound_jump(direction)
    _number_pedals(root)


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
            extras.marks[given] = _said_beside(note)
        for measure in part.iterfind("measure"):
            extras.trailing |= _trailing(measure)


def _said_beside(note: etree._Element) -> Mark:
    """What partitura does not read of a note: arpeggios, accidentals at ornaments, chords of grace notes."""
    marks = neighbours(note)
    if (sign := note.find("notations/arpeggiate")) is not None:
        marks |= Mark.ARPEGGIO | (Mark.INVERTED if sign.get("direction") == "down" else Mark(0))
    if note.find("grace") is not None and note.find("chord") is not None:
        marks |= Mark.CHORDED
    return marks


def _trailing(measure: etree._Element) -> set[str]:
    """Ids of the grace notes that no note of their voice follows, such as those that end a trill."""
    waiting: dict[str, list[str]] = {}  # voice -> ids
    for note in measure.iterfind("note"):
        voice = waiting.setdefault(note.findtext("voice") or "", [])
        if note.find("grace") is None:
            voice.clear()
        else:
            voice.append(note.get("id", ""))
    return {note_id for ids in waiting.values() for note_id in ids}


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
            start.append(deepcopy(found))
    direction.addnext(start)


def _number_pedals(root: etree._Element) -> None:
    """Make every pedal mark a span of no length, stops told by a line.

    partitura pairs starts and stops in the order of the file, which goes voice by voice, and drops what is left.
    """
    for number, pedal in enumerate(list(root.iterfind(".//direction/direction-type/pedal")), 1):
        if pedal.get("type") in ("start", "stop"):
            closing = etree.SubElement(pedal.getparent().getparent(), "direction-type")
            etree.SubElement(closing, "pedal", type="stop", number=str(number))
            pedal.set("line", "yes" if pedal.get("type") == "stop" else "no")
            pedal.set("type", "start")
            pedal.set("number", str(number))


def _say_fermatas(part: etree._Element) -> None:
    """A fermata over a rest or a bar line becomes a word there: only notes carry marks."""
    rests = [note for note in part.iter("note") if note.find("rest") is not None]
    places = [note for note in rests if note.find("notations/fermata") is not None]
    places += [line for line in part.iter("barline") if line.find("fermata") is not None]
    for place in places:
        direction = etree.Element("direction")
        etree.SubElement(etree.SubElement(direction, "direction-type"), "words").text = "fermata"
        place.addprevious(direction)
