"""Performances as standard MIDI files: in seconds, or on the bar grid of their score with a tempo track."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from typing import Any

import mido
import numpy as np

from perfsynth.errors import InputError
from perfsynth.formats.provenance import history_to_text
from perfsynth.tempo import BeatGrid
from perfsynth.types import DRUM_CHANNEL, Part, Performance

# Without a grid: 1920 ticks a second, so a rounding error of at most 0.26 ms; pretty_midi, which reads at most
# 10^7 ticks, still takes 86 minutes.
TICKS_PER_BEAT = 960
WRITTEN_BPM = 120
TICKS_PER_S = TICKS_PER_BEAT * WRITTEN_BPM // 60
MOST_OFF_S = 0.001  # by which a grid's ticks round; where beats are slow, it has more of them
MOST_FINER = 32767 // TICKS_PER_BEAT  # that the head of a file can say
SLOWEST_US = 0xFFFFFF  # of a quarter note, that a tempo event can say: 16.7 s

Ticks = Callable[[np.ndarray], list[int]]
Events = list[tuple[int, int, Any]]  # tick, rank, message

log = logging.getLogger("perfsynth")


def write_performance(performance: Performance, *, grid: BeatGrid | None = None) -> bytes:
    """Write a performance as a type 1 MIDI file: at 1920 ticks a second, or on a grid of beats.

    A key struck again before it was released is released first, as a keyboard does. Parts beyond the sixteen
    channels of MIDI share a channel with a part of the same program, or with the last one.

    Parameters
    ----------
    performance
        What to write.
    grid
        When each beat is played: the file then has a tempo event at most once a beat, its bars are those of the
        score, and it sounds the same to less than 2 ms.
    """
    per_beat = TICKS_PER_BEAT if grid is None else _resolution(grid)
    midi = mido.MidiFile(type=1, ticks_per_beat=per_beat)
    head, ticks = _steady() if grid is None else _on_grid(grid, per_beat)
    if performance.history:
        head.append((0, 0, mido.MetaMessage("text", text=history_to_text(performance.history))))
    midi.tracks.append(_track(head))
    for index, (part, channel) in enumerate(zip(performance.parts, _channels(performance.parts), strict=True)):
        events: Events = []
        if part.name:
            text = part.name.encode("latin-1", "replace").decode("latin-1")
            events.append((0, 0, mido.MetaMessage("track_name", name=text)))
        events.append((0, 0, mido.Message("program_change", channel=channel, program=part.program)))
        controls = performance.controls[performance.controls["part"] == index]
        for tick, number, value in zip(
            ticks(controls["time_s"]), controls["number"].tolist(), controls["value"].tolist(), strict=True
        ):
            message = mido.Message("control_change", channel=channel, control=number, value=value)
            events.append((tick, 2, message))
        events += _note_events(performance.notes[performance.notes["part"] == index], channel, ticks)
        midi.tracks.append(_track(events))
    buffer = io.BytesIO()
    midi.save(file=buffer)
    return buffer.getvalue()


def _channels(parts: tuple[Part, ...]) -> list[int]:
    """A channel for each part: the tenth for drums, the others in order; past the fifteenth they are shared."""
    melodic = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    of_program: dict[int, int] = {}
    channels: list[int] = []
    n_parts = sum(not part.is_drum for part in parts)
    for part in parts:
        if part.is_drum:
            channels.append(DRUM_CHANNEL)
        elif n_parts > len(melodic) and part.program in of_program:
            channels.append(of_program[part.program])
        else:
            taken = {channel for channel in channels if channel != DRUM_CHANNEL}
            of_program[part.program] = melodic[min(len(taken), len(melodic) - 1)]
            channels.append(of_program[part.program])
    n_programs = len({part.program for part in parts if not part.is_drum})
    if n_parts > len(melodic) and n_programs > len(melodic):
        log.warning("%d programs share the 15 melodic channels of MIDI: the last ones sound alike", n_programs)
    return channels


def _steady() -> tuple[Events, Ticks]:
    """Head and clock of a file in seconds."""

    def ticks(times_s: np.ndarray) -> list[int]:
        rounded: list[int] = np.rint(np.maximum(times_s, 0.0) * TICKS_PER_S).astype(np.int64).tolist()
        return rounded

    return [(0, 0, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(WRITTEN_BPM)))], ticks


def _resolution(grid: BeatGrid) -> int:
    """Ticks of a quarter note under which none is rounded by more than `MOST_OFF_S`."""
    beats = len(grid.time_s)
    slowest_s = float((np.diff(grid.time_s) / np.diff(grid.places[:beats])).max(initial=0.0))
    finer = int(np.ceil(slowest_s / (2 * MOST_OFF_S * TICKS_PER_BEAT)))
    return TICKS_PER_BEAT * min(max(finer, 1), MOST_FINER)


def _on_grid(grid: BeatGrid, per_beat: int) -> tuple[Events, Ticks]:
    """Head and clock of a file in beats: a tempo for each beat, rounded so that errors do not add up."""
    head: Events = []
    reached_us, last = 0.0, 0
    edges_us = [0.0]
    places = np.rint(grid.places * per_beat) / per_beat
    for number, (aim_s, place, length) in enumerate(zip(grid.time_s[1:], places, np.diff(places), strict=False), 1):
        tempo = round((aim_s * 1e6 - reached_us) / length)
        if not 1 <= tempo <= SLOWEST_US:
            raise InputError(f"beat {number} of the grid lasts {tempo / 1e6:.3f} s; a MIDI tempo has 0 to 16.7 s")
        if tempo != last:
            head.append((round(place * per_beat), 0, mido.MetaMessage("set_tempo", tempo=tempo)))
        reached_us, last = reached_us + tempo * length, tempo
        edges_us.append(reached_us)
    for beat, numerator, denominator in grid.meters:
        signature = mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator)
        head.append((round(beat * per_beat), 0, signature))
    knots_s = np.array(edges_us) / 1e6

    def ticks(times_s: np.ndarray) -> list[int]:
        beats = np.interp(times_s, knots_s, places)
        beats = beats + np.maximum(times_s - knots_s[-1], 0.0) * 1e6 / max(last, 1)
        rounded: list[int] = np.rint(beats * per_beat).astype(np.int64).tolist()
        return rounded

    return head, ticks


def _note_events(notes: np.ndarray, channel: int, ticks: Ticks) -> Events:
    """Key downs and ups; an up that would come after the next down of its key is moved to it."""
    on = np.array(ticks(notes["onset_s"]), dtype=np.int64)
    off = np.maximum(np.array(ticks(notes["onset_s"] + notes["duration_s"]), dtype=np.int64), on + 1)
    order = np.lexsort([on, notes["pitch"]])
    same_key = notes["pitch"][order][1:] == notes["pitch"][order][:-1]
    later = order[:-1][same_key]
    off[later] = np.minimum(off[later], np.maximum(on[order[1:][same_key]], on[later] + 1))
    events: Events = []
    columns = (on.tolist(), off.tolist(), notes["pitch"].tolist(), notes["velocity"].tolist())
    for down, up, pitch, velocity in zip(*columns, strict=True):
        strike = mido.Message("note_on", channel=channel, note=pitch, velocity=max(1, min(127, velocity)))
        events.append((down, 3, strike))
        events.append((up, 1, mido.Message("note_off", channel=channel, note=pitch, velocity=64)))
    return events


def _track(events: Events) -> mido.MidiTrack:
    """A track of (tick, rank, message); within a tick, ups come before pedals before downs."""
    track = mido.MidiTrack()
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        message.time = tick - now
        track.append(message)
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=0))
    return track
