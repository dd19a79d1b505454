"""What a performance adds to its score: tempo, dynamics, articulation, asynchrony and pedal as arrays.

Definitions, for the notes that score and performance share, grace notes left out of everything about time:

- the *time* of a score onset is the mean onset of the notes of that chord;
- the *beat period* is the time between neighbouring quarter notes, times interpolated between onsets;
- *asynchrony* is a note's onset less the time of its chord;
- *articulation* is log2 of key duration over notated duration, the latter at the beat period where it begins;
- the *pedal* is down where the last sustain message was 64 or more (`perfsynth.pedals`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perfsynth.pedals import damped_s
from perfsynth.tempo import BeatGrid
from perfsynth.types import Performance, Score

SAME_ONSET = 1e-3  # beats; what lies closer is one chord
SHORTEST_S = 0.01  # s; beat periods and key durations are taken to be no shorter


@dataclass(frozen=True)
class Expression:
    """A performance of a score, note by note; arrays over the n notes given to `measure` and its m chords."""

    chord: np.ndarray  # (n,) index of each note's chord; -1 for grace notes
    chord_beat: np.ndarray  # (m,) quarter notes, ascending
    chord_time_s: np.ndarray  # (m,) s, interpolated where no note of the chord was played
    chord_played: np.ndarray  # (m,) bool
    velocity: np.ndarray  # (n,) 1..127, nan where not played
    asynchrony_s: np.ndarray  # (n,) s, nan where not played and for grace notes
    articulation: np.ndarray  # (n,) log2, nan where not played and for grace notes
    duration_s: np.ndarray  # (n,) s, key down to key up, nan where not played

    def time_s(self, beat: np.ndarray) -> np.ndarray:
        """When score positions (quarter notes) are played; the last tempo goes on outside of the score."""
        return time_at(np.asarray(beat, float), self.chord_beat, self.chord_time_s)

    @property
    def grid_beat(self) -> np.ndarray:
        """The quarter notes from the first to the last chord, (k,); fewer than two where there are no two."""
        return quarters(self.chord_beat)

    @property
    def log_beat_period(self) -> np.ndarray:
        """ln of the beat period in s between neighbours of `grid_beat`, (k - 1,)."""
        return np.log(np.maximum(np.diff(self.time_s(self.grid_beat)), SHORTEST_S))


def quarters(beat: np.ndarray) -> np.ndarray:
    """The quarter notes from the first to the last of ascending `beat`, (k,)."""
    return np.arange(np.ceil(beat[0] - 1e-6), np.floor(beat[-1] + 1e-6) + 1)


def chords(notes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chord index of each of `notes` (`SCORE_NOTE`; -1 for grace notes) and the beats of the chords."""
    main = notes["grace"] == 0
    beats = notes["onset_beat"]
    order = np.argsort(beats[main], kind="stable")
    ordered = beats[main][order]
    new = np.diff(ordered, prepend=-np.inf) > SAME_ONSET
    index = np.full(len(notes), -1)
    index[np.flatnonzero(main)[order]] = np.cumsum(new) - 1
    return index, ordered[new]


def with_main_notes(notes: np.ndarray) -> np.ndarray:
    """The notes (`SCORE_NOTE`) as they are; where there are grace notes alone, they count as others."""
    if np.any(notes["grace"] == 0):
        return notes
    notes = notes.copy()
    notes["grace"] = 0
    return notes


def played_notes(score: Score, performance: Performance) -> np.ndarray:
    """Row of `performance.notes` that plays each of `score.notes`, -1 where none does; joined by ``note_id``.

    Where two notes of the page are one key, a performance may name either (`Score.doubled`).
    """
    rows = {str(note_id): row for row, note_id in enumerate(performance.notes["note_id"]) if note_id}
    either = {score.doubled[note_id]: row for note_id, row in rows.items() if note_id in score.doubled} | rows
    return np.array([either.get(str(note_id), -1) for note_id in score.notes["note_id"]], int)


def joined(score: Score, performance: Performance, row: np.ndarray) -> Performance:
    """The performance whose notes bear the ids of the notes that they play, by `row` as of `played_notes`."""
    notes = performance.notes.copy()
    notes["note_id"] = ""
    notes["note_id"][row[row >= 0]] = score.notes["note_id"][row >= 0]
    return replace(performance, notes=notes)


def measure(notes: np.ndarray, performed: np.ndarray, row: np.ndarray) -> Expression:
    """What a performance makes of a score.

    Parameters
    ----------
    notes
        (n,) `SCORE_NOTE`, with at least one note that is no grace note and is played.
    performed
        `PERFORMED_NOTE`.
    row
        (n,) index into `performed` of what plays each note, -1 where nothing does (`played_notes`).
    """
    played = row >= 0
    onset_s, duration_s, velocity = (np.full(len(notes), np.nan) for _ in range(3))
    for target, field in ((onset_s, "onset_s"), (duration_s, "duration_s"), (velocity, "velocity")):
        target[played] = performed[field][row[played]]
    chord, chord_beat = chords(notes)
    timed = played & (chord >= 0)
    count = np.bincount(chord[timed], minlength=len(chord_beat))
    total_s = np.bincount(chord[timed], weights=onset_s[timed], minlength=len(chord_beat))
    has = count > 0
    time_s = time_at(chord_beat, chord_beat[has], total_s[has] / count[has])
    asynchrony_s = np.where(chord >= 0, onset_s - time_s[chord], np.nan)
    articulation = np.full(len(notes), np.nan)
    long = timed & (notes["duration_beat"] > 0)
    beat = np.floor(notes["onset_beat"][long] + 1e-6)
    edges_s = time_at(np.stack([beat, beat + 1]), chord_beat, time_s)
    notated_s = notes["duration_beat"][long] * np.maximum(edges_s[1] - edges_s[0], SHORTEST_S)
    articulation[long] = np.log2(np.maximum(duration_s[long], SHORTEST_S) / notated_s)
    return Expression(chord, chord_beat, time_s, has, velocity, asynchrony_s, articulation, duration_s)


