"""When each note begins, to a few milliseconds: chords first, all at once, then the notes of each.

A path of time warping is no finer than its frames and no surer than they are alike. Here each chord moves within
`REACH_S` of where the path has it to where its own pitches rise, all chords together by dynamic programming, because
neighbours err alike; then each note moves within its chord.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.align.features import FRAME_S

REACH_S = 0.2  # that a chord may move
SPREAD_S = 0.12  # that a note may lie from its chord
NOTE_PRIOR_S = 0.03  # of a note around its chord: a bell within, an exponential beyond
CHORD_PRIOR_S = 0.12  # of a chord around the path
TEMPO_PRIOR = 0.2  # of the time between chords, relative
STEADY_S = 0.025  # and absolute
NEAR_S = 0.025  # of a time, where its probability is gathered
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


def refine(onset_s: np.ndarray, chord: np.ndarray, evidence: np.ndarray, grid: np.ndarray) -> Refined:
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
    """
    n_chords = int(chord[-1]) + 1
    size = np.bincount(chord, minlength=n_chords)
    together = np.zeros((n_chords, evidence.shape[1]))
    np.add.at(together, chord, evidence)
    together /= np.sqrt(size)[:, None]
    first = np.searchsorted(chord, np.arange(n_chords))
    moved = _chords(onset_s[first], together, grid)
    center = moved[chord]
    prior = -np.sqrt(1 + ((grid[None] - center[:, None]) / NOTE_PRIOR_S) ** 2)
    prior[np.abs(grid[None] - center[:, None]) > SPREAD_S] = -np.inf
    total = evidence + prior
    best = total.argmax(axis=1)
    shift = grid[best] + _between(total, best) * (grid[1] - grid[0])
    of_chord = _mass(together - 0.5 * (grid / CHORD_PRIOR_S) ** 2, moved, grid)
    return Refined(onset_s + shift + LATE_S, onset_s + center + LATE_S, _mass(total, shift, grid), of_chord[chord])


def _mass(log_likelihood: np.ndarray, shift: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """(n,) share of the likelihood of (n, w) that lies within `NEAR_S` of a shift (n,)."""
    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    near = np.abs(grid[None] - shift[:, None]) <= NEAR_S
    return np.asarray((likelihood * near).sum(axis=1) / likelihood.sum(axis=1))


def _chords(time_s: np.ndarray, evidence: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """How far each chord moves: the best path through (m, w) evidence."""
    m, w = evidence.shape
    local = evidence - 0.5 * (grid / CHORD_PRIOR_S) ** 2
    gap = np.diff(time_s)
    width = STEADY_S + TEMPO_PRIOR * gap
    change = grid[:, None] - grid[None]  # from row to column: minus how much the gap grows
    back = np.zeros((m, w), np.int32)
    score = local[0]
    for k in range(1, m):
        step = score[:, None] - 0.5 * (change / width[k - 1]) ** 2
        step = np.where(gap[k - 1] - change > 0.2 * gap[k - 1], step, step - 1e6)
        back[k] = step.argmax(axis=0)
        score = step[back[k], np.arange(w)] + local[k]
    best = np.zeros(m, int)
    best[-1] = int(score.argmax())
    for k in range(m - 1, 0, -1):
        best[k - 1] = back[k, best[k]]
    return np.asarray(grid[best] + _between(evidence, best) * (grid[1] - grid[0]))


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
    reach = round((REACH_S + SPREAD_S) / FRAME_S)
    return np.arange(-reach, reach + 1) * FRAME_S
