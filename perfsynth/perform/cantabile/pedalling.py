"""From where the pedal is likely to what a foot does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perfsynth.expression import time_at
from perfsynth.types import CONTROL, SUSTAIN

if TYPE_CHECKING:
    from perfsynth.perform.cantabile.playing import Curves

LIFT_S = 0.03  # s after its chord that a foot lifts; median of human ones in (n)ASAP
UP_S = 0.13  # s that it stays up before it goes down again, likewise
SHORTEST_PRESS_S = 0.2  # one press in ten of people is shorter


def pedal_controls(curves: Curves, time_s: np.ndarray) -> np.ndarray:
    """Sustain pedal messages, part 0: down and up as `pedal_down` says, up for a moment at each `pedal_lift`.

    Parameters
    ----------
    curves
        Where the pedal is down, and where it clears.
    time_s
        (m,) when each chord is played.
    """
    edges = np.flatnonzero(np.diff(curves.pedal_down.astype(int), prepend=0, append=0))
    grid_s = time_at(np.append(curves.pedal_beat, curves.pedal_beat[-1:] + 1), curves.chord_beat, time_s)
    downs_s, ups_s = grid_s[edges[0::2]], grid_s[edges[1::2]]
    pressed = ups_s - downs_s >= SHORTEST_PRESS_S
    downs_s, ups_s = downs_s[pressed], ups_s[pressed]
    lifts_s = time_s[curves.pedal_lift] + LIFT_S
    until_s = np.append(np.diff(time_s), 1.0)[curves.pedal_lift]
    again_s = lifts_s + np.minimum(UP_S, until_s / 2)
    run = np.searchsorted(downs_s, lifts_s) - 1
    inside = np.zeros(len(lifts_s), bool)
    if len(downs_s):
        held = lifts_s > downs_s[np.maximum(run, 0)] + UP_S  # not just after it went down
        inside = (run >= 0) & held & (again_s < ups_s[np.maximum(run, 0)])
    times_s = np.concatenate([downs_s, ups_s, lifts_s[inside], again_s[inside]])
    down = np.repeat([127, 0, 0, 127], [len(downs_s), len(ups_s), inside.sum(), inside.sum()])
    order = np.lexsort([down, times_s])
    controls = np.zeros(len(times_s), CONTROL)
    controls["time_s"], controls["number"], controls["value"] = np.maximum(times_s, 0.0)[order], SUSTAIN, down[order]
    return controls
