"""A bowed string that plays notes evenly loud: each a sawtooth with a violinist's vibrato, in a small room.

It is a source to be coloured (`perfsynth.dsp.colouring`): where partials are, and how unsteady; not how loud.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perfsynth.dsp.colouring import Colour
from perfsynth.dsp.mel import Preset, filterbank
from perfsynth.dsp.pitches import pitch_hz

BLOCK_S = 4.0  # that is sounded at once
CHANNELS = 2
HIGHEST = 0.475  # of the sample rate, of a partial
LEVEL = 0.3  # of full scale, of the lowest partial of a note
SHORTEST_S, ATTACK_S, RELEASE_S = 0.03, 0.025, 0.04  # of a note: the least length, its rise, time constant of its end
VIBRATO_HZ, VIBRATO_CENTS, VIBRATO_AFTER_S, VIBRATO_RISE_S = 5.7, 17.0, 0.18, 0.3
VIBRATO_STRAYS = (0.93, 1.07)  # between these times its rate, from note to note
DRIFT_HZ, DRIFT_CENTS = 1.1, 3.0
JITTER_S, JITTER_CENTS = 0.012, 6.0  # a bow's unsteadiness: high partials are blurred by it
ROOM_S, ROOM_DB = 0.9, -10.0  # reverberation time to -60 dB, and its energy beside the string's own
NOISE = 0.5  # of what no partial reaches: predicted bands are blurred, and all of it would be heard as a veil
BREATH_HZ, LEAST_SHARE = (2500.0, 7500.0), 0.5  # partials make all of the sound below, so much of it above


def strings(table: np.ndarray, *, rate: int, a4: float = 440.0, seed: int = 0) -> Iterator[np.ndarray]:
    """Sound notes on a bowed string.

    Parameters
    ----------
    table
        `perfsynth.synth.roll.SOUNDING`.
    rate
        In Hz.
    a4
        Concert pitch in Hz.
    seed
        Of vibrato and room.

    Returns
    -------
    Iterator of ndarray
        (n, 2) float32 blocks, without end.
    """
    return _roomed(_dry(table, rate, a4, seed), rate, seed)


def _dry(table: np.ndarray, rate: int, a4: float, seed: int) -> Iterator[np.ndarray]:
    """(n,) blocks of the strings, without end."""
    size = round(BLOCK_S * rate)
    pending = np.zeros(size, np.float32)
    next_note, begin = 0, 0
    while True:
        while next_note < len(table) and table["begin_s"][next_note] * rate < begin + size:
            note = table[next_note]
            sound = string(note, rate, a4, np.random.default_rng([seed % 2**64, next_note, 3]))
            first = max(round(note["begin_s"] * rate) - begin, 0)
            if len(pending) < first + len(sound):
                pending = np.pad(pending, (0, first + len(sound) - len(pending)))
            pending[first : first + len(sound)] += sound
            next_note += 1
        yield pending[:size]
        pending = np.pad(pending[size:], (0, max(2 * size - len(pending), 0)))
        begin += size


def string(note: np.void, rate: int, a4: float, rng: np.random.Generator) -> np.ndarray:
    """(n,) float32: a note as a sawtooth with a vibrato that begins when it has lasted a while."""
    length_s = max(float(note["end_s"] - note["begin_s"]), SHORTEST_S)
    t = np.arange(round((length_s + 6 * RELEASE_S) * rate)) / rate
    turns = rng.uniform(0, 2 * np.pi, 2)
    rise = np.clip((t - VIBRATO_AFTER_S) / VIBRATO_RISE_S, 0, 1)
    cents = VIBRATO_CENTS * rise * np.sin(2 * np.pi * VIBRATO_HZ * rng.uniform(*VIBRATO_STRAYS) * t + turns[0])
    cents += DRIFT_CENTS * np.sin(2 * np.pi * DRIFT_HZ * t + turns[1])
    span = round(JITTER_S * rate)
    summed = np.cumsum(rng.normal(size=len(t) + span))
    cents += JITTER_CENTS * (summed[span:] - summed[:-span]) / np.sqrt(span)
    hz = pitch_hz(int(note["pitch"]), a4)
    phase = np.cumsum(2 * np.pi * hz * 2.0 ** (cents / 1200)) / rate
    made = np.zeros(len(t))
    for partial in range(1, max(int(HIGHEST * rate / hz), 1) + 1):
        made += np.sin(partial * phase) / partial
    rising = 0.5 - 0.5 * np.cos(np.pi * np.clip(t / ATTACK_S, 0, 1))
    ending = np.exp(-np.maximum(t - length_s, 0) / RELEASE_S)
    return np.asarray(LEVEL * made * rising * ending, np.float32)


def _roomed(blocks: Iterator[np.ndarray], rate: int, seed: int) -> Iterator[np.ndarray]:
    """(n, 2): mono blocks in a small room."""
    from scipy.signal import oaconvolve

    rng = np.random.default_rng([seed % 2**64, 11])
    t = np.arange(round(ROOM_S * rate)) / rate
    echo = rng.normal(size=(len(t), CHANNELS)) * np.exp(-np.log(1000) * t / ROOM_S)[:, None]
    echo *= 10 ** (ROOM_DB / 20) / np.sqrt(np.square(echo).sum(axis=0))
    rest = np.zeros((len(t) - 1, CHANNELS))
    for block in blocks:
        wet = oaconvolve(block[:, None], echo, axes=0)
        wet[: len(rest)] += rest
        rest = wet[len(block) :]
        yield (block[:, None] + wet[: len(block)]).astype(np.float32)


def colour(preset: Preset) -> Colour:
    """How far the string is bent to the bands of a preset: wholly, and noise fills half of what no partial reaches."""
    peak_hz = filterbank(preset).argmax(axis=1) * preset.sample_rate / preset.n_fft
    share = np.interp(peak_hz, BREATH_HZ, (1.0, LEAST_SHARE)).astype(np.float32)
    return Colour(rounds=3, most=1e3, valley_db=26.0, share=share, noise=NOISE, by_power=True)
