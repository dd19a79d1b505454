"""``seed``: the vocabulary of the M2M model, six integers a note (Tang et al. 2025).

Time is seconds on a grid of 192 ticks a second (96 a beat at 120 bpm): a *bar* is a window of 2 s, a
*position* a tick in it. Ids 0 to 3 are PAD, BOS, EOS and MASK in every field; values follow.

A round trip moves an onset by at most 1/384 s and a velocity by at most one step; a duration is rounded to
the grid within 1 tick and 6 s. Bar and position together are the onset: nothing drifts. What a model
generates has no bar or position of its own, and is decoded by summing its IOI tokens instead.
"""

from __future__ import annotations

import logging
from typing import Literal

import numpy as np

from perfsynth.errors import InputError
from perfsynth.types import PERFORMED_NOTE, Performance, Tokens

NAME = "seed"
FIELDS = ("pitch", "velocity", "duration", "ioi", "position", "bar")
PAD, BOS, EOS, MASK = range(4)
SPECIAL = 4
TICKS_PER_S = 192
TICKS_PER_BAR = 384  # 2 s
MIN_PITCH, MAX_PITCH = 21, 108
VELOCITIES = np.linspace(0, 127, 65)[1:]  # MIDI velocity of each of the 64 bins
MAX_DURATION = 1152  # ticks, 6 s
MAX_IOI = 383  # ticks either way
MAX_BARS = 3000  # 100 min
SIZES = {"pitch": 92, "velocity": 68, "duration": 1156, "ioi": 772, "position": 388, "bar": 3004}
BLOCK = 256  # tokens, BOS and EOS included

log = logging.getLogger("perfsynth")


def encode(performance: Performance) -> Tokens:
    """Encode a performance, its notes sorted by onset tick, then pitch.

    Returns
    -------
    Tokens
        ids (n_notes, 6) int32 in the order of `FIELDS`. The IOI of the first note is 0.

    Raises
    ------
    InputError
        When a pitch is outside of the piano (21 to 108) or an onset beyond 100 minutes.
    """
    notes = performance.notes
    if len(performance.controls):
        log.warning("the %s vocabulary has no pedal: %d pedal events are dropped", NAME, len(performance.controls))
    if (n_parts := len(np.unique(notes["part"]))) > 1:
        log.warning("the %s vocabulary knows one player: the notes of %d parts become one piano's", NAME, n_parts)
    onset = np.rint(notes["onset_s"] * TICKS_PER_S).astype(np.int64)
    order = np.lexsort([notes["pitch"], onset])
    notes, onset = notes[order], onset[order]
    _check(notes["pitch"], onset)
    duration = np.rint(notes["duration_s"] * TICKS_PER_S)
    if n_cut := int((duration > MAX_DURATION).sum()):
        longest_s = MAX_DURATION / TICKS_PER_S
        log.warning("the %s vocabulary ends at %g s: %d longer notes are cut", NAME, longest_s, n_cut)
    columns = {
        "pitch": notes["pitch"] - MIN_PITCH,
        "velocity": nearest_bin(notes["velocity"]),
        "duration": duration_of(duration),
        "ioi": ioi_of(onset),
        "position": onset % TICKS_PER_BAR,
        "bar": onset // TICKS_PER_BAR,
    }
    ids = np.stack([columns[field] for field in FIELDS], axis=1).astype(np.int32) + SPECIAL
    return Tokens(ids, FIELDS, NAME)


def ioi_of(onset: np.ndarray) -> np.ndarray:
    """Index (1..767) of the interval from the note before to each note, the first note's 0 ticks; onsets in ticks."""
    return np.asarray(np.clip(np.diff(onset, prepend=onset[:1]), -MAX_IOI, MAX_IOI) + MAX_IOI + 1)


def duration_of(duration: np.ndarray) -> np.ndarray:
    """Index (0..1151) of durations in ticks."""
    return np.asarray(np.clip(duration, 1, MAX_DURATION) - 1)


def onsets_of(ids: np.ndarray) -> np.ndarray:
    """Onset in ticks, by bar and position, of each note of (n, 6) ids that are not special."""
    bar, position = (ids[:, FIELDS.index(field)].astype(np.int64) - SPECIAL for field in ("bar", "position"))
    return np.asarray(bar * TICKS_PER_BAR + position)


