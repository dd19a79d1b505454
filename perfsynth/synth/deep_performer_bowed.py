"""A bowed string to sound the bands that ``deep-performer`` predicts: what bands cannot say, the notes do.

Bands tell how loud each region is, not where its partials are; the notes tell where those are. So each note is a
sawtooth with a violinist's vibrato, in a small room; every frame is coloured until its bands are those wanted, and
noise fills what no partial reaches. Each frame depends on itself alone, so a long piece is done block by block.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perfsynth.dsp.mel import PRESETS, filterbank

PRESET = PRESETS["deep-performer-16k"]
RATE, HOP, SIZE = PRESET.sample_rate, PRESET.hop, PRESET.n_fft
BLOCK = 256  # frames that are sounded at once, 4 s
CHANNELS = 2
OVERLAPPED = np.float32(1.5)  # sum of four squared Hann windows
HIGHEST_HZ = 7600.0  # of a partial
ATTACK_S, RELEASE_S = 0.025, 0.04  # rise of a note; time constant of its end
VIBRATO_HZ, VIBRATO_CENTS, VIBRATO_AFTER_S, VIBRATO_RISE_S = 5.7, 17.0, 0.18, 0.3
DRIFT_HZ, DRIFT_CENTS = 1.1, 3.0
JITTER_S, JITTER_CENTS = 0.012, 6.0  # a bow's unsteadiness: high partials are blurred by it
ROOM_S, ROOM_DB = 0.9, -10.0  # reverberation time to -60 dB, and its energy beside the string's own
VALLEY_DB, VALLEY_BANDS = 26.0, 4  # so far below the partials around it a band is none of theirs
ROUNDS = 3  # of colouring
BREATH_HZ, LEAST_SHARE = (2500.0, 7500.0), 0.5  # partials make all of the sound below, so much of it above


def sounded(table: np.ndarray, values: np.ndarray, *, a4: float = 440.0, seed: int = 0) -> Iterator[np.ndarray]:
    """Sound notes with the loudness that bands say.

    Parameters
    ----------
    table
        `perfsynth.synth.roll.SOUNDING`.
    values
        (n_bands, n_frames) ln mel bands of `PRESET`.
    a4
        Concert pitch in Hz.
    seed
        Of vibrato, room and noise.

    Returns
    -------
    Iterator of ndarray
        (n, 2) float32 blocks, `HOP` samples a frame.
    """
    n_frames = values.shape[1]
    window = np.hanning(SIZE + 1)[:-1].astype(np.float32)
    around = SIZE // HOP // 2 + 1  # frames before and after whose audio a frame reaches
    source = _roomed(_strings(table, a4, seed), seed)
    held = np.zeros((SIZE // 2, CHANNELS), np.float32)
    rest = np.zeros((SIZE, CHANNELS), np.float32)
    skip = SIZE // 2
    for start in range(0, n_frames, BLOCK):
        stop = min(start + BLOCK, n_frames)
        while len(held) < (stop - start + around) * HOP + SIZE:
            held = np.concatenate([held, next(source)])
        frames = np.lib.stride_tricks.sliding_window_view(held, SIZE, axis=0)[::HOP][: stop - start] * window
        rng = np.random.default_rng([seed % 2**64, start, 5])
        spectrum = coloured(np.fft.rfft(frames, axis=2), values[:, start:stop].T, rng)
        parts = np.fft.irfft(spectrum, SIZE, axis=2).astype(np.float32) * window
        made = np.zeros(((stop - start) * HOP + SIZE, CHANNELS), np.float32)
        made[:SIZE] += rest
        for index, part in enumerate(parts):
            made[index * HOP : index * HOP + SIZE] += part.T
        rest = made[(stop - start) * HOP :]
        block = made[: (stop - start) * HOP] / OVERLAPPED
        yield block[skip:] if stop < n_frames else np.concatenate([block, rest[: SIZE // 2] / OVERLAPPED])[skip:]
        skip = 0
        held = held[(stop - start) * HOP :]


def coloured(spectrum: np.ndarray, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give spectra the bands wanted.

    Parameters
    ----------
    spectrum
        (T, 2, F) complex, of the strings.
    values
        (T, n_bands) ln mel bands.
    rng
        Of the noise.

    Returns
    -------
    ndarray
        (T, 2, F) complex.
    """
    bank = filterbank(PRESET)
    wanted = np.where(values > np.log(1.01 * PRESET.floor), np.exp(values), 0.0)
    magnitude = np.abs(spectrum.mean(axis=1))
    tonal = wanted * np.interp(np.arange(PRESET.n_bands), _bands_of(BREATH_HZ), (1.0, LEAST_SHARE))
    gain = np.ones_like(magnitude)
    for _ in range(ROUNDS):
        bands = (magnitude * gain) @ bank.T
        least = 10 ** (-VALLEY_DB / 20) * _highest(bands, VALLEY_BANDS) + 1e-7
        gain *= _between(np.clip(tonal / np.maximum(bands, least), 0, 1e3))
    open_bands = np.sqrt(np.maximum(wanted**2 - ((magnitude * gain) @ bank.T) ** 2, 0.0))
    noise = rng.normal(size=(*spectrum.shape, 2)) @ np.array([1, 1j])
    level = _between(open_bands / (np.abs(noise.mean(axis=1)).mean() * bank.sum(axis=1)))
    return np.asarray(spectrum * gain[:, None] + noise * level[:, None])


