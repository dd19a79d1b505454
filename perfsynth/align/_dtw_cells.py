"""Dynamic time warping one cell at a time: what both backends need outside of their tiles.

The distance of two frames and the cost of a path in float64, the first row and column of the matrix, and a path along
steps that are known.
"""

from __future__ import annotations

import numpy as np
from numba import njit  # noqa: TID253 (a kernel file, imported inside functions only)

SQEUCLIDEAN, COSINE, EUCLIDEAN = 0, 1, 2


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
