"""What the pedals do: one key struck and let go, with the sustain pedal ever further down.

The figure is the level of the note half a second after its key came up, against the same note with its key held: 0 dB
where the pedal holds it as the finger does, far below where the damper has fallen. Between the two lies the half
pedal. A synthesizer that switches at 64 jumps there from one to the other; a piano does not.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from perfsynth.errors import InputError

FALLEN_DB = 6.0  # above the damped level
HELD_DB = 3.0  # below the sustained one
BACKWARDS_DB = 1.0


@dataclass(frozen=True)
class PedalResponse:
    """What `pedal_response` finds; levels in dB against the held key."""

    damped_db: float  # pedal up
    sustained_db: float  # pedal down; 0 is right
    half_values: int  # pedal values tried at which the note is neither damped nor held
    backwards: int  # steps down of the pedal by which the note gets softer by more than 1 dB

    def to_json(self) -> dict[str, float]:
        """The numbers by name."""
        return asdict(self)


def pedal_response(value: np.ndarray, level_db: np.ndarray) -> PedalResponse:
    """Sum up the answer to the sustain pedal.

    Parameters
    ----------
    value
        (n,) ascending controller values, from 0 to 127.
    level_db
        (n,) level after key-up against the held key.

    Raises
    ------
    InputError
        When lengths differ or the values do not ascend from 0 to 127.
    """
    if (
        len(value) != len(level_db)
        or len(value) < 2
        or (np.diff(value) <= 0).any()
        or (value[0], value[-1]) != (0, 127)
    ):
        raise InputError(f"{len(value)} pedal values, {len(level_db)} levels: ascending from 0 to 127, one level each")
    damped, sustained = float(level_db[0]), float(level_db[-1])
    between = (level_db > damped + FALLEN_DB) & (level_db < sustained - HELD_DB)
    return PedalResponse(damped, sustained, int(between.sum()), int((np.diff(level_db) < -BACKWARDS_DB).sum()))
