"""The tempos of a MusicXML tree, set right where what sounds is not what is printed."""

from __future__ import annotations

import re

from lxml import etree

from perfsynth.errors import InputError
from perfsynth.formats.musicxml_measures import QUARTERS
from perfsynth.tempo import DEFAULT_BPM

MIN_BPM, MAX_BPM = 1.0, 10_000.0  # quarter notes a minute
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ROUNDING = 0.01  # by which a sounding tempo may miss what it was computed from, as a share


def sound_tempos(root: etree._Element, name: str) -> None:
    """Make every metronome mark sound as it is printed, and drop a tempo that nobody wrote.

    Raises
    ------
    InputError
        When a tempo is no tempo.
    """
    for part in root.iterfind("part"):
        in_force: float | None = None
        for direction in part.iterfind("measure/direction"):
            _sound_metronome(direction, in_force, name)
            for sound in direction.iterfind("sound[@tempo]"):
                in_force = _bpm(sound, name)
    _drop_default(root, name)


def _sound_metronome(direction: etree._Element, in_force: float | None, name: str) -> None:
    """A metronome mark without a sounding tempo, or with one that misreads its unit, gets it in quarter notes a minute.

    `in_force` is the tempo before it.
    """
    mark, sound = direction.find("direction-type/metronome"), direction.find("sound[@tempo]")
    if mark is None:
        return
    units, rate = _units(mark), _NUMBER.search(mark.findtext("per-minute") or "")
    if 0 in units:
        return
    if len(units) == 1 and rate is not None:
        number = float(rate.group())
        bpm = number * units[0]
        misread = [] if units[0] == 1 else [number, number / units[0]]  # the unit ignored, or the wrong way round
        if sound is not None and not any(abs(_bpm(sound, name) / wrong - 1) < _ROUNDING for wrong in misread if wrong):
            return
    elif len(units) == 2 and in_force is not None and sound is None:
        bpm = in_force * units[1] / units[0]  # the first note value lasted as long as the second will
    else:
        return
    if sound is None:
        sound = etree.SubElement(direction, "sound")
    sound.set("tempo", repr(bpm))


def _units(mark: etree._Element) -> list[float]:
    """The note values of a metronome mark in quarter notes, 0 for one that is unknown."""
    units: list[float] = []
    dot = 0.0
    for element in mark.iterfind("*"):
        if element.tag == "beat-unit":
            dot = float(QUARTERS.get(element.text or "", 0))
            units.append(dot)
        elif element.tag == "beat-unit-dot" and units:
            dot /= 2
            units[-1] += dot
    return units


def _bpm(sound: etree._Element, name: str) -> float:
    """A sounding tempo in quarter notes a minute."""
    tempo = sound.get("tempo", "")
    try:
        value = float(tempo)
    except ValueError:
        value = 0.0
    if not MIN_BPM <= value <= MAX_BPM:
        rule = f"a tempo is {MIN_BPM:g} to {MAX_BPM:g} quarter notes a minute"
        raise InputError(f"{name}: tempo {tempo!r}: {rule}; correct it in the score")
    return value


def _drop_default(root: etree._Element, name: str) -> None:
    """Drop what programs write at the beginning of a score that has no tempo."""
    sounds = _with_tempo(root)
    first = [sound for part in root.iterfind("part") for sound in _with_tempo(part.find("measure"))]
    if len(first) < len(sounds) or any(_bpm(sound, name) != DEFAULT_BPM for sound in sounds) or _is_printed(root):
        return
    for sound in sounds:
        del sound.attrib["tempo"]


def _with_tempo(element: etree._Element | None) -> list[etree._Element]:
    return [] if element is None else [sound for sound in element.iter("sound") if "tempo" in sound.attrib]


def _is_printed(root: etree._Element) -> bool:
    """Whether a page names a tempo in numbers, the default among its words."""
    words = (element.text or "" for element in root.iter("words"))
    return next(root.iter("metronome"), None) is not None or any(f"{DEFAULT_BPM:g}" in text for text in words)
