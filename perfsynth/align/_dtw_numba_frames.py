"""What the kernels of dynamic time warping compare: packed frames, and distances one at a time in float64."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit  # noqa: TID253 (a kernel file, imported inside functions only)

from perfsynth.align._dtw_numba_vectors import LANES

COLUMNS = 8  # of y at once: as many sums as hide the latency of a multiply-add
SQEUCLIDEAN, COSINE, EUCLIDEAN = 0, 1, 2


class Frames(NamedTuple):
    """Both sequences, packed: cost(i, j) = x_term[i] + y_term[j] + sum over k of x[i, k] y[j, k], or its root."""

    x: np.ndarray  # strips of (depth, LANES), rows upwards
    x_term: np.ndarray  # in the order of lanes, as are `first` and `last`
    y: np.ndarray  # blocks of (depth, COLUMNS)
    y_term: np.ndarray
    first: np.ndarray  # of the columns inside the band, by row, as float32
    last: np.ndarray  # one past it
    n: int
    m: int
    depth: int
    rooted: bool
    banded: bool
    both: np.float32  # weights of the steps (1, 1), (1, 0) and (0, 1)
    down: np.float32
    across: np.float32


def pack(
    x: np.ndarray, y: np.ndarray, band: np.ndarray, metric: int, weights: tuple[float, float, float], multiple: int
) -> Frames:
    """Pack two sequences, (n, d) and (m, d) float32, and a band, (n, 2), into blocks; y up to a `multiple` of frames.

    Around their common mean: |a|^2 + |b|^2 - 2 a b cancels less, and distances do not change.
    """
    n, m, depth = len(x), len(y), x.shape[1]
    centre = np.zeros(depth)
    if metric != COSINE:
        centre = (x.sum(axis=0, dtype=np.float64) + y.sum(axis=0, dtype=np.float64)) / (n + m)
    rows, columns = -(-n // multiple) * multiple, -(-m // multiple) * multiple
    packed_x, packed_y = np.zeros(rows * depth, np.float32), np.zeros(columns * depth, np.float32)
    x_term, y_term = np.zeros(rows, np.float32), np.zeros(columns, np.float32)
    _pack_rows(x, centre, metric, packed_x, x_term)
    _pack_columns(y, centre, metric, packed_y, y_term)
    first, last = np.zeros(rows, np.float32), np.full(rows, m, np.float32)
    first[:n], last[:n] = band[:, 0], band[:, 1]
    first, last = (each.reshape(-1, LANES)[:, ::-1].ravel() for each in (first, last))
    banded = bool((band[:, 0] > 0).any() or (band[:, 1] < m).any())
    sequences = packed_x, x_term, packed_y, y_term
    return Frames(*sequences, first, last, n, m, depth, metric == EUCLIDEAN, banded, *map(np.float32, weights))


@njit(cache=True)
def _frame(frame: np.ndarray, centre: np.ndarray, metric: int, out: np.ndarray) -> float:
    """Centre a frame for a Euclidean distance, or bring it to length 1 (silence stays silent); its squared length."""
    length = 0.0
    for k in range(len(frame)):
        out[k] = frame[k] - centre[k]
        length += np.float64(out[k]) * out[k]
    if metric != COSINE:
        return length
    scale = 1 / np.sqrt(length) if length > 0 else 0.0
    for k in range(len(frame)):
        out[k] = out[k] * scale
    return 1.0


@njit(cache=True)
def _pack_rows(x: np.ndarray, centre: np.ndarray, metric: int, packed: np.ndarray, term: np.ndarray) -> None:
    depth, frame = x.shape[1], np.empty(x.shape[1], np.float32)
    factor = np.float32(-1 if metric == COSINE else -2)
    for i in range(len(x)):
        lane = LANES - 1 - i % LANES
        term[i // LANES * LANES + lane] = _frame(x[i], centre, metric, frame)
        for k in range(depth):
            packed[(i // LANES * depth + k) * LANES + lane] = factor * frame[k]


@njit(cache=True)
def _pack_columns(y: np.ndarray, centre: np.ndarray, metric: int, packed: np.ndarray, term: np.ndarray) -> None:
    depth, frame = y.shape[1], np.empty(y.shape[1], np.float32)
    for j in range(len(y)):
        length = _frame(y[j], centre, metric, frame)
        term[j] = 0.0 if metric == COSINE else length
        for k in range(depth):
            packed[(j // COLUMNS * depth + k) * COLUMNS + j % COLUMNS] = frame[k]


@njit(cache=True)
def distance(a: np.ndarray, b: np.ndarray, metric: int) -> float:
    """The distance of two frames in float64; a silent frame is at cosine distance 1 from everything."""
    if metric == COSINE:
        dot, aa, bb = 0.0, 0.0, 0.0
        for k in range(len(a)):
            dot += np.float64(a[k]) * b[k]
            aa += np.float64(a[k]) * a[k]
            bb += np.float64(b[k]) * b[k]
        return max(1 - dot / np.sqrt(aa * bb), 0.0) if aa > 0 and bb > 0 else 1.0
    total = 0.0
    for k in range(len(a)):
        total += (np.float64(a[k]) - b[k]) ** 2
    return np.sqrt(total) if metric == EUCLIDEAN else total


@njit(cache=True)
def path_cost(
    x: np.ndarray, y: np.ndarray, metric: int, weights: tuple[float, float, float], path: np.ndarray
) -> float:
    """The cost of a path in float64: the first cell counts once, each other one with the weight of its step."""
    total = distance(x[path[0, 0]], y[path[0, 1]], metric)
    for k in range(1, len(path)):
        i, j = path[k]
        weight = weights[2] if i == path[k - 1, 0] else weights[1] if j == path[k - 1, 1] else weights[0]
        total += weight * distance(x[i], y[j], metric)
    return total


@njit(cache=True)
def edge(
    frame: np.ndarray, others: np.ndarray, metric: int, allowed: np.ndarray, weight: float, free: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The first row or column of accumulated costs in float64, and where the path to each cell of it begins.

    It begins in cell 0, or in any allowed cell if `free`.
    """
    total = np.full(len(others), np.inf)
    origin = np.zeros(len(others), np.int64)
    for k in range(len(others)):
        if not allowed[k]:
            continue
        cost = distance(frame, others[k], metric)
        begun = cost if free or k == 0 else np.inf
        went_on = total[k - 1] + weight * cost if k > 0 else np.inf
        total[k] = min(begun, went_on)
        origin[k] = origin[k - 1] if went_on < begun else k
    return total, origin


@njit(cache=True)
def follow(
    steps: np.ndarray, i: int, j: int, top: int, column: int, path: np.ndarray, end: int
) -> tuple[int, int, int]:
    """Follow the path up from cell (i, j) of a tile at (top, column) of which the steps are known, until it leaves."""
    while i >= 0 and j >= 0:
        end -= 1
        path[end, 0], path[end, 1] = top + i + 1, column + j + 1
        step = steps[i, j]
        if step != 2:
            i -= 1
        if step != 1:
            j = j - 1
    return i, j, end
