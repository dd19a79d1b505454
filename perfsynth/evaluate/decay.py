"""How long a note sounds: while the key is held, and after the damper falls.

The energy left after a time (Schroeder 1965: the squared sound integrated from the end backwards) falls smoothly
where the sound itself beats. A straight line is fitted to its level in dB and drawn out to 60 dB, as ISO 3382-1 does
for rooms: from 0 to -10 dB for the early decay time (the "singing" of a piano, two strings against the bridge) and
from -5 to -25 dB for the decay time proper. Time constants are nan where the note did not fall that far while it was
held. The energy that would have come after the key went up is added, as the same standard does: the last power heard,
falling as the line found without it. What lies below the string's fundamental, the rumble of rooms and microphones, is
taken out first: it does not decay, and soft as it is made a middle C seem to ring for 46 s instead of 18.
"""

from __future__ import annotations

import numpy as np

from perfsynth.dsp.pitches import pitch_hz
from perfsynth.errors import InputError

EARLY_DB = (0.0, -10.0)
LATE_DB = (-5.0, -25.0)
EDGE_S = 0.2
MARGIN_DB = 3.0  # by which the note has to fall below the end of the fit: what comes later is not heard
TIME_CONSTANTS = 6 * np.log(10)  # of the power, in a fall by 60 dB
FRAME_S = 0.03
STEP_S = 0.005
DAMPED_DB = -40.0
RUMBLE_ORDER = 4


def energy_decay_db(audio: np.ndarray, *, beyond: float = 0.0) -> np.ndarray:
    """Level in dB of what is still to come at each sample, 0 at the first, of (n, n_channels).

    The squares that would follow the last sample add up to `beyond`.
    """
    if audio.ndim != 2 or len(audio) == 0 or not np.isfinite(audio).all():
        raise InputError(f"audio of shape {audio.shape}: (n, channels), finite, with a sample at least, is needed")
    left = np.cumsum((np.asarray(audio, np.float64)[::-1] ** 2).sum(axis=1))[::-1] + beyond
    levels: np.ndarray = 10 * np.log10(np.maximum(left / max(left[0], 1e-30), 1e-18))
    return levels


def without_rumble(audio: np.ndarray, sample_rate: int, pitch: float) -> np.ndarray:
    """A note, (n, n_channels), without what lies more than an octave below the fundamental of its MIDI pitch."""
    from scipy.signal import butter, sosfiltfilt

    sections = butter(RUMBLE_ORDER, pitch_hz(pitch) / 2, "highpass", fs=sample_rate, output="sos")
    note: np.ndarray = sosfiltfilt(sections, np.asarray(audio, np.float64), axis=0)
    return note


def decay_time_s(audio: np.ndarray, sample_rate: int, span_db: tuple[float, float]) -> float:
    """Time in seconds in which a held note would fall by 60 dB; nan where it does not fall by that span.

    Parameters
    ----------
    audio
        (n, n_channels), from the onset to the release.
    sample_rate
        In Hz.
    span_db
        `EARLY_DB` or `LATE_DB`: between which levels of the energy decay the line is fitted.
    """
    edge = round(EDGE_S * sample_rate)
    if len(audio) < 4 * edge:
        return float("nan")
    first, last = (
        max(float((np.asarray(part, np.float64) ** 2).mean()), 1e-30) for part in (audio[:edge], audio[-edge:])
    )
    if 10 * np.log10(last / first) > span_db[1] - MARGIN_DB:
        return float("nan")
    short_s = _fitted_s(energy_decay_db(audio), sample_rate, span_db)
    if np.isnan(short_s):
        return short_s
    beyond = last * audio.shape[1] * short_s * sample_rate / TIME_CONSTANTS
    return _fitted_s(energy_decay_db(audio, beyond=beyond), sample_rate, span_db)


def _fitted_s(levels: np.ndarray, sample_rate: int, span_db: tuple[float, float]) -> float:
    """The time of 60 dB on a line through the levels within a span; nan where they do not fall."""
    rows = np.flatnonzero((levels <= span_db[0]) & (levels >= span_db[1]))
    if len(rows) < 2:
        return float("nan")
    slope = np.polyfit(rows / sample_rate, levels[rows], 1)[0]
    return float(-60 / slope) if slope < 0 else float("nan")


def damped_s(audio: np.ndarray, sample_rate: int, release_s: float) -> float:
    """Seconds from the release of a key until its note is 40 dB below what it was; nan where it never is.

    Parameters
    ----------
    audio
        (n, n_channels), starting in the held note.
    sample_rate
        In Hz.
    release_s
        When the key comes up, at least 30 ms after the start.
    """
    levels = envelope_db(audio, sample_rate)
    times = (np.arange(len(levels)) * round(STEP_S * sample_rate) + round(FRAME_S * sample_rate)) / sample_rate
    before = levels[times <= release_s]
    if len(before) == 0:
        raise InputError(f"release at {release_s:.3f} s: at least {FRAME_S} s of the held note is needed before it")
    below = np.flatnonzero((times > release_s) & (levels < before[-1] + DAMPED_DB))
    return float(times[below[0]] - release_s) if len(below) else float("nan")


def envelope_db(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Level in dBFS of frames of 30 ms, one every 5 ms, of (n, n_channels)."""
    frame, step = round(FRAME_S * sample_rate), round(STEP_S * sample_rate)
    squares = np.concatenate([[0.0], np.cumsum((np.asarray(audio, np.float64) ** 2).mean(axis=1))])
    starts = np.arange(0, len(audio) - frame + 1, step)
    power = (squares[starts + frame] - squares[starts]) / frame
    levels: np.ndarray = 10 * np.log10(np.maximum(power, 1e-18))
    return levels
