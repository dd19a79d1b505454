"""Standard MIDI files read as scores (in beats) and as performances (in seconds), through mido."""

from __future__ import annotations

import hashlib
import io
import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import mido
import numpy as np

from perfsynth.errors import InputError
from perfsynth.formats.provenance import history_from_text
from perfsynth.formats.score import arranged, check_length
from perfsynth.pedals import DOWN
from perfsynth.tempo import DEFAULT_BPM, beats_to_seconds, tempo_map
from perfsynth.types import (
    CONTROL,
    DIRECTION,
    DRUM_CHANNEL,
    KEY,
    MEASURE,
    METER,
    PERFORMED_NOTE,
    SCORE_NOTE,
    SOFT,
    SOSTENUTO,
    SUSTAIN,
    TEMPO,
    Made,
    Part,
    Performance,
    Score,
)

PEDALS = (SUSTAIN, SOSTENUTO, SOFT)
MAX_DENOMINATOR = 128  # a broken file can say 2 ** 255
MAX_MEASURES = 1_000_000
LATE_BEATS = 0.125  # after the first note, within which a score's first tempo is meant from the beginning on
# mido reports a broken file through whatever its parser trips over.
_BROKEN = (OSError, EOFError, ValueError, IndexError, KeyError, TypeError, mido.KeySignatureError)

log = logging.getLogger("perfsynth")


@dataclass
class _Events:
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


def read_performance(data: bytes, *, name: str = "performance") -> Performance:
    """Read a MIDI file as a performance, its ticks turned into seconds by its tempo map.

    Raises
    ------
    InputError
        When it is broken, without notes or longer than a day.
    """
    events = _read(data, name)
    tempos = events.tempo_map()
    rows = np.array(events.notes, dtype=np.int64)
    on_s, off_s = (_seconds(rows[:, column], events.ticks_per_beat, tempos) for column in (0, 1))
    notes = np.zeros(len(rows), PERFORMED_NOTE)
    notes["onset_s"], notes["duration_s"] = on_s, off_s - on_s
    notes["pitch"], notes["velocity"], notes["part"] = rows[:, 2], rows[:, 3], rows[:, 4]
    controls = np.zeros(len(events.controls), CONTROL)
    if len(controls):
        turned = np.array(events.controls, dtype=np.int64)
        controls["time_s"] = _seconds(turned[:, 0], events.ticks_per_beat, tempos)
        controls["number"], controls["value"], controls["part"] = turned[:, 1], turned[:, 2], turned[:, 3]
    return Performance(
        notes,
        controls[np.argsort(controls["time_s"], kind="stable")],
        tuple(events.parts),
        **_provenance(events, data),
    )


def read_score_midi(data: bytes, *, name: str = "score") -> Score:
    """Read a MIDI file as a score, its ticks turned into quarter notes.

    Velocities, the tempo map, metres, keys and the sustain pedal are kept; notes of one part at the same onset
    and pitch are merged. A file without metre is read as 4/4; one at 120 throughout, what sequencers write where
    nobody chose, states no tempo.

    Raises
    ------
    InputError
        When it is broken, without notes or longer than a day.
    """
    events = _read(data, name)
    rows = np.array(events.notes, dtype=np.int64)
    notes = np.zeros(len(rows), SCORE_NOTE)
    notes["onset_beat"] = rows[:, 0] / events.ticks_per_beat
    notes["duration_beat"] = np.maximum(rows[:, 1] - rows[:, 0], 1) / events.ticks_per_beat  # 0 is for grace notes
    notes["pitch"], notes["velocity"] = rows[:, 2], rows[:, 3]
    parts, part_of, staff_of = _staves(events.parts)
    notes["part"], notes["staff"] = part_of[rows[:, 4]], staff_of[rows[:, 4]]
    notes, _ = arranged(notes)
    notes["note_id"] = [f"n{index}" for index in range(len(notes))]
    end_beat = float((notes["onset_beat"] + notes["duration_beat"]).max())
    meters = _meters(events)
    return Score(
        notes,
        tempos=events.stated_tempos(),
        meters=meters,
        keys=_keys(events),
        measures=_measures(meters, end_beat, name),
        directions=_pedal_directions(events, end_beat, part_of),
        parts=parts,
        title=events.title,
        **_provenance(events, data),
    )


def _read(data: bytes, name: str) -> _Events:
    try:
        midi = mido.MidiFile(file=io.BytesIO(data), clip=True)
    except _BROKEN as error:
        raise InputError(f"{name}: broken MIDI file ({str(error) or type(error).__name__}); export it again") from error
    if midi.type == 2:
        raise InputError(f"{name}: MIDI type 2 holds separate patterns; export it as type 0 or 1")
    if midi.ticks_per_beat <= 0 or midi.ticks_per_beat >= 0x8000:
        raise InputError(f"{name}: its time is SMPTE frames; export it with ticks per quarter note")
    events = _Events(midi.ticks_per_beat)
    for number, track in enumerate(midi.tracks):
        _read_track(events, track, number, name)
    events.notes.sort(key=lambda note: (note[0], note[2]))
    if not events.notes:
        raise InputError(f"{name}: no notes in this MIDI file; it needs at least one")
    last = max(off for _, off, *_ in events.notes)
    check_length(last / events.ticks_per_beat, events.tempo_map(), name)
    return events


