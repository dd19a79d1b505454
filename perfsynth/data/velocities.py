"""How loudly notes are played, as their recording tells: an alignment says when, and few scores say how loudly.

A note is as loud as its partials are at its onset, beside the other notes of its instrument around its pitch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from perfsynth.dsp.mixing import mixed
from perfsynth.dsp.pitches import pitch_hz
from perfsynth.dsp.resample import resample
from perfsynth.errors import InputError
from perfsynth.types import AudioStream

RATE = 44100  # Hz, at which loudness is measured
WINDOW, HOP = 4096, 512  # samples
PARTIALS = 5  # of a note, that say how loud it is
STRIKE_S = 0.15  # after its onset
SILENT = 1e-9  # power of a note's partials, 150 dB below full scale
AT_ONCE_S = 30.0  # of sound in memory
MEDIAN_VELOCITY, LEAST, MOST = 64, 12, 118
PER_DB = 3.0  # velocities: a piano's take 3 to 5 a dB; fewer, since what is measured is partly other notes
FEWEST_NOTES = 8  # of an instrument, so that there is something to compare with

Expected = Callable[[np.ndarray], np.ndarray]  # pitches to dB


def heard(stream: AudioStream, notes: np.ndarray) -> np.ndarray:
    """How loud the notes of a recording begin, (n,) in dB; see `levels`. The recording may be an hour long.

    Parameters
    ----------
    stream
        Of any rate and number of channels; consumed.
    notes
        PERFORMED_NOTE, by their onsets.
    """
    blocks = (mixed(block)[:, None] for block in stream.blocks)
    mono = resample(replace(stream, blocks=blocks, n_channels=1), RATE)
    found = np.zeros(len(notes))
    done = 0
    for start, samples, is_last in _stretches(mono):
        reach_s = (start + len(samples) - WINDOW) / RATE - STRIKE_S
        end = len(notes) if is_last else int(np.searchsorted(notes["onset_s"], reach_s))
        here = notes[done:end].copy()
        here["onset_s"] -= start / RATE
        found[done:end] = levels(samples, here)
        done = max(done, end)
    return found


def _stretches(stream: AudioStream) -> Iterator[tuple[int, np.ndarray, bool]]:
    """Stretches of (n,) samples that overlap by what a note may need, where each begins, and whether it is the last."""
    overlap = HOP * int(np.ceil((2 * WINDOW + STRIKE_S * RATE) / HOP))
    step = HOP * int(AT_ONCE_S * RATE / HOP)
    start, held = 0, np.zeros(0, np.float32)
    for block in stream.blocks:
        held = np.concatenate([held, block[:, 0]])
        while len(held) > step + 2 * overlap:
            yield start, held[: step + 2 * overlap], False
            start, held = start + step, held[step:]
    yield start, held, True


def levels(samples: np.ndarray, notes: np.ndarray) -> np.ndarray:
    """How loud notes begin, in dB: the most that their first partials have within `STRIKE_S` of their onsets.

    Nan where nothing is heard: outside of the recording, and in digital silence.

    Parameters
    ----------
    samples
        (n,) at `RATE`.
    notes
        PERFORMED_NOTE.
    """
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, (WINDOW // 2, WINDOW)), WINDOW)[::HOP]
    window = np.hanning(WINDOW).astype(np.float32)
    made = np.full(len(notes), np.nan)
    for index, note in enumerate(notes):
        if not 0 <= note["onset_s"] <= len(samples) / RATE:
            continue
        first = int(note["onset_s"] * RATE / HOP)
        struck_s = min(float(note["duration_s"]), STRIKE_S)
        last = max(first + 1, int((note["onset_s"] + struck_s) * RATE / HOP) + 1)
        power = np.abs(np.fft.rfft(frames[first:last] * window, axis=1)) ** 2
        loudest = float(power[:, _bins(int(note["pitch"]))].sum(axis=1).max(initial=0))
        made[index] = 10 * np.log10(loudest) if loudest > SILENT else np.nan
    return made


def expected(recordings: Sequence[tuple[np.ndarray, np.ndarray]], instrument: str) -> Expected:
    """How loud the notes of an instrument are around a pitch.

    Parameters
    ----------
    recordings
        Pitches (n,) and levels (n,) in dB of the notes of each of its recordings; how loud a recording is as a whole
        counts as loud playing.
    instrument
        What to call it in messages.

    Raises
    ------
    InputError
        When there is too little to compare with.
    """
    pitch = np.concatenate([np.zeros(0), *(pitches for pitches, _ in recordings)])
    level = np.concatenate([np.zeros(0), *(level_db for _, level_db in recordings)])
    pitch, level = pitch[np.isfinite(level)], level[np.isfinite(level)]
    if len(pitch) < FEWEST_NOTES:
        raise InputError(f"{instrument}: {len(pitch)} notes are heard; at least {FEWEST_NOTES} are needed")
    degree = min(2, len(np.unique(pitch)) - 1)
    fitted: Expected = np.polynomial.Polynomial.fit(pitch, level, degree)
    return fitted if degree else lambda pitches: np.full(len(pitches), np.median(level))


def velocities(pitch: np.ndarray, level_db: np.ndarray, usual: Expected) -> np.ndarray:
    """(n,) int: the velocities of notes that are so loud, on an instrument of which `usual` is `expected`.

    That of a note that is not heard is `MEDIAN_VELOCITY`.
    """
    beside = np.nan_to_num(level_db - usual(pitch.astype(float)))
    return np.clip(np.round(MEDIAN_VELOCITY + PER_DB * beside), LEAST, MOST).astype(int)


def _bins(pitch: int) -> np.ndarray:
    """Those of the FFT within a third of a semitone of a note's partials, one of each at least."""
    partials = pitch_hz(pitch) * np.arange(1, PARTIALS + 1)
    partials = partials[partials < 0.45 * RATE]
    width = 2.0 ** (1 / 36)
    spans = zip(np.round(partials / width * WINDOW / RATE), np.round(partials * width * WINDOW / RATE), strict=True)
    return np.unique(np.concatenate([np.arange(int(low), int(high) + 1) for low, high in spans]))
