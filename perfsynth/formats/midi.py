"""Standard MIDI files read as scores (in beats) and as performances (in seconds)."""

from __future__ import annotations

from typing import Any

import numpy as np

from perfsynth.errors import InputError
from perfsynth.formats.midi_events import Events, read_events
from perfsynth.formats.provenance import history_from_text, made_of
from perfsynth.formats.score import arranged
from perfsynth.pedals import DOWN
from perfsynth.tempo import beats_to_seconds
from perfsynth.types import (
    CONTROL,
    DIRECTION,
    KEY,
    MEASURE,
    METER,
    PERFORMED_NOTE,
    SCORE_NOTE,
    SUSTAIN,
    Part,
    Performance,
    Score,
)

MAX_MEASURES = 1_000_000


def read_performance(data: bytes, *, name: str = "performance") -> Performance:
    """Read a MIDI file as a performance, its ticks turned into seconds by its tempo map.

    Raises
    ------
    InputError
        When it is broken, without notes or longer than a day.
    """
    events = read_events(data, name)
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
    events = read_events(data, name)
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


def _provenance(events: Events, data: bytes) -> dict[str, Any]:
    found = [history for text in events.texts if (history := history_from_text(text))]
    return made_of(data, "midi", found[0] if found else ())


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


def _keys(events: Events) -> np.ndarray:
    rows = [(tick / events.ticks_per_beat, *_KEY_FIFTHS[key]) for tick, key in events.keys if key in _KEY_FIFTHS]
    return np.array(_last_at(rows), KEY)


def _meters(events: Events) -> np.ndarray:
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


def _pedal_directions(events: Events, end_beat: float, part_of: np.ndarray) -> np.ndarray:
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
