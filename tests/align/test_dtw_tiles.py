"""Tiles, threads and kernels change nothing: what is stored, left out or computed elsewhere leads the same way."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch

from perfsynth.align import _dtw_numba, _dtw_torch
from perfsynth.align.band import band_bounds
from perfsynth.align.dtw import warp

DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
KERNELS = ["tensors", "triton"] if find_spec("triton") else ["tensors"]


def sequences(seed: int, n: int, m: int, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Two random walks that wander alike, so that paths turn both ways."""
    rng = np.random.default_rng(seed)
    song = np.cumsum(rng.normal(size=(n + m, depth)), axis=0) + 5
    at = np.sort(rng.integers(0, n + m, n)), np.sort(rng.integers(0, n + m, m))
    x, y = (song[each] + rng.normal(scale=0.3, size=(len(each), depth)) for each in at)
    return x.astype(np.float32), y.astype(np.float32)


@pytest.mark.parametrize("every", [2, 3, 50])
@pytest.mark.parametrize("band", [None, 300])
def test_fewer_stored_borders_lead_the_same_way(every: int, band: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    n, m = 1500, 1700
    x, y = sequences(3, n, m, 4)
    plain = warp(x, y, band=band, backend="numba")
    begin, end = _dtw_numba.tile_ranges(band_bounds(band, n, m)[1:] - [1, 1], m - 1, _dtw_numba.TILE)
    bytes_of_all = 8 * _dtw_numba.TILE * int((end - begin).sum())
    monkeypatch.setattr(_dtw_numba, "STORE_BYTES_PER_FRAME", 0)
    monkeypatch.setattr(_dtw_numba, "STORE_BYTES", -(-bytes_of_all // every))
    counted = Counted(_dtw_numba.fill)
    monkeypatch.setattr(_dtw_numba, "fill", counted)
    sparse = warp(x, y, band=band, backend="numba")
    assert np.array_equal(sparse.path, plain.path)
    assert sparse.cost == plain.cost
    assert counted.calls > 1


class Counted:
    """A function, and how often it was called."""

    def __init__(self, function: Any) -> None:
        self.function, self.calls = function, 0

    def __call__(self, *arguments: Any) -> Any:
        self.calls += 1
        return self.function(*arguments)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"metric": "cosine"},
        {"metric": "euclidean", "step_weights": (2, 1, 1.5)},
        {"subsequence": True},
        {"open_begin": "x", "open_end": "x"},
        {"anchors": [(0, 30), (900, 1200)]},
    ],
)
@pytest.mark.parametrize("kind", ["alike", "unlike", "same"])
def test_tiles_left_out_hold_no_cheaper_path(
    kind: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(7)
    x, y = sequences(7, 1500, 1700, 4)
    if kind == "unlike":
        x, y = (rng.random((len(each), 4)).astype(np.float32) for each in (x, y))
    y = x if kind == "same" else y
    monkeypatch.setattr("perfsynth.align.dtw.BOUNDED_FRAMES", 10**9)
    every = warp(x, y, **options)
    monkeypatch.setattr("perfsynth.align.dtw.BOUNDED_FRAMES", 300)
    bounded = warp(x, y, **options)
    assert np.array_equal(bounded.path, every.path)
    assert bounded.cost == every.cost


def test_tiles_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = sequences(8, 3000, 3000, 4)
    sweeps = []

    class Kept(_dtw_numba.Sweep):
        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            super().__init__(*arguments, **keywords)
            sweeps.append(self)

    monkeypatch.setattr(_dtw_numba, "Sweep", Kept)
    warp(x, y)
    assert np.isfinite(sweeps[-1].last_row[-1])
    assert np.isinf(sweeps[-1].last_row[0]) and np.isinf(sweeps[-1].last_column[0])


def test_threads_change_nothing() -> None:
    x, y = sequences(4, 1100, 900, 12)
    alone, together = warp(x, y), warp(x, y, parallel=True)
    assert np.array_equal(alone.path, together.path)
    assert alone.cost == together.cost


OPTIONS: list[tuple[int, int, dict[str, Any]]] = [
    (5, 7, {}),
    (17, 2, {}),
    (2, 17, {}),
    (50, 33, {"metric": "cosine"}),
    (49, 49, {"metric": "euclidean", "step_weights": (2, 1, 1.5)}),
    (60, 70, {"band": 9}),
    (65, 65, {"subsequence": True}),
    (33, 80, {"open_begin": "y", "open_end": "x"}),
    (81, 31, {"band": 12, "open_begin": "x", "open_end": "y"}),
]


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize(("n", "m", "options"), OPTIONS)
def test_the_kernels_of_torch_agree_with_numba(
    kernels: str, n: int, m: int, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = sequences(n + m, n, m, 3)
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    module = import_module(f"perfsynth.align._dtw_torch_{kernels}")
    monkeypatch.setattr(_dtw_torch, "_kernels", lambda _device: module)
    monkeypatch.setattr(_dtw_torch, "TILE_CPU", 16)
    found, expected = warp(x, y, backend="torch", **options), warp(x, y, backend="numba", **options)
    assert np.array_equal(found.path, expected.path)
    assert found.cost == expected.cost


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("band", [None, 250])
def test_every_device_finds_the_same_cost(device: str, band: int | None) -> None:
    x, y = sequences(10, 1100, 1300, 12)
    found = warp(x, y, band=band, backend="torch", device=device)
    assert found.cost == pytest.approx(warp(x, y, band=band, backend="numba").cost, rel=1e-6)
