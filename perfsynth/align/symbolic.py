"""Which performed note plays which score note, from the notes alone: MIDI against score.

Two steps. First the performed notes, in time, are laid along the chords of the score by dynamic programming: a
note is at home in a chord that has its pitch, chords may be passed over at a small price and whole passages (a
repeat that the player leaves out) at a fixed one. That gives every chord a time. Then, pitch by pitch, notes are
paired so that they lie as near as possible to the times of their chords, which settles what is out of order:
melodies ahead of their chord, spread chords, repeated keys, ornaments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perfsynth.align.core import rows
from perfsynth.errors import InputError
from perfsynth.expression import SAME_ONSET, sound_offs_s
from perfsynth.types import Alignment, Performance, Score

WRONG = 1.0  # the price of a performed note laid on a chord that does not have it
MISSED, MOST_MISSED = 0.5, 1.5  # of each note of a chord that is passed over; of the chord at most
LEFT_OUT = 12.0  # of a passage that is passed over, however long
LEFT_OUT_CHORDS = 8  # so many chords in a row without any note are such a passage
TOGETHER_S, APART_S = 0.05, 0.2  # between neighbouring notes of a chord: nothing odd; as bad as a wrong note
MOST_PAIRS = 10**6  # of notes weighed against each other at once
REACH_S = (0.6, 0.4)  # a note is sought so far from the time of its chord, in each pass
FLOOR = 0.5  # of the notes of the side that has fewer are found, or it is another piece


@dataclass(frozen=True)
class _Chords:
    """The score as n notes on m chords."""

    chord: np.ndarray  # (n,) of each note
    beat: np.ndarray  # (m,)
    has: np.ndarray  # (128, m) bool: which chord has which pitch
    missed: np.ndarray  # (m + 1,) the price of passing over all chords before


def aligned(performance: Performance, score: Score) -> Alignment:
    """When each note of a score is played in a performance of notes, with `ALIGNED_NOTE` rows like those of audio.

    Offsets are those of the keys. The confidence is 1 for what is matched: nothing is estimated but who plays what.

    Raises
    ------
    InputError
        When either side has no notes, or less than half of the notes of the shorter side are found.
    """
    row = match(score.notes, performance.notes)
    found = row >= 0
    share = found.sum() / min(len(score.notes), len(performance.notes))
    if share < FLOOR:
        raise InputError(
            f"the performance does not play this score ({100 * share:.0f} % of the notes are found, at least "
            f"{100 * FLOOR:.0f} % are needed): check that both are of the same piece"
        )
    played = performance.notes[row]
    onset_s = np.where(found, played["onset_s"], np.nan)
    ends_s = sound_offs_s(performance)[row]
    table = rows(score.notes, onset_s, onset_s + played["duration_s"], found.astype(float), sound_off_s=ends_s)
    return Alignment(table, score.doubled, **score.made_by("align", "symbolic", recording=performance.sha256))


def match(notes: np.ndarray, performed: np.ndarray) -> np.ndarray:
    """Find what plays each note of a score.

    Parameters
    ----------
    notes
        (n,) `SCORE_NOTE`, in any order.
    performed
        (k,) `PERFORMED_NOTE`, in any order; its ``note_id`` is not looked at.

    Returns
    -------
    ndarray
        (n,) index into `performed` of what plays each note, -1 where nothing does; no index twice.

    Raises
    ------
    InputError
        When either side has no notes.
    """
    for side, what in ((notes, "score"), (performed, "performance")):
        if len(side) == 0:
            raise InputError(f"the {what} has no notes; nothing can be matched")
    chords = _chords(notes)
    order = np.argsort(performed["onset_s"], kind="stable")
    onset_s, pitch = performed["onset_s"][order], performed["pitch"][order].astype(int)
    laid = _lay(chords, pitch, onset_s)
    hit = chords.has[pitch, laid]
    heard, time_s = laid[hit], onset_s[hit]
    row = np.full(len(notes), -1)
    for reach_s in REACH_S:
        if len(heard) == 0:
            break
        due_s = _due_s(chords.beat, heard, time_s)[chords.chord]
        row = _paired(notes["pitch"].astype(int), due_s, pitch, onset_s, reach_s)
        heard, time_s = chords.chord[row >= 0], onset_s[row[row >= 0]]
    return np.where(row >= 0, order[row], -1)


def _chords(notes: np.ndarray) -> _Chords:
    order = np.argsort(notes["onset_beat"], kind="stable")
    beat = notes["onset_beat"][order]
    new = np.diff(beat, prepend=-np.inf) > SAME_ONSET
    chord = np.empty(len(notes), int)
    chord[order] = np.cumsum(new) - 1
    has = np.zeros((128, int(new.sum())), bool)
    has[notes["pitch"], chord] = True
    price = np.minimum(MISSED * np.bincount(chord), MOST_MISSED)
    return _Chords(chord, beat[new], has, np.concatenate([[0.0], np.cumsum(price)]))


def _lay(chords: _Chords, pitch: np.ndarray, onset_s: np.ndarray) -> np.ndarray:
    """The chord of each performed note, never falling, at the least price; (k,).

    Prices are kept at every few notes only and computed again on the way back: memory grows with the root of k.
    """
    n_notes, n_chords = len(pitch), chords.has.shape[1]
    gap_s = np.diff(onset_s, prepend=onset_s[0])
    stay = WRONG * np.clip((gap_s - TOGETHER_S) / (APART_S - TOGETHER_S), 0.0, 1.0)
    every = int(np.ceil(np.sqrt(n_notes)))
    wrong = np.where(chords.has, 0.0, WRONG).astype(np.float32)
    price = np.minimum(chords.missed[:-1], LEFT_OUT).astype(np.float32) + wrong[pitch[0]]
    kept = {0: price}
    for j in range(1, n_notes):
        price = _step(price, stay[j], wrong[pitch[j]], chords.missed)[0]
        if j % every == 0:
            kept[j] = price
    left = np.minimum(chords.missed[-1] - chords.missed[1:], LEFT_OUT)
    laid = np.empty(n_notes, int)
    laid[-1] = int(np.argmin(price + left))
    for start in sorted(kept, reverse=True):
        stop = min(start + every, n_notes - 1)
        price, sources = kept[start], np.empty((stop - start, n_chords), np.int32)
        for j in range(start + 1, stop + 1):
            price, sources[j - start - 1] = _step(price, stay[j], wrong[pitch[j]], chords.missed)
        for j in range(stop, start, -1):
            laid[j - 1] = sources[j - start - 1, laid[j]]
    return laid


def _step(price: np.ndarray, stay: float, wrong: np.ndarray, missed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The price of laying one more note on each chord, and the chord of the note before it; (m,) each."""
    n_chords = len(price)
    here = np.arange(n_chords, dtype=np.int32)
    best, source = price + np.float32(stay), here.copy()
    if n_chords > 1:
        for before, added in (
            (price - missed[1:], missed[:-1]),  # passing over what is between
            (price, LEFT_OUT),  # leaving out a passage
        ):
            low = np.minimum.accumulate(before)
            at = np.maximum.accumulate(np.where(before <= low, here, 0))
            moved = (low[:-1] + (added[1:] if isinstance(added, np.ndarray) else added)).astype(np.float32)
            cheaper = moved < best[1:]
            best[1:][cheaper], source[1:][cheaper] = moved[cheaper], at[:-1][cheaper]
    return best + wrong, source


