"""The recurrence of `_dtw_torch` as Triton kernels: a program for each tile, a lane for each of its rows."""

from __future__ import annotations

import torch  # noqa: TID253 (a kernel file, imported inside functions only)
import triton  # type: ignore[import-not-found, import-untyped, unused-ignore]
import triton.language as tl  # type: ignore[import-not-found, import-untyped, unused-ignore]

from perfsynth.align._dtw_torch import Problem

WARPS = 4


def advance(problem: Problem, diagonal: int, tiles: tuple[int, int], before: tuple[int, int], slot: int) -> None:
    """As `_dtw_torch_tensors.advance`."""
    low, high = tiles
    start = len(problem.y) - 1 - diagonal + low
    products = problem.products(slice(low, high), slice(start, start + high - low))
    _advance[(high - low,)](
        products,
        problem.band,
        problem.above,
        problem.above_base,
        problem.left,
        problem.left_base,
        problem.entered_above,
        problem.entered_left,
        diagonal,
        low,
        *before,
        slot,
        len(problem.y),
        problem.n,
        problem.m,
        *problem.weights,
        SIZE=problem.tile,
        ROOTED=problem.rooted,
        BANDED=problem.banded,
        num_warps=WARPS,
    )


def steps(problem: Problem, where: torch.Tensor) -> torch.Tensor:
    """As `_dtw_torch_tensors.steps`."""
    rows, columns, _ = where
    products = problem.products(rows, len(problem.y) - 1 - columns)
    found = torch.empty(products.shape, dtype=torch.uint8, device=products.device)
    _steps[(len(products),)](
        products,
        problem.band,
        problem.entered_above,
        problem.entered_left,
        found,
        where,
        len(products),
        *problem.weights,
        SIZE=problem.tile,
        ROOTED=problem.rooted,
        BANDED=problem.banded,
        num_warps=WARPS,
    )
    return found


@triton.jit
def _cost(
    products: tl.tensor,
    at: tl.tensor,
    first: tl.tensor,
    last: tl.tensor,
    column: tl.tensor,
    inside: tl.tensor,
    ROOTED: tl.constexpr,
    BANDED: tl.constexpr,
) -> tl.tensor:
    """The distances of one step: what lies on the tile's anti-diagonal of cells."""
    cost = tl.maximum(tl.load(products + at, mask=inside, other=0.0), 0.0)
    if ROOTED:
        cost = tl.sqrt(cost)
    if BANDED:
        cost = tl.where((column >= first) & (column < last), cost, float("inf"))
    return cost


