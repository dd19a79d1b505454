"""Whether the pitches that are played can be found in the sound, by a fixed detector.

Wang and Yang 2019 propose a pitch detector as a measure of synthesis. This one is not learnt: the constant-Q
spectrum of each frame is explained by 88 harmonic combs, non-negative and least in Kullback-Leibler divergence
(Smaragdis and Brown 2003, with fixed templates), and where n notes are struck, the n combs that rise most are what it
hears. It confuses octaves, as all such detectors do, so the reference's own figure is its ceiling.
"""

from __future__ import annotations

import warnings

import numpy as np

from perfsynth.errors import InputError
from perfsynth.evaluate.matching import RATE
from perfsynth.evaluate.onsets import written_s

SAMPLE_RATE = 22050  # Hz
HOP = 512  # samples, 23 ms
LOWEST, HIGHEST = 21, 108
N_BINS = 103  # semitones from A0, up to 10 kHz
N_HARMONICS = 12
ROLL_OFF = 0.6  # of a harmonic's magnitude against the one before
ITERATIONS = 20
BEFORE_S, AFTER_S = (-0.1, -0.03), (0.03, 0.13)  # of an onset
TINY = 1e-9


def pitch_recall(audio: np.ndarray, notes: np.ndarray) -> float:
    """Share of the notes whose pitch is heard when they are struck: 0..1, nan where there is none.

    Parameters
    ----------
    audio
        (n,) float at 44.1 kHz; its time 0 is that of the notes.
    notes
        PERFORMED_NOTE table. Where several begin within 30 ms, as many of the keys that rise most are heard.

    Raises
    ------
    InputError
        When the audio is not one channel.
    """
    if audio.ndim != 1:
        raise InputError(f"audio of shape {audio.shape}: one channel is needed")
    inside = (notes["onset_s"] >= 0) & (notes["onset_s"] < len(audio) / RATE - AFTER_S[1])
    notes = notes[inside & (notes["pitch"] >= LOWEST) & (notes["pitch"] <= HIGHEST)]
    heard = activations(audio) if len(notes) else np.zeros((0, 0))
    groups = written_s(notes["onset_s"], duration_s=len(audio) / RATE)
    group = np.searchsorted(groups, notes["onset_s"], side="right") - 1
    hits = asked = 0
    for i, onset in enumerate(groups):
        struck = np.unique(notes["pitch"][group == i])
        before, after = (heard[:, _frames(onset, span)].mean(axis=1) for span in (BEFORE_S, AFTER_S))
        risen = LOWEST + np.argsort(before - after, kind="stable")[: len(struck)]
        hits += int(np.isin(struck, risen).sum())
        asked += len(struck)
    return hits / asked if asked else float("nan")


def _frames(onset_s: float, span_s: tuple[float, float]) -> slice:
    first, last = (max(round((onset_s + side) * SAMPLE_RATE / HOP), 0) for side in span_s)
    return slice(first, max(last, first + 1))


def activations(audio: np.ndarray) -> np.ndarray:
    """How strongly each key sounds, (88, n_frames), of one channel at 44.1 kHz."""
    import librosa
    import soxr

    samples = soxr.resample(np.asarray(audio, np.float32), RATE, SAMPLE_RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of audio shorter than a window
        constant_q = librosa.cqt(
            samples, sr=SAMPLE_RATE, hop_length=HOP, fmin=27.5, n_bins=N_BINS, bins_per_octave=12, tuning=0.0
        )
    seen = np.abs(constant_q) + TINY
    combs = templates()
    found = np.ones((combs.shape[1], seen.shape[1]))
    for _ in range(ITERATIONS):
        found *= combs.T @ (seen / (combs @ found + TINY)) / combs.sum(axis=0)[:, None]
    return found


def templates() -> np.ndarray:
    """Magnitudes of the harmonics of each key, (N_BINS, 88); each sums to 1."""
    combs = np.zeros((N_BINS, HIGHEST - LOWEST + 1))
    for key in range(combs.shape[1]):
        for k in range(1, N_HARMONICS + 1):
            row = key + 12 * np.log2(k)
            below = int(row)
            # A harmonic between two semitones is seen in both.
            for at, share in ((below, 1 - (row - below)), (below + 1, row - below)):
                if at < N_BINS:
                    combs[at, key] += share * ROLL_OFF ** (k - 1)
    return combs / combs.sum(axis=0)
