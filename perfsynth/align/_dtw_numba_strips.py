"""One strip of a tile of dynamic time warping: local costs and recurrence, together in registers.

A strip of `LANES` rows is one vector. The products of eight columns come from multiply-adds of it with one number of
y each; four rounds of `delay` lay them on the diagonals, and the recurrence runs along these: the cost matrix never
exists, not even by tiles, and the processor overlaps the products of one block with the steps of the one before.
Lanes run upwards (the first lane is the last row), so that writing a whole vector at each step leaves the last row
behind in `row`, for the next strip.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit  # noqa: TID253 (a kernel file, imported inside functions only)

from perfsynth.align._dtw_numba_frames import COLUMNS, Frames
from perfsynth.align._dtw_numba_vectors import (
    LANES,
    add,
    delay,
    larger,
    load,
    multiply_add,
    root,
    select_below,
    slide,
    smaller,
    splat,
    spread,
    store,
)

TILE = 256  # cells: the borders and the columns of a tile stay in the first cache
PAD = 2 * LANES  # floats before and behind a row: vectors overhang it while lanes enter and leave the tile
_FALLING = np.arange(LANES - 1, -1, -1, dtype=np.float32)  # steps until a lane enters
_INFINITY = np.float32(np.inf)


@njit(cache=True)
def _costs(frames: Frames, strip: int, term: Any, j: int) -> Any:
    """The costs of a strip against columns j to j + 7, a vector each."""
    c0 = add(term, spread(frames.y_term, j))
    c1 = add(term, spread(frames.y_term, j + 1))
    c2 = add(term, spread(frames.y_term, j + 2))
    c3 = add(term, spread(frames.y_term, j + 3))
    c4 = add(term, spread(frames.y_term, j + 4))
    c5 = add(term, spread(frames.y_term, j + 5))
    c6 = add(term, spread(frames.y_term, j + 6))
    c7 = add(term, spread(frames.y_term, j + 7))
    at_x, at_y = strip * frames.depth * LANES, j * frames.depth
    for k in range(frames.depth):
        x = load(frames.x, at_x + k * LANES)
        at = at_y + k * COLUMNS
        c0 = multiply_add(x, spread(frames.y, at), c0)
        c1 = multiply_add(x, spread(frames.y, at + 1), c1)
        c2 = multiply_add(x, spread(frames.y, at + 2), c2)
        c3 = multiply_add(x, spread(frames.y, at + 3), c3)
        c4 = multiply_add(x, spread(frames.y, at + 4), c4)
        c5 = multiply_add(x, spread(frames.y, at + 5), c5)
        c6 = multiply_add(x, spread(frames.y, at + 6), c6)
        c7 = multiply_add(x, spread(frames.y, at + 7), c7)
    # Without a root to take, a difference below zero may stay: it is as small as any other rounding.
    if frames.rooted:
        zero = splat(np.float32(0))
        c0, c1, c2, c3 = root(larger(c0, zero)), root(larger(c1, zero)), root(larger(c2, zero)), root(larger(c3, zero))
        c4, c5, c6, c7 = root(larger(c4, zero)), root(larger(c5, zero)), root(larger(c6, zero)), root(larger(c7, zero))
    return c0, c1, c2, c3, c4, c5, c6, c7


@njit(cache=True)
def _diagonals(new: Any, old: Any) -> Any:
    """Lay the columns of a block on diagonals: each lane delayed by its distance to the last lane, bit by bit."""
    (c0, c1, c2, c3, c4, c5, c6, c7), (o, (p0, p1), (q0, q1, q2, q3), r) = new, old
    a0, a1, a2, a3 = delay(c0, o, 1), delay(c1, c0, 1), delay(c2, c1, 1), delay(c3, c2, 1)
    a4, a5, a6, a7 = delay(c4, c3, 1), delay(c5, c4, 1), delay(c6, c5, 1), delay(c7, c6, 1)
    b0, b1, b2, b3 = delay(a0, p0, 2), delay(a1, p1, 2), delay(a2, a0, 2), delay(a3, a1, 2)
    b4, b5, b6, b7 = delay(a4, a2, 2), delay(a5, a3, 2), delay(a6, a4, 2), delay(a7, a5, 2)
    d0, d1, d2, d3 = delay(b0, q0, 4), delay(b1, q1, 4), delay(b2, q2, 4), delay(b3, q3, 4)
    d4, d5, d6, d7 = delay(b4, b0, 4), delay(b5, b1, 4), delay(b6, b2, 4), delay(b7, b3, 4)
    e0, e1, e2, e3 = delay(d0, r[0], 8), delay(d1, r[1], 8), delay(d2, r[2], 8), delay(d3, r[3], 8)
    e4, e5, e6, e7 = delay(d4, r[4], 8), delay(d5, r[5], 8), delay(d6, r[6], 8), delay(d7, r[7], 8)
    last = (c7, (a6, a7), (b4, b5, b6, b7), (d0, d1, d2, d3, d4, d5, d6, d7))
    return (e0, e1, e2, e3, e4, e5, e6, e7), last


@njit(cache=True)
def _next(cost: Any, value: Any, diagonal: Any, above: Any, weights: Any) -> Any:
    """The recurrence, for every lane."""
    if weights is None:
        return add(cost, smaller(smaller(value, diagonal), above))
    both, down, across = weights
    value = smaller(multiply_add(cost, across, value), multiply_add(cost, both, diagonal))
    return smaller(value, multiply_add(cost, down, above))


@njit(cache=True)
def _inner_step(row: np.ndarray, at: int, kept: np.ndarray, to: int, cost: Any, v: Any, d: Any, weights: Any) -> Any:
    """One step along the diagonals: the new value of every lane, and what is its diagonal at the next step."""
    above = slide(v, load(row, at))
    v = _next(cost, v, d, above, weights)
    store(row, at - LANES + 1, v)
    store(kept, to, v)
    return v, above


@njit(cache=True)
def _outer_step(
    row: np.ndarray, at: int, kept: np.ndarray, to: int, cost: Any, v: Any, d: Any, right: Any, weights: Any, gates: Any
) -> Any:
    """The same where lanes wait with their left border, pay infinity outside the band, or leave through `right`."""
    entered, first, last, final = gates
    now, infinite = splat(np.float32(at - PAD)), splat(_INFINITY)
    above = slide(v, load(row, at))
    cost = select_below(now, first, infinite, select_below(now, last, cost, infinite))
    v = select_below(now, entered, v, _next(cost, v, d, above, weights))
    store(row, at - LANES + 1, v)
    store(kept, to, v)
    return v, above, select_below(now, final, right, select_below(final, now, right, v))


@njit(cache=True)
def _inner_steps(
    row: np.ndarray, at: int, kept: np.ndarray, to: int, stride: int, costs: Any, v: Any, d: Any, weights: Any
) -> Any:
    """Eight steps with all lanes inside the tile and the band."""
    v, d = _inner_step(row, at, kept, to, costs[0], v, d, weights)
    v, d = _inner_step(row, at + 1, kept, to + stride, costs[1], v, d, weights)
    v, d = _inner_step(row, at + 2, kept, to + 2 * stride, costs[2], v, d, weights)
    v, d = _inner_step(row, at + 3, kept, to + 3 * stride, costs[3], v, d, weights)
    v, d = _inner_step(row, at + 4, kept, to + 4 * stride, costs[4], v, d, weights)
    v, d = _inner_step(row, at + 5, kept, to + 5 * stride, costs[5], v, d, weights)
    v, d = _inner_step(row, at + 6, kept, to + 6 * stride, costs[6], v, d, weights)
    return _inner_step(row, at + 7, kept, to + 7 * stride, costs[7], v, d, weights)


@njit(cache=True)
def _outer_steps(
    row: np.ndarray,
    at: int,
    kept: np.ndarray,
    to: int,
    stride: int,
    costs: Any,
    v: Any,
    d: Any,
    right: Any,
    weights: Any,
    gates: Any,
) -> Any:
    """Eight steps with lanes outside."""
    v, d, right = _outer_step(row, at, kept, to, costs[0], v, d, right, weights, gates)
    v, d, right = _outer_step(row, at + 1, kept, to + stride, costs[1], v, d, right, weights, gates)
    v, d, right = _outer_step(row, at + 2, kept, to + 2 * stride, costs[2], v, d, right, weights, gates)
    v, d, right = _outer_step(row, at + 3, kept, to + 3 * stride, costs[3], v, d, right, weights, gates)
    v, d, right = _outer_step(row, at + 4, kept, to + 4 * stride, costs[4], v, d, right, weights, gates)
    v, d, right = _outer_step(row, at + 5, kept, to + 5 * stride, costs[5], v, d, right, weights, gates)
    v, d, right = _outer_step(row, at + 6, kept, to + 6 * stride, costs[6], v, d, right, weights, gates)
    return _outer_step(row, at + 7, kept, to + 7 * stride, costs[7], v, d, right, weights, gates)


@njit(cache=True)
def take_strip(
    frames: Frames,
    strip: int,
    column: int,
    columns: int,
    cut: bool,
    weights: Any,
    row: np.ndarray,
    left: np.ndarray,
    kept: np.ndarray,
    stride: int,
) -> None:
    """Take one strip of a tile: `row` (at PAD) from the row above to its last row, `left` from left to right border."""
    falling = load(_FALLING, 0)
    at = strip * LANES
    shift = add(falling, splat(np.float32(-column)))
    first = add(load(frames.first, at), shift)
    last = add(load(frames.last, at), shift)
    gates = falling, first, last, add(falling, splat(np.float32(columns - 1)))
    term = load(frames.x_term, at)
    at = at % TILE
    value = load(left, at)
    diagonal = slide(value, load(row, PAD - 1))
    right = value
    zero = splat(np.float32(0))
    zeros = (zero, zero, zero, zero, zero, zero, zero, zero)
    old = (zero, (zero, zero), (zero, zero, zero, zero), zeros)
    to = at * (TILE + PAD) * (stride > 0)
    for step in range(0, columns + LANES - 1, COLUMNS):
        costs = _costs(frames, strip, term, column + step) if step < columns else zeros
        costs, old = _diagonals(costs, old)
        if cut or step < LANES or step + COLUMNS >= columns:
            value, diagonal, right = _outer_steps(
                row, PAD + step, kept, to, stride, costs, value, diagonal, right, weights, gates
            )
        else:
            value, diagonal = _inner_steps(row, PAD + step, kept, to, stride, costs, value, diagonal, weights)
        to += COLUMNS * stride
    store(left, at, right)
