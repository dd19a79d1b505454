"""Where a warping path may run: bands of columns by row, and anchors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from perfsynth.errors import InputError


def band_around(
    path: np.ndarray, n: int, m: int, *, radius: int, scale: tuple[float, float] = (1.0, 1.0)
) -> np.ndarray:
    """Bounds for `warp` around a coarse path.

    Parameters
    ----------
    path : (n_cells, 2)
        A path through shorter versions of x and y.
    n, m
        Frames of x and y themselves.
    radius
        Frames of y to either side, and of x before and behind.
    scale
        Frames of x for each of the coarse x, and of y for each of the coarse y.

    Returns
    -------
    (n, 2) int64
        For each frame of x, the first and one past the last frame of y.
    """
    # Each coarse cell stands for a block of cells; the frames that it stands for reach from edge to edge.
    low = np.floor(path * np.asarray(scale)).astype(np.int64)
    high = np.ceil((path + 1) * np.asarray(scale)).astype(np.int64)
    first, last = np.full(n, m, np.int64), np.zeros(n, np.int64)
    for (i0, j0), (i1, j1) in zip(low, high, strict=True):
        rows = slice(max(i0 - radius, 0), min(i1 + radius, n))
        first[rows] = np.minimum(first[rows], j0 - radius)
        last[rows] = np.maximum(last[rows], j1 + radius)
    # Rows past the end of the coarse path, which rounding leaves over, continue its last bounds.
    rest = np.flatnonzero(last > 0)
    if not len(rest):
        raise InputError("the coarse path has no cell within x and y: scale it to their lengths")
    nearest = rest[np.clip(np.searchsorted(rest, np.arange(n)), 0, len(rest) - 1)]
    return np.clip(np.stack([first[nearest], last[nearest]], axis=1), 0, m)


def band_bounds(band: int | np.ndarray | None, n: int, m: int) -> np.ndarray:
    """The first and one past the last column of each row, (n, 2) int64, of a band as `dtw.warp` takes it."""
    if band is None:
        return np.tile(np.array([0, m], np.int64), (n, 1))
    if np.ndim(band) == 0:
        radius = int(np.asarray(band))
        if radius < 0:
            raise InputError(f"band {radius} is a radius in frames: it cannot be negative")
        # Around the line between the corners, so wide that consecutive rows of a steep one still meet.
        line = np.arange(n) * ((m - 1) / max(n - 1, 1))
        slope = (m - 1) / max(n - 1, 1) / 2 if n > 1 else m
        reach = max(radius, slope)
        bounds = np.stack([np.floor(line - reach), np.ceil(line + reach) + 1], axis=1).astype(np.int64)
        return np.clip(bounds, 0, m)
    bounds = np.asarray(band)
    if bounds.shape != (n, 2) or not np.issubdtype(bounds.dtype, np.integer):
        raise InputError(
            f"band has shape {bounds.shape} of {bounds.dtype}: expected integers, ({n}, 2), a row per frame"
        )
    bounds = np.clip(bounds.astype(np.int64), 0, m)
    empty = np.flatnonzero(bounds[:, 0] >= bounds[:, 1])
    if len(empty):
        raise InputError(f"band leaves frame {empty[0]} of x no frame of y: each row needs first < last")
    return bounds


def anchor_parts(
    anchors: Sequence[tuple[int, int]] | np.ndarray | None, n: int, m: int
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The first and the last cell of each part of a path, as anchors cut it; neighbours share a cell."""
    cells = [] if anchors is None else [(int(i), int(j)) for i, j in anchors]
    for k, (i, j) in enumerate(cells):
        if not (0 <= i < n and 0 <= j < m):
            raise InputError(f"anchor ({i}, {j}) lies outside of {n} x {m} frames")
        if k and (i < cells[k - 1][0] or j < cells[k - 1][1] or (i, j) == cells[k - 1]):
            raise InputError(f"anchor ({i}, {j}) follows {cells[k - 1]}: anchors must rise")
    if not cells or cells[0] != (0, 0):
        cells.insert(0, (0, 0))
    if cells[-1] != (n - 1, m - 1) or len(cells) == 1:
        cells.append((n - 1, m - 1))
    return list(pairwise(cells))


def touches(path: np.ndarray, bounds: np.ndarray, m: int) -> bool:
    """Whether a path runs along the edge of a band, where that is not the edge of the matrix."""
    first, last = bounds[path[:, 0]].T
    return bool(np.any(((path[:, 1] == first) & (first > 0)) | ((path[:, 1] == last - 1) & (last < m))))


def tile_ranges(band: np.ndarray, m: int, tile: int) -> tuple[np.ndarray, np.ndarray]:
    """The first and one past the last tile that a band touches, for each row of tiles."""
    starts = np.arange(0, len(band), tile)
    begin = np.clip(np.minimum.reduceat(band[:, 0], starts) // tile, 0, (m - 1) // tile)
    end = np.maximum(-(-np.maximum.reduceat(band[:, 1], starts) // tile), begin + 1)
    # A path may pass from the last column of a tile to the next tile of the next row through their corner.
    end[:-1] += end[1:] > end[:-1]
    return begin, end
