"""The score of what a recording plays: bars that it leaves out are taken out, so that beats and seconds match."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np

from perfsynth.expression import beat_grid
from perfsynth.tempo import BeatGrid
from perfsynth.types import Alignment, Performance, Score

SLOW_S = 2.0  # of a quarter note of rest before the music
LONGEST_S = 16.7  # of a quarter note in MIDI: 2^24 - 1 us

log = logging.getLogger("perfsynth")


def played_bars(score: Score, alignment: Alignment) -> Score:
    """The score without the bars of which no note is played; a warning says which.

    Without that, a bar that is left out would be played in no time: a tempo that no file can hold. Bars of rests
    count as played, unless they lie between bars that are left out.
    """
    starts = score.measures["onset_beat"]
    if len(starts) < 2:
        return score
    played = set(alignment.notes["note_id"][alignment.notes["status"] == "matched"].tolist())
    heard = np.array([str(note_id) in played for note_id in score.notes["note_id"]])
    place = np.clip(np.searchsorted(starts, score.notes["onset_beat"] + 1e-6) - 1, 0, len(starts) - 1)
    notes, sounding = np.bincount(place, minlength=len(starts)), np.bincount(place[heard], minlength=len(starts))
    gone = _runs((notes > 0) & (sounding == 0), notes == 0)
    if not gone.any() or gone.all():
        return score
    _say(gone)
    last = float((score.notes["onset_beat"] + score.notes["duration_beat"]).max())
    length = np.diff(np.append(starts, max(last, float(starts[-1]))))
    before = np.concatenate([[0.0], np.cumsum(np.where(gone, length, 0.0))[:-1]])
    kept = ~gone[place]
    left = score.notes[kept].copy()
    left["onset_beat"] -= before[place[kept]]
    lines = score.measures[~gone].copy()
    lines["onset_beat"] -= before[~gone]
    return replace(score, notes=left, measures=lines, meters=_metres(score, starts, gone, before))


def _runs(unplayed: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Unplayed bars, and the empty ones between two of them."""
    gone = unplayed.copy()
    known = np.flatnonzero(~empty)
    for a, b in pairwise(known.tolist()):
        if unplayed[a] and unplayed[b]:
            gone[a + 1 : b] = True
    return gone


def _metres(score: Score, starts: np.ndarray, gone: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The metre of each bar that is left, where it is another than that of the bar before."""
    if not len(score.meters):
        return score.meters
    row = np.clip(np.searchsorted(score.meters["onset_beat"], starts + 1e-6) - 1, 0, len(score.meters) - 1)
    rows = score.meters[row][~gone].copy()
    rows["onset_beat"] = (starts - before)[~gone]
    same = (rows["numerator"][1:] == rows["numerator"][:-1]) & (rows["denominator"][1:] == rows["denominator"][:-1])
    return np.asarray(rows[np.concatenate([[True], ~same])])


def _say(gone: np.ndarray) -> None:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], gone.astype(int), [0]])))
    spans = [f"{a + 1}" if b == a + 1 else f"{a + 1} to {b}" for a, b in zip(edges[::2], edges[1::2], strict=True)]
    log.warning("bars %s of the unfolded score are not played and left out of the MIDI file", ", ".join(spans))


def grid(score: Score, performance: Performance) -> BeatGrid | None:
    """When each quarter note of `played_bars` is played; None, with a warning, where one is longer than MIDI allows.

    A long silence before the music, or applause, becomes bars of rest.
    """
    found = beat_grid(score, performance)
    if found.time_s[1] > SLOW_S:
        found = _later(found)
    if np.diff(found.time_s).max() < LONGEST_S:
        return found
    log.warning("a beat lasts longer than %.0f s, which no MIDI tempo holds: written without bars", LONGEST_S)
    return None


def _later(found: BeatGrid) -> BeatGrid:
    """The grid with bars of rest in front that share the time of its first quarter note."""
    _, numerator, denominator = found.meters[0] if found.meters else (0.0, 4, 4)
    whole = 4 * numerator // math.gcd(4 * numerator, denominator)  # quarter notes of the fewest bars that fill some
    added = whole * math.ceil(found.time_s[1] / SLOW_S / whole)
    times = np.linspace(0.0, found.time_s[1], added + 2)
    rest = tuple((beat + added, n, d) for beat, n, d in found.meters if beat > 0)
    beats = np.concatenate([np.arange(added), added + found.places])
    return BeatGrid(np.concatenate([times, found.time_s[2:]]), ((0.0, numerator, denominator), *rest), beats)
