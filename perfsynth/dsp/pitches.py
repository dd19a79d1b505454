"""Pitches as frequencies: equal temperament, 69 being the A above middle C of the MIDI standard."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

A4_HZ = 440.0  # ISO 16
Pitch = TypeVar("Pitch", float, np.ndarray)


def pitch_hz(pitch: Pitch, a4_hz: float = A4_HZ) -> Pitch:
    """Frequencies in Hz of MIDI note numbers, whole or not."""
    return a4_hz * 2.0 ** ((pitch - 69) / 12)
