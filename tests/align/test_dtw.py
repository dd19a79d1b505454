"""Time warping against a plain reference in float64, over shapes, options and metrics."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from perfsynth.align.band import band_around, band_bounds
from perfsynth.align.dtw import warp
from perfsynth.errors import InputError

METRICS = ("sqeuclidean", "cosine", "euclidean")
TOLERANCE = 1e-5  # of the cost


def distances(x: np.ndarray, y: np.ndarray, metric: str) -> np.ndarray:
    """All distances of two sequences, (n, m) float64."""
    a, b = x.astype(float)[:, None], y.astype(float)[None]
    if metric == "cosine":
        length = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
        return np.where(length > 0, 1 - (a * b).sum(-1) / np.maximum(length, 1e-300), 1.0)
    squared = ((a - b) ** 2).sum(-1)
    return np.sqrt(squared) if metric == "euclidean" else squared


@numba.njit
def accumulate(
    cost: np.ndarray, weights: tuple[float, float, float], bounds: np.ndarray, from_x: bool, from_y: bool
) -> np.ndarray:
    """Accumulated costs by the textbook, cell after cell, float64; infinite where no path leads."""
    n, m = cost.shape
    total = np.full((n, m), np.inf)
    for i in range(n):
        for j in range(max(bounds[i, 0], 0), min(bounds[i, 1], m)):
            best = np.inf
            if (i == 0 and (j == 0 or from_y)) or (j == 0 and from_x):
                best = cost[i, j]
            if i > 0 and j > 0:
                best = min(best, total[i - 1, j - 1] + weights[0] * cost[i, j])
            if i > 0:
                best = min(best, total[i - 1, j] + weights[1] * cost[i, j])
            if j > 0:
                best = min(best, total[i, j - 1] + weights[2] * cost[i, j])
            total[i, j] = best
    return total


def plain_cost(
    x: np.ndarray,
    y: np.ndarray,
    metric: str = "sqeuclidean",
    weights: tuple[float, float, float] = (1.0, 1.0, 1.0),
    bounds: np.ndarray | None = None,
    begin: str | None = None,
    end: str | None = None,
) -> float:
    """The cost of the cheapest path."""
    bounds = band_bounds(None, len(x), len(y)) if bounds is None else bounds
    total = accumulate(distances(x, y, metric), weights, bounds, begin == "x", begin == "y")
    ends = total[-1] if end == "y" else total[:, -1] if end == "x" else total[-1:, -1]
    return float(ends.min())


def sequences(seed: int, n: int, m: int, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Two random walks that wander alike, so that paths turn both ways."""
    rng = np.random.default_rng(seed)
    song = np.cumsum(rng.normal(size=(n + m, depth)), axis=0) + 5
    at = np.sort(rng.integers(0, n + m, n)), np.sort(rng.integers(0, n + m, m))
    x, y = (song[each] + rng.normal(scale=0.3, size=(len(each), depth)) for each in at)
    return x.astype(np.float32), y.astype(np.float32)


def check_path(path: np.ndarray, n: int, m: int, begin: str | None, end: str | None) -> None:
    """Its shape, its steps and its ends."""
    assert path.dtype == np.int32 and path.ndim == 2 and path.shape[1] == 2
    assert {tuple(step) for step in np.diff(path, axis=0)} <= {(1, 1), (1, 0), (0, 1)}
    assert path[0, 0] == 0 or begin == "x"
    assert path[0, 1] == 0 or begin == "y"
    assert path[-1, 0] == n - 1 or end == "x"
    assert path[-1, 1] == m - 1 or end == "y"


SHAPES = st.one_of(
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.tuples(
        st.sampled_from([256, 257, 258, 263, 264, 265, 513]), st.sampled_from([16, 255, 256, 257, 258, 300, 515])
    ),
)
WEIGHTS = st.sampled_from([(1.0, 1.0, 1.0), (2.0, 1.0, 1.0), (1.0, 1.5, 0.7), (1.0, 1.0, 2.0)])
SIDES = st.sampled_from([None, "x", "y"])


@settings(max_examples=50, deadline=None)
@example(0, (258, 515), 1, "sqeuclidean", (1.0, 1.0, 1.0), None, "y", 0, "numba")  # an end in a tile left out
@example(0, (515, 258), 1, "sqeuclidean", (1.0, 1.0, 1.0), None, "x", 0, "numba")
@example(0, (256, 257), 1, "sqeuclidean", (1.0, 1.0, 1.0), None, "y", 0, "torch")
@given(
    seed=st.integers(0, 2**32),
    shape=SHAPES,
    depth=st.integers(1, 20),
    metric=st.sampled_from(METRICS),
    weights=WEIGHTS,
    begin=SIDES,
    end=SIDES,
    radius=st.one_of(st.none(), st.integers(0, 200)),
    backend=st.sampled_from(["numba", "numba", "torch"]),
)
def test_the_path_is_the_cheapest(
    seed: int,
    shape: tuple[int, int],
    depth: int,
    metric: Any,
    weights: tuple[float, float, float],
    begin: Any,
    end: Any,
    radius: int | None,
    backend: Any,
) -> None:
    n, m = shape
    x, y = sequences(seed, n, m, depth)
    options: dict[str, Any] = {"open_begin": begin or False, "open_end": end or False, "band": radius}
    found = warp(x, y, metric=metric, step_weights=weights, backend=backend, **options)
    check_path(found.path, n, m, begin, end)
    expected = plain_cost(x, y, metric, weights, band_bounds(radius, n, m), begin, end)
    assert found.cost == pytest.approx(expected, rel=TOLERANCE, abs=1e-4)
    assert found.backend == backend


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    shape=SHAPES,
    width=st.integers(0, 40),
    begin=SIDES,
    end=SIDES,
    backend=st.sampled_from(["numba", "numba", "torch"]),
)
def test_a_ragged_band_is_kept(
    seed: int, shape: tuple[int, int], width: int, begin: Any, end: Any, backend: Any
) -> None:
    n, m = shape
    x, y = sequences(seed, n, m, 3)
    rng = np.random.default_rng(seed)
    # Around a random staircase, with an edge that goes back and forth.
    stairs = np.sort(rng.integers(0, m, n + 1))
    stairs[0], stairs[-1] = 0, m - 1
    bounds = np.stack([stairs[:-1] - rng.integers(0, width + 1, n), stairs[1:] + 1 + rng.integers(0, width + 1, n)], 1)
    found = warp(x, y, band=bounds, open_begin=begin or False, open_end=end or False, backend=backend)
    check_path(found.path, n, m, begin, end)
    first, last = bounds[found.path[:, 0]].T
    assert np.all((found.path[:, 1] >= first) & (found.path[:, 1] < last))
    assert found.cost == pytest.approx(plain_cost(x, y, bounds=bounds, begin=begin, end=end), rel=TOLERANCE, abs=1e-4)


