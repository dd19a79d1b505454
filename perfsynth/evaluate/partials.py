"""How steady the partials of a held note stand: the trembling by which a vocoder betrays itself.

The string of a piano holds its frequency to a fraction of a cent. A network that invents phase frame by frame makes
partials wander by several, heard as a warble on long notes. For each partial the sound is brought down to 0 Hz
(multiplied by e^{-2 pi i f t}, smoothed by a Hann window of 6 periods of the fundamental), and the turning of its phase
is its momentary frequency. The wander is the standard deviation of that in cents, weighted by the energy at each moment
(where two strings of a choir cancel, the phase says nothing), mean over the partials. The window lets pass a third of
the fundamental to either side of a partial, whatever the key, so that what strays far is still followed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from perfsynth.dsp.pitches import pitch_hz
from perfsynth.errors import InputError
from perfsynth.evaluate.matching import RATE

N_PARTIALS = 8
RANGE_DB = 40.0  # partials and moments softer than that, against the strongest, are left out
PERIODS = 6
STEPS = 8  # per window
SEARCH = 0.03  # of the frequency: a stiff string's partials lie above the multiples
STRETCH = 4e-4  # inharmonicity that the search starts from: f_k = k f0 sqrt(1 + B k^2)
MIN_S = 0.5
CENT = 1200 / np.log(2)
HELD_S, SKIP_S, USED_S = 1.0, 0.2, 2.0
MAX_NOTES = 24
KEYS = (33, 88)  # among which held notes of a performance are looked for


@dataclass(frozen=True)
class Steadiness:
    """What `steadiness` finds for one note."""

    wander_cents: float
    tuning_cents: float  # of the lowest partial, its mean over time, against equal temperament at 440 Hz
    n_partials: int

    def to_json(self) -> dict[str, float]:
        """The numbers by name."""
        return asdict(self)


def steadiness(audio: np.ndarray, sample_rate: int, pitch: float) -> Steadiness:
    """How steady the partials of a note are.

    Parameters
    ----------
    audio
        (n,) float, half a second at least of the held note, its attack left out.
    sample_rate
        In Hz.
    pitch
        MIDI note number.

    Raises
    ------
    InputError
        When the audio is too short or of another shape.
    """
    if audio.ndim != 1 or len(audio) < MIN_S * sample_rate:
        raise InputError(f"audio of shape {audio.shape}: one channel of {MIN_S} s at least is needed")
    f0 = pitch_hz(pitch)
    hertz = _partials_hz(audio, sample_rate, f0)
    if len(hertz) == 0:
        return Steadiness(float("nan"), float("nan"), 0)
    means, wander = zip(*(_followed(audio, sample_rate, f, PERIODS / f0) for f in hertz), strict=True)
    lowest = means[0] / max(1, round(means[0] / f0))
    return Steadiness(float(np.mean(wander)), float(CENT * np.log(lowest / f0)), len(hertz))


def _partials_hz(audio: np.ndarray, sample_rate: int, f0: float) -> list[float]:
    """Frequencies of the partials that stand out of the spectrum."""
    n_fft = 4 * len(audio)
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), n_fft))
    found, peaks = [], []
    for k in range(1, N_PARTIALS + 1):
        expected = k * f0 * np.sqrt(1 + STRETCH * k**2)
        low, high = (round(expected * (1 + side * SEARCH) * n_fft / sample_rate) for side in (-1, 1))
        if high + 1 >= len(spectrum):
            break
        peak = low + int(np.argmax(spectrum[low : high + 1]))
        if low < peak < high:  # a maximum, and not the flank of a neighbour
            a, b, c = np.log(np.maximum(spectrum[peak - 1 : peak + 2], 1e-30))
            found.append((peak + 0.5 * (a - c) / min(a - 2 * b + c, -1e-12)) * sample_rate / n_fft)
            peaks.append(spectrum[peak])
    floor = max(peaks, default=0.0) * 10 ** (-RANGE_DB / 20)
    return [float(f) for f, peak in zip(found, peaks, strict=True) if peak > max(floor, 1e-9)]


def _followed(audio: np.ndarray, sample_rate: int, hertz: float, window_s: float) -> tuple[float, float]:
    """Mean in Hz of the momentary frequency of a partial, and its standard deviation in cents."""
    from scipy.signal import oaconvolve

    length = round(window_s * sample_rate)
    step = max(1, length // STEPS)
    turned = audio * np.exp(-2j * np.pi * hertz * np.arange(len(audio)) / sample_rate)
    window = np.hanning(length + 1)[1:]  # its zeros fall on the neighbouring partials
    slow = oaconvolve(turned, window / window.sum(), mode="valid")[::step]
    energy = np.abs(slow[1:] * slow[:-1])
    drift = np.angle(slow[1:] * np.conj(slow[:-1])) * sample_rate / (2 * np.pi * step)
    energy[energy < energy.max() * 10 ** (-RANGE_DB / 10)] = 0
    mean = np.average(drift, weights=energy)
    return float(hertz + mean), float(CENT / hertz * np.sqrt(np.average((drift - mean) ** 2, weights=energy)))


def held_wander_cents(audio: np.ndarray, notes: np.ndarray) -> float:
    """Median wander over the long notes of a performance; nan where it has none.

    Other notes sound beside them, so the figure means something next to that of the reference alone.

    Parameters
    ----------
    audio
        (n,) float at 44.1 kHz.
    notes
        PERFORMED_NOTE table that it plays.
    """
    duration = len(audio) / RATE
    ends = np.minimum(notes["onset_s"] + notes["duration_s"], duration)
    fits = (ends - notes["onset_s"] >= HELD_S) & (notes["pitch"] >= KEYS[0]) & (notes["pitch"] <= KEYS[1])
    rows = np.flatnonzero(fits)
    longest = rows[np.argsort((notes["onset_s"] - ends)[rows], kind="stable")][:MAX_NOTES]
    found = []
    for row in longest:
        start = notes["onset_s"][row] + SKIP_S
        piece = audio[round(start * RATE) : round(min(ends[row], start + USED_S) * RATE)]
        found.append(steadiness(piece, RATE, float(notes["pitch"][row])).wander_cents)
    clean = [value for value in found if np.isfinite(value)]
    return float(np.median(clean)) if clean else float("nan")
