"""Recordings beside their exciters, as the networks that colour the modal piano learn from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from perfsynth import formats
from perfsynth.data.sound_corpus import Recording
from perfsynth.dsp.mixing import mixed
from perfsynth.train.recordings import kept, since, stereo
from perfsynth.types import Performance

VERSION = 1  # of the exciter: what was made of another is made again
FLUX_HOP = 64  # samples
MOST_LAG = 35  # hops, 50 ms
MATCHED = 12  # recordings of an instrument that are compared with their exciters, about


@dataclass(frozen=True)
class Example:
    """A recording and what it is to be made of, both from where both have begun."""

    recording: Recording
    played: Performance
    exciter: np.ndarray  # (n, 4) float32
    sound: np.ndarray  # (n, 2) float32
    gain: float = 1.0  # that brings the instrument to the level of the exciter
    lag: int = 0  # samples by which the instrument comes later

    def clip(self, start: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """(4, length) of the exciter and (2, length) of the sound, level and in time."""
        exciter = np.ascontiguousarray(self.exciter[start : start + length].T)
        first = start + self.lag
        sound = self.sound[max(first, 0) : max(first + length, 0)].T * np.float32(self.gain)
        before = min(max(-first, 0), length)
        sound = np.pad(sound, ((0, 0), (before, max(length - before - sound.shape[1], 0))))
        return exciter, np.ascontiguousarray(sound[:, :length], np.float32)


def examples_of(
    recordings: list[Recording], folder: Path, sample_rate: int, report: Callable[[str], None] = lambda name: None
) -> list[Example]:
    """The recordings with their exciters, each instrument level and in time with it.

    Parameters
    ----------
    recordings
        As `perfsynth.data.sound_corpus.read_recordings` gives them.
    folder
        Keeps what is made in a folder ``cache``.
    sample_rate
        In Hz.
    report
        Called with the name of what is being made.
    """
    made = []
    for recording in recordings:
        report(recording.audio)
        played = formats.read_performance(Path(recording.performance).read_bytes(), name=recording.performance)
        sound = kept(folder, recording.audio, f"sound-{sample_rate}", partial(stereo, recording, sample_rate))
        sound = since(sound, recording.start_s, sample_rate)[: round((played.end_s + 30.0) * sample_rate)]
        exciter = kept(
            folder, recording.performance, f"exciter-{VERSION}-{sample_rate}", partial(_exciter, played, sample_rate)
        )
        exciter = since(exciter, -recording.start_s, sample_rate)
        length = min(len(sound), len(exciter))
        made.append(Example(recording, played, exciter[:length], sound[:length]))
    matches = {name: _match(made, name) for name in {recording.instrument for recording in recordings}}
    return [_levelled(example, matches[example.recording.instrument]) for example in made]


def _levelled(example: Example, match: tuple[float, int]) -> Example:
    return Example(example.recording, example.played, example.exciter, example.sound, *match)


def _match(examples: list[Example], instrument: str) -> tuple[float, int]:
    """The gain and the lag of an instrument: medians over its recordings for training, or over all."""
    own = [example for example in examples if example.recording.instrument == instrument]
    own = [example for example in own if example.recording.split == "train"] or own
    pairs = [_compared(example) for example in own[:: max(len(own) // MATCHED, 1)]]
    return float(np.median([gain for gain, _ in pairs])), round(float(np.median([lag for _, lag in pairs])))


def _compared(example: Example) -> tuple[float, int]:
    exciter = np.asarray(example.exciter[:, :2] + example.exciter[:, 2:])
    sound = np.asarray(example.sound)
    level = [float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) for x in (exciter, sound)]
    flux = [_flux(mixed(x)) for x in (exciter, sound)]
    size = min(map(len, flux))
    a, b = flux[0][MOST_LAG : size - MOST_LAG], flux[1]
    scores = [float(a @ b[MOST_LAG + lag : MOST_LAG + lag + len(a)]) for lag in range(-MOST_LAG, MOST_LAG + 1)]
    return level[0] / max(level[1], 1e-9), (int(np.argmax(scores)) - MOST_LAG) * FLUX_HOP


def _flux(mono: np.ndarray) -> np.ndarray:
    """How fast the magnitudes rise, every `FLUX_HOP` samples, about its mean."""
    frames = np.lib.stride_tricks.sliding_window_view(mono[: 20 * 44100], 512)[::FLUX_HOP]
    magnitude = np.log1p(100 * np.abs(np.fft.rfft(frames * np.hanning(512).astype(np.float32), axis=1))[:, 2:])
    rise = np.maximum(magnitude[8:] - magnitude[:-8], 0).sum(axis=1)
    return np.asarray(rise - rise.mean())


def _exciter(played: Performance, sample_rate: int) -> np.ndarray:
    from perfsynth.synth.neural_exciter import exciter

    limit = round((played.end_s + 5.0) * sample_rate)
    blocks, n_samples = [], 0
    for block in exciter(played, sample_rate=sample_rate).blocks:
        blocks.append(block)
        n_samples += len(block)
        if n_samples >= limit:
            break
    return np.concatenate(blocks)