def time_at(beat: np.ndarray, knots_beat: np.ndarray, knots_s: np.ndarray) -> np.ndarray:
    """Seconds at score positions, linear between knots; beyond them at the mean tempo of the nearest four beats."""
    inside = np.interp(beat, knots_beat, knots_s)
    if len(knots_beat) < 2:
        return inside + 0.5 * (beat - knots_beat[0])
    for end, sign in ((0, -1), (-1, 1)):
        near = int(np.clip(np.searchsorted(knots_beat, knots_beat[end] - sign * 4.0), 0, len(knots_beat) - 1))
        if near == end % len(knots_beat):
            near = 1 if end == 0 else len(knots_beat) - 2
        period_s = (knots_s[end] - knots_s[near]) / (knots_beat[end] - knots_beat[near])
        beyond = sign * (beat - knots_beat[end]) > 0
        inside = np.where(beyond, knots_s[end] + (beat - knots_beat[end]) * max(period_s, SHORTEST_S), inside)
    return inside


def sounding_s(onset_s: np.ndarray, duration_s: np.ndarray, controls: np.ndarray) -> np.ndarray:
    """Key durations prolonged to where the sustain pedal is lifted, in s."""
    return np.asarray(damped_s(controls, onset_s + duration_s) - onset_s)


def sound_offs_s(performance: Performance) -> np.ndarray:
    """When the string of each note is damped, (n,): key and pedal are up, or the same pitch is struck again."""
    notes = performance.notes
    off_s = notes["onset_s"] + notes["duration_s"]
    pedalled_s = notes["onset_s"] + sounding_s(notes["onset_s"], notes["duration_s"], performance.controls)
    order = np.lexsort([notes["onset_s"], notes["pitch"]])
    again_s = np.full(len(notes), np.inf)
    same = notes["pitch"][order][1:] == notes["pitch"][order][:-1]
    again_s[order[:-1][same]] = notes["onset_s"][order[1:][same]]
    return np.asarray(np.maximum(np.minimum(pedalled_s, again_s), off_s))


def beat_grid(score: Score, performance: Performance) -> BeatGrid:
    """When a performance plays each quarter note of its score, joined by ``note_id``.

    The grid begins at the bar line of the first chord, or with a bar as short as the pick-up, at 0 s of the
    performance; what is left before its second quarter note takes up what is left of the time.
    """
    notes = with_main_notes(score.notes)
    measured = measure(notes, performance.notes, played_notes(replace(score, notes=notes), performance))
    begin = float(measured.chord_beat[0]) + 1e-6
    lines = score.measures["onset_beat"]
    first = float(lines[lines <= begin].max() if np.any(lines <= begin) else np.floor(begin))
    last = np.ceil(max(measured.chord_beat[-1], float((notes["onset_beat"] + notes["duration_beat"]).max())))
    beats = np.append(first, np.arange(np.floor(first + 1e-6) + 1, max(last, first + 1) + 1))
    time_s = measured.time_s(beats)
    time_s = np.maximum.accumulate(time_s + np.arange(len(time_s)) * 1e-9)
    steps = np.maximum(np.diff(time_s), SHORTEST_S)
    steps[0] = max(time_s[1], SHORTEST_S)  # 0 s is the beginning, whatever the tempo before the first chord
    return BeatGrid(np.concatenate([[0.0], np.cumsum(steps)]), _meters(score, first), beats - first)


def _meters(score: Score, first: float) -> tuple[tuple[float, int, int], ...]:
    """The metres of a score from `first` on, a pick-up as a bar of its own."""
    rows = [(float(m["onset_beat"]) - first, int(m["numerator"]), int(m["denominator"])) for m in score.meters]
    earlier = [row for row in rows if row[0] <= 0][-1:]
    found = [(0.0, *row[1:]) for row in earlier] + [row for row in rows if row[0] > 0]
    lines = score.measures["onset_beat"]
    following = lines[lines > first + 1e-6]
    if found and len(following):
        length, full = float(following.min()) - first, 4.0 * found[0][1] / found[0][2]
        if length < full - 1e-6 and (pickup := _metre(length, found[0][2])):
            found = [(0.0, *pickup), (length, *found[0][1:]), *found[1:]]
    return tuple(found)


def _metre(length: float, denominator: int) -> tuple[int, int] | None:
    """A metre of `length` quarter notes in units of the denominator, or finer ones; None where there is none."""
    while denominator <= 64:
        units = length * denominator / 4
        if abs(units - round(units)) < 1e-6:
            return round(units), denominator
        denominator *= 2
    return None
