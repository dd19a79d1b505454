"""A piano of sines whose every property is known: what the measures of a probe are checked against."""

from __future__ import annotations

import numpy as np

from perfsynth.types import SOFT, SOSTENUTO, SUSTAIN, Performance

RATE = 16000
RANGE_DB = 30.0  # from velocity 0 to 127, in even steps of dB
DECAY_S = 6.0  # held notes fall by 60 dB in that time
DAMPED_S = 0.2  # by 40 dB
HALF = 64  # the sustain pedal lifts the dampers from here on


def sounded(performance: Performance, *, rate: int = RATE, late_s: float = 0.0, tail_s: float = 1.0) -> np.ndarray:
    """(n, 1) float32: each note a sine and its octave, brighter with velocity, one decay, one damping."""
    length = round((performance.end_s + tail_s + late_s) * rate)
    audio = np.zeros(length)
    for note in performance.notes:
        onset, pitch = float(note["onset_s"]), float(note["pitch"])
        end = _damper_s(performance, float(note["onset_s"] + note["duration_s"]))
        t = np.arange(round((min(end + 1.0, length / rate - late_s) - onset) * rate)) / rate
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        level_db = RANGE_DB * (float(note["velocity"]) / 127 - 1) - (6.0 if _value(performance, SOFT, onset) else 0.0)
        fall_db = -60 / DECAY_S * t - 40 / DAMPED_S * np.maximum(t - (end - onset), 0)
        sine = np.sin(2 * np.pi * hertz * t) + note["velocity"] / 127 * np.sin(4 * np.pi * hertz * t)
        start = round((onset + late_s) * rate)
        audio[start : start + len(t)] += (0.05 * 10 ** ((level_db + fall_db) / 20) * sine)[: length - start]
    return audio[:, None].astype(np.float32)


def _value(performance: Performance, number: int, time_s: float) -> int:
    moves = performance.controls[performance.controls["number"] == number]
    before = moves[moves["time_s"] <= time_s]
    return int(before["value"][-1]) if len(before) else 0


def _damper_s(performance: Performance, key_up_s: float) -> float:
    """When the damper falls: with the key, or with the pedal that holds it."""
    for number in (SUSTAIN, SOSTENUTO):
        if _value(performance, number, key_up_s) >= HALF:
            moves = performance.controls[performance.controls["number"] == number]
            ups = moves["time_s"][(moves["time_s"] > key_up_s) & (moves["value"] < HALF)]
            return float(ups[0]) if len(ups) else performance.end_s
    return key_up_s
