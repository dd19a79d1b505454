"""The mechanics of a piano, the same for every engine: from keys and pedals to struck and damped strings.

Each string has one damper, which touches it unless its key is down, the sostenuto pedal has caught it or the
sustain pedal has lifted it. A string that is touched loses amplitude at a rate of its own times the contact, 0
to 1, that the pedal leaves; so ln damping is piecewise linear in time, and breakpoints are all that an engine
needs. The strings above F#6 have no dampers. All parts of a performance sound on one piano.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from perfsynth.errors import InputError
from perfsynth.pedals import DOWN, moves, value_at
from perfsynth.types import SOFT, SOSTENUTO, SUSTAIN, Performance

LOWEST, HIGHEST = 21, 108  # A0..C8
N_KEYS = HIGHEST - LOWEST + 1
LAST_DAMPED = 90  # F#6
DAMPING_S = (0.13, 0.023)  # amplitude falls by e in that time: A0 and F#6, geometric between
RESTRIKE_S = 0.025  # the same for what a string still sounds when it is struck again
DOUBLED_S = 0.02  # no key is struck twice within that time: two notes there are one, written twice
MIN_HOLD_S = 0.03  # the shortest staccato
FLOOR_LN = -12.0  # -104 dB: the end of a note
MAX_RING_S = 40.0  # longer than any string sounds
UNDAMPED_S = (8.0, 3.0)  # the same for the strings without dampers: the lowest and C8, geometric between
FADE_S = 0.3  # in which what is left after that falls by e
TOLERANCE_LN = 0.03  # 0.26 dB: how far simplified damping may lie from the exact one
MIN_PEDAL_S = 0.005  # faster pedal events are averaged
HALF_PEDAL = (40, 80)  # CC64: at the first the dampers begin to leave the strings, at the second they are off
RELEASE_DECAY = 0.23  # 1/s, 2 dB a second: the noise of a release falls with the time that its key was down
FULL_TRAVEL_S = 0.04  # the shortest time for a foot to press the pedal

log = logging.getLogger("perfsynth")


@dataclass(frozen=True)
class Strikes:
    """What hammers and dampers do, in flat arrays; times in seconds, rows sorted by time.

    The damping of strike i is linear between its breakpoints ``breakpoint_offset[i]`` to
    ``breakpoint_offset[i + 1]``, of which the first is (onset, 0); after the last it is silent.
    """

    onset_s: np.ndarray  # (n,) float64
    key: np.ndarray  # (n,) int64, 21..108
    velocity: np.ndarray  # (n,) float64, 1..127
    soft: np.ndarray  # (n,) float64, 0..1: how far the soft pedal was down
    end_s: np.ndarray  # (n,) float64
    breakpoint_offset: np.ndarray  # (n + 1,) int64
    breakpoint_s: np.ndarray  # (m,) float64
    breakpoint_ln: np.ndarray  # (m,) float64, FLOOR_LN..0
    # Keys that come up: the noise that makes.
    release_s: np.ndarray  # (r,) float64
    release_key: np.ndarray  # (r,) int64
    release_level: np.ndarray  # (r,) float64, 0..1
    # The sustain pedal: the noise of its moving.
    pedal_s: np.ndarray  # (p,) float64
    pedal_down: np.ndarray  # (p,) bool, False where it comes up
    pedal_speed: np.ndarray  # (p,) float64, full travels a second
    # The dampers: contact is what the sustain pedal leaves from damper_s[j] on, and none while a string is held.
    damper_s: np.ndarray  # (q,) float64, the first is -inf
    damper_contact: np.ndarray  # (q,) float64, 0..1
    hold_offset: np.ndarray  # (89,) int64: holds of key k are hold_offset[k - 21] to hold_offset[k - 20]
    hold_start_s: np.ndarray  # (h,) float64, disjoint and ascending for each key
    hold_end_s: np.ndarray  # (h,) float64

    def ln_damping(self, index: int, times_s: np.ndarray) -> np.ndarray:
        """Ln damping of one strike at some times: -inf before its onset and after its end."""
        rows = slice(self.breakpoint_offset[index], self.breakpoint_offset[index + 1])
        return np.interp(times_s, self.breakpoint_s[rows], self.breakpoint_ln[rows], left=-np.inf, right=-np.inf)


def strike(performance: Performance) -> Strikes:
    """Play a performance on the action of a piano.

    Notes off the keyboard move by octaves onto it, drum parts are left out and broken times dropped, each with a
    warning. Notes of one key that overlap hold it together; within `DOUBLED_S` they are one strike, the louder.

    Parameters
    ----------
    performance
        What is played; without notes it gives empty arrays.

    Returns
    -------
    Strikes
        With breakpoints bounded by the fall of each note, whatever the pedals do.

    Raises
    ------
    InputError
        When all of its notes are drums.
    """
    from perfsynth.synth._action_numba import damp

    presses, dampers = _pressed(performance), _dampers(performance)
    holds = _holds(presses, _sostenutos(performance), dampers)
    next_s, keys = _next_strike(presses), np.arange(LOWEST, HIGHEST + 1)
    offset, breakpoint_s, breakpoint_ln = damp(
        presses.onset_s, presses.key - LOWEST, next_s, 1 / damping_s(keys), *dampers, *holds,
        1 / RESTRIKE_S, FLOOR_LN, ring_s(keys), 1 / FADE_S, TOLERANCE_LN,
    )  # fmt: skip
    soft = value_at(*moves(performance.controls, SOFT), presses.onset_s) / 127
    return Strikes(
        presses.onset_s, presses.key, presses.velocity, soft,
        breakpoint_s[offset[1:] - 1], offset, breakpoint_s, breakpoint_ln,
        *_releases(presses, next_s, dampers), *_pedal_moves(performance), *dampers, *holds,
    )  # fmt: skip


class _Presses(NamedTuple):
    """Keys that go down, a row for each strike, by onset, then key."""

    onset_s: np.ndarray  # (n,)
    key: np.ndarray  # (n,) 21..108
    velocity: np.ndarray  # (n,)
    release_s: np.ndarray  # (n,)

    def rows(self, chosen: np.ndarray) -> _Presses:
        """Some of them, in another order."""
        return _Presses(*(column[chosen] for column in self))


class _Dampers(NamedTuple):
    """What touches the strings whose dampers no key lifts."""

    damper_s: np.ndarray  # (q,) from when on; the first is -inf
    contact: np.ndarray  # (q,) 0..1


def damping_s(key: np.ndarray) -> np.ndarray:
    """Time in seconds in which a damper takes the amplitude of a string down by e; infinite above F#6."""
    low, high = np.log(DAMPING_S)
    fitted = np.exp(np.interp(key, [LOWEST, LAST_DAMPED], [low, high]))
    return np.where(np.asarray(key) > LAST_DAMPED, np.inf, fitted)


