"""What the pedals do beside damping: the colour of una corda, and the noise of the sustain pedal moving."""

from __future__ import annotations

import numpy as np

from perfsynth.synth.action import FULL_TRAVEL_S
from perfsynth.synth.modal.grid import EDGES_HZ, FRAME, N_BANDS, RATE, TIMES_S, band_weights

# The hammer meets two strings of three, with softer felt: the treble is duller, and the string that was not hit
# feeds the aftersound (Weinreich 1977). How much less it sounds as a whole is up to `perfsynth.synth.voicing`.
DULL_FROM_HZ, DULL_LN = 500.0, 0.1  # nepers an octave, 0.9 dB
AFTER_LN, AFTER_S = 0.12, 0.4  # nepers by which the aftersound is stronger, and when it is
PEDAL_DB = -47.0  # of the noise of a pedal stamped down, re the rms of the loudest note
UP_DB = 2.0  # dampers that fall on strings are louder than those that leave them
SLOPE_DB = -7.0  # an octave above the thump
THUMP_HZ = 120.0
RISE_S, FALL_S = 0.012, 0.07
SLOWEST = 0.2  # of the full speed, in amplitude: a pedal that is hardly moved is hardly heard
PEDAL_S = 0.8  # after which its noise has gone


def una_corda(ln_amplitude: np.ndarray, hz: np.ndarray, soft: float) -> np.ndarray:
    """The partials of a note, (k, 2, n_times) nepers on the grid, with the soft pedal down by 0 to 1."""
    dull = DULL_LN * np.log2(np.maximum(hz / DULL_FROM_HZ, 1.0))[:, None, None]
    return ln_amplitude + soft * (AFTER_LN * -np.expm1(-TIMES_S / AFTER_S) - dull)


def pedal_noise(level: float) -> np.ndarray:
    """(2, N_BANDS, N_TIMES) ln power of a pedal stamped down in a piano whose loudest note has this rms."""
    octaves = np.log2(np.sqrt(np.maximum(EDGES_HZ[:-1], 20.0) * EDGES_HZ[1:]) / THUMP_HZ)
    shape = 10 ** ((SLOPE_DB * np.maximum(octaves, 0.0) - 6.0 * np.maximum(-octaves, 0.0)) / 10)
    # A frame of white noise of rms r has a mean power of r^2 FRAME / 2 in each bin.
    mean = (band_weights() @ shape).mean()
    power = (level * 10 ** (PEDAL_DB / 20)) ** 2 * FRAME / 2 * shape / mean
    course = np.log(-np.expm1(-(TIMES_S + 1e-4) / RISE_S)) - TIMES_S / FALL_S
    return np.broadcast_to(np.log(power)[:, None] + 2 * course, (2, N_BANDS, len(TIMES_S)))


def pedal_gain_ln(speed: np.ndarray, is_down: np.ndarray) -> np.ndarray:
    """Ln power by which each move is louder than a pedal stamped down; speed in full travels a second."""
    share = SLOWEST + (1 - SLOWEST) * np.minimum(speed * FULL_TRAVEL_S, 1.0)
    return 2 * np.log(share) + np.where(is_down, 0.0, UP_DB * np.log(10) / 10)


def pedal_span() -> tuple[np.ndarray, np.ndarray]:
    """Breakpoints, in samples, and ln damping of the noise of one move."""
    return np.array([0.0, PEDAL_S * RATE]), np.zeros(2)
