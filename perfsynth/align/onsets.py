"""When each note of a score begins in a recording: bands, a coarse path, a fine one, then each note by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.align.bands import Bands, bands, mono
from perfsynth.align.confidence import confidences, likeness
from perfsynth.align.dtw import Backend
from perfsynth.align.evidence import evidence
from perfsynth.align.features import FRAME_S, Written
from perfsynth.align.path import Course, course, fine
from perfsynth.align.refine import Refined, grid_s, refine
from perfsynth.align.repeats import TICKS, Measures, measures, settled
from perfsynth.errors import InputError
from perfsynth.tempo import beats_to_seconds, tempo_map
from perfsynth.types import Audio, AudioStream, Score

GRACE_S = 0.08  # that a grace note takes, where nothing is heard
SHORTEST_S = 0.02  # of a written note
FLOOR = -0.01  # of likeness, below which a recording is refused: between right pairs and wrong ones
FASTEST = 35.0  # notes a second over what is played; whole performances of (n)ASAP have 25 at most
FEW = 100  # notes, in which a run may be as fast


@dataclass(frozen=True)
class Onsets:
    """When the notes of a score begin in a recording, and how that was found.

    Attributes
    ----------
    heard
        The recording.
    along
        The coarse path.
    pages
        What is written in each measure.
    notes : (n,) `SCORE_NOTE`
        Sorted by onset, then pitch.
    onset_s : (n,)
        nan for notes that are not played.
    sure : (n,)
        Confidences, 0 to 1.
    likeness
        How well the recording fits the score.
    """

    heard: Bands
    along: Course
    pages: Measures
    notes: np.ndarray
    onset_s: np.ndarray
    sure: np.ndarray
    likeness: float

    @property
    def pitch(self) -> np.ndarray:
        """Of the notes as they sound, (n,) int."""
        return np.asarray(self.notes["pitch"].astype(int) + self.along.semitones)


def onsets(
    audio: Audio | AudioStream,
    score: Score,
    *,
    jumps: bool = True,
    backend: Backend = "auto",
    device: str | None = None,
) -> Onsets:
    """When each note begins; the arguments and errors are those of `perfsynth.align.core.align`."""
    notes = score.notes[np.lexsort([score.notes["pitch"], score.notes["onset_beat"]])]
    main = notes["duration_beat"] > 0
    if not main.any():
        main = np.ones(len(notes), bool)
    heard = bands(mono(audio))
    written, marks_s = in_seconds(score, notes[main])
    pages = measures(measure_beats(score, notes), notes["onset_beat"][main], notes["pitch"][main])
    along = settled(course(heard, written, marks_s, jumps=jumps), pages)
    fit = likeness(along)
    if fit < FLOOR:
        raise InputError(_refusal(along, fit))
    path_s = fine(heard, along, backend=backend, device=device)
    onset_s = np.full(len(notes), np.nan)
    sure = np.zeros(len(notes))
    where = np.flatnonzero(main)[np.isfinite(path_s)]
    if not len(where):
        raise InputError("the recording plays no stretch of this score; is it the right piece?")
    written_s = along.written.onset_s[np.isfinite(path_s)]
    path_s = path_s[np.isfinite(path_s)]
    speed = len(path_s) / max(float(np.ptp(path_s)), SHORTEST_S)
    if len(path_s) > FEW and speed > FASTEST:
        raise InputError(f"the recording would play {speed:.0f} notes of this score a second: is it the right piece?")
    chord = chord_of(notes["onset_beat"][where])
    pitch = notes["pitch"][where].astype(int) + along.semitones
    moved = refined(heard, pitch, path_s, written_s, chord)
    onset_s[where] = moved.onset_s
    sure[where] = confidences(moved, path_s, chord)
    _place_graces(heard, notes, onset_s, sure, along.semitones)
    return Onsets(heard, along, pages, notes, onset_s, sure, fit)


def in_seconds(score: Score, notes: np.ndarray) -> tuple[Written, np.ndarray]:
    """Notes, and the beginnings of measures, in seconds from the first note at the score's own tempo."""
    tempos = tempo_map(score.tempos)
    first = float(notes["onset_beat"].min())
    origin = beats_to_seconds(np.array([first]), tempos)[0]
    onset = beats_to_seconds(notes["onset_beat"], tempos) - origin
    end = beats_to_seconds(notes["onset_beat"] + notes["duration_beat"], tempos) - origin
    marks = beats_to_seconds(measure_beats(score, notes), tempos) - origin
    return Written(notes["pitch"].astype(int), onset, np.maximum(end, onset + SHORTEST_S)), marks


def measure_beats(score: Score, notes: np.ndarray) -> np.ndarray:
    """Where measures begin, in beats: those of the score, or counted from its metres."""
    if len(score.measures):
        return np.asarray(score.measures["onset_beat"], float)
    last = float(notes["onset_beat"].max())
    if not len(score.meters):
        return np.arange(0.0, last, 4.0)
    beats: list[float] = []
    ends = np.append(score.meters["onset_beat"][1:], last)
    for meter, end in zip(score.meters, ends, strict=True):
        length = 4.0 * meter["numerator"] / meter["denominator"]
        beats += np.arange(float(meter["onset_beat"]), float(end), length).tolist()
    return np.array(beats)


def chord_of(onset_beat: np.ndarray) -> np.ndarray:
    """Which chord each note is of, (n,) int from 0, by their onsets in the score."""
    return np.asarray(np.unique(np.round(onset_beat * TICKS), return_inverse=True)[1])


def refined(heard: Bands, pitch: np.ndarray, path_s: np.ndarray, written_s: np.ndarray, chord: np.ndarray) -> Refined:
    """Notes (n,) of a path, moved to where they are heard; the arguments are those of `perfsynth.align.refine`."""
    grid = grid_s()
    first = np.searchsorted(chord, np.arange(chord[-1] + 1))
    together_s = np.rint(path_s[first][chord] / FRAME_S) * FRAME_S
    clear = evidence(heard.levels, pitch, together_s, grid)
    return refine(together_s, chord, clear, grid, pitch=pitch, written_s=written_s)


def _place_graces(heard: Bands, notes: np.ndarray, onset_s: np.ndarray, sure: np.ndarray, semitones: int) -> None:
    """Put the notes without length, in their order, just before the chord that they lead to, where they are heard."""
    free = np.flatnonzero(np.isnan(onset_s) & (notes["duration_beat"] <= 0))
    timed = np.isfinite(onset_s)
    for beat in np.unique(notes["onset_beat"][free]):
        group = free[notes["onset_beat"][free] == beat]
        here = timed & (np.abs(notes["onset_beat"] - beat) < 1 / TICKS)
        if not here.any():
            continue
        main_s = float(onset_s[here].min())
        guess = main_s - GRACE_S * np.arange(len(group), 0, -1)
        grid = np.arange(-8, 9) * FRAME_S
        clear = evidence(heard.levels, notes["pitch"][group].astype(int) + semitones, guess, grid)
        clear -= 0.5 * (grid / 0.03) ** 2
        onset_s[group] = np.maximum(guess + grid[clear.argmax(axis=1)], 0)
        sure[group] = 0.3


def _refusal(along: Course, fit: float) -> str:
    return (
        f"the recording does not play this score (likeness {fit:.2f}, at least {FLOOR:g} is needed; "
        f"distance {along.structure.distance:.2f}): check that both are of the same piece"
    )
