"""Cue notes of a MusicXML tree: which of them a player only reads, and which are small notes to be played."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from lxml import etree

from perfsynth.formats.musicxml_numbers import positive

log = logging.getLogger("perfsynth")

_SMALL_AS_CUE = re.compile(r"\s*MuseScore ([012]\.|3\.[0-4]\b).*", re.S)  # they write all small notes as cues
_SMALL_AS_CUE_FOR_KEYBOARDS = re.compile(r"\s*Finale\b.*", re.S)


@dataclass(frozen=True)
class _Placed:
    """A note or rest of a measure, in divisions from where the measure begins."""

    note: etree._Element
    begin: int
    end: int

    @property
    def is_cue(self) -> bool:
        return self.note.find("cue") is not None

    @property
    def is_small(self) -> bool:
        kind = self.note.find("type")
        return self.is_cue or (kind is not None and kind.get("size") == "cue")

    def meets(self, other: _Placed) -> bool:
        """Whether both stand on one staff at one time; a grace note takes no time of its own."""
        if (self.note.findtext("staff") or "1") != (other.note.findtext("staff") or "1"):
            return False
        return self.begin < max(other.end, other.begin + 1) and other.begin < max(self.end, self.begin + 1)


def silent_cues(root: etree._Element, name: str) -> set[str]:
    """Ids of the cue notes that do not sound.

    In MusicXML a cue is silent. Those are played nevertheless that nothing else of their staff stands beside, a cadenza
    in small notes, those of programs that write small notes as cues, and all where a score has no other notes.
    """
    software = [element.text or "" for element in root.iterfind("identification/encoding/software")]
    if any(map(_SMALL_AS_CUE.fullmatch, software)) or root.find("part/measure/note/cue") is None:
        return set()
    for_keyboards = any(map(_SMALL_AS_CUE_FOR_KEYBOARDS.fullmatch, software))
    silent = {
        note_id
        for part in root.iterfind("part")
        if not (for_keyboards and max((positive(s.text, 1) for s in part.iter("staves")), default=1) > 1)
        for measure in part.iterfind("measure")
        for note_id in _silent(measure)
    }
    if silent.issuperset(note.get("id", "") for note in root.iter("note") if note.find("rest") is None):
        return set()
    if silent:
        log.warning("%s: %d cue notes are not played: they are there to be read", name, len(silent))
    return silent


def _silent(measure: etree._Element) -> list[str]:
    if measure.find("note/cue") is None:
        return []
    placed = _placed(measure)
    others = [one for one in placed if not one.is_small]
    cues = [one for one in placed if one.is_cue and one.note.find("rest") is None]
    return [cue.note.get("id", "") for cue in cues if any(map(cue.meets, others))]


def _placed(measure: etree._Element) -> list[_Placed]:
    found: list[_Placed] = []
    place = 0
    for element in measure:
        duration = positive(element.findtext("duration"), 0)
        if element.tag == "note" and element.find("chord") is not None and found:
            found.append(_Placed(element, found[-1].begin, found[-1].begin + duration))
        elif element.tag == "note":
            found.append(_Placed(element, place, place + duration))
            place += duration
        elif element.tag == "forward":
            place += duration
        elif element.tag == "backup":
            place = max(place - duration, 0)
    return found