def _read_track(events: _Events, track: mido.MidiTrack, number: int, name: str) -> None:
    tick, label = 0, ""
    programs: dict[int, int] = {}
    parts: dict[tuple[int, int], int] = {}  # (channel, program) -> part
    sounding: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)

    def part_of(channel: int) -> int:
        program = programs.get(channel, 0)
        if (channel, program) not in parts:
            parts[channel, program] = len(events.parts)
            events.parts.append(Part(label, program, channel == DRUM_CHANNEL))
        return parts[channel, program]

    for message in track:
        tick += message.time
        if message.is_meta:
            label = _read_meta(events, message, tick, number, name) or label
        elif message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type == "control_change" and message.control in PEDALS:
            events.controls.append((tick, message.control, message.value, part_of(message.channel)))
        elif message.type == "note_on" and message.velocity > 0:
            key = (message.channel, message.note)
            sounding[key].append((tick, message.velocity, part_of(message.channel)))
        elif message.type in ("note_on", "note_off") and sounding[message.channel, message.note]:
            # One release for keys struck twice ends the first; its onset is the earlier one.
            on, velocity, part = sounding[message.channel, message.note].pop(0)
            events.notes.append((on, tick, message.note, velocity, part))
    for (_, pitch), hanging in sounding.items():
        events.notes += [(on, tick, pitch, velocity, part) for on, velocity, part in hanging]


def _read_meta(events: _Events, message: Any, tick: int, number: int, name: str) -> str:
    """Note a meta event; gives the track's name where the event tells it."""
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
    elif message.type == "track_name":
        if number == 0:
            events.title = message.name
        return str(message.name)
    return ""


def _provenance(events: _Events, data: bytes) -> dict[str, Any]:
    found = [history for text in events.texts if (history := history_from_text(text))]
    digest = hashlib.sha256(data).hexdigest()
    return {"history": found[0] if found else (Made("read", "midi", input_sha256=digest),), "sha256": digest}


def _seconds(ticks: np.ndarray, ticks_per_beat: int, tempos: np.ndarray) -> np.ndarray:
    return beats_to_seconds(ticks / ticks_per_beat, tempos)


_KEY_FIFTHS = {
    tonic + mode: (fifths, mode == "m")
    for mode, tonics in (
        ("", "Cb Gb Db Ab Eb Bb F C G D A E B F# C#"),
        ("m", "Ab Eb Bb F C G D A E B F# C# G# D# A#"),
    )
    for fifths, tonic in zip(range(-7, 8), tonics.split(), strict=True)
}  # fmt: skip


def _last_at(rows: list[tuple]) -> list[tuple]:
    """Rows by place, the first column; the last written of one place holds."""
    return [row for _, row in sorted({row[0]: row for row in rows}.items())]


def _keys(events: _Events) -> np.ndarray:
    rows = [(tick / events.ticks_per_beat, *_KEY_FIFTHS[key]) for tick, key in events.keys if key in _KEY_FIFTHS]
    return np.array(_last_at(rows), KEY)


def _meters(events: _Events) -> np.ndarray:
    rows = _last_at([(tick / events.ticks_per_beat, top, bottom) for tick, top, bottom in events.meters])
    if not rows or rows[0][0] > 0:
        rows.insert(0, (0.0, 4, 4))
    return np.array(rows, METER)


def _measures(meters: np.ndarray, end_beat: float, name: str) -> np.ndarray:
    onsets: list[np.ndarray] = []
    ends = np.append(meters["onset_beat"][1:], end_beat)
    for meter, end in zip(meters, ends, strict=True):
        length = float(meter["numerator"]) * 4.0 / float(meter["denominator"])
        if (end - meter["onset_beat"]) / length > MAX_MEASURES:
            raise InputError(f"{name}: more than {MAX_MEASURES} measures; check its metre")
        onsets.append(np.arange(float(meter["onset_beat"]), end, length))
    beats = np.unique(np.concatenate(onsets)) if onsets else np.zeros(0)
    measures = np.zeros(len(beats), MEASURE)
    measures["onset_beat"], measures["number"] = beats, np.arange(1, len(beats) + 1)
    return measures


def _staves(parts: list[Part]) -> tuple[tuple[Part, ...], np.ndarray, np.ndarray]:
    """Two tracks of one keyboard program are the two staves of one part: parts, and part and staff of each track."""
    programs = [part.program for part in parts if not part.is_drum]
    kept: list[Part] = []
    part_of, staff_of = np.zeros(len(parts), int), np.zeros(len(parts), int)
    for index, part in enumerate(parts):
        is_pair = part.is_keyboard and programs.count(part.program) == 2
        other = next((i for i in range(index) if parts[i].program == part.program and not parts[i].is_drum), None)
        if is_pair and other is not None:
            part_of[index], staff_of[index] = part_of[other], 2
            continue
        part_of[index], staff_of[index] = len(kept), int(is_pair)
        kept.append(part)
    return tuple(kept), part_of, staff_of


def _pedal_directions(events: _Events, end_beat: float, part_of: np.ndarray) -> np.ndarray:
    """Spans in which the sustain pedal is down, for each part."""
    down: dict[int, float] = {}
    spans = []
    for tick, number, value, track in sorted(events.controls):
        part = int(part_of[track])
        beat = tick / events.ticks_per_beat
        if number != SUSTAIN:
            continue
        if value >= DOWN:
            down.setdefault(part, beat)
        elif part in down:
            spans.append((down.pop(part), beat, "pedal", "", part, 0))
    spans += [(beat, max(beat, end_beat), "pedal", "", part, 0) for part, beat in down.items()]
    return np.array(sorted(spans), DIRECTION)
