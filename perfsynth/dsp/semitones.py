"""A spectrogram with one band a semitone whose windows shorten towards the bass: the variable-Q transform.

Schörkhuber, Klapuri, Holighaus and Dörfler, "A Matlab toolbox for efficient perfect reconstruction time-frequency
transforms with log-frequency resolution", AES 2014, for the windows; Schörkhuber and Klapuri, "Constant-Q transform
toolbox for music processing", SMC 2010, for taking each octave at half the rate of the one above.

Differs: the filters of an octave are short at its own rate, so they are applied in time, as one matrix product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.dsp.pitches import A4_HZ

RATE = 22050  # Hz, of the audio
LOWEST, N_BANDS = 21, 88  # A0 to C8
HOP = 128  # samples, 5.8 ms
OCTAVE = 12
QUALITY = 24.0  # periods of the centre frequency in a window, far above `OFFSET_HZ`
OFFSET_HZ = 40.0
HALF_BAND_DELAY = 12  # samples; even, so that it is whole samples of the halved rate
BLOCK = 2048  # frames at once: what a matrix product holds in the cache


@dataclass(frozen=True)
class Filters:
    """The filters of one octave, for audio at ``RATE / 2**halvings``.

    Attributes
    ----------
    first, n_bands
        Its lowest band, counted from `LOWEST`, and how many it has.
    taps : (length, 2 * n_bands) float32
        Cosines, then sines, under a Hann window each; a sinusoid of amplitude 1 gives magnitude 1.
    window_s : (n_bands,)
        How long each window is, in seconds.
    """

    first: int
    n_bands: int
    halvings: int
    taps: np.ndarray
    window_s: np.ndarray


def band_hz(tuning_cents: float = 0.0) -> np.ndarray:
    """(N_BANDS,) centre frequencies."""
    return np.asarray(A4_HZ * 2 ** ((LOWEST + np.arange(N_BANDS) - 69 + tuning_cents / 100) / OCTAVE))


def filters(tuning_cents: float = 0.0) -> list[Filters]:
    """The filters of all octaves, highest first, for a recording tuned so much higher than A4 = 440 Hz.

    Windows are ``QUALITY / (frequency + OFFSET_HZ)`` seconds long: bass windows stay short.
    """
    made = []
    hz = band_hz(tuning_cents)
    window_s = QUALITY / (hz + OFFSET_HZ)
    for halvings, last in enumerate(range(N_BANDS, 0, -OCTAVE)):
        first = max(0, last - OCTAVE)
        bands = np.arange(first, last)
        rate = RATE / 2**halvings
        half = int(np.ceil(window_s[bands].max() * rate / 2))
        time_s = (np.arange(-half, half + 1) / rate)[:, None]
        inside = np.clip(time_s / window_s[bands], -0.5, 0.5)
        window = 0.5 + 0.5 * np.cos(2 * np.pi * inside)
        window *= 2 / window.sum(axis=0)
        phase = 2 * np.pi * hz[bands] * time_s
        taps = np.concatenate([window * np.cos(phase), window * np.sin(phase)], axis=1).astype(np.float32)
        made.append(Filters(first, len(bands), halvings, taps, window_s[bands]))
    return made


def semitones(samples: np.ndarray, bank: list[Filters]) -> np.ndarray:
    """Magnitudes of the bands.

    Parameters
    ----------
    samples : (n,) float32
        At `RATE`.
    bank
        Of `filters`.

    Returns
    -------
    (n // HOP + 1, N_BANDS) float32
        The amplitude of a sinusoid in each band; frame t is centred at sample ``t * HOP``.
    """
    from scipy.signal import firwin, upfirdn

    n_frames = len(samples) // HOP + 1
    out = np.empty((n_frames, N_BANDS), np.float32)
    audio = np.ascontiguousarray(samples, np.float32)
    # Bands lie below a fifth of the rate of their octave, so what folds onto them lies far above the pass band.
    half_band = firwin(2 * HALF_BAND_DELAY + 1, 0.5).astype(np.float32)
    for octave in bank:
        _octave(audio, octave, HOP >> octave.halvings, out)
        if octave is not bank[-1]:
            audio = upfirdn(half_band, audio, down=2)[HALF_BAND_DELAY // 2 :]
    return out


def _octave(audio: np.ndarray, octave: Filters, hop: int, out: np.ndarray) -> None:
    length, bands = len(octave.taps), slice(octave.first, octave.first + octave.n_bands)
    padded = np.zeros((len(out) - 1) * hop + length, np.float32)
    part = audio[: len(padded) - length // 2]
    padded[length // 2 : length // 2 + len(part)] = part
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[::hop]
    for begin in range(0, len(out), BLOCK):
        product = np.ascontiguousarray(frames[begin : begin + BLOCK]) @ octave.taps
        out[begin : begin + BLOCK, bands] = np.hypot(product[:, : octave.n_bands], product[:, octave.n_bands :])
