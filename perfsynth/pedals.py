"""What the pedals of a performance do, the same wherever it is measured, learned from or sounded.

One piano is played, whatever the parts: a pedal is as far down as the part that presses it most has it.
"""

from __future__ import annotations

import numpy as np

from perfsynth.types import SUSTAIN

DOWN = 64  # from this value on a pedal that knows only up and down is down


def moves(controls: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Times in s, ascending, and values 0..127 from each of them on, of a pedal; the first is up since ever (-inf).

    Parameters
    ----------
    controls
        `CONTROL`, in any order; rows without a finite time are left out.
    number
        ``SUSTAIN``, ``SOSTENUTO`` or ``SOFT``.
    """
    rows = controls[(controls["number"] == number) & np.isfinite(controls["time_s"])]
    rows = rows[np.argsort(rows["time_s"], kind="stable")]
    times = np.concatenate([[-np.inf], rows["time_s"]])
    values = np.zeros(len(times))
    for part in np.unique(rows["part"]):
        own = rows["part"] == part
        last = np.maximum.accumulate(np.where(np.append(False, own), np.arange(len(times)), 0))
        values = np.maximum(values, np.append(0, np.clip(rows["value"], 0, 127))[last])
    return times, values


def value_at(times: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The value that what `moves` gives has at some times."""
    return np.asarray(values[np.searchsorted(times, at, side="right") - 1])


def pedal_at(controls: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Whether the sustain pedal is down at each of `time_s`, of any shape."""
    return np.asarray(value_at(*moves(controls, SUSTAIN), time_s) >= DOWN)


def damped_s(controls: np.ndarray, release_s: np.ndarray) -> np.ndarray:
    """When the dampers fall on keys that come up at `release_s`: then, or when the sustain pedal comes up after it.

    A pedal that stays down comes up with the last key or its own last movement, whichever is later.
    """
    times, values = moves(controls, SUSTAIN)
    lifts = np.append(times[values < DOWN], max(release_s.max(initial=0.0), times[-1]))
    next_lift = lifts[np.minimum(np.searchsorted(lifts, release_s), len(lifts) - 1)]
    return np.asarray(np.where(value_at(times, values, release_s) >= DOWN, next_lift, release_s))
