"""From where the pedal is likely to what a foot does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perfsynth.expression import time_at
from perfsynth.types import CONTROL, SUSTAIN, Part

if TYPE_CHECKING:
    from perfsynth.perform.cantabile.playing import Curves

LIFT_S = 0.03  # s after its chord that a foot lifts; median of human ones in (n)ASAP
UP_S = 0.13  # s that it stays up before it goes down again, likewise
RING_S = 0.7  # the mean of people who hold their last chord so; one in ten waits for 2.1 s
SHORTEST_PRESS_S = 0.2  # one press in ten of people is shorter


def pedal_controls(curves: Curves, time_s: np.ndarray, end_s: float, parts: tuple[Part, ...] = ()) -> np.ndarray:
    """Sustain pedal messages: down and up as `pedal_down` says, up for a moment at each `pedal_lift`.

    Parameters
    ----------
    curves
        Where the pedal is down, and where it clears.
    time_s
        (m,) when each chord is played.
    end_s
        When the last key comes up: a pedal that holds the last chord stays down until `RING_S` after it.
    parts
        The keyboards among them have the pedal; without any part, the first is a piano.
    """
    edges = np.flatnonzero(np.diff(curves.pedal_down.astype(int), prepend=0, append=0))
    grid_s = time_at(np.append(curves.pedal_beat, curves.pedal_beat[-1:] + 1), curves.chord_beat, time_s)
    lifts_s = time_s[curves.pedal_lift] + LIFT_S
    again_s = lifts_s + np.minimum(UP_S, np.append(np.diff(time_s), 1.0)[curves.pedal_lift] / 2)
    presses = []
    for down_s, up_s in zip(grid_s[edges[0::2]], grid_s[edges[1::2]], strict=True):
        inside = slice(*np.searchsorted(lifts_s, (down_s, up_s)))
        for lift_s, after_s in zip(lifts_s[inside], again_s[inside], strict=True):
            if lift_s > down_s + SHORTEST_PRESS_S:  # else there is nothing to clear
                presses.append((down_s, lift_s))
                down_s = after_s
        presses.append((down_s, up_s))
    if presses and presses[-1][1] > time_s[-1]:
        presses[-1] = presses[-1][0], max(presses[-1][1], end_s + RING_S)
    held = np.array([press for press in presses if press[1] - press[0] >= SHORTEST_PRESS_S]).reshape(-1, 2)
    controls = np.zeros(held.size, CONTROL)
    controls["time_s"], controls["number"] = np.maximum(held.reshape(-1), 0.0), SUSTAIN
    controls["value"][::2] = 127
    pianos = [number for number, part in enumerate(parts or (Part(),)) if part.is_keyboard]
    controls = np.repeat(controls, len(pianos))
    controls["part"] = np.tile(pianos, held.size)
    return controls
