"""Transpositions in a MusicXML tree: by how many semitones, and on which staff."""

from __future__ import annotations

from lxml import etree

from perfsynth.formats.musicxml_numbers import positive, whole


def transpositions(root: etree._Element) -> None:
    """Write each transposition in semitones, its staff (0 for all of a part) as its diatonic steps.

    partitura has no place for the staff, and reads one transposition of each <attributes>; nobody asks for the steps.
    """
    for transpose in list(root.iter("transpose")):
        _fold_octaves(transpose)
        for steps in transpose.findall("diatonic"):
            transpose.remove(steps)
        etree.SubElement(transpose, "diatonic").text = str(positive(transpose.get("number"), 0))
    for attributes in list(root.iter("attributes")):
        for transpose in reversed(attributes.findall("transpose")[1:]):
            alone = etree.Element("attributes")
            attributes.addnext(alone)
            alone.append(transpose)


def _fold_octaves(transpose: etree._Element) -> None:
    """A transposition by octaves and semitones becomes one by semitones."""
    octaves, chromatic = transpose.find("octave-change"), transpose.find("chromatic")
    if octaves is None:
        return
    if chromatic is None:
        chromatic = etree.SubElement(transpose, "chromatic")
    chromatic.text = str(whole(chromatic.text) + 12 * whole(octaves.text))
