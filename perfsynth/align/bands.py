"""A recording as the aligner hears it: 88 semitone bands every 5.8 ms, a minute at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from perfsynth.align.features import FRAME_S, compressed, loudness, rises
from perfsynth.align.tuning import tuning_cents
from perfsynth.dsp.mixing import mixed
from perfsynth.dsp.semitones import HOP, N_BANDS, RATE, filters, semitones
from perfsynth.errors import InputError
from perfsynth.types import Audio, AudioStream

SHORTEST_S = 0.5  # of a recording that holds music
LONGEST_S = 4 * 3600  # of a recording: 2 GB
SILENCE = 1e-5  # full scale; -100 dB
CHUNK_S = 60.0
MARGIN_S = 0.6  # of the longest window
LOWEST_RATE = 2000  # Hz, of a recording: below it no pitch above the middle of the keyboard is left


@dataclass(frozen=True)
class Bands:
    """A recording, heard.

    Attributes
    ----------
    levels : (n, 88) float32
        Compressed, every `FRAME_S`.
    tuning_cents
        Of the bands.
    length_s
        Of the recording.
    """

    levels: np.ndarray
    tuning_cents: float
    length_s: float

    def coarse(self, factor: int) -> tuple[np.ndarray, np.ndarray]:
        """Levels and rises of blocks of `factor` frames, (n // factor, 88) each."""
        return self.part(0, len(self.levels) // factor * factor, factor)

    def part(self, first: int, last: int, factor: int) -> tuple[np.ndarray, np.ndarray]:
        """The same of the frames from `first` to `last`."""
        before = min(first, 8)
        levels = self.levels[first - before : last]
        risen = rises(levels, FRAME_S)[before:]
        n = (last - first) // factor
        blocks = levels[before : before + n * factor].reshape(n, factor, N_BANDS)
        return blocks.mean(axis=1), risen[: n * factor].reshape(n, factor, N_BANDS).max(axis=1)


def mono(audio: Audio | AudioStream) -> np.ndarray:
    """(n,) float32 at `RATE`, peak 1; a stream is consumed, block by block.

    Raises
    ------
    InputError
        When it is too short or too long, silent, not finite or of a rate at which no music is left.
    """
    import soxr

    stream = audio.stream() if isinstance(audio, Audio) else audio
    _check(stream.sample_rate, stream.duration_s or SHORTEST_S)
    resampler = soxr.ResampleStream(stream.sample_rate, RATE, 1, dtype="float32", quality="HQ")
    samples, n = np.empty(round(stream.duration_s * RATE) + RATE, np.float32), 0
    for block, last in _marked(stream.blocks):
        heard = mixed(block)
        if not np.isfinite(heard).all():
            raise InputError("the recording holds samples that are not finite (nan or infinity): export it again")
        heard = resampler.resample_chunk(heard, last=last) if stream.sample_rate != RATE else heard
        while n + len(heard) > len(samples):
            samples.resize(2 * len(samples), refcheck=False)
        samples[n : n + len(heard)] = heard
        n += len(heard)
        _check(stream.sample_rate, max(n / RATE, SHORTEST_S))  # before memory holds more
    samples = samples[:n]
    _check(stream.sample_rate, n / RATE)
    peak = max(float(samples.max()), -float(samples.min()))
    if peak < SILENCE:
        raise InputError(f"the recording is silent (peak {peak:.0e} of full scale): there is nothing to align")
    samples /= peak
    return samples


def _check(sample_rate: int, length_s: float) -> None:
    """Refuse what cannot be aligned whatever it holds."""
    if sample_rate < LOWEST_RATE:
        raise InputError(f"the recording has {sample_rate} Hz: to be aligned it needs at least {LOWEST_RATE} Hz")
    if length_s < SHORTEST_S:
        raise InputError(f"the recording lasts {length_s:.2f} s: to be aligned it needs at least {SHORTEST_S} s")
    if length_s > LONGEST_S:
        raise InputError(f"the recording lasts {length_s / 3600:.1f} h: at most {LONGEST_S // 3600} h can be aligned")


def _marked(blocks: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, bool]]:
    """Blocks, and whether each is the last."""
    held = None
    for block in blocks:
        if held is not None:
            yield held, False
        held = block
    if held is not None:
        yield held, True


def bands(samples: np.ndarray) -> Bands:
    """Hear (n,) float32 at `RATE`."""
    cents = tuning_cents(samples)
    bank = filters(cents)
    chunk, margin = round(CHUNK_S * RATE / HOP), round(MARGIN_S * RATE / HOP)
    n = len(samples) // HOP + 1
    magnitudes = np.empty((n, N_BANDS), np.float32)
    for first in range(0, n, chunk):
        begin = max(0, first - margin)
        last = min(first + chunk, n)
        piece = samples[begin * HOP : (last + margin) * HOP]
        magnitudes[first:last] = semitones(piece, bank)[first - begin : last - begin]
    loud = loudness(magnitudes)
    for first in range(0, n, chunk):  # in place: an hour of bands takes 220 MB
        magnitudes[first : first + chunk] = compressed(magnitudes[first : first + chunk], loud)
    return Bands(magnitudes, cents, len(samples) / RATE)
