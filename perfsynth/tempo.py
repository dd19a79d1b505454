"""Beats to seconds: the integral of a piecewise constant tempo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.types import TEMPO

DEFAULT_BPM = 120.0  # what a MIDI file without a tempo means


@dataclass(frozen=True)
class BeatGrid:
    """When each quarter note of a score is played, from the first one on."""

    time_s: np.ndarray  # (k,) s, strictly ascending from 0
    meters: tuple[tuple[float, int, int], ...] = ()  # quarter notes from the first, numerator, denominator
    beats: np.ndarray | None = None  # (k,) quarter notes from the first place; else 0, 1, 2: a pick-up may be shorter

    @property
    def places(self) -> np.ndarray:
        """(k,) quarter notes of each time from the first."""
        return np.arange(float(len(self.time_s))) if self.beats is None else self.beats


def tempo_map(tempos: np.ndarray, *, bpm: float = DEFAULT_BPM) -> np.ndarray:
    """Complete a tempo list: sorted, one entry per position (the last written wins), never empty.

    Parameters
    ----------
    tempos
        (n,) `TEMPO`.
    bpm
        Quarter notes a minute where `tempos` is empty. Before its first entry, that entry holds.
    """
    if len(tempos) == 0:
        return np.array([(0.0, bpm)], TEMPO)
    order = np.argsort(tempos["onset_beat"], kind="stable")
    rows = tempos[order]
    last = np.append(np.diff(rows["onset_beat"]) > 0, True)
    return rows[last]


def beats_to_seconds(beats: np.ndarray, tempos: np.ndarray) -> np.ndarray:
    """Seconds from beat 0 to each of `beats` under a completed tempo map; negative before beat 0."""
    knots = tempos["onset_beat"].astype(float)
    period_s = 60.0 / tempos["quarter_bpm"]
    at_knots_s = np.concatenate([[0.0], np.cumsum(np.diff(knots) * period_s[:-1])])

    def seconds(position: np.ndarray) -> np.ndarray:
        segment = np.clip(np.searchsorted(knots, position, side="right") - 1, 0, len(knots) - 1)
        return at_knots_s[segment] + (position - knots[segment]) * period_s[segment]

    return seconds(np.asarray(beats, float)) - seconds(np.zeros(1))


def scaled_to(tempos: np.ndarray, bpm: float, *, start_beat: float, end_beat: float) -> np.ndarray:
    """The same tempo map, faster or slower, so that from `start_beat` to `end_beat` its mean is `bpm`."""
    seconds = np.diff(beats_to_seconds(np.array([start_beat, end_beat]), tempos))[0]
    if seconds <= 0:  # all notes at one onset: any tempo plays them alike
        return np.array([(start_beat, bpm)], TEMPO)
    scaled = tempos.copy()
    scaled["quarter_bpm"] *= bpm * seconds / 60.0 / (end_beat - start_beat)
    return scaled
