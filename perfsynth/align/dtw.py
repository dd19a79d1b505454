"""Dynamic time warping: the cheapest path through two sequences, exact, in memory that grows with their lengths.

Sakoe and Chiba, "Dynamic programming algorithm optimization for spoken word recognition", 1978, with steps (1, 1),
(1, 0) and (0, 1). The matrix is taken in tiles of which only the borders are kept, and the path recomputes the tiles it
crosses (Hirschberg's idea; for time warping: Tralie and Dempsey, "Exact, parallelizable dynamic time warping alignment
with linear memory", ISMIR 2020).

Here: arguments, ends and anchors. `band` says where a path may run, `_dtw_cells` does what is done cell by cell. Each
backend has a class `Sweep` that accumulates a matrix and walks back through it: `_dtw_numba` (over `_tiles`, `_strips`,
`_frames` and `_vectors`, each on top of the next) and `_dtw_torch` (over `_triton` on a GPU, else `_tensors`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from perfsynth.align.band import anchor_parts, band_around, band_bounds, touches
from perfsynth.errors import InputError, MissingError, UsageError

Metric = Literal["sqeuclidean", "cosine", "euclidean"]
Backend = Literal["auto", "numba", "torch"]
Side = Literal["x", "y"]
METRICS = {"sqeuclidean": 0, "cosine": 1, "euclidean": 2}  # as in `_dtw_cells`
BOUNDED_FRAMES = 2048  # from this length on a coarse path pays, of means over COARSE frames
COARSE = 16
LARGEST = 1e12  # squares of larger numbers add up to more than a float32 holds


@dataclass(frozen=True)
class WarpingPath:
    """What `warp` found.

    Attributes
    ----------
    path : (n_cells, 2) int32
        Frames of x and of y that sound together, in order; each cell follows by (1, 1), (1, 0) or (0, 1).
    cost : float
        The sum of the distances along the path, each weighted by its step (the first by 1), in float64.
    touches_band : bool
        Whether the path runs along the edge of the band it was given: then a wider band may hold a cheaper one.
    backend : str
        What computed it: "numba" or "torch".
    """

    path: np.ndarray
    cost: float
    touches_band: bool
    backend: str


@dataclass(frozen=True)
class _Options:
    metric: int
    weights: tuple[float, float, float]
    sweep: Any  # the class `Sweep` of a backend
    keywords: dict[str, Any]
    bounded: bool  # whether it takes a band `near` the cheapest path


def warp(
    x: np.ndarray,
    y: np.ndarray,
    *,
    metric: Metric = "sqeuclidean",
    step_weights: tuple[float, float, float] = (1.0, 1.0, 1.0),
    band: int | np.ndarray | None = None,
    anchors: Sequence[tuple[int, int]] | np.ndarray | None = None,
    open_begin: bool | Side = False,
    open_end: bool | Side = False,
    subsequence: bool = False,
    backend: Backend = "auto",
    device: str | None = None,
    parallel: bool = False,
) -> WarpingPath:
    """Find the cheapest path from the first frames of x and y to their last.

    Parameters
    ----------
    x, y : (n, d), (m, d) float32
        Feature frames.
    metric
        Distance of two frames. A frame of zeros is at cosine distance 1 from every other. Squared distances are
        differences of float32 products around the common mean: next to zero they are exact to 1e-6 of its variance.
    step_weights
        What a distance counts for when reached by a step (1, 1), (1, 0) (x alone moves) and (0, 1); positive.
    band
        A Sakoe-Chiba radius in frames of y around the diagonal, or for each frame of x the first and the one past the
        last frame of y it may meet, (n, 2), as `band_around` makes it.
    anchors
        Cells (i, j) that the path must pass, in order.
    open_begin, open_end
        Frames at the beginning or the end that may stay unmatched at no cost: those of "y" (or True), or of "x".
    subsequence
        Both ends of y open: where in y is x?
    backend, device
        "numba" for the processor, "torch" for `device` ("cpu", "cuda", "cuda:1"); "auto" takes torch if `device` is
        a GPU.
    parallel
        Use all of numba's threads.

    Raises
    ------
    InputError
        Sequences without frames, of unlike depth or with numbers that are not finite; a band or anchors through
        which no path leads.
    UsageError
        Options that mean nothing.
    """
    x, y = _frames(x, "x"), _frames(y, "y")
    if x.shape[1] != y.shape[1]:
        raise InputError(f"x has {x.shape[1]} features a frame and y has {y.shape[1]}: they must have the same")
    if subsequence and (open_begin or open_end):
        raise UsageError("subsequence opens both ends of y: leave out open_begin and open_end")
    begin, end = ("y", "y") if subsequence else (_side(open_begin), _side(open_end))
    name, sweep, keywords = _backend(backend, device, parallel)
    options = _Options(_metric(metric), _weights(step_weights), sweep, keywords, name == "numba")
    bounds = band_bounds(band, len(x), len(y))
    stretches = anchor_parts(anchors, len(x), len(y))
    # An anchor in a corner closes it.
    passed = {(int(i), int(j)) for i, j in anchors} if anchors is not None else set()
    begin = None if (0, 0) in passed else begin
    end = None if (len(x) - 1, len(y) - 1) in passed else end
    parts = []
    for k, (first, last) in enumerate(stretches):
        rows, columns = slice(first[0], last[0] + 1), slice(first[1], last[1] + 1)
        within = np.clip(bounds[rows] - first[1], 0, last[1] + 1 - first[1])
        open_ends = begin if k == 0 else None, end if k == len(stretches) - 1 else None
        part = _part(x[rows], y[columns], within, open_ends, options)
        parts.append(part[1 if k else 0 :] + np.array(first, np.int32))
    path = np.concatenate(parts)
    from perfsynth.align._dtw_cells import path_cost

    cost = path_cost(x, y, options.metric, options.weights, path)
    return WarpingPath(path, float(cost), touches(path, bounds, len(y)), name)


def _part(
    x: np.ndarray, y: np.ndarray, band: np.ndarray, open_ends: tuple[str | None, str | None], options: _Options
) -> np.ndarray:
    """The path through two sequences, or through the part of them between two anchors."""
    from perfsynth.align._dtw_cells import edge

    n, m = len(x), len(y)
    columns = np.arange(m)
    in_row = (columns >= band[0, 0]) & (columns < band[0, 1])
    in_column = (band[:, 0] <= 0) & (band[:, 1] > 0)
    _, down, across = options.weights
    row, row_origin = edge(x[0], y, options.metric, in_row, across, open_ends[0] == "y")
    column, column_origin = edge(y[0], x, options.metric, in_column, down, open_ends[0] == "x")
    last_row, last_column, sweep = row, column, None
    if n > 1 and m > 1:
        inner = np.clip(band[1:] - 1, 0, None)
        keywords = {"metric": options.metric, "weights": options.weights, **options.keywords}
        if options.bounded and min(n, m) >= BOUNDED_FRAMES and (band == (0, m)).all():
            keywords["near"] = np.clip(_near(x, y, options)[1:] - 1, 0, None)
        sweep = options.sweep(x[1:], y[1:], row, column, inner, **keywords)
        last_row, last_column = np.append(column[-1], sweep.last_row), np.append(row[-1], sweep.last_column)
    elif n > 1:
        last_row = column[-1:]
    elif m > 1:
        last_column = row[-1:]
    # Tiles that the band leaves out have kept what the ones before them reached.
    last_row = np.where((columns >= band[-1, 0]) & (columns < band[-1, 1]), last_row, np.inf)
    last_column = np.where((band[:, 0] < m) & (band[:, 1] >= m), last_column, np.inf)
    i, j = n - 1, m - 1
    if open_ends[1] == "y":
        j = int(np.argmin(last_row))
    elif open_ends[1] == "x":
        i = int(np.argmin(last_column))
    if not np.isfinite(last_row[j] if i == n - 1 else last_column[i]):
        raise InputError("no path leads through the band: widen it, or move the anchors inside it")
    path = np.empty((n + m - 1, 2), np.int32)
    begin = len(path)
    if sweep is not None and i > 0 and j > 0:
        i, j, begin = sweep.walk((i - 1, j - 1), path, begin)
        i, j = i + 1, j + 1
    origin = int(row_origin[j] if i == 0 else column_origin[i])
    before = begin - (j if i == 0 else i) + origin - 1
    path[before:begin] = 0
    path[before:begin, 1 if i == 0 else 0] = np.arange(origin, (j if i == 0 else i) + 1)
    return path[before:]


def _near(x: np.ndarray, y: np.ndarray, options: _Options) -> np.ndarray:
    """A band around the cheapest path through the means over `COARSE` frames."""
    a, b = (np.add.reduceat(each, np.arange(0, len(each), COARSE), dtype=np.float32) / COARSE for each in (x, y))
    whole = band_bounds(None, len(a), len(b))
    coarse = _part(a, b, whole, (None, None), options)
    return band_around(coarse, len(x), len(y), radius=COARSE, scale=(COARSE, COARSE))


def _frames(frames: np.ndarray, name: str) -> np.ndarray:
    with np.errstate(over="ignore"):  # what is too large for float32 is refused below
        frames = np.ascontiguousarray(frames, dtype=np.float32)
    if frames.ndim != 2:
        raise InputError(f"{name} has shape {frames.shape}: expected frames and features, (n, d)")
    if not frames.size:
        raise InputError(f"{name} has shape {frames.shape}: it needs at least one frame and one feature")
    if not max(abs(float(frames.min())), abs(float(frames.max()))) < LARGEST:  # so written, NaN fails too
        raise InputError(
            f"{name} has numbers that are not finite or above {LARGEST:g}: mend or scale them before warping"
        )
    return frames


def _side(ends: bool | str) -> str | None:
    if not (isinstance(ends, (bool, np.bool_)) or ends in ("x", "y")):
        raise UsageError(f"open_begin and open_end are False, True, 'x' or 'y', not {ends!r}")
    if isinstance(ends, str):
        return ends
    return "y" if ends else None


def _metric(metric: str) -> int:
    if metric not in METRICS:
        raise UsageError(f"metric {metric!r} is not known: choose one of {', '.join(METRICS)}")
    return METRICS[metric]


def _weights(weights: tuple[float, float, float]) -> tuple[float, float, float]:
    both, down, across = (float(weight) for weight in weights)
    if not all(0 < weight < np.inf for weight in (both, down, across)):
        raise UsageError(f"step_weights {weights} must be three positive numbers")
    return both, down, across


def _backend(backend: str, device: str | None, parallel: bool) -> tuple[str, Any, dict[str, Any]]:
    """The name of a backend, its class `Sweep` and what that takes beside the problem."""
    kind = (device or "cpu").partition(":")[0]
    on_gpu = kind != "cpu"
    if backend not in ("auto", "numba", "torch"):
        raise UsageError(f"backend {backend!r} is not known: choose auto, numba or torch")
    if kind not in ("cpu", "cuda"):  # the others lack float64, or have never been tried
        raise UsageError(f"device {device!r} is not known: choose cpu, cuda or cuda:N")
    if backend == "torch" or (backend == "auto" and on_gpu):
        import torch

        from perfsynth.align import _dtw_torch

        try:
            where = torch.device(device or "cpu")
            torch.empty(0, device=where)
        except (RuntimeError, AssertionError) as error:
            raise MissingError(f"device {device!r} is not there ({error}): leave it out, or use cpu") from error
        return "torch", _dtw_torch.Sweep, {"device": where}
    if on_gpu:
        raise UsageError(f"backend numba runs on the processor, not on {device!r}: use backend torch")
    from perfsynth.align import _dtw_numba

    return "numba", _dtw_numba.Sweep, {"parallel": parallel}
