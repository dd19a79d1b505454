"""Both sequences of a time warping as the numba kernels read them: in strips of lanes and blocks of columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit  # noqa: TID253 (a kernel file, imported inside functions only)

from perfsynth.align._dtw_cells import COSINE, EUCLIDEAN
from perfsynth.align._dtw_numba_vectors import LANES

COLUMNS = 8  # of y at once: as many sums as hide the latency of a multiply-add


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
