"""Dynamic time warping in torch: all tiles of an anti-diagonal at once, their costs by one batched product.

Within the tiles the recurrence runs along the cells' anti-diagonals: on a GPU in one Triton kernel for all tiles
(`_dtw_torch_triton`), elsewhere in tensor operations (`_dtw_torch_tensors`). Sums are kept as in `_dtw_numba_tiles`:
float32, relative to a float64 base for each tile. What enters each tile is stored, in 8 n m / TILE bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch  # noqa: TID253 (a kernel file, imported inside functions only)

from perfsynth.align._dtw_cells import COSINE, EUCLIDEAN, follow
from perfsynth.align.band import tile_ranges

TILE = 256  # cells on a GPU: the threads of a block
TILE_CPU = 64
WINDOW = 4  # tiles a side that the way back computes at once on a GPU, where one takes as long as all


@dataclass(frozen=True)
class Problem:
    """Both sequences on the device, cut into tiles, what has left the tiles taken so far and what entered them.

    `y` and `above` hold the last column of tiles first: so an anti-diagonal of tiles is a slice of rows and columns.
    """

    n: int
    m: int
    tile: int
    rooted: bool
    banded: bool
    weights: tuple[float, float, float]
    x: torch.Tensor  # (rows, tile, d + 2): x y gives distances, those of euclidean squared
    y: torch.Tensor  # (columns, tile, d + 2)
    band: torch.Tensor  # (rows, tile, 2) int32: the first and one past the last column, by row
    above: torch.Tensor  # (columns, tile + 1), the corner first
    above_base: torch.Tensor  # (columns,) float64
    left: torch.Tensor  # (rows, tile)
    left_base: torch.Tensor  # (rows,) float64
    entered_above: torch.Tensor  # (slots, tile + 1)
    entered_left: torch.Tensor  # (slots, tile)

    def products(self, rows: torch.Tensor | slice, columns: torch.Tensor | slice) -> torch.Tensor:
        """x y of as many rows as columns of tiles: (k, tile, tile), not yet clamped, rooted nor banded."""
        return torch.bmm(self.x[rows], self.y[columns].transpose(1, 2))


class Sweep:
    """As `_dtw_numba.Sweep`, on a device."""

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
        device: torch.device,
    ) -> None:
        self._kernels = _kernels(device)
        tile = TILE if device.type == "cuda" else TILE_CPU
        self._window = WINDOW if device.type == "cuda" else 1
        self._low, self._high = _diagonals(*tile_ranges(band, len(y), tile))
        count = np.maximum(self._high - self._low, 0)
        self._slot = np.cumsum(count) - count - self._low  # of a tile, less its row
        sequences = _sequences(x, y, band, metric, tile, device)
        fronts = _fronts(row, column, tile, device)
        slots = int(count.sum())
        self._problem = Problem(
            n=len(x),
            m=len(y),
            tile=tile,
            rooted=metric == EUCLIDEAN,
            banded=bool((band[:, 0] > 0).any() or (band[:, 1] < len(y)).any()),
            weights=weights,
            entered_above=torch.empty(slots, tile + 1, device=device),
            entered_left=torch.empty(slots, tile, device=device),
            **sequences,
            **fronts,
        )
        with _working_on(device):
            self._fill()
        self.last_row = _joined(self._problem.above.flip(0)[:, 1:], self._problem.above_base.flip(0))[: len(y)]
        self.last_column = _joined(self._problem.left, self._problem.left_base)[: len(x)]

    def _fill(self) -> None:
        before = 0, 0
        for diagonal, (low, high) in enumerate(zip(self._low.tolist(), self._high.tolist(), strict=True)):
            if low < high:
                self._kernels.advance(self._problem, diagonal, (low, high), before, int(self._slot[diagonal]) + low)
            before = low, high

    def walk(self, cell: tuple[int, int], path: np.ndarray, end: int) -> tuple[int, int, int]:
        """As `_dtw_numba.Sweep.walk`."""
        i, j = cell
        tile = self._problem.tile
        steps: dict[tuple[int, int], np.ndarray] = {}
        while i >= 0 and j >= 0:
            at = i // tile, j // tile
            if at not in steps:
                with _working_on(self._problem.x.device):
                    steps = self._steps(*at)
            top, column = at[0] * tile, at[1] * tile
            i, j, end = follow(steps[at], i - top, j - column, top, column, path, end)
            i, j = i + top, j + column
        return i, j, end

    def _steps(self, row_tile: int, column_tile: int) -> dict[tuple[int, int], np.ndarray]:
        """Where the cells of a tile, and of those up and left of it, come from: (tile, tile) uint8 each."""
        rows = range(max(0, row_tile - self._window + 1), row_tile + 1)
        columns = range(max(0, column_tile - self._window + 1), column_tile + 1)
        tiles = [(i, j) for i in rows for j in columns if self._low[i + j] <= i < self._high[i + j]]
        where = torch.tensor([(i, j, self._slot[i + j] + i) for i, j in tiles], device=self._problem.x.device)
        steps = self._kernels.steps(self._problem, where.T.contiguous()).cpu().numpy()
        return dict(zip(tiles, steps, strict=True))


@contextmanager
def _working_on(device: torch.device) -> Iterator[None]:
    """Kernels go to `device`, and float32 products are float32, whatever the caller allows his networks."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
            yield
    finally:
        torch.set_float32_matmul_precision(precision)


