"""Jumps in a MusicXML tree: da capo, dal segno, coda and fine, as elements that partitura reads."""

from __future__ import annotations

import re

from lxml import etree

_JUMP_WORDS = (
    (re.compile(r"\s*fine\W*", re.I), "fine", "yes"),
    (re.compile(r"\s*(d\.? ?c\b|da capo\b).*", re.I | re.S), "dacapo", "yes"),
    (re.compile(r"\s*(d\.? ?s\b|dal segno\b).*", re.I | re.S), "dalsegno", "segno"),
    (re.compile(r"\s*to coda\W*", re.I), "tocoda", "coda"),
)
_JUMPS = {"segno": "segno", "coda": "coda", "dalsegno": "segno", "tocoda": "coda"}  # attribute -> partitura's value
_LEAPS = (*_JUMPS, "dacapo", "fine")
TARGET = {"dalsegno": "segno", "tocoda": "coda"}
SAID = {"dalsegno": "D.S.", "tocoda": "To Coda"}


def in_directions(part: etree._Element) -> None:
    """Put the sounds that stand in a measure itself into a direction: only there partitura reads their jumps."""
    for sound in part.findall("measure/sound"):
        direction = etree.Element("direction")
        sound.addprevious(direction)
        direction.append(sound)


def sound_jump(direction: etree._Element) -> None:
    """Give a jump that is only words or a sign (D.C. al Fine) the element that makes it sound."""
    if any(sound.get(jump) for sound in direction.iterfind("sound") for jump in _LEAPS):
        return
    for sign in ("segno", "coda"):
        if direction.find(f"direction-type/{sign}") is not None:
            etree.SubElement(direction, "sound", {sign: sign})
    for words in direction.iterfind("direction-type/words"):
        for pattern, jump, value in _JUMP_WORDS:
            if pattern.fullmatch(words.text or ""):
                etree.SubElement(direction, "sound", {jump: value})


def aim_jumps(part: etree._Element) -> set[str]:
    """Say every jump as partitura expects it; drop the jumps to one that is not there, and say which."""
    sounds = list(part.iter("sound"))
    there = {jump for sound in sounds for jump in _JUMPS if sound.get(jump)}
    lost = {jump for jump in there if TARGET.get(jump, jump) not in there}
    for sound in sounds:
        if sound.get("fine", "no") != "no":  # it may be a length
            sound.set("fine", "yes")
        for jump, value in _JUMPS.items():
            if jump in lost:
                sound.attrib.pop(jump, None)
            elif sound.get(jump):
                sound.set(jump, value)
    return lost
