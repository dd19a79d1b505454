"""``sampler``: a sampled grand, its layers cross-faded, its damping that of `perfsynth.synth.action`.

Neighbouring keys share a recording at another speed. All voices of one speed are summed at the rate at which they
would be right, and each sum is converted to the rate wanted: a converter of studio quality for every speed costs
less than poor interpolation for every voice, and aliases nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perfsynth.folders import data_folder
from perfsynth.synth.action import Strikes, strike
from perfsynth.synth.samples import SampleSet, load_samples
from perfsynth.synth.voicing import HEADROOM, RELEASE_GAIN, key_levels, layer_gains
from perfsynth.types import AudioStream, Performance

SAMPLE_RATE = 48000  # Hz, that of the Salamander
BLOCK_S = 1.0
RESAMPLING = "HQ"  # soxr's 20 bit quality


@dataclass(frozen=True)
class _Voices:
    """Recordings to be played at one speed; times in samples at the rate at which that is their own."""

    rate: float  # Hz
    onset: np.ndarray  # (n,) int64, ascending
    start: np.ndarray  # (n,) int64, into the pcm
    length: np.ndarray  # (n,) int64
    gain: np.ndarray  # (n,) float64
    offset: np.ndarray  # (n + 1,) int64, into the breakpoints
    break_at: np.ndarray  # (m,) float64, after the onset
    break_ln: np.ndarray  # (m,) float64

    def end_s(self) -> float:
        """When the last of them ends."""
        lasts = np.minimum(self.length, self.break_at[self.offset[1:] - 1])
        return float((self.onset + lasts).max(initial=0) / self.rate)

    def mixed(self, pcm: np.ndarray, begin: int, end: int) -> np.ndarray:
        """(end - begin, 2) float32: the sum of the voices between two samples."""
        from perfsynth.synth._sampler_numba import mix

        out = np.zeros(2 * (end - begin), np.float32)
        first = np.searchsorted(self.onset, begin - int(self.length.max(initial=0)))
        last = np.searchsorted(self.onset, end)
        rows = slice(first, last)
        mix(
            out, begin, pcm, self.onset[rows], self.start[rows], self.length[rows], self.gain[rows],
            self.offset[first : last + 1], self.break_at, self.break_ln,
        )  # fmt: skip
        return out.reshape(-1, 2)


def stream(
    performance: Performance, *, samples: str | None = None, sample_rate: int = SAMPLE_RATE, seed: int = 0
) -> AudioStream:
    """Sound a performance; see `perfsynth.synth.core.synthesize`.

    Parameters
    ----------
    performance
        Played on one piano, whatever its parts.
    samples
        A folder of samples as `load_samples` reads them; the Salamander by default.
    sample_rate
        In Hz.
    seed
        Stamped into the result; nothing is random.

    Raises
    ------
    MissingError
        When there are no samples.
    InputError
        When they are none.
    """
    folder = Path(samples).expanduser() if samples else data_folder("salamander")
    instrument = load_samples(folder)
    buses = _buses(strike(performance), instrument)
    end_s = max([performance.end_s, *(bus.end_s() for bus in buses)])
    stamp = performance.made_by("synth-audio", "sampler", seed=seed, samples=folder.name)
    blocks = _blocks(buses, instrument.pcm.reshape(-1), sample_rate, end_s)
    return AudioStream(blocks, sample_rate, 2, end_s, **stamp)


def _buses(strikes: Strikes, samples: SampleSet) -> list[_Voices]:
    """The voices of all strikes and releases, by speed."""
    key_index, shift = _nearest(strikes.key, samples.keys)
    layer, gain, number = _layers(strikes, samples, key_index)
    notes = np.arange(len(strikes.key))[number]
    lengths = np.diff(strikes.breakpoint_offset)
    buses = []
    for semitones in np.unique(shift):
        rate = samples.sample_rate * 2 ** (semitones / 12)
        own = shift[notes] == semitones
        rows, k, at = notes[own], key_index[notes[own]], layer[own]
        points = _ranges(strikes.breakpoint_offset[rows], lengths[rows])
        onset = np.round(strikes.onset_s[rows] * rate).astype(np.int64)
        since = (strikes.breakpoint_s[points] - np.repeat(strikes.onset_s[rows], lengths[rows])) * rate
        offset = np.concatenate([[0], np.cumsum(lengths[rows])])
        voices = gain[own] * samples.scale[k, at] * HEADROOM
        made = (
            onset,
            samples.start[k, at],
            samples.length[k, at],
            voices,
            offset,
            since,
            strikes.breakpoint_ln[points],
        )
        buses.append(_Voices(rate, *made))
    if len(samples.release_keys) and len(strikes.release_s):
        buses.append(_release_voices(strikes, samples))
    return buses


def _ranges(first: np.ndarray, length: np.ndarray) -> np.ndarray:
    """The numbers first[i] to first[i] + length[i] of each i, one after the other."""
    before = np.cumsum(length) - length
    return np.repeat(first - before, length) + np.arange(int(length.sum()))


def _nearest(key: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The index of the recorded key nearest to each key, and how many semitones above it that key is."""
    index = np.argmin(np.abs(key[:, None] - keys[None, :]), axis=1) if len(key) else np.zeros(0, np.int64)
    return index, key - keys[index]


