"""Tiles of 256 x 256 cells of dynamic time warping in numba: their borders, their order, and the way back.

Sums are float32 relative to the smallest number on the borders of their tile, which is kept in float64: a long path
loses nothing. Only borders are stored, of every tile or of every few; the path recomputes the tiles that it crosses.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, prange  # noqa: TID253 (a kernel file, imported inside functions only)

from perfsynth.align._dtw_numba_frames import COLUMNS, Frames
from perfsynth.align._dtw_numba_strips import PAD, TILE, take_strip
from perfsynth.align._dtw_numba_vectors import LANES, splat

_INFINITY = np.float32(np.inf)


class Borders(NamedTuple):
    """What enters tiles from above (its corner first) and from the left (in the order of lanes), less `*_base`."""

    above: np.ndarray  # (slots, >= TILE + 1) float32
    above_base: np.ndarray  # (slots,) float64
    left: np.ndarray  # (slots, TILE) float32
    left_base: np.ndarray


class Grid(NamedTuple):
    """Which tiles of a row lie in the band, and in which slot of a store of `Borders` they are kept."""

    begin: np.ndarray  # (tile rows,)
    end: np.ndarray
    above_slot: np.ndarray  # add the tile's column
    left_slot: np.ndarray  # add the tile's column // every
    every: int  # tiles between two stored borders
    bound: float  # no part of the cheapest path costs more: tiles that only dearer paths enter are left out


@njit(cache=True)
def kept_at(i: int, j: int) -> int:
    """Where in `kept` cell (i, j) of a tile lies."""
    lane = i % LANES
    return (i - lane) * (TILE + PAD) + (j + lane) * LANES + LANES - 1 - lane


# Loops, because an assignment to a slice takes numba seconds to compile.
@njit(cache=True)
def _fill_with(target: np.ndarray, at: int, length: int, value: np.float32) -> None:
    for k in range(at, at + length):
        target[k] = value


@njit(cache=True)
def _copy(source: np.ndarray, at: int, target: np.ndarray, to: int, length: int) -> None:
    for k in range(length):
        target[to + k] = source[at + k]


@njit(cache=True)
def take_tile(
    frames: Frames,
    top: int,
    column: int,
    rows: int,
    columns: int,
    row: np.ndarray,
    left: np.ndarray,
    kept: np.ndarray,
    keep: bool,
) -> None:
    """Take a tile: `row` from the row above (corner at PAD - 1) to its last row, `left` from left to right border.

    `kept` receives every value, at `kept_at`, where `keep` asks for it or the last row is not a strip's last.
    """
    cut, empty = False, frames.banded
    for i in range(top, top + rows // LANES * LANES if frames.banded else top):
        cut |= frames.first[i] > column or frames.last[i] < column + columns
        empty &= frames.first[i] >= column + columns or frames.last[i] <= column
    if rows % LANES:
        keep, cut, empty = True, frames.banded, False
    if empty:
        row[PAD - 1] = left[rows - LANES]
        _fill_with(row, PAD, columns, _INFINITY)
        _fill_with(left, 0, TILE, _INFINITY)
        return
    stride = LANES if keep else 0
    strips = range(top // LANES, (top + rows + LANES - 1) // LANES)
    if frames.both == 1 and frames.down == 1 and frames.across == 1:
        for strip in strips:
            take_strip(frames, strip, column, columns, cut, None, row, left, kept, stride)
    else:
        weights = splat(frames.both), splat(frames.down), splat(frames.across)
        for strip in strips:
            take_strip(frames, strip, column, columns, cut, weights, row, left, kept, stride)
    if rows % LANES:
        for j in range(columns):
            row[PAD + j] = kept[kept_at(rows - 1, j)]


# Sums in any order, so that several run at once.
@njit(cache=True, fastmath={"nnan", "nsz", "reassoc"})
def _rebase(row: np.ndarray, row_base: float, left: np.ndarray, left_base: float, columns: int) -> float:
    """Bring both borders of a tile to one base, the smallest number on them, which is returned (it may be infinite)."""
    least = np.inf
    for j in range(PAD - 1, PAD + columns):
        least = min(least, row[j] + row_base)
    for i in range(TILE):
        least = min(least, left[i] + left_base)
    base = 0.0 if least == np.inf else least
    for j in range(PAD - 1, PAD + columns):
        row[j] = row[j] + (row_base - base)
    for i in range(TILE):
        left[i] = left[i] + (left_base - base)
    return least


@njit(cache=True)
def _advance(
    frames: Frames, grid: Grid, row_tile: int, column_tile: int, front: Borders, borders: Borders, kept: np.ndarray
) -> None:
    """Take a tile, with the borders of its neighbours in `front`, and store what entered it."""
    row, left = front.above[column_tile], front.left[row_tile]
    above = row_tile - 1
    if above >= 0 and not grid.begin[above] <= column_tile < grid.end[above]:
        _fill_with(row, 0, len(row), _INFINITY)
    if 0 < column_tile == grid.begin[row_tile]:
        _fill_with(left, 0, TILE, _INFINITY)
    columns = min(TILE, frames.m - column_tile * TILE)
    least = _rebase(row, front.above_base[column_tile], left, front.left_base[row_tile], columns)
    base = 0.0 if least == np.inf else least
    front.above_base[column_tile] = front.left_base[row_tile] = base
    if row_tile % grid.every == 0:
        slot = grid.above_slot[row_tile] + column_tile
        _copy(row, PAD - 1, borders.above[slot], 0, TILE + 1)
        borders.above_base[slot] = base
    if column_tile % grid.every == 0:
        slot = grid.left_slot[row_tile] + column_tile // grid.every
        _copy(left, 0, borders.left[slot], 0, TILE)
        borders.left_base[slot] = base
    if least >= grid.bound:
        _fill_with(row, 0, len(row), _INFINITY)
        _fill_with(left, 0, TILE, _INFINITY)
        return
    rows = min(TILE, frames.n - row_tile * TILE)
    take_tile(frames, row_tile * TILE, column_tile * TILE, rows, columns, row, left, kept, False)


def _fill(
    frames: Frames, grid: Grid, window: tuple[int, int, int, int], front: Borders, borders: Borders, kept: np.ndarray
) -> None:
    """Take the tiles in the rows and columns of `window`, diagonal by diagonal; `kept` has a row for each worker."""
    top, bottom, begin, end = window
    workers = len(kept)
    for diagonal in range(top + begin, bottom + end - 1):
        low, high = max(top, diagonal - end + 1), min(bottom, diagonal - begin + 1)
        for worker in prange(workers):
            for row_tile in range(low + worker, high, workers):
                if grid.begin[row_tile] <= diagonal - row_tile < grid.end[row_tile]:
                    _advance(frames, grid, row_tile, diagonal - row_tile, front, borders, kept[worker])


fill = njit(cache=True)(_fill)
fill_parallel = njit(cache=True, parallel=True)(_fill)


@njit(cache=True)
def _cost(frames: Frames, i: int, j: int) -> np.float32:
    """The cost of a cell: what `_costs` computes, one cell at a time."""
    strip, lane, block = i // LANES, LANES - 1 - i % LANES, j // COLUMNS
    total = frames.x_term[strip * LANES + lane] + frames.y_term[j]
    for k in range(frames.depth):
        x = frames.x[(strip * frames.depth + k) * LANES + lane]
        total += x * frames.y[(block * frames.depth + k) * COLUMNS + j % COLUMNS]
    total = max(total, np.float32(0))
    return np.sqrt(total) if frames.rooted else total


@njit(cache=True)
def _walk_tile(
    frames: Frames,
    i: int,
    j: int,
    top: int,
    column: int,
    above: np.ndarray,
    left: np.ndarray,
    kept: np.ndarray,
    path: np.ndarray,
    end: int,
) -> tuple[int, int, int]:
    """Follow the path up from cell (i, j) of a tile that lies in `kept`, until it leaves the tile."""
    both, down, across = frames.both, frames.down, frames.across
    while i >= 0 and j >= 0:
        end -= 1
        path[end, 0], path[end, 1] = top + i + 1, column + j + 1
        beside = i // LANES * LANES + LANES - 1 - i % LANES
        from_left = kept[kept_at(i, j - 1)] if j > 0 else left[beside]
        from_above = kept[kept_at(i - 1, j)] if i > 0 else above[j + 1]
        if i == 0:
            from_both = above[j]
        elif j > 0:
            from_both = kept[kept_at(i - 1, j - 1)]
        else:
            from_both = left[(i - 1) // LANES * LANES + LANES - 1 - (i - 1) % LANES]
        if both != down or both != across:
            cost = _cost(frames, top + i, column + j)
            from_both, from_above, from_left = (
                from_both + both * cost,
                from_above + down * cost,
                from_left + across * cost,
            )
        if from_both <= from_above and from_both <= from_left:
            i, j = i - 1, j - 1
        elif from_above <= from_left:
            i -= 1
        else:
            j -= 1
    return i, j, end


@njit(cache=True)
def walk(
    frames: Frames,
    grid: Grid,
    borders: Borders,
    cell: tuple[int, int],
    corner: tuple[int, int],
    row: np.ndarray,
    left: np.ndarray,
    kept: np.ndarray,
    path: np.ndarray,
    end: int,
) -> tuple[int, int, int]:
    """Follow the path up from `cell` until it passes the tile `corner`, writing path[:end] from its end.

    Returns the cell outside and the new `end`. Path entries count from the first row and column of the matrix, which
    lie outside of the tiles.
    """
    i, j = cell
    while i >= corner[0] * TILE and j >= corner[1] * TILE:
        row_tile, column_tile = i // TILE, j // TILE
        above = borders.above[grid.above_slot[row_tile] + column_tile]
        beside = borders.left[grid.left_slot[row_tile] + column_tile]
        _copy(above, 0, row, PAD - 1, TILE + 1)
        _copy(beside, 0, left, 0, TILE)
        top, column = row_tile * TILE, column_tile * TILE
        take_tile(frames, top, column, i - top + 1, j - column + 1, row, left, kept, True)
        i, j, end = _walk_tile(frames, i - top, j - column, top, column, above, beside, kept, path, end)
        i, j = i + top, j + column
    return i, j, end
