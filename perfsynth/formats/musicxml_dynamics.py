"""Dynamics that a MusicXML file only spells out, as elements that partitura reads.

Notation programs write whatever is more than a sign ("cresc.", "sempre pp", "p dolce") as free text among the
dynamics or as words, the signs in it as glyphs of a music font.
"""

from __future__ import annotations

import html
import re

from lxml import etree

# Glyphs of SMuFL 1.4, and the names by which MuseScore writes them.
_LETTERS = {
    "Piano": "p", "Mezzo": "m", "Forte": "f", "Rinforzando": "r", "Sforzando": "s", "Z": "z", "Niente": "niente",
}  # fmt: skip
_GLYPHS = {0xE520 + index: letter for index, letter in enumerate(_LETTERS.values())} | {
    0xE527: "pppppp", 0xE528: "ppppp", 0xE529: "pppp", 0xE52A: "ppp", 0xE52B: "pp", 0xE52C: "mp", 0xE52D: "mf",
    0xE52E: "pf", 0xE52F: "ff", 0xE530: "fff", 0xE531: "ffff", 0xE532: "fffff", 0xE533: "ffffff", 0xE534: "fp",
    0xE535: "fz", 0xE536: "sf", 0xE537: "sfp", 0xE538: "sfpp", 0xE539: "sfz", 0xE53A: "sfzp", 0xE53B: "sffz",
    0xE53C: "rf", 0xE53D: "rfz",
}  # fmt: skip
_GLYPH_NAMED = {name: chr(0xE520 + index) for index, name in enumerate(_LETTERS)}
_GLYPHS_IN_WORDS = re.compile(r"(?<=[^\W\ue520-\ue53f])(?=[\ue520-\ue53f])")  # where a sign begins
_NAMED = re.compile(r"<sym>dynamic(\w+)</sym>")
_TAG = re.compile(r"<[^<>]*>")
_DASHES = "-\u2013\u2014_"
# Signs as they are printed, and what they are called in MusicXML; every other sign is its own name.
_SPELT = {
    "sff": "sffz", "ffz": "sffz", "ffp": "fp", "pfz": "rf", "rinf": "rf", "rinforz": "rf", "rinforzando": "rf",
    "sforz": "sf", "niente": "n",
}  # fmt: skip
_SIGN = re.compile(r"p{1,6}|f{1,6}|m[pf]|fp|pf|s?fz|sfz?p|sfpp|sf|sffz|rfz?|" + "|".join(_SPELT))
# Words that a sign may follow; "più f" is no "f".
_BEFORE = {"sempre", "subito", "sub", "ma", "e", "poi", "poco", "molto", "quasi"}


def spell_out(direction: etree._Element) -> None:
    """Rewrite the free texts of a direction: signs as dynamics, the rest as words without ornament."""
    for kind in list(direction.iterfind("direction-type")):
        for element in list(kind):
            if element.tag == "dynamics" and (len(element) > 1 or element.find("other-dynamics") is not None):
                made = [piece for sign in element for piece in _pieces(sign)]
            elif element.tag == "words" and element.text:
                made = _read(element.text)
                if made == [("words", element.text)]:
                    continue
            else:
                continue
            for tag, text in made:
                place = etree.Element("direction-type")
                kind.addprevious(place)
                if tag == "dynamics":
                    etree.SubElement(etree.SubElement(place, "dynamics"), text)
                else:
                    etree.SubElement(place, "words").text = text
            kind.remove(element)
        if len(kind) == 0:
            direction.remove(kind)


def _pieces(sign: etree._Element) -> list[tuple[str, str]]:
    """What one element among the dynamics stands for."""
    if sign.tag != "other-dynamics":
        return [("dynamics", sign.tag)] if isinstance(sign.tag, str) else []
    return _read(sign.text or "")


def _read(text: str) -> list[tuple[str, str]]:
    """The sign and the words of a free text, each at most once."""
    plain = _plain(text)
    words = plain.split()
    bare = [word.strip(".,;:()[]") for word in words]
    for index, word in enumerate(bare):
        before = bare[index - 1].lower() if index else ""
        if _SIGN.fullmatch(word) and (index == 0 or before in _BEFORE):
            rest = " ".join(words[:index] + words[index + 1 :]).strip()
            return [("dynamics", _SPELT.get(word, word))] + ([("words", rest)] if rest else [])
    plain = plain.strip("[]")  # an editor's
    return [("words", plain)] if plain else []


def _plain(text: str) -> str:
    """A text without markup, glyphs as letters, words without the dashes behind them."""
    for _ in range(2):  # some programs escape what is escaped
        text = html.unescape(text)
    text = _NAMED.sub(lambda found: _GLYPH_NAMED.get(found.group(1), ""), text)
    text = _GLYPHS_IN_WORDS.sub(" ", text).translate(_GLYPHS)
    return " ".join(filter(None, (word.rstrip(_DASHES) for word in _TAG.sub("", text).split())))
