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
    low = np.floor(path * np.asarray(scale)).astype(np.int64) - radius
    high = np.ceil((path + 1) * np.asarray(scale)).astype(np.int64) + radius
    if not len(path) or low[0, 0] >= n or low[0, 1] >= m or high[-1, 0] <= 0 or high[-1, 1] <= 0:
        raise InputError("the coarse path has no cell within x and y: scale it to their lengths")
    # A path rises, so that the first and the last block that reach a frame of x bound its frames of y. Frames past the
    # last block, which rounding leaves over, keep to it.
    rows, blocks = np.arange(n), len(path) - 1
    first = low[np.minimum(np.searchsorted(high[:, 0], rows, side="right"), blocks), 1]
    last = high[np.maximum(np.searchsorted(low[:, 0], rows, side="right") - 1, 0), 1]
    return np.clip(np.stack([first, last], axis=1), 0, m)


def band_bounds(band: int | np.ndarray | None, n: int, m: int) -> np.ndarray:
    """The first and one past the last column of each row, (n, 2) int64, of a band as `dtw.warp` takes it."""
    if band is None:
        return np.tile(np.array([0, m], np.int64), (n, 1))
    if np.ndim(band) == 0:
        if not np.issubdtype(np.asarray(band).dtype, np.integer):
            raise InputError(f"band {band!r} is a radius: it must be a whole number of frames")
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
    given = np.asarray([] if anchors is None else anchors)
    if given.size and (given.ndim != 2 or given.shape[1] != 2 or not np.issubdtype(given.dtype, np.integer)):
        raise InputError(f"anchors have shape {given.shape} of {given.dtype}: expected pairs of whole numbers, (k, 2)")
    cells = [(int(i), int(j)) for i, j in given]
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
