"""Numbers in a MusicXML tree: the white space and the decimals that MusicXML allows go before they are read."""

from __future__ import annotations

import re
from fractions import Fraction

from lxml import etree

TIMES = ("divisions", "duration", "offset")  # which may be fractions: all of them are made so much finer
COUNTS = (
    "beats", "beat-type", "fifths", "octave-change", "chromatic", "alter", "octave", "midi-program", "midi-channel",
    "midi-unpitched", "staff",
)  # fmt: skip
MOST_DECIMALS = 4
_NUMBER = re.compile(r"\s*([+-]?)(?=\.?\d)(\d{0,99})(?:\.(\d{0,99}))?\s*", re.ASCII)


def tidy(root: etree._Element) -> None:
    """Write the numbers of a tree in digits alone; what is none stays as it is."""
    times = [element for element in root.iter(*TIMES) if _NUMBER.fullmatch(element.text or "")]
    decimals = max((len(_decimals(element.text)) for element in times), default=0)
    finer = 10 ** min(decimals, MOST_DECIMALS)
    for element in times:
        element.text = str(round(Fraction((element.text or "").strip()) * finer))
    for element in root.iter(*COUNTS):
        if _NUMBER.fullmatch(element.text or ""):
            element.text = str(whole(element.text))


def _decimals(text: str | None) -> str:
    """The decimals of a number that say something."""
    found = _NUMBER.fullmatch(text or "")
    return (found[3] or "").rstrip("0") if found else ""


def whole(text: str | None, otherwise: int = 0) -> int:
    """A whole number, what follows a decimal point left out; `otherwise` where there is none."""
    found = _NUMBER.fullmatch(text or "")
    return int(found[1] + (found[2] or "0")) if found else otherwise


def positive(text: str | None, otherwise: int) -> int:
    """A whole number of at least 1, or `otherwise`."""
    number = whole(text, otherwise)
    return number if number > 0 else otherwise