def ring_s(key: np.ndarray) -> np.ndarray:
    """Time in seconds after which a string that nothing damps is no longer heard."""
    undamped = np.exp(np.interp(key, [LAST_DAMPED + 1, HIGHEST], np.log(UNDAMPED_S)))
    return np.where(np.asarray(key) > LAST_DAMPED, undamped, MAX_RING_S)


def _pressed(performance: Performance) -> _Presses:
    """The keys that a performance presses."""
    notes = performance.notes
    finite = np.isfinite(notes["onset_s"]) & np.isfinite(notes["duration_s"])
    drums = performance.of_drums
    if drums.any() and drums.all():
        raise InputError("there are drums only, and this is a piano; give --engine fluidsynth")
    if drums.any():
        log.warning("%d notes of a drum part are left out: this is a piano", int(drums.sum()))
    played = [
        performance.parts[number] for number in np.unique(notes["part"][~drums]) if number < len(performance.parts)
    ]
    others = [part.name or f"program {part.program + 1}" for part in played if not part.is_keyboard]
    if others:
        log.warning("played on a piano: %s; --engine fluidsynth has other instruments", ", ".join(others))
    if not finite.all():
        log.warning("%d notes without a finite time are left out", int((~finite).sum()))
    notes = notes[finite & ~drums]
    pitch = notes["pitch"].astype(np.int64)
    key = np.where(pitch < LOWEST, LOWEST + (pitch - LOWEST) % 12, pitch)
    key = np.where(pitch > HIGHEST, HIGHEST - (HIGHEST - pitch) % 12, key)
    if (n_moved := int((key != pitch).sum())) > 0:
        log.warning("%d notes lie outside A0..C8 (21..108) and are moved there by octaves", n_moved)
    onset_s = np.maximum(notes["onset_s"], 0.0)
    release_s = np.maximum(notes["onset_s"] + notes["duration_s"], onset_s + MIN_HOLD_S)
    velocity = np.clip(notes["velocity"], 1, 127).astype(np.float64)
    return _merged(_Presses(onset_s, key, velocity, release_s))


def _merged(notes: _Presses) -> _Presses:
    """One row per strike: doubled notes joined, key-ups extended over notes of the same key that overlap."""
    onset_s, key, velocity, release_s = notes.rows(np.lexsort((notes.onset_s, notes.key)))
    if len(key) == 0:
        return notes
    # A stride per key larger than any time turns running maxima per key into one over all.
    stride = key * (release_s.max() + 1.0)
    release_s = np.maximum.accumulate(release_s + stride) - stride
    starts = np.flatnonzero(np.append(True, (np.diff(onset_s) >= DOUBLED_S) | (np.diff(key) != 0)))
    velocity, release_s = np.maximum.reduceat(velocity, starts), np.maximum.reduceat(release_s, starts)
    onset_s, key = onset_s[starts], key[starts]
    return _Presses(onset_s, key, velocity, release_s).rows(np.lexsort((key, onset_s)))


