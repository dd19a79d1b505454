"""``--method deep-performer``: the alignment that the data of Deep Performer were made with.

Dong, Zhou, Berg-Kirkpatrick and McAuley, "Deep Performer: score-to-audio music performance synthesis", ICASSP 2022,
sec. 4.1, and the scripts of the Bach Violin Dataset: the score at the one tempo that makes it as long as the
recording, played by FluidSynth's piano with MuseScore General; constant-Q spectrograms in dB of both; time warping.

A note begins at the first cell of the path that lies beyond its frame in the render, and ends at the last before its
end, as in the published script.

Differs: the render is put `LATE_S` later. Without that all times come out a frame (32 ms) later than the published
ones, which agree as if their render had been late by that much (docs/alignment.md).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from perfsynth.align.bands import mono
from perfsynth.align.core import rows
from perfsynth.align.dtw import Backend, warp
from perfsynth.dsp.mixing import mixed
from perfsynth.errors import MissingError
from perfsynth.types import PERFORMED_NOTE, Audio, Performance, Score

RATE, HOP = 16000, 512  # Hz, samples
LOWEST_HZ = 130.8127826502993  # C3
BINS_PER_OCTAVE, N_BINS = 36, 180
RANGE_DB = 80.0
VELOCITY = 64
LATE_S = 0.025  # of the render: of the delays tried, the one at which most published times come out to the frame

Render = Callable[[Performance, int], np.ndarray]  # a performance and a rate in Hz to (n,) samples


def aligned(audio: Audio, score: Score, render: Render | None, *, backend: Backend, device: str | None) -> np.ndarray:
    """`ALIGNED_NOTE` rows; see `perfsynth.align.core.align`.

    Raises
    ------
    MissingError
        When there is nothing to render the score with.
    """
    import soxr

    if render is None:
        raise MissingError("method deep-performer renders the score: it needs a function that does, as FluidSynth's")
    mono(audio)  # refuses what holds no music
    recorded = mixed(audio.samples)
    if audio.sample_rate != RATE:
        recorded = soxr.resample(recorded, audio.sample_rate, RATE)
    notes = score.notes[np.lexsort([score.notes["pitch"], score.notes["onset_beat"]])]
    first = min(0.0, float(notes["onset_beat"].min()))
    onset, end = notes["onset_beat"] - first, notes["onset_beat"] + notes["duration_beat"] - first
    beat_s = len(recorded) / RATE / float(end.max())
    made = np.asarray(render(_steady(notes, onset * beat_s, end * beat_s), RATE), np.float32)
    here, there = decibels(recorded), decibels(np.pad(made, (round(LATE_S * RATE), 0)))
    path = warp(here, there, metric="euclidean", backend=backend, device=device).path
    per_beat = len(here) / float(end.max())
    last = len(path) - 1
    begins = np.clip(np.searchsorted(path[:, 1], onset * per_beat, side="right"), 0, last)
    ends = np.clip(np.searchsorted(path[:, 1], end * per_beat) - 1, 0, last)
    times = path[:, 0] * (HOP / RATE)
    return rows(notes, times[begins], times[ends], np.ones(len(notes)))


def decibels(samples: np.ndarray) -> np.ndarray:
    """(n, 180) float32: the constant-Q spectrogram of (m,) samples, 0 dB at its loudest, at least -80."""
    import librosa

    magnitudes = np.abs(
        librosa.cqt(samples, sr=RATE, hop_length=HOP, fmin=LOWEST_HZ, n_bins=N_BINS, bins_per_octave=BINS_PER_OCTAVE)
    )
    return np.asarray(librosa.amplitude_to_db(magnitudes, ref=np.max, top_db=RANGE_DB).T, np.float32)


def _steady(notes: np.ndarray, onset_s: np.ndarray, end_s: np.ndarray) -> Performance:
    """The score as a piano plays it without expression."""
    performed = np.zeros(len(notes), PERFORMED_NOTE)
    performed["note_id"], performed["pitch"], performed["velocity"] = notes["note_id"], notes["pitch"], VELOCITY
    performed["onset_s"], performed["duration_s"] = onset_s, np.maximum(end_s - onset_s, 0.01)
    return Performance(performed)