def _bands_of(hz: tuple[float, ...]) -> np.ndarray:
    """The bands, in fractions, whose peaks lie at some frequencies."""
    peak_hz = filterbank(PRESET).argmax(axis=1) * RATE / SIZE
    return np.interp(hz, peak_hz, np.arange(PRESET.n_bands))


def _highest(bands: np.ndarray, around: int) -> np.ndarray:
    """The highest of each band and those around it."""
    padded = np.pad(bands, ((0, 0), (around, around)))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 2 * around + 1, axis=1).max(axis=2))


def _between(bands: np.ndarray) -> np.ndarray:
    """(T, n_bands) factors as (T, F): those of each bin, by the weights of the bands that it belongs to."""
    bank = filterbank(PRESET)
    peaks = bank / np.maximum(bank.max(axis=1, keepdims=True), 1e-12)
    total = peaks.sum(axis=0)
    made = bands @ peaks / np.maximum(total, 1e-12)
    return np.asarray(np.where(total > 1e-6, made, 0.0))


def _strings(table: np.ndarray, a4: float, seed: int) -> Iterator[np.ndarray]:
    """(BLOCK * HOP,) blocks of the strings, without end."""
    size = BLOCK * HOP
    pending = np.zeros(size, np.float32)
    next_note, begin = 0, 0
    while True:
        while next_note < len(table) and table["begin_s"][next_note] * RATE < begin + size:
            note = table[next_note]
            sound = string(note, a4, np.random.default_rng([seed % 2**64, next_note, 3]))
            first = round(note["begin_s"] * RATE) - begin
            first = max(first, 0)
            if len(pending) < first + len(sound):
                pending = np.pad(pending, (0, first + len(sound) - len(pending)))
            pending[first : first + len(sound)] += sound
            next_note += 1
        yield pending[:size]
        pending = np.pad(pending[size:], (0, max(2 * size - len(pending), 0)))
        begin += size


def string(note: np.void, a4: float, rng: np.random.Generator) -> np.ndarray:
    """(n,) float32: a note as a sawtooth with a vibrato that begins when it has lasted a while."""
    length_s = max(float(note["end_s"] - note["begin_s"]), 0.03)
    t = np.arange(round((length_s + 6 * RELEASE_S) * RATE)) / RATE
    turns = rng.uniform(0, 2 * np.pi, 2)
    rise = np.clip((t - VIBRATO_AFTER_S) / VIBRATO_RISE_S, 0, 1)
    cents = VIBRATO_CENTS * rise * np.sin(2 * np.pi * VIBRATO_HZ * rng.uniform(0.93, 1.07) * t + turns[0])
    cents += DRIFT_CENTS * np.sin(2 * np.pi * DRIFT_HZ * t + turns[1])
    span = round(JITTER_S * RATE)
    summed = np.cumsum(rng.normal(size=len(t) + span))
    cents += JITTER_CENTS * (summed[span:] - summed[:-span]) / np.sqrt(span)
    hz = a4 * 2.0 ** ((int(note["pitch"]) - 69) / 12)
    phase = np.cumsum(2 * np.pi * hz * 2.0 ** (cents / 1200)) / RATE
    made = np.zeros(len(t))
    for partial in range(1, max(int(HIGHEST_HZ / hz), 1) + 1):
        made += np.sin(partial * phase) / partial
    rising = 0.5 - 0.5 * np.cos(np.pi * np.clip(t / ATTACK_S, 0, 1))
    ending = np.exp(-np.maximum(t - length_s, 0) / RELEASE_S)
    return np.asarray(0.3 * made * rising * ending, np.float32)


def _roomed(blocks: Iterator[np.ndarray], seed: int) -> Iterator[np.ndarray]:
    """(n, 2): mono blocks in a small room."""
    from scipy.signal import oaconvolve

    rng = np.random.default_rng([seed % 2**64, 11])
    t = np.arange(round(ROOM_S * RATE)) / RATE
    echo = rng.normal(size=(len(t), CHANNELS)) * np.exp(-np.log(1000) * t / ROOM_S)[:, None]
    echo *= 10 ** (ROOM_DB / 20) / np.sqrt(np.square(echo).sum(axis=0))
    rest = np.zeros((len(t) - 1, CHANNELS))
    for block in blocks:
        wet = oaconvolve(block[:, None], echo, axes=0)
        wet[: len(rest)] += rest
        rest = wet[len(block) :]
        yield (block[:, None] + wet[: len(block)]).astype(np.float32)
