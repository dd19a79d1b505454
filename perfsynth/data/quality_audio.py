"""Broken sound: what cannot be decoded to its end, silence, gaps, clipping, a dead channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.batch import storage
from perfsynth.data.duplicates import RATE
from perfsynth.dsp.mixing import mixed
from perfsynth.errors import InputError
from perfsynth.formats.audio_blocks import read_blocks

SILENT = 1e-3  # peak, -60 dBFS
CLIPPED = 0.9995  # of full scale
MOST_CLIPPED = 1e-3  # share of samples; loud releases stay below a tenth of it
GAP_S = 2.0  # of zeros within the music: a rest in a recording has noise
DEAD = 1e-3  # peak of one channel by that of the other


@dataclass(frozen=True)
class Heard:
    """A recording: its length, what is wrong with it, and (n,) its samples, mixed to one channel at `RATE`."""

    duration_s: float
    faults: tuple[str, ...]
    samples: np.ndarray
    sha256: str


def listen(path: str) -> Heard:
    """Decode a recording to its end.

    Parameters
    ----------
    path
        Of a WAV, FLAC, Ogg or MP3 file, or its URL.

    Raises
    ------
    InputError
        When it is no audio, broken or cut off, or holds samples that are not finite.
    PerfsynthError
        When it cannot be read.
    """
    import soxr

    stream = read_blocks(storage.source(path), name=path)
    down = soxr.ResampleStream(stream.sample_rate, RATE, 1, dtype="float32", quality="LQ")
    meter = _Meter(stream.sample_rate, stream.n_channels)
    kept = []
    for block in stream.blocks:
        if not np.isfinite(block).all():
            raise InputError(f"{path}: holds samples that are not finite at {meter.n / stream.sample_rate:.1f} s")
        meter.add(block)
        kept.append(down.resample_chunk(mixed(block)))
    kept.append(down.resample_chunk(np.zeros(0, np.float32), last=True))
    duration_s = meter.n / stream.sample_rate
    return Heard(duration_s, tuple(meter.faults()), np.concatenate(kept), stream.sha256)


class _Meter:
    """Levels of a recording, block by block."""

    def __init__(self, rate: int, channels: int) -> None:
        self.rate, self.n, self.clipped = rate, 0, 0
        self.peaks = np.zeros(channels)
        self.zeros = 0  # in a row, up to now
        self.gap, self.gap_at = 0, 0  # the longest with sound on both sides

    def add(self, block: np.ndarray) -> None:
        """Take in (n, n_channels) samples."""
        level = np.abs(np.ascontiguousarray(block.T))  # along the rows a maximum takes a twentieth of the time
        self.peaks = np.maximum(self.peaks, level.max(axis=1, initial=0.0))
        loudest = level.max(axis=0)
        self.clipped += int((loudest >= CLIPPED).sum())
        sounding = np.flatnonzero(loudest > 0)
        if len(sounding):
            heard_before = self.n > self.zeros
            gaps = np.diff(sounding, prepend=sounding[0]) - 1
            gaps[0] = sounding[0] + self.zeros if heard_before else 0
            longest = int(np.argmax(gaps))
            if gaps[longest] > self.gap:
                self.gap, self.gap_at = int(gaps[longest]), self.n + int(sounding[longest]) - int(gaps[longest])
            self.zeros = len(block) - 1 - int(sounding[-1])
        else:
            self.zeros += len(block)
        self.n += len(block)

    def faults(self) -> list[str]:
        """What is wrong, in words."""
        peak = float(self.peaks.max())
        if peak < SILENT:
            return ["silent" if peak == 0 else f"silent: its peak is {20 * np.log10(peak):.0f} dBFS"]
        found = []
        if self.clipped > MOST_CLIPPED * self.n:
            found.append(f"clipped: {100 * self.clipped / self.n:.1f} % of its samples are at full scale")
        if self.gap > GAP_S * self.rate:
            found.append(f"nothing but zeros for {self.gap / self.rate:.1f} s at {self.gap_at / self.rate:.1f} s")
        if len(self.peaks) > 1 and self.peaks.min() < DEAD * peak:
            found.append(f"channel {int(self.peaks.argmin()) + 1} of {len(self.peaks)} is silent")
        return found