def _due_s(beat: np.ndarray, heard: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """When each chord is due, (m,): the median of its notes, between them linear; nan in passages left out."""
    order = np.lexsort([time_s, heard])
    heard, time_s = heard[order], time_s[order]
    chord, first, count = np.unique(heard, return_index=True, return_counts=True)
    middle_s = (time_s[first + (count - 1) // 2] + time_s[first + count // 2]) / 2
    middle_s = _in_order(middle_s)
    due_s = np.interp(beat, beat[chord], middle_s)
    number = np.arange(len(beat))
    after = np.searchsorted(chord, number)
    edges = np.concatenate([[-1], chord, [len(beat)]])
    gap = edges[after + 1] - edges[after] - 1
    return np.where((gap >= LEFT_OUT_CHORDS) & ~np.isin(number, chord), np.nan, due_s)


def _in_order(time_s: np.ndarray) -> np.ndarray:
    """Times that never fall: half way between the latest so far and the earliest to come."""
    return (np.maximum.accumulate(time_s) + np.minimum.accumulate(time_s[::-1])[::-1]) / 2


def _paired(
    score_pitch: np.ndarray, due_s: np.ndarray, pitch: np.ndarray, onset_s: np.ndarray, reach_s: float
) -> np.ndarray:
    """For each score note the performed note of its pitch, so that all lie as near to where they are due as can be."""
    row = np.full(len(score_pitch), -1)
    for key in np.unique(score_pitch[np.isfinite(due_s)]):
        here = np.flatnonzero((score_pitch == key) & np.isfinite(due_s))
        there = np.flatnonzero(pitch == key)
        here = here[np.argsort(due_s[here], kind="stable")]
        times = np.concatenate([due_s[here], onset_s[there]])
        ordered = np.sort(times)
        cuts = (ordered[:-1] + ordered[1:])[np.diff(ordered) > reach_s] / 2
        groups = zip(
            np.split(here, np.searchsorted(due_s[here], cuts)),
            np.split(there, np.searchsorted(onset_s[there], cuts)),
            strict=True,
        )
        for group in groups:
            for a, b in _bounded(*group, due_s, onset_s):
                row[a] = _nearest(due_s[a], onset_s[b], b, reach_s)
    return row


def _bounded(
    a: np.ndarray, b: np.ndarray, due_s: np.ndarray, onset_s: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """A group of notes due and of notes played, in halves while it is too large; none where a side is empty."""
    if len(a) == 0 or len(b) == 0:
        return
    if len(a) * len(b) <= MOST_PAIRS or len(a) == 1:
        yield a, b
        return
    middle = len(a) // 2
    cut = int(np.searchsorted(onset_s[b], due_s[a[middle]]))
    if due_s[a[0]] == due_s[a[-1]]:
        cut = len(b) // 2
    yield from _bounded(a[:middle], b[:cut], due_s, onset_s)
    yield from _bounded(a[middle:], b[cut:], due_s, onset_s)


def _nearest(due_s: np.ndarray, onset_s: np.ndarray, number: np.ndarray, reach_s: float) -> np.ndarray:
    """The `number` of the onset given to each due time, -1 for none: both rise, and the sum of distances is least."""
    from scipy.optimize import linear_sum_assignment

    apart = np.minimum(np.abs(due_s[:, None] - onset_s[None, :]), reach_s)
    # Among equally near pairings squares choose the one in order.
    rows, columns = linear_sum_assignment(apart + 1e-3 * apart**2)
    found = np.full(len(due_s), -1)
    near = apart[rows, columns] < reach_s
    found[rows[near]] = number[columns[near]]
    return found
