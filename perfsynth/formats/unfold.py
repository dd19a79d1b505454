"""Play the repeats: rows of a score copied along the path that a player takes through the page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from perfsynth.dynamics import AFTER_ACCENT, BESIDE_BEATS, LEVELS


@dataclass(frozen=True)
class Leg:
    """A stretch of the page, from `begin` to `end` (beats), played from `start` on (beats of playing time)."""

    begin: float
    end: float
    start: float


EPSILON = 1e-6  # beats; far below any note value


def legs_of(stretches: list[tuple[float, float]]) -> list[Leg]:
    """Legs from the stretches (begin, end) of the page in playing order; playing begins where the page does."""
    legs, start = [], stretches[0][0]
    for begin, end in stretches:
        legs.append(Leg(begin, end, start))
        start += end - begin
    return legs


def _inside(rows: np.ndarray, leg: Leg) -> np.ndarray:
    """Which rows begin within a leg."""
    return (rows["onset_beat"] >= leg.begin - EPSILON) & (rows["onset_beat"] < leg.end - EPSILON)


def unfold(rows: np.ndarray, legs: list[Leg]) -> np.ndarray:
    """Rows with an ``onset_beat`` (and perhaps an ``end_beat``, cut at the end of its leg), leg by leg."""
    copies = []
    for leg in legs:
        copy = rows[_inside(rows, leg)].copy()
        if "end_beat" in (rows.dtype.names or ()):
            end = np.maximum(copy["onset_beat"], np.minimum(copy["end_beat"], leg.end))
            copy["end_beat"] = end + (leg.start - leg.begin)
        copy["onset_beat"] += leg.start - leg.begin
        copies.append(copy)
    return np.concatenate(copies) if copies else rows[:0]


def unfold_state(rows: np.ndarray, legs: list[Leg]) -> np.ndarray:
    """The same for what holds until the next row (tempo, metre, key): each leg begins with what holds there."""
    copies = []
    for leg in legs:
        before = rows[rows["onset_beat"] <= leg.begin + EPSILON][-1:].copy()
        before["onset_beat"] = leg.start
        after = unfold(rows[rows["onset_beat"] > leg.begin + EPSILON], [leg])
        copies += [before, after]
    unfolded = np.concatenate(copies) if copies else rows[:0]
    values = unfolded[list(rows.dtype.names or ())[1:]]
    changed = np.ones(len(unfolded), bool)
    changed[1:] = values[1:] != values[:-1]
    return unfolded[changed]


def unfold_directions(rows: np.ndarray, legs: list[Leg]) -> np.ndarray:
    """The same for `DIRECTION`: after a jump the level that was in force where it leads to is said again."""
    copies = []
    for index, leg in enumerate(legs):
        if index and abs(legs[index - 1].end - leg.begin) > EPSILON:
            copies.append(_in_force(rows, leg))
        copies.append(unfold(rows, [leg]))
    return np.concatenate(copies) if copies else rows[:0]


def _in_force(rows: np.ndarray, leg: Leg) -> np.ndarray:
    """The last level of each part before a leg, in the staves that have it, unless one is written where it begins."""
    level = np.isin(rows["text"], (*LEVELS, *AFTER_ACCENT))
    levels = rows[(rows["kind"] == "dynamic") & level & (rows["onset_beat"] <= leg.begin + EPSILON)]
    last = {part: levels["onset_beat"][levels["part"] == part].max() for part in np.unique(levels["part"]).tolist()}
    since = np.array([last[part] for part in levels["part"].tolist()])
    again = levels[(levels["onset_beat"] > since - BESIDE_BEATS) & (since < leg.begin - EPSILON)].copy()
    again["onset_beat"] = again["end_beat"] = leg.start
    again["text"] = [AFTER_ACCENT.get(text, text) for text in again["text"].tolist()]
    return again


def unfold_notes(
    notes: np.ndarray, ties: np.ndarray, trailing: np.ndarray, legs: list[Leg], *, numbered: bool
) -> np.ndarray:
    """Notes leg by leg, their ties joined as they are played.

    Parameters
    ----------
    notes
        (n,) `SCORE_NOTE` as printed, each note of a tie apart, sorted by onset.
    ties
        (n, 2) bool; whether a tie leads to the note, and whether one leads on from it.
    trailing
        (n,) bool; whether it is a grace note after the last note of its measure: it belongs to the leg that ends
        there.
    legs
        The path.
    numbered
        Whether ids tell the time around.
    """
    played: list[tuple[Any, bool, bool, float]] = []
    times: Counter[str] = Counter()
    places = _places(notes, trailing, legs)
    for leg in legs:
        for index in np.flatnonzero(_inside(places, leg)):
            note = notes[index].copy()
            times[str(note["note_id"])] += 1
            if numbered:
                note["note_id"] = f"{note['note_id']}-{times[str(note['note_id'])]}"
            note["onset_beat"] += leg.start - leg.begin
            played.append((note, *ties[index].tolist(), float(notes[index]["onset_beat"])))
    return _joined(played, notes.dtype)


def n_missed(notes: np.ndarray, trailing: np.ndarray, legs: list[Leg]) -> int:
    """How many notes the path never comes to; parameters as in `unfold_notes`."""
    places = _places(notes, trailing, legs)
    return len(notes) - int(np.logical_or.reduce([_inside(places, leg) for leg in legs]).sum())


def _places(notes: np.ndarray, trailing: np.ndarray, legs: list[Leg]) -> np.ndarray:
    """Where on the page the notes belong, as rows with an ``onset_beat``."""
    places = notes[["onset_beat"]].copy()
    places["onset_beat"] -= 10 * EPSILON * (trailing & (notes["onset_beat"] > legs[0].begin + EPSILON))
    return places


def _joined(played: list[tuple[Any, bool, bool, float]], dtype: np.dtype) -> np.ndarray:
    """Lengthen each note by the ones tied to it that follow at once; a tie from elsewhere is a note of its own.

    `played` holds the note as played, whether a tie leads to it and one leads on, and its onset on the page: a tie
    holds where the page goes on and over a jump ahead, into a later ending or a coda, not over one back.
    """
    # by part, pitch and end: by staff and voice, the note that a tie leads on from, and its end on the page
    waiting: dict[tuple[int, int, float], dict[tuple[int, int], tuple[Any, float]]] = {}
    kept = []
    for note, tied, leads_on, printed in played:
        onset, duration = float(note["onset_beat"]), float(note["duration_beat"])
        part, pitch, place = int(note["part"]), int(note["pitch"]), (int(note["staff"]), int(note["voice"]))
        held = waiting.get((part, pitch, round(onset, 4)), {}) if tied else {}
        if near := [each for each, (_, end) in held.items() if end < printed + EPSILON]:
            previous, _ = held.pop(place if place in near else near[0])
            previous["duration_beat"] = onset + duration - previous["onset_beat"]
            previous["marks"] |= note["marks"]
            previous["grace"] = min(previous["grace"], note["grace"])  # a note that its own grace note strikes
            note = previous
        else:
            kept.append(note)
        if leads_on:
            waiting.setdefault((part, pitch, round(onset + duration, 4)), {})[place] = (note, printed + duration)
    return np.array(kept, dtype=dtype)
