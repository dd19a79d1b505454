"""Jumps in a MusicXML tree: da capo, dal segno, coda and fine, as elements that partitura reads."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import zip_longest

from lxml import etree

from perfsynth.formats.musicxml_measures import fill, measured

_TITLE = r"((?!(fine|senza|no|without)\b)\S{1,20} ){0,3}\W?"  # "Menuetto I" in "Menuetto I D.C."
_JUMP_WORDS = tuple(
    (re.compile(pattern, re.I), jump)
    for pattern, jump in (
        (r"\W*fine?\W*|\W*fine (del|dell|della|der|des|du|of)\b.*", "fine"),
        (_TITLE + r"(d\.? ?c\b|da capo\b).*", "dacapo"),
        (_TITLE + r"(d\.? ?s\.? ?s?\b|d[ae]l? segno\b).*", "dalsegno"),
        (r"\W*(to|al|alla)( the)? (coda\W*)+\d?\W*", "tocoda"),
        (r"\W*segno\W*", "segno"),
        (r"\W*(coda\W*)+\d?\W*", "coda"),
    )
)
_GLYPHS = str.maketrans({
    "\U0001d10b": " segno ", "\ue047": " segno ", "\U0001d10c": " coda ", "\ue048": " coda ", "\u2295": " coda ",
})  # fmt: skip
_MAX_WORDS = 100  # characters; what is longer is no jump
_SIGNS = ("segno", "coda")
_TARGETS = {"segno": "segno", "coda": "coda", "dalsegno": "segno", "tocoda": "coda"}  # attribute -> partitura's value
_LEAPS = (*_TARGETS, "dacapo", "fine")
_SIGN, _WORDS = " sign", " words"  # names of what has no sound of its own
_AT_BEGIN, _WITHIN, _AT_END = range(3)  # of a measure
TARGET = {"dalsegno": "segno", "tocoda": "coda"}
SAID = {"dalsegno": "D.S.", "tocoda": "To Coda"}

Names = dict[str, list[str]]  # by jump or sign: what each is called, in the order of the page


def in_directions(part: etree._Element) -> None:
    """Put the sounds and signs that stand in a measure or at a bar line into directions: there they are looked for."""
    for sound in part.findall("measure/sound"):
        direction = etree.Element("direction")
        sound.addprevious(direction)
        direction.append(sound)
    measures = part.findall("measure")
    for measure, following in zip_longest(measures, measures[1:]):
        for line in measure.findall("barline"):
            place = measure if line.get("location") == "left" else following
            for sign in _SIGNS:
                if place is not None and line.find(sign) is not None:
                    direction = etree.Element("direction")
                    etree.SubElement(etree.SubElement(direction, "direction-type"), sign)
                    if line.get(sign):
                        etree.SubElement(direction, "sound", {sign: line.get(sign, "")})
                    place.insert(0, direction)


def sound_jump(direction: etree._Element) -> None:
    """Give a jump that is only words or a sign (D.C. al Fine) the element that makes it sound."""
    if any(sound.get(jump) for sound in direction.iterfind("sound") for jump in _LEAPS):
        return
    said = [
        " ".join((element.text or "").translate(_GLYPHS).split()) if element.tag == "words" else element.tag
        for element in direction.iterfind("direction-type/*")
        if element.tag in ("words", *_SIGNS)
    ]
    name = _SIGN if any(sign in said for sign in _SIGNS) else _WORDS
    whole = _jump(" ".join(said))
    for jump in [whole] if whole else [_jump(words) for words in said]:
        if jump is not None:
            etree.SubElement(direction, "sound", {jump: name if jump in _TARGETS else "yes"})


def _jump(words: str) -> str | None:
    """What words say about the way, as an attribute of <sound>."""
    if len(words) > _MAX_WORDS:
        return None
    return next((jump for pattern, jump in _JUMP_WORDS if pattern.fullmatch(words)), None)


def aim_jumps(part: etree._Element) -> tuple[set[str], Names]:
    """Say every jump as partitura expects it and where players take it.

    A player comes to a sign where its measure begins and leaves where one ends, wherever in it the words are printed,
    unless a double bar line stands there.

    Returns
    -------
    lost
        The kinds of jumps to a sign that is not there, which are dropped.
    names
        What the jumps to signs, and the signs, are called.
    """
    _settle_signs(part)
    there = {jump for sound in part.iter("sound") for jump in _TARGETS if sound.get(jump)}
    lost = {jump for jump in there if TARGET.get(jump, jump) not in there}
    names: Names = {}
    divisions = 1
    for measure in part.iterfind("measure"):
        jumps = [(direction, jump) for direction in measure.iterfind("direction") for jump in _leaps(direction)]
        begun_with = divisions
        end, length, divisions = measured(measure, divisions)
        places = [_place(direction, jump, length, begun_with) for direction, jump in jumps]
        if _AT_END in places and end < length:
            fill(measure, length - end, divisions)
        for where in (_AT_BEGIN, _WITHIN, _AT_END):
            for (direction, jump), place in zip(jumps, places, strict=True):
                if place == where:
                    name = _move(direction, jump, place)
                    if jump in _TARGETS and jump not in lost:
                        names.setdefault(jump, []).append(name)
    for sound in part.iter("sound"):
        for jump in lost:
            sound.attrib.pop(jump, None)
    return lost, names


def _settle_signs(part: etree._Element) -> None:
    """Decide what signs without a sound mean: nothing beside ones that have it; of two codas, the first leads on."""
    sounds = list(part.iter("sound"))
    silent = (_SIGN, _WORDS)
    for sign in _SIGNS:
        if any(sound.get(sign, _SIGN) not in silent for sound in sounds):
            for sound in sounds:
                if sound.get(sign) in silent:
                    del sound.attrib[sign]
    codas = [sound for sound in sounds if sound.get("coda")]
    goes_back = any(sound.get("dacapo") or sound.get("dalsegno") for sound in sounds)
    if goes_back and len(codas) > 1 and codas[0].get("coda") == _SIGN and not any(s.get("tocoda") for s in sounds):
        codas[0].set("tocoda", codas[0].attrib.pop("coda"))


def _leaps(direction: etree._Element) -> list[str]:
    """The jumps and signs of a direction, each once."""
    sounds = direction.findall("sound")
    return [jump for jump in _LEAPS if any(sound.get(jump, "no") != "no" for sound in sounds)]


def _place(direction: etree._Element, jump: str, length: Fraction, divisions: int) -> int:
    """Where in its measure, which lasts `length` and begins with `divisions`, a player takes a jump."""
    measure = direction.getparent()
    place, _, _ = measured(measure[: measure.index(direction)], divisions)
    if 0 < place < length and any(map(_is_double, (direction.getprevious(), direction.getnext()))):
        return _WITHIN
    if jump in _SIGNS:
        return _AT_BEGIN if place < length else _AT_END
    is_sign = any(sound.get(jump) == _SIGN for sound in direction.iterfind("sound"))
    return _AT_BEGIN if is_sign and place == 0 else _AT_END


def _is_double(element: etree._Element | None) -> bool:
    return element is not None and "-" in (element.findtext("bar-style") or "")


def _move(direction: etree._Element, jump: str, place: int) -> str:
    """Give a jump a direction of its own at its place; its name."""
    measure = direction.getparent()
    name = next(sound.attrib.pop(jump) for sound in direction.iterfind("sound") if sound.get(jump))
    alone = etree.Element("direction")
    etree.SubElement(alone, "sound", {jump: _TARGETS.get(jump, "yes")})
    if place == _WITHIN:
        direction.addnext(alone)
    else:
        measure.insert(0 if place == _AT_BEGIN else len(measure), alone)
    return str(name)