def _kernels(device: torch.device) -> Any:
    if device.type == "cuda" and find_spec("triton") is not None:
        from perfsynth.align import _dtw_torch_triton

        return _dtw_torch_triton
    from perfsynth.align import _dtw_torch_tensors

    return _dtw_torch_tensors


def _diagonals(begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and one past the last row of the tiles on each anti-diagonal, from the tiles of each row."""
    rows = len(begin)
    low, high = np.full(rows + end.max() - 1, rows), np.zeros(rows + end.max() - 1, np.int64)
    for i in range(rows):
        low[i + begin[i] : i + end[i]] = np.minimum(low[i + begin[i] : i + end[i]], i)
        high[i + begin[i] : i + end[i]] = i + 1
    return low, high


def _sequences(
    x: np.ndarray, y: np.ndarray, band: np.ndarray, metric: int, tile: int, device: torch.device
) -> dict[str, torch.Tensor]:
    """`Problem.x`, `Problem.y` and `Problem.band`: two more features add |x|^2 and |y|^2 to -2 x y, or 1 to -x y."""
    a, b = (torch.tensor(frames, device=device) for frames in (x, y))
    if metric == COSINE:
        a, b = (each * each.norm(dim=1, keepdim=True).clamp(min=1e-37).reciprocal() for each in (a, b))
        a_term, b_term, factor = torch.ones(len(a), device=device), torch.zeros(len(b), device=device), -1.0
    else:
        # Distances around the common mean cancel less.
        centre = ((a.sum(0, dtype=torch.float64) + b.sum(0, dtype=torch.float64)) / (len(a) + len(b))).float()
        a, b, factor = a - centre, b - centre, -2.0
        a_term, b_term = a.square().sum(1), b.square().sum(1)
    a = torch.cat([factor * a, a_term[:, None], torch.ones_like(a_term)[:, None]], dim=1)
    b = torch.cat([b, torch.ones_like(b_term)[:, None], b_term[:, None]], dim=1)
    bounds = torch.zeros(-(-len(x) // tile) * tile, 2, dtype=torch.int32, device=device)
    bounds[: len(x)] = torch.tensor(band, device=device)
    bounds[len(x) :, 1] = len(y)
    return {"x": _tiles(a, tile), "y": _tiles(b, tile).flip(0), "band": bounds.reshape(-1, tile, 2)}


def _tiles(frames: torch.Tensor, tile: int) -> torch.Tensor:
    padded = torch.nn.functional.pad(frames, (0, 0, 0, -len(frames) % tile))
    return padded.reshape(-1, tile, frames.shape[1])


def _fronts(row: np.ndarray, column: np.ndarray, tile: int, device: torch.device) -> dict[str, torch.Tensor]:
    """`Problem.above` to `Problem.left_base`, before the first tile is taken."""
    inner_row, inner_column = (np.append(edge[1:], np.full(-(len(edge) - 1) % tile, np.inf)) for edge in (row, column))
    above = inner_row.reshape(-1, tile)
    above = np.concatenate([row[: len(inner_row) : tile, None][: len(above)], above], axis=1)[::-1]
    left = inner_column.reshape(-1, tile)
    fronts = {}
    for name, border in (("above", above), ("left", left)):
        base = border.min(axis=1)
        base = np.where(np.isfinite(base), base, 0.0)
        fronts[name] = torch.tensor((border - base[:, None]).astype(np.float32), device=device)
        fronts[f"{name}_base"] = torch.tensor(base, device=device)
    return fronts


def _joined(borders: torch.Tensor, base: torch.Tensor) -> np.ndarray:
    return (borders + base[:, None]).reshape(-1).cpu().numpy()
