"""Laying one recording over another before they are compared: one loudness, one lag.

A constant gain and a constant delay are heard as no difference, and every distance of spectra takes them for a
large one. So both recordings are brought to one loudness (ITU-R BS.1770-4, gated) and the generated one is moved by
the lag, within 50 ms, at which the rises of both spectra agree best. What that took is part of the result: an engine
that is 20 ms late is late.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

import numpy as np

from perfsynth.dsp.loudness import LoudnessMeter
from perfsynth.dsp.mel import Preset, spectrogram
from perfsynth.dsp.mixing import mixed
from perfsynth.errors import InputError

RATE = 44100  # Hz, at which audio is compared
MATCH_LUFS = -24.0
MAX_LAG_S = 0.05
FLUX = Preset("flux", RATE, 1024, 1024, 64, "linear", 513)
FLUX_BINS = slice(4, 200)  # 170 Hz to 8.6 kHz
FLUX_RANGE_LN = 6.0  # some 50 dB below the loudest: a hiss below it has no say in the lag
FLUX_FRAMES = 2**14  # at a time
MIN_S = 1.0

log = logging.getLogger("perfsynth")


@dataclass(frozen=True)
class Matched:
    """Two recordings laid over each other, (n, n_channels) float32 at 44.1 kHz, both at -24 LUFS."""

    generated: np.ndarray
    reference: np.ndarray
    gain_db: float  # that the generated one took to be as loud as the reference
    lag_s: float  # by which the generated one was late; negative where it was early


def validate(generated: np.ndarray, reference: np.ndarray) -> None:
    """Refuse what cannot be compared.

    Raises
    ------
    InputError
        When an array is not (n, n_channels), shorter than a second, silent or not finite, or when the two differ in
        the number of channels.
    """
    for name, audio in (("generated", generated), ("reference", reference)):
        if audio.ndim != 2:
            raise InputError(f"{name} audio of shape {audio.shape}: (n, channels) is needed")
        if len(audio) < MIN_S * RATE:
            raise InputError(f"{name} audio lasts {len(audio) / RATE:.2f} s; at least {MIN_S:.0f} s is needed")
        if not np.isfinite(audio).all() or not audio.any():
            raise InputError(f"{name} audio is silent or not finite; there is nothing to compare")
    if generated.shape[1] != reference.shape[1]:
        raise InputError(f"{generated.shape[1]} channels against {reference.shape[1]}; mix both to mono first")


def matched(generated: np.ndarray, reference: np.ndarray) -> Matched:
    """Both at -24 LUFS and laid over each other, as long as the shorter.

    Parameters
    ----------
    generated, reference
        (n, n_channels) float at 44.1 kHz, at least a second.

    Raises
    ------
    InputError
        As `validate`, or when one of them lies below the gate of -70 LUFS throughout.
    """
    validate(generated, reference)
    length = min(len(generated), len(reference))
    pair = [audio[:length] for audio in (generated, reference)]
    (late, late_db), (here, here_db) = (
        levelled(audio, name=name) for audio, name in zip(pair, ("generated", "reference"), strict=True)
    )
    lag = _lag(late, here)
    return Matched(_moved(late, -lag), here, late_db - here_db, lag / RATE)


def levelled(audio: np.ndarray, *, name: str = "reference") -> tuple[np.ndarray, float]:
    """(n, n_channels) at 44.1 kHz brought to -24 LUFS, and the gain in dB that it took.

    Raises
    ------
    InputError
        When it lies below the gate of -70 LUFS throughout.
    """
    meter = LoudnessMeter(RATE, audio.shape[1])
    meter.push(np.ascontiguousarray(audio, np.float32))
    gain_db = MATCH_LUFS - meter.integrated_lufs()
    if math.isinf(gain_db):
        raise InputError(f"{name} audio never exceeds -70 LUFS; it is too soft to be compared, so raise its level")
    return (audio * 10 ** (gain_db / 20)).astype(np.float32), gain_db


def _lag(generated: np.ndarray, reference: np.ndarray) -> int:
    """Samples by which the first is late."""
    late, here = (_flux(mixed(audio)) for audio in (generated, reference))
    most = round(MAX_LAG_S * RATE / FLUX.hop)
    lags = range(-most, most + 1)
    best = lags[int(np.argmax([_overlap(late, here, lag) for lag in lags]))]
    if abs(best) == most:
        log.warning("the lag is at its limit of %.0f ms; cut what is before the music of one file", 1000 * MAX_LAG_S)
    return best * FLUX.hop


def _flux(audio: np.ndarray) -> np.ndarray:
    """Rise of the log spectrum per frame, computed in blocks that see beyond their edges."""
    context = FLUX.n_fft // FLUX.hop  # frames
    rises, loudest = [], np.float32(-np.inf)
    for first in range(0, len(audio) // FLUX.hop + 1, FLUX_FRAMES):
        begin = max(first - context, 0)
        piece = audio[begin * FLUX.hop : (first + FLUX_FRAMES + context) * FLUX.hop]
        frames = spectrogram(piece, FLUX)[FLUX_BINS]
        loudest = max(loudest, frames.max())
        rise = np.diff(np.maximum(frames, loudest - FLUX_RANGE_LN), axis=1, prepend=frames[:, :1])
        rises.append(np.maximum(rise, 0).sum(axis=0)[first - begin :][:FLUX_FRAMES])
    flux = np.concatenate(rises)
    # A recording that begins or ends in the middle of a sound does so at no fault of its player.
    flux[:context] = flux[-context:] = 0
    return flux


def _overlap(one: np.ndarray, other: np.ndarray, lag: int) -> float:
    a, b = (one[lag:], other) if lag >= 0 else (one, other[-lag:])
    n = min(len(a), len(b))
    return float(np.dot(a[:n], b[:n]) / max(n, 1))


def _moved(audio: np.ndarray, n_samples: int) -> np.ndarray:
    """The audio `n_samples` later, of its own length; what comes in is silent."""
    moved = np.zeros_like(audio)
    if n_samples >= 0:
        moved[n_samples:] = audio[: len(audio) - n_samples]
    else:
        moved[:n_samples] = audio[-n_samples:]
    return moved
