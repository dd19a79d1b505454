"""When each note begins, to a few milliseconds: chords first, all at once, then the notes of each.

A path of time warping is no finer than its frames and no surer than they are alike, and where notes repeat it may
squeeze some and stretch others. Here each chord moves within `REACH_S` of where the path has it to where its own
pitches rise, all chords together by dynamic programming, because the tempo changes slowly: from chord to chord it is
expected to be that of the path around. Then each note moves within its chord, farther where the chords lie farther
apart, as chords are rolled where there is time for it, and not into the place of the same pitch in another chord.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.align.features import FRAME_S

REACH_S = 1.0  # that a chord and a note may move from the path
NOTE_PRIOR = 0.2  # of a note around its chord, of the time to the nearest chord: a bell within, an exponential beyond
NOTE_PRIOR_S = (0.021, 0.1)  # its least and its greatest
NEIGHBOUR = 0.5  # of the way to the same pitch in another chord that a note may go
NEIGHBOUR_S = 0.02  # that it may go at least
CHORD_PRIOR_S = 0.5  # of a chord around the path
PACE_S = 2.0  # before and after a chord, over which its tempo is taken
TEMPO_PRIOR = 0.15  # of the time between chords, relative
STEADY_S = 0.025  # and absolute
TEMPO_PRICE, TEMPO_TAIL = 2.0, 2.0  # of a change, Student's: pauses cost little more than hesitations
OUT_OF_ORDER = 20.0  # what it costs a chord to come less than `LEAST_GAP` of the way after the one before
LEAST_GAP = 0.2
BREAK, BREAK_S = 3.0, 1.0  # times too long or too short, and by so much: a cut, a repeat, a stop
SPREAD_S = 0.01  # within which notes of one chord are taken for simultaneous
MISSED = 0.1  # of notes are not heard where they are
CROWD = 0.7  # power of the number of notes that their evidence together is divided by: they err alike
NEAR_S = 0.025  # of a time, where its probability is gathered
BLOCK_NOTES = 4096
LATE_S = 0.002  # that the evidence peaks before the key's hammer strikes, on recordings whose times are known


@dataclass(frozen=True)
class Refined:
    """Times of n notes in seconds, and how clearly each is heard.

    Attributes
    ----------
    clear : (n,)
        The share of a note's probability that lies within `NEAR_S` of its time.
    clear_chord : (n,)
        The same for its chord, before it is weighed against its neighbours.
    """

    onset_s: np.ndarray
    chord_s: np.ndarray
    clear: np.ndarray
    clear_chord: np.ndarray


def refine(
    onset_s: np.ndarray,
    chord: np.ndarray,
    evidence: np.ndarray,
    grid: np.ndarray,
    *,
    pitch: np.ndarray,
    written_s: np.ndarray,
) -> Refined:
    """Move notes to where they are heard.

    Parameters
    ----------
    onset_s : (n,)
        Where the path has each note; equal within a chord.
    chord : (n,) int
        Which chord, from 0, ascending in time.
    evidence : (n, w)
        Log-likelihood ratio of an onset of the note's pitch at each of the times ``onset_s + grid``.
    grid : (w,)
        Equidistant seconds around 0.
    pitch : (n,) int
        Of each note, on any scale.
    written_s : (n,)
        When the score has each note, at any steady tempo.
    """
    n_chords, step_s = int(chord[-1]) + 1, float(grid[1] - grid[0])
    blocks = [slice(begin, begin + BLOCK_NOTES) for begin in range(0, len(chord), BLOCK_NOTES)]
    together = np.zeros((n_chords, evidence.shape[1]))
    for part in blocks:
        np.add.at(together, chord[part], _softened(evidence[part], step_s))
    together /= (np.bincount(chord, minlength=n_chords) ** CROWD)[:, None]
    first = np.searchsorted(chord, np.arange(n_chords))
    local = together - 0.5 * (grid / CHORD_PRIOR_S) ** 2
    moved = _chords(onset_s[first], _expected(onset_s[first], written_s[first]), local, grid)
    center = moved[chord]
    shift, clear = np.empty(len(chord)), np.empty(len(chord))
    width, before, after = _room(onset_s[first] + moved, chord, pitch)
    for part in blocks:
        total = evidence[part] + _note_prior(grid - center[part, None], width[part], before[part], after[part])
        best = total.argmax(axis=1)
        shift[part] = grid[best] + _between(total, best) * step_s
        clear[part] = _mass(total, shift[part], grid)
    of_chord = _mass(local, moved, grid)
    return Refined(onset_s + shift + LATE_S, onset_s + center + LATE_S, clear, of_chord[chord])


def _softened(evidence: np.ndarray, step_s: float) -> np.ndarray:
    """(n, w) log-probabilities that a chord of the note is there: notes lie beside it a little, or are not heard."""
    from scipy.ndimage import convolve1d

    likelihood = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    likelihood /= likelihood.sum(axis=1, keepdims=True)
    reach = round(6 * SPREAD_S / step_s)
    kernel = np.exp(-np.abs(np.arange(-reach, reach + 1)) * step_s / SPREAD_S)
    around = convolve1d(likelihood, kernel / kernel.sum(), axis=1, mode="constant")
    return np.asarray(np.log(around + MISSED / evidence.shape[1]))


def _expected(time_s: np.ndarray, written_s: np.ndarray) -> np.ndarray:
    """Seconds from each chord to the next at the tempo around, (m - 1,); those of the path where it breaks off."""
    gap, written = np.diff(time_s), np.maximum(np.diff(written_s), 1e-3)
    if not len(gap):
        return gap
    steady = written * np.median(gap / written)
    broken = (np.abs(gap - steady) > BREAK_S) & ((gap > BREAK * steady) | (gap < steady / BREAK))
    passed, asked = (
        np.concatenate([[0.0], np.cumsum(np.where(broken, 0.0, length))]) for length in (np.maximum(gap, 0), written)
    )
    middle = (passed[1:] + passed[:-1]) / 2
    begin, end = np.maximum(middle - PACE_S, 0), np.minimum(middle + PACE_S, passed[-1])
    covered = np.interp(end, passed, asked) - np.interp(begin, passed, asked)
    return np.where(broken, gap, written * (end - begin) / np.maximum(covered, 1e-3))


def _chords(time_s: np.ndarray, expected_s: np.ndarray, local: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """How far each chord moves: the best path through (m, w) log-likelihoods."""
    m, w = local.shape
    gap = np.diff(time_s)
    width = STEADY_S + TEMPO_PRIOR * np.abs(expected_s)
    longer = np.linspace(-1, 1, 2 * w - 1) * (grid[-1] - grid[0])  # by which a gap may grow
    back = np.zeros((m, w), np.int16)
    local = local.astype(np.float32)
    score = local[0]
    for k in range(1, m):
        played = gap[k - 1] + longer
        odd = (played - expected_s[k - 1]) / width[k - 1]
        price = TEMPO_PRICE * np.log1p(odd * odd / TEMPO_TAIL)
        price += OUT_OF_ORDER * (played <= LEAST_GAP * min(gap[k - 1], expected_s[k - 1]))
        from_each = np.lib.stride_tricks.sliding_window_view(price.astype(np.float32), w)[::-1]  # row to column
        step = (score - score.max())[:, None] - from_each
        back[k] = step.argmax(axis=0)
        score = step[back[k], np.arange(w)] + local[k]
    best = np.zeros(m, int)
    best[-1] = int(score.argmax())
    for k in range(m - 1, 0, -1):
        best[k - 1] = back[k, best[k]]
    return np.asarray(grid[best] + _between(local, best) * (grid[1] - grid[0]))


def _room(chord_s: np.ndarray, chord: np.ndarray, pitch: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far from its chord a note is likely to be, and how far it may be before and after it at most: (n,) each."""
    gap = np.concatenate([[np.inf], np.diff(chord_s), [np.inf]])
    width = np.clip(NOTE_PRIOR * np.minimum(gap[1:], gap[:-1]), *NOTE_PRIOR_S)[chord]
    order = np.lexsort([chord_s[chord], pitch])
    same = np.diff(pitch[order]) == 0
    room = np.maximum(NEIGHBOUR * np.diff(chord_s[chord][order]), NEIGHBOUR_S)
    before, after = np.full(len(chord), np.inf), np.full(len(chord), np.inf)
    before[order[1:][same]], after[order[:-1][same]] = room[same], room[same]
    return width, before, after


