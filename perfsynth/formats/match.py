"""Match files: which performed note plays which score note (Foscarin et al. 2022, the format of (n)ASAP).

Two dialects are in use: 1.0.0, whose performed notes are ``note(id,pitch,onset,offset,velocity,...)``, and 5.0,
whose are ``note(id,[step,alter],octave,onset,offset,adjusted offset,velocity)``. Times are ticks.
"""

from __future__ import annotations

import re

import numpy as np

from perfsynth.dsp.pitches import NATURALS
from perfsynth.errors import InputError
from perfsynth.formats.provenance import made_of
from perfsynth.types import CONTROL, PERFORMED_NOTE, SOFT, SUSTAIN, Performance

# A performed note: of a score note, of an ornament (whose notes have no note of their own in the score), of nothing.
# What repeats is bounded or ends with the line, so that no text takes longer than its length.
_NOTE = re.compile(
    r"^(?:snote\((?P<id>[^,\n]{1,100}),.*\)|[a-z_]{1,40}(?:\(.*\))?)-note\([^,\n]{1,100},(?P<fields>.*)\)\.",
    re.MULTILINE,
)
_PEDAL = re.compile(r"^(sustain|soft)\((\d{1,9}),(\d{1,3})\)\.", re.MULTILINE | re.ASCII)
_INFO = re.compile(r"^info\((midiClockUnits|midiClockRate),(\d{1,9})\)\.", re.MULTILINE | re.ASCII)
_ALTERS = {"n": 0, "#": 1, "##": 2, "x": 2, "b": -1, "bb": -2}
_PEDALS = {"sustain": SUSTAIN, "soft": SOFT}
MAX_TICK = 10**9


def read_match(data: bytes, *, name: str = "match") -> Performance:
    """Read the performance in a match file.

    Returns
    -------
    Performance
        Sorted by onset; ``note_id`` is the score note that a note plays, empty where it plays none.

    Raises
    ------
    InputError
        When it is no match file, holds no performed note, or one that no piano can play.
    """
    text = data.decode("utf-8", "replace")
    clock = {key: int(value) for key, value in _INFO.findall(text)}
    if clock.get("midiClockUnits", 0) <= 0 or clock.get("midiClockRate", 0) <= 0:
        raise InputError(f"{name}: no midiClockUnits and midiClockRate; this is no match file")
    tick_s = clock["midiClockRate"] / clock["midiClockUnits"] / 1e6
    rows = [row for found in _NOTE.finditer(text) if (row := _row(found, tick_s, name)) is not None]
    if not rows:
        raise InputError(f"{name}: no performed notes in this match file; a performance needs at least one")
    notes = np.array(rows, PERFORMED_NOTE)
    events = [
        (int(tick) * tick_s, _PEDALS[pedal], min(int(value), 127), 0) for pedal, tick, value in _PEDAL.findall(text)
    ]
    controls = np.array(events, CONTROL)
    return Performance(
        notes[np.lexsort([notes["pitch"], notes["onset_s"]])],
        controls[np.argsort(controls["time_s"], kind="stable")],
        **made_of(data, "match"),
    )


def _row(found: re.Match, tick_s: float, name: str) -> tuple | None:
    """A line's performed note as a row of `PERFORMED_NOTE`; None for a key that was never struck."""
    fields = found["fields"].split(",")
    try:
        if fields[0].startswith("["):
            pitch = 12 * (int(fields[2]) + 1) + NATURALS[fields[0][1:].upper()] + _ALTERS[fields[1].rstrip("]")]
            on, off, velocity = float(fields[3]), float(fields[4]), int(fields[6])
        else:
            pitch, on, off, velocity = int(fields[0]), float(fields[1]), float(fields[2]), int(fields[3])
    except (ValueError, IndexError, KeyError) as error:
        raise InputError(f"{name}: {found[0][:200]!r} is no note of a match file; get the file again") from error
    if not (0 <= pitch <= 127 and velocity <= 127 and 0 <= on <= MAX_TICK and -MAX_TICK <= off <= MAX_TICK):
        raise InputError(
            f"{name}: {found[0][:200]!r} cannot be played; pitch and velocity lie between 0 and 127, "
            f"times between 0 and {MAX_TICK} ticks"
        )
    if velocity <= 0:  # left by some converters for keys that were never struck
        return None
    return found["id"] or "", on * tick_s, max(off - on, 0.0) * tick_s, pitch, velocity, 0
