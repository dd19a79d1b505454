"""The recurrence of `_dtw_torch` in tensor operations, for any device: what the Triton kernels must agree with."""

from __future__ import annotations

import torch  # noqa: TID253 (a kernel file, imported inside functions only)

from perfsynth.align._dtw_torch import Problem


def advance(problem: Problem, diagonal: int, tiles: tuple[int, int], before: tuple[int, int], slot: int) -> None:
    """Take the tiles of an anti-diagonal: those of the rows from tiles[0] to tiles[1] - 1.

    `before` is the same of the anti-diagonal before, and `slot` where the first of what enters the tiles is stored.
    """
    low, high = tiles
    last = len(problem.y) - 1
    rows, columns = slice(low, high), slice(last - diagonal + low, last - diagonal + high)
    above, left, base = _entering(problem, diagonal, tiles, before, rows, columns)
    problem.entered_above[slot : slot + high - low] = above
    problem.entered_left[slot : slot + high - low] = left
    costs = _costs(problem, torch.arange(low, high, device=above.device), problem.products(rows, columns), diagonal)
    totals = _totals(problem, costs, above, left)
    size = problem.tile
    bottom, right = totals[size + 1 : 2 * size + 1, :, size], _last(totals, size, size)
    problem.above[columns, 0], problem.above[columns, 1:] = left[:, -1], bottom.T
    problem.left[rows] = right
    problem.above_base[columns] = problem.left_base[rows] = base
    # Where the last tiles overhang the matrix, its last row and column lie inside of them.
    if high == len(problem.x):
        i = (problem.n - 1) % size
        problem.above[columns.stop - 1, 1:] = totals[i + 2 : i + 2 + size, high - low - 1, i + 1]
    if diagonal - low == last:
        problem.left[low] = _last(totals, size, (problem.m - 1) % size + 1)[0]


def steps(problem: Problem, where: torch.Tensor) -> torch.Tensor:
    """Where the cells of tiles come from: 0 from both, 1 from above, 2 from the left, (k, tile, tile) uint8.

    `where` (3, k) holds the row and the column of each tile, and the slot in which what entered it is stored.
    """
    rows, columns, slots = where
    above, left = problem.entered_above[slots], problem.entered_left[slots]
    products = problem.products(rows, len(problem.y) - 1 - columns)
    costs = _costs(problem, rows, products, rows + columns)
    totals = _totals(problem, costs, above, left)
    size, strides = problem.tile, totals.stride()
    # Cell (i, j) of tile k lies in totals[i + j + 2, k, i + 1], and the borders fit on.
    square = (strides[1], strides[0] + 1, strides[0])
    shape = (len(slots), size, size)
    both, down, across = problem.weights
    from_both = totals.as_strided(shape, square, 0) + both * costs
    from_above = totals.as_strided(shape, square, strides[0]) + down * costs
    from_left = totals.as_strided(shape, square, strides[0] + 1) + across * costs
    alone = torch.where(from_above <= from_left, 1, 2)
    return torch.where((from_both <= from_above) & (from_both <= from_left), 0, alone).to(torch.uint8)


def _entering(
    problem: Problem, diagonal: int, tiles: tuple[int, int], before: tuple[int, int], rows: slice, columns: slice
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The borders of the tiles' neighbours, infinite where these were not taken, on a common base for each tile."""
    above, left = problem.above[columns].clone(), problem.left[rows].clone()
    row = torch.arange(*tiles, device=above.device)
    above[(row > 0) & ((row - 1 < before[0]) | (row - 1 >= before[1]))] = torch.inf
    left[(row < diagonal) & ((row < before[0]) | (row >= before[1]))] = torch.inf
    above_base, left_base = problem.above_base[columns], problem.left_base[rows]
    base = torch.minimum(above.amin(1) + above_base, left.amin(1) + left_base)
    base = torch.where(base == torch.inf, 0.0, base)
    above = (above + (above_base - base)[:, None]).float()
    return above, (left + (left_base - base)[:, None]).float(), base


def _costs(problem: Problem, rows: torch.Tensor, products: torch.Tensor, diagonal: int | torch.Tensor) -> torch.Tensor:
    """Distances from products, infinite outside of the band."""
    costs = products.clamp_(min=0)
    if problem.rooted:
        costs = costs.sqrt_()
    if problem.banded:
        first = (diagonal - rows) * problem.tile
        column = first[:, None, None] + torch.arange(problem.tile, device=costs.device)
        bounds = problem.band[rows]
        costs = costs.masked_fill_((column < bounds[:, :, :1]) | (column >= bounds[:, :, 1:]), torch.inf)
    return costs


def _totals(problem: Problem, costs: torch.Tensor, above: torch.Tensor, left: torch.Tensor) -> torch.Tensor:
    """Accumulated costs of tiles, by anti-diagonals of cells and with borders: (2 tile + 1, k, tile + 1).

    Cell (i, j) of tile k is [i + j + 2, k, i + 1].
    """
    size, n_tiles = problem.tile, len(costs)
    wide = torch.nn.functional.pad(costs, (0, size), value=torch.inf)
    slanted = wide.as_strided((2 * size - 1, n_tiles, size), (1, 2 * size * size, 2 * size - 1)).contiguous()
    totals = torch.full((2 * size + 1, n_tiles, size + 1), torch.inf, device=costs.device)
    totals[: size + 1, :, 0] = above.T
    # Rows wait with their left border until their first column is reached.
    waiting = torch.arange(size + 2, device=costs.device)[:, None] <= torch.arange(1, size + 1, device=costs.device)
    totals[: size + 2, :, 1:] = torch.where(waiting[:, None], left, torch.inf)
    both, down, across = problem.weights
    for step in range(2 * size - 1):
        first, last = max(0, step - size + 1), min(step, size - 1) + 1
        cost = slanted[step, :, first:last]
        before = totals[step + 1]
        value = torch.add(before[:, first + 1 : last + 1], cost, alpha=across)
        torch.minimum(value, torch.add(before[:, first:last], cost, alpha=down), out=value)
        diagonal = torch.add(totals[step, :, first:last], cost, alpha=both)
        torch.minimum(value, diagonal, out=totals[step + 2, :, first + 1 : last + 1])
    return totals


def _last(totals: torch.Tensor, size: int, columns: int) -> torch.Tensor:
    """The last of so many columns of tiles, (k, tile)."""
    return totals[columns + 1 : columns + 1 + size, :, 1:].diagonal(dim1=0, dim2=2)
