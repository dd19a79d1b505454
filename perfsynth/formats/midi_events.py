"""The events of a standard MIDI file, its tracks merged in time: notes, pedals and what the conductor's track says.

Parts are kept apart by track, but programs, keys and pedals are those of the channels, whichever track sets, releases
or presses them.
"""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import mido
import numpy as np

from perfsynth.errors import InputError
from perfsynth.formats.score import check_length
from perfsynth.formats.sniff import is_rmi
from perfsynth.tempo import DEFAULT_BPM, tempo_map
from perfsynth.types import DRUM_CHANNEL, SOFT, SOSTENUTO, SUSTAIN, TEMPO, Part

PEDALS = (SUSTAIN, SOSTENUTO, SOFT)
MAX_DENOMINATOR = 128  # a broken file can say 2 ** 255
LATE_BEATS = 0.125  # after the first note, within which a score's first tempo is meant from the beginning on
# mido reports a broken file through whatever its parser trips over.
_BROKEN = (OSError, EOFError, ValueError, IndexError, KeyError, TypeError, mido.KeySignatureError)


@dataclass
class Events:
    """The content of a file that matters here; times in ticks."""

    ticks_per_beat: int
    notes: list[tuple[int, int, int, int, int]] = field(default_factory=list)  # on, off, pitch, velocity, part
    controls: list[tuple[int, int, int, int]] = field(default_factory=list)  # tick, number, value, part
    tempos: list[tuple[int, float]] = field(default_factory=list)
    meters: list[tuple[int, int, int]] = field(default_factory=list)
    keys: list[tuple[int, str]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    title: str = ""

    def tempo_map(self) -> np.ndarray:
        """The tempos that sound, (n,) `TEMPO`: `DEFAULT_BPM` until the file sets one."""
        rows = [(0, DEFAULT_BPM), *self.tempos]
        return tempo_map(np.array([(tick / self.ticks_per_beat, bpm) for tick, bpm in rows], TEMPO))

    def stated_tempos(self) -> np.ndarray:
        """The tempos of a score, (n,) `TEMPO`: no default, unless music precedes the first that is set."""
        if all(bpm == DEFAULT_BPM for _, bpm in self.tempos):
            return np.zeros(0, TEMPO)
        first = min(tick for tick, _ in self.tempos)
        late = (first - min(on for on, *_ in self.notes)) / self.ticks_per_beat
        tempos = self.tempo_map()
        return tempos[1:] if first > 0 and late < LATE_BEATS else tempos


def read_events(data: bytes, name: str) -> Events:
    """Read a MIDI file of type 0 or 1.

    Raises
    ------
    InputError
        When it is broken, without notes or longer than a day.
    """
    try:
        midi = mido.MidiFile(file=io.BytesIO(_unwrapped(data)), clip=True)
    except _BROKEN as error:
        raise InputError(f"{name}: broken MIDI file ({str(error) or type(error).__name__}); export it again") from error
    if midi.type == 2:
        raise InputError(f"{name}: MIDI type 2 holds separate patterns; export it as type 0 or 1")
    if midi.ticks_per_beat <= 0 or midi.ticks_per_beat >= 0x8000:
        raise InputError(f"{name}: its time is SMPTE frames; export it with ticks per quarter note")
    events = Events(midi.ticks_per_beat)
    player = _Player(events)
    for tick, number, message in _merged(midi.tracks):
        if message.is_meta:
            _read_meta(events, message, tick, number, name)
            if message.type == "track_name":
                player.labels[number] = str(message.name)
        else:
            player.play(message, tick, number)
    player.end([sum(message.time for message in track) for track in midi.tracks])
    if not events.notes:
        raise InputError(f"{name}: no notes in this MIDI file; it needs at least one")
    last = max(off for _, off, *_ in events.notes)
    check_length(last / events.ticks_per_beat, events.tempo_map(), name)
    return events


def _unwrapped(data: bytes) -> bytes:
    """The MIDI file in an .rmi, or the bytes themselves where they are none."""
    return data[data.find(b"MThd") :] if is_rmi(data) and b"MThd" in data else data


def _merged(tracks: list[mido.MidiTrack]) -> list[tuple[int, int, Any]]:
    """The messages of all tracks (tick, track, message) in time, of one tick track by track, programs first."""
    rows: list[tuple[int, int, Any]] = []
    for number, track in enumerate(tracks):
        tick = 0
        for message in track:
            tick += message.time
            rows.append((tick, number, message))
    return sorted(rows, key=lambda row: (row[0], row[2].type != "program_change"))


@dataclass(frozen=True)
class _Held:
    """A key that is down."""

    on: int
    velocity: int
    part: int
    track: int


class _Player:
    """Follows the channels of a file through time, and writes what they play into its events."""

    def __init__(self, events: Events) -> None:
        self.labels: dict[int, str] = {}  # track -> its name
        self._events = events
        self._parts: dict[tuple[int, int, int], int] = {}  # (track, channel, program) -> part
        self._programs: dict[int, tuple[int, dict[int, int]]] = {}  # channel -> tick, what tracks set it to there
        self._held: dict[tuple[int, int], list[_Held]] = defaultdict(list)  # (channel, pitch) -> keys down

    def play(self, message: Any, tick: int, track: int) -> None:
        if message.type == "program_change":
            since, programs = self._programs.get(message.channel, (tick, {}))
            self._programs[message.channel] = tick, {**(programs if since == tick else {}), track: message.program}
        elif message.type == "control_change" and message.control in PEDALS:
            part = self._part(track, message.channel)
            self._events.controls.append((tick, message.control, message.value, part))
        elif message.type == "note_on" and message.velocity > 0:
            held = _Held(tick, message.velocity, self._part(track, message.channel), track)
            self._held[message.channel, message.note].append(held)
        elif message.type in ("note_on", "note_off"):
            self._release(tick, track, message.channel, message.note)

    def end(self, ticks: list[int]) -> None:
        """Release what is still down where its track ends, at `ticks`; put parts in the order of tracks."""
        for (_, pitch), keys in self._held.items():
            self._events.notes += [(held.on, ticks[held.track], pitch, held.velocity, held.part) for held in keys]
        self._events.controls = self._pedalled()
        used = {note[4] for note in self._events.notes} | {control[3] for control in self._events.controls}
        order = [part for _, part in sorted((track, part) for (track, *_), part in self._parts.items()) if part in used]
        place = {part: index for index, part in enumerate(order)}
        self._events.parts = [self._events.parts[part] for part in order]
        self._events.notes = [(*note[:4], place[note[4]]) for note in self._events.notes]
        self._events.controls = [(*control[:3], place[control[3]]) for control in self._events.controls]
        self._events.notes.sort(key=lambda note: (note[0], note[2], note[4]))

    def _pedalled(self) -> list[tuple[int, int, int, int]]:
        """The pedals, each for all parts that play on its channel; where none plays, for its own."""
        sounding = {note[4] for note in self._events.notes}
        channels = {part: channel for (_, channel, _), part in self._parts.items()}
        players: dict[int, list[int]] = defaultdict(list)
        for part in sorted(sounding):
            players[channels[part]].append(part)
        return [
            (tick, number, value, part)
            for tick, number, value, own in self._events.controls
            for part in players.get(channels[own], [own])
        ]

    def _part(self, track: int, channel: int) -> int:
        _, programs = self._programs.get(channel, (0, {}))
        program = programs.get(track, next(reversed(programs.values()), 0))  # its own, of those set at one tick
        key = track, channel, program
        if key not in self._parts:
            self._parts[key] = len(self._events.parts)
            self._events.parts.append(Part(self.labels.get(track, ""), program, channel == DRUM_CHANNEL))
        return self._parts[key]

    def _release(self, tick: int, track: int, channel: int, pitch: int) -> None:
        """End the first note of a key of the same track, or where it has none, the first of any that began before."""
        keys = self._held[channel, pitch]
        found = [held for held in keys if held.track == track] or [held for held in keys if held.on < tick]
        if found:
            keys.remove(found[0])
            self._events.notes.append((found[0].on, tick, pitch, found[0].velocity, found[0].part))


def _read_meta(events: Events, message: Any, tick: int, number: int, name: str) -> None:
    if message.type == "set_tempo":
        if message.tempo <= 0:
            raise InputError(f"{name}: a tempo of {message.tempo} us a quarter note; it must be above 0")
        events.tempos.append((tick, mido.tempo2bpm(message.tempo)))
    elif message.type == "time_signature" and message.numerator > 0 and message.denominator <= MAX_DENOMINATOR:
        events.meters.append((tick, message.numerator, message.denominator))
    elif message.type == "key_signature":
        events.keys.append((tick, message.key))
    elif message.type == "text":
        events.texts.append(message.text)
    elif message.type == "track_name" and number == 0:
        events.title = message.name
