"""Piano rolls: the notes of a performance as matrices of pitches and frames, as several systems read them."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from perfsynth.errors import InputError
from perfsynth.pedals import damped_s
from perfsynth.types import SUSTAIN, Performance

N_PITCHES = 128
SLACK = 1e-6  # frames by which a time may lie before the frame that it is the beginning of, as floats do
SOUNDING = np.dtype([("pitch", "i8"), ("velocity", "i8"), ("begin_s", "f8"), ("end_s", "f8")])

log = logging.getLogger("perfsynth")


def pitched(performance: Performance) -> Performance:
    """A performance without drums and notes without a finite time; a warning says so where there are some.

    Raises
    ------
    InputError
        When there are drums only.
    """
    notes = performance.notes
    drums = performance.of_drums
    if drums.any() and drums.all():
        raise InputError("there are drums only, which this does not play; give --engine fluidsynth")
    kept = np.isfinite(notes["onset_s"]) & np.isfinite(notes["duration_s"]) & ~drums
    if not kept.all():
        log.warning("%d notes of drums or without a finite time are left out", int((~kept).sum()))
    return replace(performance, notes=notes[kept])


def sounding(performance: Performance) -> np.ndarray:
    """The notes as `SOUNDING`, by onset, as long as key or pedal let them sound, but not beyond the same key's next.

    Parameters
    ----------
    performance
        Played on one instrument, whatever its parts; drums and notes without a finite time are left out (`pitched`).

    Raises
    ------
    InputError
        When there are drums only.
    """
    notes = np.sort(pitched(performance).notes, order=["onset_s", "pitch"])
    table = np.zeros(len(notes), SOUNDING)
    table["pitch"], table["velocity"] = np.clip(notes["pitch"], 0, 127), np.clip(notes["velocity"], 1, 127)
    table["begin_s"] = np.maximum(notes["onset_s"], 0.0)
    release_s = np.maximum(notes["onset_s"] + notes["duration_s"], table["begin_s"])
    table["end_s"] = damped_s(performance.controls, release_s)
    for pitch in np.unique(table["pitch"]):
        rows = np.flatnonzero(table["pitch"] == pitch)
        table["end_s"][rows[:-1]] = np.minimum(table["end_s"][rows[:-1]], table["begin_s"][rows[1:]])
    return table


def without_pedal(performance: Performance) -> Performance:
    """A performance without its sustain pedal, as an instrument plays it that has none."""
    controls = performance.controls
    return replace(performance, controls=controls[controls["number"] != SUSTAIN])


def frames_of(table: np.ndarray, frame_s: float, tail_s: float) -> int:
    """Frames from 0 s until the last note has rung for `tail_s`."""
    return round((float(table["end_s"].max(initial=0.0)) + tail_s) / frame_s) + 1


def floored(table: np.ndarray, frame_s: float) -> np.ndarray:
    """The notes, begun and ended where the frames in which they do so begin.

    For systems whose frame is the samples from its time on. Rolls take the nearest frame, as is right for spectra,
    whose frames lie around their time.
    """
    moved = table.copy()
    for name in ("begin_s", "end_s"):
        moved[name] = np.floor(table[name] / frame_s + SLACK) * frame_s
    return moved


def within(table: np.ndarray, first: int, n_frames: int, frame_s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The notes that sound in some frames, and the frames (counted from `first`) where they begin and have ended.

    A note covers at least one frame. Begins may be negative and ends beyond `n_frames`.
    """
    begin = np.round(table["begin_s"] / frame_s).astype(np.int64) - first
    end = np.maximum(np.round(table["end_s"] / frame_s).astype(np.int64) - first, begin + 1)
    rows = (begin < n_frames) & (end >= 0)  # one that ends with the frame before the first has its offset there
    return table[rows], begin[rows], end[rows]


def sounding_roll(table: np.ndarray, first: int, n_frames: int, frame_s: float, *, velocity: bool = True) -> np.ndarray:
    """(128, n_frames) float32: velocity / 127 of what sounds (1 without velocities), 0 elsewhere.

    Parameters
    ----------
    table
        `SOUNDING`.
    first
        Number of the first frame; frame 0 begins at 0 s.
    n_frames
        How many.
    frame_s
        From one to the next.
    velocity
        Whether loudness shows.
    """
    roll = np.zeros((N_PITCHES, n_frames), np.float32)
    for note, begin, end in zip(*within(table, first, n_frames, frame_s), strict=True):
        roll[note["pitch"], max(begin, 0) : max(end, 0)] = note["velocity"] / 127 if velocity else 1.0
    return roll


def edge_roll(table: np.ndarray, first: int, n_frames: int, frame_s: float) -> np.ndarray:
    """(128, n_frames) float32: 1 where a note begins, -1 where one has ended and none sounds, 0 elsewhere."""
    roll = np.zeros((N_PITCHES, n_frames), np.float32)
    notes, begin, end = within(table, first, n_frames, frame_s)
    for at, value in ((end, -1.0), (begin, 1.0)):
        rows = (at >= 0) & (at < n_frames)
        roll[notes["pitch"][rows], at[rows]] = value
    roll[(roll < 0) & (sounding_roll(table, first, n_frames, frame_s) > 0)] = 0.0  # a repeated note goes on
    return roll


def onset_roll(table: np.ndarray, first: int, n_frames: int, frame_s: float) -> np.ndarray:
    """(128, n_frames) float32: velocity / 127 in the frame where a note begins, 0 elsewhere."""
    roll = np.zeros((N_PITCHES, n_frames), np.float32)
    notes, begin, _ = within(table, first, n_frames, frame_s)
    rows = (begin >= 0) & (begin < n_frames)
    roll[notes["pitch"][rows], begin[rows]] = notes["velocity"][rows] / 127
    return roll


def position_roll(table: np.ndarray, first: int, n_frames: int, frame_s: float) -> np.ndarray:
    """(128, n_frames) float32: where a frame lies in its note, from 1 at the onset down to 0 at the end."""
    roll = np.zeros((N_PITCHES, n_frames), np.float32)
    for note, begin, end in zip(*within(table, first, n_frames, frame_s), strict=True):
        frames = np.arange(max(begin, 0), max(min(end, n_frames), 0))
        roll[note["pitch"], frames] = 1.0 - (frames - begin) / (end - begin)
    return roll


def audible(table: np.ndarray, n_frames: int, frame_s: float, tail_s: float, *, before: int = 2) -> np.ndarray:
    """(n_frames,) bool: whether a note sounds there, or has within `tail_s`, or does within `before` frames."""
    steps = np.zeros(n_frames + 1)
    first = np.clip(np.floor(table["begin_s"] / frame_s).astype(int) - before, 0, n_frames)
    last = np.clip(np.ceil((table["end_s"] + tail_s) / frame_s).astype(int), 0, n_frames)
    np.add.at(steps, first, 1)
    np.add.at(steps, last, -1)
    return np.asarray(np.cumsum(steps)[:n_frames] > 0)