@triton.jit(do_not_specialize=["diagonal", "low", "low_before", "high_before", "slot", "n_columns", "n", "m"])
def _advance(
    products: tl.tensor,
    band: tl.tensor,
    above: tl.tensor,
    above_base: tl.tensor,
    left: tl.tensor,
    left_base: tl.tensor,
    entered_above: tl.tensor,
    entered_left: tl.tensor,
    diagonal: tl.tensor,
    low: tl.tensor,
    low_before: tl.tensor,
    high_before: tl.tensor,
    slot: tl.tensor,
    n_columns: tl.tensor,
    n: tl.tensor,
    m: tl.tensor,
    both: tl.tensor,
    down: tl.tensor,
    across: tl.tensor,
    SIZE: tl.constexpr,
    ROOTED: tl.constexpr,
    BANDED: tl.constexpr,
) -> None:
    """One tile of an anti-diagonal: bring its borders to one base, store them, and replace them by those it leaves."""
    tile = tl.program_id(0)
    row_tile = low + tile
    column_tile = diagonal - row_tile
    products += tile.to(tl.int64) * SIZE * SIZE
    above += (n_columns - 1 - column_tile) * (SIZE + 1)
    above_base += n_columns - 1 - column_tile
    left += row_tile * SIZE
    left_base += row_tile
    entered_above += (slot + tile).to(tl.int64) * (SIZE + 1)
    entered_left += (slot + tile).to(tl.int64) * SIZE
    i = tl.arange(0, SIZE)
    top, corner, side = tl.load(above + 1 + i), tl.load(above), tl.load(left + i)
    if (row_tile > 0) & ((row_tile - 1 < low_before) | (row_tile - 1 >= high_before)):
        top, corner = top + float("inf"), corner + float("inf")
    if (column_tile > 0) & ((row_tile < low_before) | (row_tile >= high_before)):
        side += float("inf")
    base_above, base_left = tl.load(above_base), tl.load(left_base)
    base = tl.minimum(tl.minimum(tl.min(top, 0), corner) + base_above, tl.min(side, 0) + base_left)
    base = tl.where(base == float("inf"), 0.0, base)
    top = (top + (base_above - base)).to(tl.float32)
    corner = (corner + (base_above - base)).to(tl.float32)
    side = (side + (base_left - base)).to(tl.float32)
    tl.store(entered_above + 1 + i, top)
    tl.store(entered_above, corner)
    tl.store(entered_left + i, side)
    tl.debug_barrier()  # the borders and bases have been read by all lanes; the top row is read again, by others
    tl.store(above_base, base)
    tl.store(left_base, base)
    rows, columns = tl.minimum(SIZE, n - row_tile * SIZE), tl.minimum(SIZE, m - column_tile * SIZE)
    first = tl.load(band + 2 * (row_tile * SIZE + i)) - column_tile * SIZE
    last = tl.load(band + 2 * (row_tile * SIZE + i) + 1) - column_tile * SIZE
    neighbour = tl.maximum(i - 1, 0)
    value = side
    diagonal_value = tl.where(i == 0, corner, tl.gather(value, neighbour, 0))
    j = -i
    cost = _cost(products, i * SIZE + j, first, last, j, (j >= 0) & (j < columns), ROOTED, BANDED)
    for step in range(SIZE + columns - 1):
        inside = (j >= 0) & (j < columns)
        # The next costs are on their way while these are used.
        j_next = j + 1
        ahead = (j_next >= 0) & (j_next < columns)
        cost_next = _cost(products, i * SIZE + j_next, first, last, j_next, ahead, ROOTED, BANDED)
        over = tl.load(entered_above + tl.minimum(step + 1, SIZE))
        above_value = tl.where(i == 0, over, tl.gather(value, neighbour, 0))
        found = tl.minimum(value + across * cost, diagonal_value + both * cost)
        found = tl.minimum(found, above_value + down * cost)
        value = tl.where(inside, found, value)
        tl.store(above + 1 + j, value, mask=inside & (i == rows - 1))
        diagonal_value, j, cost = above_value, j_next, cost_next
    tl.store(left + i, value)
    tl.store(above + i * 0, side, mask=i == SIZE - 1)


@triton.jit(do_not_specialize=["n_tiles"])
def _steps(
    products: tl.tensor,
    band: tl.tensor,
    entered_above: tl.tensor,
    entered_left: tl.tensor,
    found: tl.tensor,
    where: tl.tensor,
    n_tiles: tl.tensor,
    both: tl.tensor,
    down: tl.tensor,
    across: tl.tensor,
    SIZE: tl.constexpr,
    ROOTED: tl.constexpr,
    BANDED: tl.constexpr,
) -> None:
    """One tile of the way back, from what entered it: where each cell comes from."""
    tile = tl.program_id(0)
    row_tile, column_tile = tl.load(where + tile), tl.load(where + n_tiles + tile)
    slot = tl.load(where + 2 * n_tiles + tile)
    products += tile.to(tl.int64) * SIZE * SIZE
    found += tile.to(tl.int64) * SIZE * SIZE
    entered_above += slot * (SIZE + 1)
    i = tl.arange(0, SIZE)
    first = tl.load(band + 2 * (row_tile * SIZE + i)) - column_tile * SIZE
    last = tl.load(band + 2 * (row_tile * SIZE + i) + 1) - column_tile * SIZE
    neighbour = tl.maximum(i - 1, 0)
    value = tl.load(entered_left + slot * SIZE + i)
    diagonal_value = tl.where(i == 0, tl.load(entered_above), tl.gather(value, neighbour, 0))
    for step in range(2 * SIZE - 1):
        j = step - i
        inside = (j >= 0) & (j < SIZE)
        cost = _cost(products, i * SIZE + j, first, last, j, inside, ROOTED, BANDED)
        over = tl.load(entered_above + tl.minimum(step + 1, SIZE))
        above_value = tl.where(i == 0, over, tl.gather(value, neighbour, 0))
        from_both, from_above, from_left = (
            diagonal_value + both * cost,
            above_value + down * cost,
            value + across * cost,
        )
        best = tl.minimum(tl.minimum(from_left, from_both), from_above)
        alone = tl.where(from_above <= from_left, 1, 2)
        came = tl.where((from_both <= from_above) & (from_both <= from_left), 0, alone)
        tl.store(found + i * SIZE + j, came.to(tl.uint8), mask=inside)
        value = tl.where(inside, best, value)
        diagonal_value = above_value
