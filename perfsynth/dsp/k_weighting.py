"""The K-weighting of ITU-R BS.1770-4, annex 1, at any sample rate.

The recommendation gives coefficients for 48 kHz and asks for the same response at other rates. Both of its stages are
bilinear transforms of analogue ones, whose constants those coefficients determine; at 48 kHz they give its tables back.
"""

from __future__ import annotations

import math

import numpy as np

TABLED_RATE = 48000  # Hz
SHELF_HZ, SHELF_Q, SHELF_DB = 1681.974450955533, 0.7071752369554196, 3.999843853973347  # the head
SHELF_MIDDLE = 0.4996667741545416  # of SHELF_DB, at its corner
HIGH_PASS_HZ, HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773  # the ear


def k_weighting(sample_rate: int) -> np.ndarray:
    """Two sections, the shelf and the high-pass: (2, 6) float64 of b0, b1, b2, a0, a1, a2, for `sample_rate` in Hz."""
    high = 10 ** (SHELF_DB / 20)
    # Far above its corner the high-pass of the table, whose numerator is 1, -2, 1, is no unity.
    above = _denominator(HIGH_PASS_HZ, HIGH_PASS_Q, TABLED_RATE)[0]
    stages = (
        (SHELF_HZ, SHELF_Q, (1.0, high**SHELF_MIDDLE, high)),
        (HIGH_PASS_HZ, HIGH_PASS_Q, (0.0, 0.0, above)),
    )
    return np.array([_section(hz, q, gains, sample_rate) for hz, q, gains in stages])


def _section(corner_hz: float, q: float, gains: tuple[float, float, float], sample_rate: int) -> np.ndarray:
    """(6,) of (low w^2 + middle w s / q + high s^2) / (w^2 + w s / q + s^2), its gains at and around the corner w."""
    warped = math.tan(math.pi * corner_hz / sample_rate)
    low, middle, high = gains[0] * warped**2, gains[1] * warped / q, gains[2]
    numerator = np.array([low + middle + high, 2 * (low - high), low - middle + high])
    denominator = _denominator(corner_hz, q, sample_rate)
    return np.concatenate([numerator, denominator]) / denominator[0]


def _denominator(corner_hz: float, q: float, sample_rate: int) -> np.ndarray:
    warped = math.tan(math.pi * corner_hz / sample_rate)
    return np.array([1 + warped / q + warped**2, 2 * (warped**2 - 1), 1 - warped / q + warped**2])