def nearest_bin(velocity: np.ndarray) -> np.ndarray:
    """Index (0..63) of the velocity bin nearest to each MIDI velocity; the softer of two equally near."""
    return np.abs(np.asarray(velocity, float)[:, None] - VELOCITIES[None, :]).argmin(axis=1)


def performed_ids(onset_s: np.ndarray, duration_s: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """Ids (n, 3) of velocity, IOI and duration, what M2M predicts of notes, in the order of their score."""
    onset, duration = (np.rint(seconds * TICKS_PER_S) for seconds in (onset_s, duration_s))
    columns = (nearest_bin(velocity), ioi_of(onset), duration_of(duration))
    return np.stack(columns, axis=1).astype(int) + SPECIAL


def _check(pitch: np.ndarray, onset: np.ndarray) -> None:
    outside = pitch[(pitch < MIN_PITCH) | (pitch > MAX_PITCH)]
    if len(outside):
        raise InputError(
            f"pitch {outside[0]}: the {NAME} vocabulary has tokens for the piano's keys, "
            f"{MIN_PITCH} to {MAX_PITCH}; transpose or remove {len(outside)} notes"
        )
    if len(onset) and onset.max() >= MAX_BARS * TICKS_PER_BAR:
        minutes = onset.max() / TICKS_PER_S / 60
        raise InputError(f"an onset at {minutes:.0f} min: the {NAME} vocabulary ends at 100 min; split the piece")
    if len(onset) and onset.min() < 0:
        raise InputError(f"an onset at {onset.min() / TICKS_PER_S:.3f} s: it must not be negative")


def decode(tokens: Tokens, *, onsets: Literal["absolute", "ioi"] = "absolute") -> Performance:
    """Decode notes.

    Parameters
    ----------
    tokens
        Of this vocabulary, without special tokens.
    onsets
        ``absolute`` takes bar and position; ``ioi`` sums the IOI tokens from the first note's bar and
        position, which is how a model's output is read.

    Raises
    ------
    InputError
        When an id is special or beyond its field.
    """
    ids = tokens.ids
    if tokens.fields != FIELDS or ids.ndim != 2 or ids.shape[1] != len(FIELDS):
        raise InputError(f"fields {', '.join(tokens.fields)}: the {NAME} vocabulary has {', '.join(FIELDS)}")
    sizes = np.array([SIZES[field] for field in FIELDS])
    wrong = np.argwhere((ids < SPECIAL) | (ids >= sizes))
    if len(wrong):
        row, column = wrong[0]
        rule = f"must be {SPECIAL} to {sizes[column] - 1}"
        raise InputError(f"note {row + 1}: {FIELDS[column]} {ids[row, column]} is no token of a note; it {rule}")
    column_of = {field: ids[:, index].astype(np.int64) - SPECIAL for index, field in enumerate(FIELDS)}
    onset = onsets_of(ids)
    if onsets == "ioi" and len(onset):
        ioi = column_of["ioi"] - MAX_IOI - 1
        onset = np.maximum(onset[0] + np.cumsum(ioi) - ioi[0], 0)
    notes = np.zeros(len(ids), PERFORMED_NOTE)
    notes["onset_s"] = onset / TICKS_PER_S
    notes["duration_s"] = (column_of["duration"] + 1) / TICKS_PER_S
    notes["pitch"] = column_of["pitch"] + MIN_PITCH
    notes["velocity"] = np.clip(np.rint(VELOCITIES[column_of["velocity"]]), 1, 127)
    return Performance(notes)


def to_blocks(ids: np.ndarray) -> np.ndarray:
    """BOS, the notes and EOS, cut into blocks without overlap.

    Parameters
    ----------
    ids
        (n_notes, n_fields).

    Returns
    -------
    ndarray
        (n_blocks, 256, n_fields), the last block padded with PAD.
    """
    width = ids.shape[1]
    framed = np.concatenate([np.full((1, width), BOS), ids, np.full((1, width), EOS)]).astype(np.int32)
    n_blocks = -(-len(framed) // BLOCK)
    padded = np.full((n_blocks * BLOCK, width), PAD, np.int32)
    padded[: len(framed)] = framed
    return padded.reshape(n_blocks, BLOCK, width)
