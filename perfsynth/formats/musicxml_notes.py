"""Notes of a MusicXML tree as partitura reads them: pitch, notations and length each said once and in full."""

from __future__ import annotations

from lxml import etree

from perfsynth.formats.musicxml_numbers import positive

MAX_DOTS = 3  # of one note that partitura reads; lengths come from <duration>, whatever the dots say
_GROUPS = ("articulations", "ornaments")


def complete(note: etree._Element) -> None:
    """Rewrite a note in place.

    A pitch without <alter> is a natural, whatever accidental is printed. Of several <notations> partitura reads the
    first, and so of the groups in them. A note where the line of a trill ends has no trill of its own.
    """
    for pitch in note.findall("pitch"):
        if pitch.find("alter") is None:
            etree.SubElement(pitch, "alter").text = "0"
    _gather(note.findall("notations"))
    for group in _GROUPS:
        _gather(note.findall(f"notations/{group}"))
    for line in note.findall("notations/ornaments/wavy-line[@type='stop']"):
        line.getparent().remove(line)
    for dot in note.findall("dot")[MAX_DOTS:]:
        note.remove(dot)


def _gather(elements: list[etree._Element]) -> None:
    """Move what the later elements hold into the first."""
    for later in elements[1:]:
        elements[0].extend(list(later))
        later.getparent().remove(later)


def tied(note: etree._Element) -> tuple[bool, bool]:
    """Whether a tie leads to a note and whether one leads on, be it said as a sound or only as a sign of print."""
    kinds = {sign.get("type") for sign in (*note.iterfind("tie"), *note.iterfind("notations/tied"))}
    return not kinds.isdisjoint(("stop", "continue")), not kinds.isdisjoint(("start", "continue"))


def shares(part: etree._Element) -> dict[str, float]:
    """How long the notes of chords last, as shares of the first note's length, by id; those that last as long left out.

    partitura gives all notes of a chord the length of the first.
    """
    found: dict[str, float] = {}
    first = 0  # divisions that the first note of the chord lasts
    for note in part.iter("note"):
        duration = positive(note.findtext("duration"), 0)
        if note.find("chord") is None:
            first = duration
        elif duration and first and duration != first:
            found[note.get("id", "")] = duration / first
    return found
