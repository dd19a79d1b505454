"""Accidentals at the ornaments of a MusicXML tree: how far the notes beside the main one are from it."""

from __future__ import annotations

from lxml import etree

from perfsynth.dsp.pitches import NATURALS
from perfsynth.types import Mark

_ALTER = {"flat-flat": -2, "flat": -1, "natural": 0, "sharp": 1, "double-sharp": 2, "sharp-sharp": 2}
_ABOVE = (Mark(0), Mark.UPPER_HALF, Mark.UPPER_WHOLE, Mark.UPPER_HALF | Mark.UPPER_WHOLE)  # by semitones
_BELOW = (Mark(0), Mark.LOWER_HALF, Mark.LOWER_WHOLE, Mark.LOWER_HALF | Mark.LOWER_WHOLE)


def neighbours(note: etree._Element) -> Mark:
    """The intervals that the accidentals at a note's ornaments ask for, no mark where there are none.

    An accidental belongs to the upper note, unless it stands below or at a mordent.
    """
    marks = Mark(0)
    step = note.findtext("pitch/step") or ""
    if step not in NATURALS:
        return marks
    for accidental in note.iterfind("notations/ornaments/accidental-mark"):
        alter = _ALTER.get((accidental.text or "").strip())
        if alter is None:
            continue
        is_mordent = accidental.getparent().find("mordent") is not None
        is_below = accidental.get("placement", "below" if is_mordent else "above") == "below"
        beside = "CDEFGAB"[("CDEFGAB".index(step) + (-1 if is_below else 1)) % 7]
        interval = NATURALS[beside] + alter - NATURALS[step] - _altered(note.findtext("pitch/alter"))
        interval = (-interval if is_below else interval) % 12
        marks |= (_BELOW if is_below else _ABOVE)[interval if interval < len(_ABOVE) else 0]
    return marks


def _altered(text: str | None) -> int:
    return {"-2": -2, "-1": -1, "1": 1, "2": 2}.get((text or "").strip(), 0)