def _layers(strikes: Strikes, samples: SampleSet, key_index: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which layers sound for each strike, how loud, and the strike: rows sorted by strike."""
    layers, gains = layer_gains(
        strikes.velocity,
        strikes.soft,
        layer_velocity=samples.layer_velocity,
        level=samples.level[key_index],
        likeness=samples.likeness[key_index],
        key_level=key_levels(samples.keys, samples.layer_velocity, samples.level)[key_index],
    )
    number, column = np.nonzero(gains)
    return layers[number, column], gains[number, column], number


def _release_voices(strikes: Strikes, samples: SampleSet) -> _Voices:
    """The noises of keys coming up."""
    index, _ = _nearest(strikes.release_key, samples.release_keys)
    n = len(index)
    length = samples.release_length[index]
    gain = strikes.release_level * RELEASE_GAIN * samples.release_scale[index] * HEADROOM
    onset = np.round(strikes.release_s * samples.sample_rate).astype(np.int64)
    break_at = np.stack([np.zeros(n), length], axis=1).astype(np.float64).reshape(-1)
    start = samples.release_start[index]
    return _Voices(samples.sample_rate, onset, start, length, gain, 2 * np.arange(n + 1), break_at, np.zeros(2 * n))


def _blocks(buses: list[_Voices], pcm: np.ndarray, sample_rate: int, end_s: float) -> Iterator[np.ndarray]:
    """Blocks of the sum of all buses, exactly as many samples as `end_s` takes."""
    left, most = int(np.ceil(end_s * sample_rate)), round(BLOCK_S * sample_rate)
    playing = [_converted(bus, pcm, sample_rate, end_s) for bus in buses]
    waiting = [np.zeros((0, 2), np.float32) for _ in buses]
    while left > 0:
        block = np.zeros((min(left, most), 2), np.float32)
        for i, bus in enumerate(playing):
            while len(waiting[i]) < len(block):
                waiting[i] = np.concatenate([waiting[i], next(bus, np.zeros_like(block))])
            block += waiting[i][: len(block)]
            waiting[i] = waiting[i][len(block) :]
        left -= len(block)
        yield block


def _converted(bus: _Voices, pcm: np.ndarray, sample_rate: int, end_s: float) -> Iterator[np.ndarray]:
    """One bus at the rate wanted."""
    step, end = round(BLOCK_S * bus.rate), int(np.ceil(end_s * bus.rate)) + 1
    pieces = (bus.mixed(pcm, begin, min(begin + step, end)) for begin in range(0, end, step))
    if bus.rate == sample_rate:
        yield from pieces
        return
    import soxr

    converter = soxr.ResampleStream(bus.rate, sample_rate, 2, dtype="float32", quality=RESAMPLING)
    for piece in pieces:
        yield converter.resample_chunk(piece)
    yield converter.resample_chunk(np.zeros((0, 2), np.float32), last=True)
