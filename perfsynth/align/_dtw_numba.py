"""Dynamic time warping on the processor: the tiles of `_dtw_numba_tiles`, and which of their borders are stored.

The borders of every tile are stored while that takes `STORE_BYTES_PER_FRAME`; of larger problems, those of every few
tiles, and the path takes the tiles between them a second time. So memory grows with n + m, not with n m.

Where a band is known to hold a good path, the cost of that path bounds the cheapest one, and the tiles that paths enter
only at a higher cost are not computed. (Silva and Batista, "Speeding up all-pairwise dynamic time warping matrix
calculation", 2016, leave out cells so.) The path that is found stays the cheapest of all.
"""

from __future__ import annotations

from contextlib import nullcontext
from threading import Lock
from typing import Any

import numpy as np
from numba import get_num_threads  # noqa: TID253 (imported inside functions only)

from perfsynth.align._dtw_numba_frames import Frames, pack
from perfsynth.align._dtw_numba_strips import PAD, TILE
from perfsynth.align._dtw_numba_tiles import Borders, Grid, fill, fill_parallel, walk
from perfsynth.align._dtw_numba_vectors import LANES
from perfsynth.align.band import tile_ranges

STORE_BYTES = 1 << 20
STORE_BYTES_PER_FRAME = 128  # 5 MB for two sequences of 20,000 frames
_ONE_AT_A_TIME = Lock()  # not every threading layer of numba may be entered by two threads


