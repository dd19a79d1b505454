"""Tremolos of a MusicXML tree, written out: the strokes through a stem stand for notes that a player strikes."""

from __future__ import annotations

import re
from copy import deepcopy
from fractions import Fraction
from math import lcm

from lxml import etree

from perfsynth.formats.musicxml_measures import QUARTERS
from perfsynth.formats.musicxml_numbers import whole

FLAGS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4}  # they count as strokes do
UNMEASURED = 3  # strokes that "as fast as can be" is written with where they are not counted
MOST_STROKES = 512  # of one tremolo
STROKE = re.compile(r"t\d+(-\d+)?$")  # ends the id of a stroke after the first
_FIRST_ONLY = ("notations", "tie", "accidental", "lyric", "beam")  # of the first stroke

Chord = list[etree._Element]


def write_out(part: etree._Element) -> None:
    """Replace each tremolo of a part by its notes, all of one length; the first of each key keeps its id.

    A note or chord alone is struck again and again, two that share their strokes are struck in turn. Ties that lead
    on from a tremolo go, as what follows is struck too.
    """
    if not any(True for _ in part.iter("tremolo")) or part.find(".//divisions") is None:
        return
    found = [tremolo for measure in part.iterfind("measure") for tremolo in _tremolos(measure)]
    finer = lcm(*((_length(chords) / count).denominator for chords, count in found))
    for timed in part.iter("divisions", "duration", "offset"):
        timed.text = str(whole(timed.text) * finer)
    for chords, count in found:
        _strike(chords, count)


def _tremolos(measure: etree._Element) -> list[tuple[list[Chord], int]]:
    """The chords of each tremolo, one or two that alternate, and how many strokes they are played as together."""
    found, before = [], None  # the chord that began one of two
    for chord in _chords(measure):
        sign = next((sign for note in chord for sign in note.iterfind("notations/ornaments/tremolo")), None)
        kind = "" if sign is None else sign.get("type", "single")
        if sign is not None and kind in ("single", "unmeasured"):
            found.append(([chord], _count(chord, sign)))
        elif sign is not None and kind == "stop" and before is not None and _follows(before, chord):
            found.append(([before, chord], _count(chord, sign) // 2 * 2))
        before = chord if kind == "start" else None
    return [(chords, count) for chords, count in found if len(chords) < count <= MOST_STROKES]


def _chords(measure: etree._Element) -> list[Chord]:
    """The notes of a measure, those that sound together as one; no rests, no grace notes."""
    chords: list[Chord] = []
    for note in measure.iterfind("note"):
        if note.find("rest") is not None or note.find("grace") is not None or note.find("duration") is None:
            continue
        if note.find("chord") is not None and chords:
            chords[-1].append(note)
        else:
            chords.append([note])
    return chords


def _follows(before: Chord, chord: Chord) -> bool:
    """Whether a chord begins where the one before it ends."""
    between = before[-1].itersiblings()
    return next(element for element in between if element.tag in ("note", "backup", "forward")) is chord[0]


def _count(chord: Chord, sign: etree._Element) -> int:
    """How many strokes fill the note value that is written; a tuplet has as many as the same notes outside of one."""
    written = chord[0].findtext("type") or ""
    strokes = int(sign.text) if (sign.text or "").strip() in ("1", "2", "3", "4", "5") else UNMEASURED
    value = Fraction(QUARTERS.get(written, 0)) * (2 - Fraction(1, 2 ** len(chord[0].findall("dot"))))
    return int(value * 2 ** (strokes + FLAGS.get(written, 0)))


def _length(chords: list[Chord]) -> Fraction:
    """Divisions that the chords last together."""
    return Fraction(sum(whole(chord[0].findtext("duration")) for chord in chords))


def _strike(chords: list[Chord], count: int) -> None:
    """Shorten the chords to a stroke each and put the other strokes behind them."""
    stroke = str(int(_length(chords) / count))
    for note in (note for chord in chords for note in chord):
        note.find("duration").text = stroke
        for tie in [*note.iterfind("tie[@type='start']"), *note.iterfind("notations/tied[@type='start']")]:
            tie.getparent().remove(tie)
        for sign in list(note.iterfind("notations/ornaments/tremolo")):
            sign.getparent().remove(sign)
    last = chords[-1][-1]
    place = last.getparent().index(last) + 1
    again = [
        _again(note, number)
        for number in range(1, count // len(chords))
        for chord in chords
        for note in chord
    ]  # fmt: skip
    last.getparent()[place:place] = again


def _again(note: etree._Element, number: int) -> etree._Element:
    """A note as a later stroke strikes it."""
    copy = deepcopy(note)
    copy.tail = None
    copy.set("id", f"{note.get('id')}t{number}")
    for element in [element for element in copy if element.tag in _FIRST_ONLY]:
        copy.remove(element)
    return copy
