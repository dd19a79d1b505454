"""Recordings that are the same one: under two names, cut, or encoded anew.

Pairs of events (two performed notes; two peaks of a spectrogram) with the time between them make landmarks, as in
Wang, "An Industrial-Strength Audio Search Algorithm" (ISMIR 2003). Two rows are the same recording where many of
their landmarks are alike at one lag: another performance of the piece has the same notes at other times. Of each row
the landmarks with the lowest hashes are kept, which are the same ones in a copy, so that ten thousand rows are sorted
in memory. Copies at another speed or transposed are not found, nor is a MIDI file that was made from a recording.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

RATE = 11025  # Hz, of the sound that landmarks are made from
N_FFT, HOP = 1024, 512  # samples
BAND_HZ = (200.0, 4000.0)
REACH = (12, 6)  # bins and frames around a peak that are below it
PARTNERS = 4  # later events that each one is paired with
NOTE_STEP_S = 0.01  # what times between notes are rounded to
LAG_STEP_S = 0.1
KEPT = 512  # landmarks of a row
MOST_ROWS = 64  # that share a landmark: what more of them share tells nothing
LIKE = {"performance": 0.3, "audio": 0.08}  # share of the landmarks that are alike in copies

LANDMARK = np.dtype([("hash", "u8"), ("time_s", "f4")])


class Pair(NamedTuple):
    """Two rows by index, how much of one is in the other (0..1), and how much later it is in the second."""

    first: int
    second: int
    share: float
    lag_s: float


def of_notes(notes: np.ndarray) -> np.ndarray:
    """Landmarks of `PERFORMED_NOTE` rows, `LANDMARK`, at most `KEPT`: of three notes each, since two are too common."""
    order = np.lexsort([notes["pitch"], notes["onset_s"]])
    time_s, pitch = notes["onset_s"][order], notes["pitch"][order].astype(np.int64)
    return _landmarks(time_s, pitch, NOTE_STEP_S, size=3, apart=3)


def of_sound(samples: np.ndarray) -> np.ndarray:
    """Landmarks of (n,) samples at `RATE`, `LANDMARK`, at most `KEPT`."""
    frame, band = _peaks(samples)
    return _landmarks(frame * HOP / RATE, band, HOP / RATE, size=2, apart=1)


def _peaks(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The frames and bins where a spectrogram is highest in its neighbourhood, in order of time."""
    from scipy.ndimage import maximum_filter

    if len(samples) < N_FFT:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    low, high = (round(hz * N_FFT / RATE) for hz in BAND_HZ)
    frames = np.lib.stride_tricks.sliding_window_view(samples, N_FFT)[::HOP]
    window = np.hanning(N_FFT).astype(np.float32)
    power = np.concatenate([
        np.abs(np.fft.rfft(frames[start : start + 4096] * window)[:, low:high]).astype(np.float32)
        for start in range(0, len(frames), 4096)
    ])  # fmt: skip
    size = (2 * REACH[1] + 1, 2 * REACH[0] + 1)
    floor = np.median(power.max(axis=1)) * 0.03  # peaks of noise tell nothing
    frame, band = np.nonzero((maximum_filter(power, size, mode="constant") == power) & (power > floor))
    return frame.astype(np.int64), band.astype(np.int64)


def _landmarks(time_s: np.ndarray, kind: np.ndarray, step_s: float, *, size: int, apart: int) -> np.ndarray:
    """Groups of `size` events, each `apart` steps or more after the one before, as hashes; those with the lowest."""
    found = [np.zeros(0, LANDMARK)]
    for step in range(1, PARTNERS + 1):
        n = len(kind) - step * (size - 1)
        if n <= 0:
            break
        key, kept = _mixed(kind[:n]), np.ones(n, bool)
        for number in range(1, size):
            here, before = slice(number * step, number * step + n), slice((number - 1) * step, (number - 1) * step + n)
            steps = np.rint((time_s[here] - time_s[before]) / step_s).astype(np.int64)  # a shift changes none
            kept &= steps >= apart
            key = _mixed(key + (kind[here] * 4096 + np.minimum(steps, 4095)).astype(np.uint64))
        rows = np.zeros(int(kept.sum()), LANDMARK)
        rows["hash"], rows["time_s"] = key[kept], time_s[:n][kept]
        found.append(rows)
    every = np.concatenate(found)
    return every[np.argsort(every["hash"], kind="stable")[:KEPT]]


def _mixed(key: np.ndarray) -> np.ndarray:
    """A hash of 64 bits, spread evenly: the finaliser of SplitMix64 (Steele et al. 2014)."""
    value = key.astype(np.uint64)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def pairs(landmarks: Sequence[np.ndarray], *, share: float) -> Iterator[Pair]:
    """Which rows are the same recording, in order.

    Parameters
    ----------
    landmarks
        `LANDMARK` of each row.
    share
        Of the landmarks of the row with fewer that are alike at one lag; see `LIKE`.
    """
    row = np.repeat(np.arange(len(landmarks)), [len(each) for each in landmarks])
    if len(row) == 0:
        return
    table = np.concatenate(landmarks)
    order = np.argsort(table["hash"], kind="stable")
    pair, lag_s = _votes(row[order], table["time_s"][order], table["hash"][order], len(landmarks))
    order = np.argsort(pair, kind="stable")
    pair, lag_s = pair[order], lag_s[order]
    edges = np.flatnonzero(np.diff(pair, prepend=-1, append=-1))
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        first, second = divmod(int(pair[start]), len(landmarks))
        fewer = min(len(landmarks[first]), len(landmarks[second]))
        if stop - start >= share * fewer:
            lag, number = _common(lag_s[start:stop])
            if number >= share * fewer:
                yield Pair(first, second, min(number / fewer, 1.0), lag)


def _votes(row: np.ndarray, time_s: np.ndarray, value: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Which two rows each common landmark joins, as ``first * n + second``, and at which lag; sorted by `value`."""
    pairs, lags = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    rank = np.arange(len(value)) - np.searchsorted(value, value)
    common = np.searchsorted(value, value, side="right") - np.searchsorted(value, value) <= MOST_ROWS
    for step in range(1, MOST_ROWS):
        here = np.flatnonzero(common[step:] & (rank[step:] >= step) & (row[step:] != row[:-step]))
        if not common[step:][rank[step:] >= step].any():
            break
        pairs.append(row[here] * n + row[here + step])
        lags.append(time_s[here + step] - time_s[here])
    return np.concatenate(pairs), np.concatenate(lags)


def _common(lags: np.ndarray) -> tuple[float, int]:
    """The lag that most have, to within `LAG_STEP_S`, and how many they are."""
    lags = np.sort(lags)
    number = np.searchsorted(lags, lags + LAG_STEP_S, side="right") - np.arange(len(lags))
    best = int(np.argmax(number))
    return float(np.median(lags[best : best + int(number[best])])), int(number[best])
