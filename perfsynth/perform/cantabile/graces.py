"""When grace notes are played."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perfsynth.perform.keys import strikes

HELD = 1.5  # of the time until the next stroke: people keep the key down for 92 ms (a median in (n)ASAP)
GRACE_S = 0.06  # s, about the median of human ones in (n)ASAP
RUN = 4  # as many before one note take their time, where fewer squeeze in
LEAST_ROOM_S = 0.02
MOST_OF_STEP = 1.9  # halves of the step before it that a run takes


def room_before(notes: np.ndarray, chord: np.ndarray, n_chords: int) -> np.ndarray:
    """(m,) s that the runs of small notes before each chord ask for; parameters as in `graces`."""
    room_s = np.zeros(n_chords)
    for group in _groups(notes, chord):
        count = strikes(notes[group])[-1] + 1
        if count >= RUN:
            room_s[chord[group[0]]] = max(room_s[chord[group[0]]], GRACE_S * count)
    return room_s


def graces(
    notes: np.ndarray, chord: np.ndarray, time_s: np.ndarray, onset_s: np.ndarray, duration_s: np.ndarray,
    freedom: float,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Grace notes one after the other, as written, into their beat, never before half the way from the last chord.

    Runs of small notes have the room that was made for them besides.

    Parameters
    ----------
    notes
        (n,) `SCORE_NOTE`.
    chord
        (n,) the chord of each.
    time_s
        (m,) when the chords are played.
    onset_s, duration_s
        (n,) of all notes.
    freedom
        How much of the room that they asked for runs were given, 0 to 1.

    Returns
    -------
    onset_s, duration_s
        (n,) copies, those of the grace notes set.
    """
    onset_s, duration_s = onset_s.copy(), duration_s.copy()
    for group in _groups(notes, chord):
        here, stroke = chord[group[0]], strikes(notes[group])
        count = stroke[-1] + 1
        room_s = (time_s[here] - time_s[here - 1]) / 2 if here else 0.5
        if count >= RUN:
            room_s = max(room_s, min(freedom * GRACE_S * count, MOST_OF_STEP * room_s))
        each_s = min(GRACE_S, max(room_s, LEAST_ROOM_S) / count)
        onset_s[group] = time_s[here] - each_s * (count - stroke)
        duration_s[group] = each_s * HELD
    return onset_s, duration_s


def _groups(notes: np.ndarray, chord: np.ndarray) -> Iterator[np.ndarray]:
    """The grace notes that lead to one chord in one staff, as indices in their written order."""
    grace = np.flatnonzero(notes["grace"] > 0)
    if len(grace) == 0:
        return
    lines = np.stack([chord[grace], notes["part"][grace], notes["staff"][grace]])
    line = np.unique(lines, axis=1, return_inverse=True)[1]
    yield from np.split(grace[np.argsort(line, kind="stable")], np.cumsum(np.bincount(line))[:-1])
