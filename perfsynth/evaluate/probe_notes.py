"""The probe: five and a half minutes of single notes, each struck to find out one thing about a piano.

It is one performance, so that any instrument can be asked, also one outside this project: play the MIDI file, record
the sound, measure the recording. In order:

1. velocity: three keys at 32 velocities, from soft to loud;
2. damper: keys held for a second and let go;
3. pedal: middle C held by the finger, by the sustain pedal at thirteen depths, by the sostenuto pedal, and under the
   soft pedal;
4. rest: one note, let go after a second, and six seconds of nothing;
5. cluster: twelve keys at once, as loud as can be, twice;
6. decay: a key in every octave, held. They come last, the highest at the end: it has no damper and rings on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from perfsynth.types import CONTROL, PERFORMED_NOTE, SOFT, SOSTENUTO, SUSTAIN, Part, Performance

LEAD_S = 1.0
VELOCITY_KEYS = (36, 60, 84)
VELOCITIES = (*range(4, 128, 4), 127)
VELOCITY_HOLD_S, VELOCITY_STEP_S = 0.8, 1.5
DECAY_KEYS = (24, 36, 48, 60, 72, 84, 96)
DECAY_HOLD_S = (14.0, 14.0, 14.0, 14.0, 10.0, 8.0, 5.0)
DECAY_VELOCITY, DECAY_GAP_S = 80, 2.0
DAMPER_KEYS = (36, 48, 60, 72, 84)
DAMPER_HOLD_S, DAMPER_STEP_S = 1.0, 3.5
PEDAL_KEY, PEDAL_VELOCITY = 60, 80
PEDAL_VALUES = (0, 16, 32, 40, 48, 56, 64, 72, 80, 88, 96, 112, 127)
PEDAL_HOLD_S, PEDAL_UP_S, PEDAL_STEP_S = 0.5, 1.75, 3.0
PEDAL_WINDOW_S = (1.0, 1.25)
PEDAL_BEFORE_S = 0.25
REST_HOLD_S, REST_S = 1.0, 7.0
REST_WINDOW_S = (2.5, 6.8)
CLUSTER_KEYS = tuple(range(36, 84, 4))
CLUSTER_HOLD_S, CLUSTER_STEP_S = 1.5, 3.0


@dataclass
class _Pen:
    """Writes one note after the other."""

    now_s: float = LEAD_S
    notes: list[tuple] = field(default_factory=list)
    controls: list[tuple] = field(default_factory=list)

    def note(self, key: int, velocity: int, hold_s: float) -> float:
        """Strike a key now: when that is."""
        self.notes.append((f"p{len(self.notes)}", self.now_s, hold_s, key, velocity, 0))
        return self.now_s

    def pedal(self, number: int, value: int, after_s: float) -> None:
        """Move a pedal some time from now."""
        self.controls.append((self.now_s + after_s, number, value, 0))


@dataclass(frozen=True)
class Schedule:
    """When what is struck; onsets in seconds, in the order of the module's constants."""

    performance: Performance
    velocity_s: np.ndarray  # (n_keys, n_velocities)
    decay_s: np.ndarray  # (n_keys,)
    damper_s: np.ndarray  # (n_keys,)
    held_s: float
    sustain_s: np.ndarray  # (n_values,)
    sostenuto_s: float
    soft_s: float
    rest_s: float
    cluster_s: np.ndarray  # (2,)
    end_s: float


@cache
def schedule() -> Schedule:
    """The probe, always the same."""
    pen = _Pen()
    velocity = [_struck(pen, [key], VELOCITIES, VELOCITY_HOLD_S, VELOCITY_STEP_S) for key in VELOCITY_KEYS]
    damper = _struck(pen, DAMPER_KEYS, [DECAY_VELOCITY], DAMPER_HOLD_S, DAMPER_STEP_S)
    held = _struck(pen, [PEDAL_KEY], [PEDAL_VELOCITY], PEDAL_UP_S, PEDAL_STEP_S)[0]
    sustain = [_pedalled(pen, SUSTAIN, value, -PEDAL_BEFORE_S) for value in PEDAL_VALUES]
    sostenuto = _pedalled(pen, SOSTENUTO, 127, PEDAL_HOLD_S / 2)
    soft = _pedalled(pen, SOFT, 127, -PEDAL_BEFORE_S)
    rest = _struck(pen, [PEDAL_KEY], [PEDAL_VELOCITY], REST_HOLD_S, REST_S)[0]
    cluster = []
    for _ in range(2):
        cluster.append(pen.now_s)
        for key in CLUSTER_KEYS:
            pen.note(key, 127, CLUSTER_HOLD_S)
        pen.now_s += CLUSTER_STEP_S
    decay = []
    for key, hold in zip(DECAY_KEYS, DECAY_HOLD_S, strict=True):
        decay += _struck(pen, [key], [DECAY_VELOCITY], hold, hold + DECAY_GAP_S)
    notes = np.array(pen.notes, PERFORMED_NOTE)
    order = np.argsort(np.array(pen.controls, CONTROL)["time_s"], kind="stable")
    performance = Performance(notes, np.array(pen.controls, CONTROL)[order], (Part("Probe"),))
    return Schedule(
        performance, np.array(velocity), np.array(decay), np.array(damper), held, np.array(sustain), sostenuto, soft,
        rest, np.array(cluster), decay[-1] + DECAY_HOLD_S[-1],
    )  # fmt: skip


def _struck(pen: _Pen, keys: tuple | list, velocities: tuple | list, hold_s: float, step_s: float) -> list[float]:
    """Each key at each velocity, one every `step_s`: the onsets."""
    onsets = []
    for key in keys:
        for velocity in velocities:
            onsets.append(pen.note(key, velocity, hold_s))
            pen.now_s += step_s
    return onsets


def _pedalled(pen: _Pen, number: int, value: int, down_s: float) -> float:
    """Middle C with a pedal going down `down_s` from its onset: the onset."""
    pen.pedal(number, value, down_s)
    onset = pen.note(PEDAL_KEY, PEDAL_VELOCITY, PEDAL_HOLD_S)
    pen.pedal(number, 0, PEDAL_UP_S)
    pen.now_s += PEDAL_STEP_S
    return onset
