"""Percussion in a MusicXML tree: notes without a pitch get the key that sounds them on a drum kit."""

from __future__ import annotations

import logging
from dataclasses import replace

from lxml import etree

from perfsynth.dsp.pitches import NAMES
from perfsynth.types import Part

log = logging.getLogger("perfsynth")


def sound_unpitched(root: etree._Element, parts: dict[str, Part], name: str) -> dict[str, Part]:
    """Write the key of its instrument into each unpitched note.

    Parameters
    ----------
    root
        The tree, changed in place. Notes whose instrument has no key are left as they are, with one warning.
    parts
        The parts by id.
    name
        What to call the score in the warning.

    Returns
    -------
    dict
        The parts by id, those with such notes as drum kits.
    """
    listed = {element.get("id", ""): _keys(element) for element in root.iterfind("part-list/score-part")}
    silent: dict[str, int] = {}
    kits: dict[str, Part] = {}
    for element in root.iterfind("part"):
        part_id = element.get("id", "")
        keys, part = listed.get(part_id, {}), parts.get(part_id, Part())
        for note in list(element.iter("note")):
            unpitched = note.find("unpitched")
            if unpitched is None:
                continue
            key = _key(note, keys)
            if key is None:
                silent[part.name or part_id] = silent.get(part.name or part_id, 0) + 1
            else:
                note.replace(unpitched, _pitch(key))
                kits[part_id] = replace(part, is_drum=True)
    if silent:
        rule = "the score does not say how they sound (midi-unpitched); export it with its MIDI sounds"
        where = ", ".join(silent)
        log.warning("%s: %d unpitched notes of %s are left out: %s", name, sum(silent.values()), where, rule)
    return parts | kits


def _keys(element: etree._Element) -> dict[str, int | None]:
    """The keys (MIDI note numbers, from 0) of a part's instruments by their id, None where there is none."""
    keys: dict[str, int | None] = {}
    for instrument in element.iterfind("midi-instrument"):
        number = (instrument.findtext("midi-unpitched") or "").strip()
        is_key = number.isdecimal() and 1 <= int(number) <= 128
        keys[instrument.get("id", "")] = int(number) - 1 if is_key else None
    return keys


def _key(note: etree._Element, keys: dict[str, int | None]) -> int | None:
    instrument = note.find("instrument")
    if instrument is not None:
        return keys.get(instrument.get("id", ""))
    return next(iter(keys.values())) if len(keys) == 1 else None  # where there is one only, notes need not name it


def _pitch(key: int) -> etree._Element:
    pitch = etree.Element("pitch")
    step = NAMES[key % 12]
    etree.SubElement(pitch, "step").text = step[0]
    etree.SubElement(pitch, "alter").text = str(len(step) - 1)
    etree.SubElement(pitch, "octave").text = str(key // 12 - 1)
    return pitch
