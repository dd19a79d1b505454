"""Pitches by name and as frequencies: equal temperament, 69 being the A above middle C of the MIDI standard."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

A4_HZ = 440.0  # ISO 16
NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}  # semitones above C
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")  # by semitones above C
Pitch = TypeVar("Pitch", float, np.ndarray)


def pitch_hz(pitch: Pitch, a4_hz: float = A4_HZ) -> Pitch:
    """Frequencies in Hz of MIDI note numbers, whole or not."""
    return a4_hz * 2.0 ** ((pitch - 69) / 12)
