"""Scores out of performances: notes off any grid are told, and put on one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perfsynth.formats.score import arranged
from perfsynth.tempo import beats_to_seconds, tempo_map
from perfsynth.types import DIRECTION, MEASURE, METER, SCORE_NOTE, TEMPO, Score

GRIDS = (48, 40, 32)  # places a quarter note: triplets, quintuplets, dyadic values
NEAR = 0.0045  # quarter notes from a place that still count as on it: rounding of ticks
MOST_OFF = 0.3  # share of notes off every grid that no notation program would write
SUBDIVISIONS = (4, 3)  # of a quarter note, to which `quantised` moves notes
FRAMES_PER_S = 100
FEWEST_NOTES = 8


def is_unquantised(score: Score) -> bool:
    """Whether the onsets of a score lie on no grid, as those of a recorded performance do."""
    onset = score.notes["onset_beat"]
    if len(onset) < FEWEST_NOTES:
        return False
    off = [(np.abs(onset * places - np.rint(onset * places)) / places > NEAR).mean() for places in GRIDS]
    return bool(min(off) > MOST_OFF)  # of the best grid: two fifths of any times lie near it by chance


def quantised(score: Score) -> Score:
    """A score whose notes are moved to a grid of beats found in their own onsets.

    Beats are tracked in the onsets (librosa's dynamic programming tracker, Ellis 2007); notes go to the nearest
    quarter or third of a beat. What the file said of tempo and metre is dropped: it was not about this music.
    """
    seconds = [
        beats_to_seconds(edge, tempo_map(score.tempos))
        for edge in (score.notes["onset_beat"], score.notes["onset_beat"] + score.notes["duration_beat"])
    ]
    beat_s = _beats(seconds[0], score.notes["velocity"])
    positions = [_position(edge, beat_s) for edge in seconds]
    notes = np.zeros(len(score.notes), SCORE_NOTE)
    for name in SCORE_NOTE.names or ():
        notes[name] = score.notes[name]
    notes["onset_beat"] = _snapped(positions[0])
    shortest = 1 / SUBDIVISIONS[0]
    notes["duration_beat"] = np.maximum(_snapped(positions[1]) - notes["onset_beat"], shortest)
    first = np.floor(notes["onset_beat"].min())
    notes["onset_beat"] -= first
    bpm = 60.0 / float(np.median(np.diff(beat_s)))
    return replace(
        score,
        notes=arranged(notes)[0],
        tempos=np.array([(0.0, bpm)], TEMPO),
        meters=np.zeros(0, METER),
        measures=np.zeros(0, MEASURE),
        directions=np.zeros(0, DIRECTION),
    )


def _beats(onset_s: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """Beat times, s, from before the first onset to after the last."""
    import librosa

    first_s = onset_s.min()
    frames = np.rint((onset_s - first_s) * FRAMES_PER_S).astype(int)
    strength = np.bincount(frames, np.maximum(velocity, 1), frames.max() + FRAMES_PER_S).astype(float)
    strength = np.convolve(strength, np.hanning(7), mode="same")
    _, found = librosa.beat.beat_track(onset_envelope=strength, sr=FRAMES_PER_S, hop_length=1, trim=False)
    times = first_s + np.asarray(found, float) / FRAMES_PER_S
    if len(times) < 2:
        times = np.arange(first_s, onset_s.max() + 1.0, 0.5)
    period = float(np.median(np.diff(times)))
    before = times[0] - period * np.arange(np.ceil(max(times[0] - first_s, 0) / period) + 1, 0, -1)
    after = times[-1] + period * np.arange(1, np.ceil(max(onset_s.max() - times[-1], 0) / period) + 8)
    return np.concatenate([before, times, after])


def _position(time_s: np.ndarray, beat_s: np.ndarray) -> np.ndarray:
    beyond = np.maximum(time_s - beat_s[-1], 0) / (beat_s[-1] - beat_s[-2])
    return np.interp(time_s, beat_s, np.arange(len(beat_s))) + beyond


def _snapped(position: np.ndarray) -> np.ndarray:
    """The nearest quarter or third of a beat, quarters where both are as near."""
    candidates = np.stack([np.rint(position * parts) / parts for parts in SUBDIVISIONS])
    distance = np.abs(candidates - position) + np.array([[0.0], [0.01]])
    snapped: np.ndarray = np.take_along_axis(candidates, np.argmin(distance, axis=0)[None], axis=0)[0]
    return snapped
