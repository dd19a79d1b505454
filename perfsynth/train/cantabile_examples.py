"""What ``cantabile`` learns from: the curves of human performances over the notes and chords of a reading."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.data.pieces import Piece
from perfsynth.expression import Expression, measure, played_notes
from perfsynth.pedals import pedal_at
from perfsynth.perform.cantabile.columns import Reading
from perfsynth.perform.cantabile.crops import composer_number, pedal_grid
from perfsynth.perform.cantabile.network import ASYNCHRONY_S
from perfsynth.perform.cantabile.reading import composer_of, read
from perfsynth.perform.ornaments import SIGNS

MOST_ASYNCHRONY_S = 0.25
BEFORE_S, CLEAR_S = 0.06, 0.25  # s around a chord in which a lifted pedal clears it
LONGEST_GAP_BEATS = 4.0  # without a played chord; longer ones teach no tempo
FEWEST_NOTES = 64  # of a performance that are matched


@dataclass(frozen=True)
class Example:
    """A performance of a reading: targets over its notes and chords, nan where there is none."""

    reading: Reading
    velocity: np.ndarray  # (n,)
    articulation: np.ndarray  # (n,) nan for ornaments too
    asynchrony: np.ndarray  # (n,) in units of 20 ms, nan for notes that are alone
    duration_s: np.ndarray  # (n,) likewise
    notated_beat: np.ndarray  # (n,)
    time_s: np.ndarray  # (m,)
    timed: np.ndarray  # (m,) bool: near enough to played chords
    pedal: np.ndarray  # (p,) 0, 1, over `pedal_grid` of the whole reading
    lift: np.ndarray  # (m,) 0, 1: whether the pedal is up at some moment around a chord, nan where unknown
    composer: int


def examples_of(piece: Piece) -> dict[str, list[Example]]:
    """The performances of a piece by notation."""
    made: dict[str, list[Example]] = {}
    for notation, score in piece.scores.items():
        reading = read(score)
        rows = [(p, played_notes(score, p)) for p in piece.performances.values()]
        made[notation] = [
            example(reading, measure(score.notes, p.notes, row), p.controls, score.notes, piece.composer)
            for p, row in rows
            if np.count_nonzero(row >= 0) > FEWEST_NOTES
        ]
    return made


def example(
    reading: Reading, expression: Expression, controls: np.ndarray, notes: np.ndarray, composer: str
) -> Example:
    """Targets from what was measured of a performance of the notes of a score.

    Of a trill, turn or mordent what was matched is the first note alone: how long it is says nothing of the note.
    """
    plain = notes["marks"] & SIGNS == 0
    played = expression.chord_beat[expression.chord_played]
    beat = reading.chord_beat
    after = np.searchsorted(played, beat - 1e-6)
    ahead = np.where(after < len(played), played[np.minimum(after, len(played) - 1)] - beat, np.inf)
    before = np.searchsorted(played, beat + 1e-6) - 1
    behind = np.where(before >= 0, beat - played[np.maximum(before, 0)], np.inf)
    timed = (ahead + behind <= LONGEST_GAP_BEATS) | expression.chord_played
    sized = np.bincount(expression.chord[np.isfinite(expression.asynchrony_s)], minlength=len(beat))
    together = sized[np.maximum(expression.chord, 0)] > 1
    asynchrony = np.where(together, expression.asynchrony_s, np.nan)
    asynchrony[np.abs(asynchrony) > MOST_ASYNCHRONY_S] = np.nan
    grid = pedal_grid(beat)
    return Example(
        reading,
        expression.velocity,
        np.where(plain, np.clip(expression.articulation, -4, 3), np.nan),
        asynchrony / ASYNCHRONY_S,
        np.where(plain, expression.duration_s, np.nan),
        notes["duration_beat"],
        expression.chord_time_s,
        timed,
        pedal_at(controls, expression.time_s(grid)).astype(float),
        np.where(timed, _cleared(controls, expression.chord_time_s), np.nan),
        composer_number(composer_of(composer)),
    )


def _cleared(controls: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Whether the pedal is up at some moment from just before a chord until it must be down for the next one."""
    until_s = np.minimum(CLEAR_S, 0.8 * np.append(np.diff(time_s), 1.0))
    moments = time_s[:, None] - BEFORE_S + np.linspace(0, 1, 12) * (until_s + BEFORE_S)[:, None]
    return 1.0 - pedal_at(controls, moments).all(axis=1).astype(float)