class Sweep:
    """The accumulated costs of x against y, (n, d) and (m, d), from the costs of the row above and the column before.

    `near` is a band of the same shape as `band` in which a path is expected that is hardly dearer than the cheapest.
    `row` (m + 1,) and `column` (n + 1,) are float64 and share their first element, the corner; row i may use columns
    band[i, 0] to band[i, 1] - 1. `last_row` (m,) and `last_column` (n,) are the costs that were reached.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        row: np.ndarray,
        column: np.ndarray,
        band: np.ndarray,
        *,
        metric: int,
        weights: tuple[float, float, float],
        parallel: bool,
        near: np.ndarray | None = None,
    ) -> None:
        self._frames = pack(x, y, band, metric, weights, TILE)
        bound = np.inf
        if near is not None:
            options: Any = {"metric": metric, "weights": weights, "parallel": parallel}
            good = float(Sweep(x, y, row, column, _whole_tiles(near, len(y)), **options).last_row[-1])
            bound = good + _slack(self._frames, good)
        shape = -(-len(x) // TILE), -(-len(y) // TILE)
        self._grid, slots = _stored_grid(band, len(x), len(y), bound)
        self._borders = _borders(*slots, TILE + 1)
        self._front = _borders(shape[1], shape[0], TILE + 3 * PAD)
        _enter(self._front, row, column)
        self._kept = np.empty((get_num_threads() if parallel else 1, TILE * (TILE + PAD)), np.float32)
        with _ONE_AT_A_TIME if parallel else nullcontext():
            run = fill_parallel if parallel else fill
            run(self._frames, self._grid, (0, shape[0], 0, shape[1]), self._front, self._borders, self._kept)
        above = self._front.above[:, PAD : PAD + TILE] + self._front.above_base[:, None]
        self.last_row: np.ndarray = above.reshape(-1)[: len(y)]
        lanes = self._front.left.reshape(shape[0], -1, LANES)[:, :, ::-1]
        self.last_column = (lanes.reshape(shape[0], TILE) + self._front.left_base[:, None]).reshape(-1)[: len(x)]

    def walk(self, cell: tuple[int, int], path: np.ndarray, end: int) -> tuple[int, int, int]:
        """Write the path to `cell` into path[:end], from its end; return the cell outside where it arrives, and `end`.

        The path counts from 1, because the row above and the column before are 0; the cell outside has a -1.
        """
        every, kept = self._grid.every, self._kept[0]
        row, left = np.empty(TILE + 3 * PAD, np.float32), np.empty(TILE, np.float32)
        if every == 1:
            return walk(self._frames, self._grid, self._borders, cell, (0, 0), row, left, kept, path, end)
        borders, rows = _borders(every * every, every * every, TILE + 1), np.arange(len(self._grid.begin))
        while cell[0] >= 0 and cell[1] >= 0:
            last = cell[0] // TILE, cell[1] // TILE
            corner = last[0] // every * every, last[1] // every * every
            slot = (rows - corner[0]) * every - corner[1]
            grid = self._grid._replace(above_slot=slot, left_slot=slot, every=1)
            self._enter_again(corner, last)
            window = corner[0], last[0] + 1, corner[1], last[1] + 1
            fill(self._frames, grid, window, self._front, borders, self._kept[:1])
            i, j, end = walk(self._frames, grid, borders, cell, corner, row, left, kept, path, end)
            cell = i, j
        return *cell, end

    def _enter_again(self, corner: tuple[int, int], last: tuple[int, int]) -> None:
        """Bring the stored borders above and before the tiles from `corner` to `last` to the front."""
        grid, front = self._grid, self._front
        for j in range(max(corner[1], grid.begin[corner[0]]), min(last[1] + 1, grid.end[corner[0]])):
            slot = grid.above_slot[corner[0]] + j
            front.above[j, PAD - 1 : PAD + TILE] = self._borders.above[slot]
            front.above_base[j] = self._borders.above_base[slot]
        for i in range(corner[0], last[0] + 1):
            if grid.begin[i] <= corner[1] < grid.end[i]:
                slot = grid.left_slot[i] + corner[1] // grid.every
                front.left[i] = self._borders.left[slot]
                front.left_base[i] = self._borders.left_base[slot]


def _borders(n_above: int, n_left: int, length: int) -> Borders:
    above, left = np.empty((n_above, length), np.float32), np.empty((n_left, TILE), np.float32)
    return Borders(above, np.zeros(n_above), left, np.zeros(n_left))


def _stored_grid(band: np.ndarray, n: int, m: int, bound: float) -> tuple[Grid, tuple[int, int]]:
    """The tiles that a band touches, how many apart their borders are stored, and the slots that this takes."""
    begin, end = tile_ranges(band, m, TILE)
    every = max(1, -(-8 * TILE * int((end - begin).sum()) // (STORE_BYTES + STORE_BYTES_PER_FRAME * (n + m))))
    above = np.where(np.arange(len(begin)) % every == 0, end - begin, 0)
    first = -(-begin // every)
    left = -(-end // every) - first
    grid = Grid(begin, end, np.cumsum(above) - above - begin, np.cumsum(left) - left - first, every, bound)
    return grid, (int(above.sum()), int(left.sum()))


def _whole_tiles(band: np.ndarray, m: int) -> np.ndarray:
    """A band that covers every tile it touches: strips that no band cuts are faster."""
    begin, end = tile_ranges(band, m, TILE)
    bounds = np.stack([begin * TILE, np.minimum(end * TILE, m)], axis=1)
    return np.repeat(bounds, TILE, axis=0)[: len(band)]


def _slack(frames: Frames, cost: float) -> float:
    """How much float32 may be wrong about the cost of a path, generously; a distance may even fall below zero."""
    largest = float(np.abs(frames.x_term).max()) + float(np.abs(frames.y_term).max())
    heaviest = max(1.0, float(frames.both), float(frames.down), float(frames.across))
    return 1e-4 * abs(cost) + 1e-6 * (frames.n + frames.m) * heaviest * largest


def _enter(front: Borders, row: np.ndarray, column: np.ndarray) -> None:
    """Lay the row above the tiles and the column before them, less the corner each, on their first borders."""
    for j in range(len(front.above)):
        part = row[j * TILE : (j + 1) * TILE + 1]
        front.above_base[j] = base = _finite_minimum(part)
        front.above[j] = np.inf
        front.above[j, PAD - 1 : PAD - 1 + len(part)] = part - base
    for i in range(len(front.left)):
        part = np.full(TILE, np.inf)
        within = column[i * TILE + 1 : (i + 1) * TILE + 1]
        part[: len(within)] = within
        front.left_base[i] = base = _finite_minimum(part)
        front.left[i] = (part - base).reshape(-1, LANES)[:, ::-1].reshape(-1)


def _finite_minimum(part: np.ndarray) -> float:
    least = float(part.min())
    return least if np.isfinite(least) else 0.0
