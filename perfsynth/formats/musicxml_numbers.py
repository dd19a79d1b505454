"""Whole numbers in a MusicXML tree: the white space and the decimals that MusicXML allows go before they are read."""

from __future__ import annotations

import re

from lxml import etree

NUMBERS = (
    "divisions", "duration", "offset", "beats", "beat-type", "fifths", "octave-change", "chromatic", "alter", "octave",
    "midi-program", "midi-channel", "midi-unpitched", "staff",
)  # fmt: skip
_NUMBER = re.compile(r"\s*([+-]?\d{1,99})(?:\.\d*)?\s*", re.ASCII)


def tidy(root: etree._Element) -> None:
    """Write the numbers of a tree in digits alone; what is none stays as it is."""
    for element in root.iter(*NUMBERS):
        if _NUMBER.fullmatch(element.text or ""):
            element.text = str(whole(element.text))


def whole(text: str | None, otherwise: int = 0) -> int:
    """A whole number, what follows a decimal point left out; `otherwise` where there is none."""
    found = _NUMBER.fullmatch(text or "")
    return int(found[1]) if found else otherwise


def positive(text: str | None, otherwise: int) -> int:
    """A whole number of at least 1, or `otherwise`."""
    number = whole(text, otherwise)
    return number if number > 0 else otherwise