def test_a_path_by_hand() -> None:
    x, y = np.array([[0], [1], [5], [5]]), np.array([[0], [5]])
    found = warp(x, y)
    assert found.path.tolist() == [[0, 0], [1, 0], [2, 1], [3, 1]]
    assert found.cost == 1
    assert warp(x, y, step_weights=(1, 3, 1)).cost == 3
    assert warp(x, y, metric="euclidean", step_weights=(1, 3, 1)).cost == 3
    assert warp(x, y, metric="cosine").cost == 1  # of silence against silence


@pytest.mark.parametrize("backend", ["numba", "torch"])
def test_a_sequence_against_itself_is_the_diagonal(backend: Any) -> None:
    x, _ = sequences(0, 700, 1, 12)
    found = warp(x, x, backend=backend)
    assert found.path.tolist() == [[i, i] for i in range(len(x))]
    assert found.cost == 0


@pytest.mark.parametrize("backend", ["numba", "torch"])
def test_a_sequence_is_found_in_another(backend: Any) -> None:
    _, y = sequences(1, 1, 900, 6)
    found = warp(y[411:700], y, subsequence=True, backend=backend)
    assert found.path[:, 1].tolist() == list(range(411, 700))
    assert warp(y, y[411:700], open_begin="x", open_end="x", backend=backend).path[:, 0].tolist() == list(
        range(411, 700)
    )


def test_a_path_passes_its_anchors() -> None:
    x, y = sequences(2, 300, 330, 4)
    free = warp(x, y)
    assert warp(x, y, anchors=free.path[::50]).cost == pytest.approx(free.cost)
    anchors = [(0, 20), (150, 90), (160, 200), (299, 329)]
    forced = warp(x, y, anchors=anchors)
    check_path(forced.path, 300, 330, None, None)
    assert set(anchors) <= {tuple(cell) for cell in forced.path.tolist()}
    # Between two anchors the path is the cheapest; the cell of an anchor counts once.
    cells = [(0, 0), *anchors]
    expected = 0.0
    for (i0, j0), (i1, j1) in pairwise(cells):
        expected += plain_cost(x[i0 : i1 + 1], y[j0 : j1 + 1])
    expected -= sum(((x[i].astype(float) - y[j]) ** 2).sum() for i, j in cells[1:-1])
    assert forced.cost == pytest.approx(expected, rel=TOLERANCE)
    assert warp(x, y, anchors=[(10, 50)], open_begin=True).path[0, 1] > 0
    assert warp(x, y, anchors=[(0, 0), (10, 50)], open_begin=True).path[0].tolist() == [0, 0]


@pytest.mark.parametrize("offset", [0, 300])
def test_a_long_path_loses_nothing(offset: float) -> None:
    rng = np.random.default_rng(5)
    x, y = (rng.uniform(size=(n, 5)).astype(np.float32) + offset for n in (4000, 3900))
    assert warp(x, y).cost == pytest.approx(plain_cost(x, y), rel=TOLERANCE)


def test_a_coarse_path_bounds_a_fine_one() -> None:
    x, y = sequences(6, 1203, 1001, 6)
    exact = warp(x, y)
    coarse = warp(x[::4], y[::5])
    band = band_around(coarse.path, len(x), len(y), radius=40, scale=(4, 5))
    assert band.shape == (1203, 2)
    assert band[:, 0].min() == 0 and band[:, 1].max() == 1001
    fine = warp(x, y, band=band)
    assert fine.cost == pytest.approx(exact.cost)
    assert not fine.touches_band
    assert warp(x, y, band=0).touches_band


def test_a_band_around_a_path_is_the_union_of_its_blocks() -> None:
    path = warp(*sequences(9, 40, 31, 2)).path
    for scale, radius, n, m in [((4, 5), 3, 161, 153), ((2.5, 1), 0, 99, 31), ((1, 7.3), 11, 40, 230)]:
        band = band_around(path, n, m, radius=radius, scale=scale)
        for i in range(n):
            met = [
                (int(np.floor(b * scale[1])) - radius, int(np.ceil((b + 1) * scale[1])) + radius)
                for a, b in path
                if np.floor(a * scale[0]) - radius <= i < np.ceil((a + 1) * scale[0]) + radius
            ]
            if met:
                first, last = min(each[0] for each in met), max(each[1] for each in met)
                assert band[i].tolist() == [max(first, 0), min(last, m)]
    with pytest.raises(InputError, match="no cell within"):
        band_around(path + 50, 40, 31, radius=2)
    with pytest.raises(InputError, match="no cell within"):
        band_around(path[:0], 40, 31, radius=2)
