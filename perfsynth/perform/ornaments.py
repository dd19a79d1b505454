"""Trills, turns and mordents: signs at one note that a pianist plays as several.

Until about 1830 a trill begins on its upper note (C. P. E. Bach, "Versuch über die wahre Art das Clavier zu spielen",
1753); later on its main note (Hummel, "Anweisung zum Piano-Forte-Spiel", 1828).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perfsynth.perform.keys import lift_before_restrike
from perfsynth.types import PERFORMED_NOTE, Mark, Performance, Score

SIGNS = Mark.TRILL | Mark.TURN | Mark.MORDENT
TRILL_NOTE_S = 0.085  # s a note of a trill, once it is under way
FIRST_LONGER = 1.5  # a trill's first note, against the others
QUICK_S = 0.075  # s a note of a turn or a mordent, at most
SHORTEST_S = 0.03  # s a note; ornaments with less room are left out
SOFTER = 0.9  # velocity of the notes beside the main one
MOST_NOTES = 400
UPPER_FIRST = ("bach", "couperin", "handel", "händel", "haydn", "mozart", "rameau", "scarlatti", "telemann")
WHOLE, HALF = 2, 1  # semitones


@dataclass(frozen=True)
class Figure:
    """The notes that an ornament becomes: steps of the scale from the main note, and how long each lasts."""

    steps: tuple[int, ...]
    lengths_s: np.ndarray


def ornamented(score: Score, performance: Performance) -> Performance:
    """Play out the trills, turns and mordents of a score, but those whose notes it has beside the sign.

    Parameters
    ----------
    score
        Where the signs and the keys are.
    performance
        One note per score note, in score order.

    Returns
    -------
    Performance
        The same notes, the ornamented ones cut short, then the notes that were added, with no ``note_id``.
    """
    notes, played = score.notes, performance.notes.copy()
    signed = np.flatnonzero((notes["marks"] & SIGNS != 0) & (notes["grace"] == 0))
    upper_first = any(name in score.composer.lower() for name in UPPER_FIRST)
    added = []
    for index in signed:
        if _is_written_out(notes, int(index)):
            continue
        marks = Mark(int(notes["marks"][index]))
        figure = _figure(marks, float(played["duration_s"][index]), upper_first)
        if figure is not None:
            fifths = _fifths(score.keys, float(notes["onset_beat"][index]))
            added.append(_written_out(played, int(index), figure, fifths, marks))
    if not added:
        return performance
    everything = np.concatenate([played, *added])
    lift_before_restrike(everything)
    return replace(performance, notes=everything)


def _is_written_out(notes: np.ndarray, index: int) -> bool:
    """Whether a score (n,) `SCORE_NOTE` has the notes of an ornament too: its key and the next struck while it lasts.

    So do scores with voices that are not printed, for programs that cannot play the sign.
    """
    main = notes[index]
    since = notes["onset_beat"] - main["onset_beat"]
    inside = (since > -1e-6) & (since < main["duration_beat"] - 1e-6) & (notes["grace"] == 0)
    inside &= (notes["part"] == main["part"]) & (notes["staff"] == main["staff"])
    inside &= notes["duration_beat"] <= main["duration_beat"] / 2
    steps = np.abs(notes["pitch"][inside] - main["pitch"])
    return bool(np.any(steps == 0) and np.any((steps > 0) & (steps <= WHOLE)))


def _figure(marks: Mark, length_s: float, upper_first: bool) -> Figure | None:
    """How a sign is played on a note of `length_s`, None where there is no time for it."""
    if marks & Mark.TRILL:
        return _trill(length_s, upper_first)
    turned = -1 if marks & Mark.INVERTED else 1
    steps = (turned, 0, -turned, 0) if marks & Mark.TURN else (0, -turned, 0)
    each_s = min(QUICK_S, length_s / len(steps))
    if each_s < SHORTEST_S:
        return None
    lengths_s = np.full(len(steps), each_s)
    if marks & Mark.TURN and length_s > 8 * each_s:  # on a long note the turn comes late, on the way to the next
        steps, lengths_s = (0, *steps), np.append(length_s - 4 * each_s, lengths_s)
    else:
        lengths_s[-1] = length_s - each_s * (len(steps) - 1)
    return Figure(steps, lengths_s)


def _trill(length_s: float, upper_first: bool) -> Figure | None:
    """Main and upper note in turn, ending on the main one."""
    count = int(min(length_s / TRILL_NOTE_S, MOST_NOTES))
    count = max(count + (count % 2 != (0 if upper_first else 1)), 4 if upper_first else 3)
    shares = np.ones(count)
    shares[0] = shares[-1] = FIRST_LONGER
    lengths_s = length_s * shares / shares.sum()
    if lengths_s.min() < SHORTEST_S:
        return None
    first = 1 if upper_first else 0
    return Figure(tuple((first + place) % 2 for place in range(count)), lengths_s)


def _written_out(played: np.ndarray, index: int, figure: Figure, fifths: int, marks: Mark) -> np.ndarray:
    """The added notes; the first main note of the figure stays the note of the score, moved and cut in place."""
    main = played[index].copy()
    rows = np.zeros(len(figure.steps), PERFORMED_NOTE)
    rows["part"] = main["part"]
    rows["onset_s"] = main["onset_s"] + np.append(0.0, np.cumsum(figure.lengths_s)[:-1])
    rows["duration_s"] = figure.lengths_s
    rows["pitch"] = [np.clip(_beside(int(main["pitch"]), step, fifths, marks), 0, 127) for step in figure.steps]
    beside = np.array(figure.steps) != 0
    rows["velocity"] = np.clip(np.where(beside, SOFTER * main["velocity"], main["velocity"]), 1, 127)
    kept = figure.steps.index(0)
    rows["note_id"][kept] = main["note_id"]
    played[index] = rows[kept]
    return np.delete(rows, kept)


def _beside(pitch: int, step: int, fifths: int, marks: Mark) -> int:
    """The note next to `pitch`, as an accidental at the ornament says or as it stands in the key."""
    half, whole = (Mark.UPPER_HALF, Mark.UPPER_WHOLE) if step > 0 else (Mark.LOWER_HALF, Mark.LOWER_WHOLE)
    said = HALF * bool(marks & half) + WHOLE * bool(marks & whole)
    return pitch + step * said if said else neighbour(pitch, step, fifths)


def neighbour(pitch: int, step: int, fifths: int) -> int:
    """The note next to `pitch` (1 above, -1 below, 0 itself) in the scale of a key of so many sharps."""
    if step == 0:
        return pitch
    scale = {(7 * place) % 12 for place in range(fifths - 1, fifths + 6)}  # F to B along the fifths in C
    return next(pitch + step * size for size in (HALF, WHOLE, HALF + WHOLE) if (pitch + step * size) % 12 in scale)


def _fifths(keys: np.ndarray, beat: float) -> int:
    """Sharps of the key signature in force, flats below 0."""
    place = int(np.searchsorted(keys["onset_beat"], beat + 1e-6)) - 1
    return int(keys["fifths"][max(place, 0)]) if len(keys) else 0
