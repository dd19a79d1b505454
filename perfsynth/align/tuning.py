"""How far from A4 = 440 Hz a recording is tuned: where the peaks of its spectrum lie between the semitones."""

from __future__ import annotations

import numpy as np

from perfsynth.dsp.pitches import A4_HZ
from perfsynth.dsp.semitones import RATE

WINDOW = 8192  # samples, 0.37 s
N_WINDOWS = 120  # spread over the recording
LOW_HZ, HIGH_HZ = 200.0, 2000.0
PEAK_DB = -40.0  # below the highest of its window: softer peaks are left out


def tuning_cents(samples: np.ndarray) -> float:
    """Cents that a recording is tuned above equal temperament at 440 Hz, -50 to 50.

    Parameters
    ----------
    samples : (n,) float32
        At `RATE`. What lies a semitone or more away shows as a transposition, which a spectrum cannot tell apart.
    """
    padded = samples if len(samples) >= WINDOW else np.pad(samples, (0, WINDOW - len(samples)))
    starts = np.unique(np.linspace(0, len(padded) - WINDOW, N_WINDOWS).astype(int))
    taper = np.hanning(WINDOW).astype(np.float32)
    low, high = round(LOW_HZ * WINDOW / RATE), round(HIGH_HZ * WINDOW / RATE)
    total = 0j
    for start in starts:
        power = np.abs(np.fft.rfft(padded[start : start + WINDOW] * taper)) + 1e-9
        db = 20 * np.log10(power)
        here = db[low:high]
        peak = (here > db[low - 1 : high - 1]) & (here >= db[low + 1 : high + 1]) & (here > here.max() + PEAK_DB)
        bins = low + np.flatnonzero(peak)
        left, middle, right = db[bins - 1], db[bins], db[bins + 1]
        exact = bins + 0.5 * (left - right) / np.minimum(left - 2 * middle + right, -1e-9)
        semitones = 12 * np.log2(exact * RATE / WINDOW / A4_HZ)
        total += np.sum(np.sqrt(power[bins]) * np.exp(2j * np.pi * semitones))
    return float(np.angle(total) / (2 * np.pi) * 100)