def _next_strike(presses: _Presses) -> np.ndarray:
    """When the key of each strike is struck again; inf where it is not."""
    onset_s, key = presses.onset_s, presses.key
    order = np.lexsort((onset_s, key))
    following = np.full(len(key), np.inf)
    same = key[order][1:] == key[order][:-1]
    following[order[:-1][same]] = onset_s[order][1:][same]
    return following


def _dampers(performance: Performance) -> _Dampers:
    """What the sustain pedal leaves on the strings, averaged where it is faster than a foot."""
    times, values = moves(performance.controls, SUSTAIN)
    down, off = HALF_PEDAL
    # Squared: felt that hardly touches hardly damps.
    contact = np.clip((off - values) / (off - down), 0.0, 1.0) ** 2
    if len(times) < 3:
        return _Dampers(times, contact)
    gone = np.concatenate([[0.0], np.cumsum(np.diff(times[1:]) * contact[1:-1])])
    cell = np.floor(times[1:] / MIN_PEDAL_S)
    kept = np.flatnonzero(np.append(True, np.diff(cell) > 0))
    spans = np.diff(times[1:][kept])
    mean = np.diff(gone[kept]) / np.where(spans > 0, spans, 1.0)
    return _Dampers(np.append(-np.inf, times[1:][kept]), np.concatenate([contact[:1], mean, contact[-1:]]))


def _sostenutos(performance: Performance) -> tuple[np.ndarray, np.ndarray]:
    """When the sostenuto pedal goes down and when it comes up again; inf where it stays down."""
    times, values = moves(performance.controls, SOSTENUTO)
    turns = np.diff((values >= DOWN).astype(np.int8), prepend=0)
    down, up = times[turns > 0], times[turns < 0]
    return down, np.append(up, np.inf)[: len(down)]


def _holds(
    presses: _Presses, sostenutos: tuple[np.ndarray, np.ndarray], dampers: _Dampers
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets per key, starts and ends of when keys and sostenuto hold the dampers up."""
    press_s, lift_s = sostenutos
    all_up = value_at(*dampers, press_s) < 0.5
    starts, ends, offset = [], [], np.zeros(N_KEYS + 1, np.int64)
    for k in range(N_KEYS):
        rows = presses.key == LOWEST + k
        start, end = _union(presses.onset_s[rows], presses.release_s[rows])
        if len(press_s):
            at = np.searchsorted(start, press_s, side="right")
            caught = all_up | (press_s < np.append(-np.inf, end)[at])
            start, end = _union(np.append(start, press_s[caught]), np.append(end, lift_s[caught]))
        starts.append(start)
        ends.append(end)
        offset[k + 1] = offset[k] + len(start)
    return offset, np.concatenate(starts), np.concatenate(ends)


def _union(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same intervals, those that touch joined, ascending."""
    order = np.argsort(start, kind="stable")
    start, end = start[order], np.maximum.accumulate(end[order])
    gaps = start[1:] > end[:-1]
    return start[np.append(True, gaps)[: len(start)]], end[np.append(gaps, True)[: len(end)]]


def _releases(presses: _Presses, next_s: np.ndarray, dampers: _Dampers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, keys and levels of the keys that come up: half of it is the key, half the damper that falls."""
    up = presses.rows(np.flatnonzero(presses.release_s <= next_s))
    up = up.rows(np.argsort(up.release_s, kind="stable"))
    touching = np.where(up.key > LAST_DAMPED, 0.0, value_at(*dampers, up.release_s))
    level = np.exp(-RELEASE_DECAY * (up.release_s - up.onset_s)) * (0.5 + 0.5 * touching)
    return up.release_s, up.key, level * (0.4 + 0.6 * up.velocity / 127)


def _pedal_moves(performance: Performance) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """When the sustain pedal passes the middle, whether downwards, and how fast."""
    times, values = moves(performance.controls, SUSTAIN)
    turns = np.diff((values >= DOWN).astype(np.int8), prepend=0)
    moments = times[turns != 0]
    is_first = np.append(True, np.diff(moments) >= FULL_TRAVEL_S)[: len(moments)]  # not every tremble of a storm
    moments, is_down = moments[is_first], (turns[turns != 0] > 0)[is_first]
    travel = np.abs(value_at(times, values, moments) - value_at(times, values, moments - FULL_TRAVEL_S)) / 127
    return moments, is_down, np.maximum(travel, 0.05) / FULL_TRAVEL_S