def _note_prior(away_s: np.ndarray, width: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(n, w) log-probabilities, up to a constant, of a note `away_s` (n, w) from its chord."""
    prior = -np.sqrt(1 + (away_s / width[:, None]) ** 2)
    prior[(away_s > after[:, None]) | (away_s < -before[:, None])] = -np.inf
    return prior


def _mass(log_likelihood: np.ndarray, shift: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """(n,) share of the likelihood of (n, w) that lies within `NEAR_S` of a shift (n,)."""
    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    near = np.abs(grid[None] - shift[:, None]) <= NEAR_S
    return np.asarray((likelihood * near).sum(axis=1) / likelihood.sum(axis=1))


def _between(values: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Where between samples the parabola through each row's best and its neighbours peaks: -0.5 to 0.5."""
    rows, inner = np.arange(len(best)), np.clip(best, 1, values.shape[1] - 2)
    left, middle, right = values[rows, inner - 1], values[rows, inner], values[rows, inner + 1]
    usable = np.isfinite(left) & np.isfinite(right) & (inner == best)
    bend = np.where(usable, left - 2 * middle + right, -1.0)
    slope = np.where(usable, left - right, 0.0)
    return np.asarray(np.where(bend < -1e-9, np.clip(0.5 * slope / np.minimum(bend, -1e-9), -0.5, 0.5), 0.0))


def grid_s() -> np.ndarray:
    """The times around a chord at which evidence is asked."""
    reach = round(REACH_S / FRAME_S)
    return np.arange(-reach, reach + 1) * FRAME_S
