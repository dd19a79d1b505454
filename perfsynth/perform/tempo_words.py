"""Italian, German and French tempo words as quarter notes a minute, where a score has no metronome mark."""

from __future__ import annotations

import re

# Centres of the ranges on a Maelzel metronome, the customary reading; the longest match wins.
BPM_OF_WORD = {
    "larghissimo": 24, "grave": 40, "largo": 50, "lento": 54, "lent": 54, "langsam": 58, "larghetto": 63,
    "adagio": 66, "adagietto": 70, "andante": 80, "andantino": 84, "mässig": 96, "maestoso": 88, "moderato": 108,
    "modéré": 108, "allegretto": 116, "animato": 126, "lebhaft": 132, "allegro": 132, "vivo": 152, "vivace": 160,
    "vif": 160, "schnell": 152, "rasch": 144, "presto": 180, "prestissimo": 204, "menuetto": 120, "minuetto": 120,
}  # fmt: skip
_WORD = re.compile("|".join(sorted(map(re.escape, BPM_OF_WORD), key=len, reverse=True)))


def bpm_of_words(text: str) -> float | None:
    """The tempo that `text` names, in quarter notes a minute; None when it names none.

    >>> bpm_of_words("Allegro con brio")
    132.0
    """
    found = _WORD.search(text.lower())
    return float(BPM_OF_WORD[found.group()]) if found else None
