"""What `warp` refuses, and the smallest that it takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from perfsynth.align.dtw import warp
from perfsynth.errors import InputError, MissingError, UsageError


@pytest.mark.parametrize("backend", ["numba", "torch"])
def test_one_frame_meets_every_other(backend: Any) -> None:
    one, many = np.array([[1.0, 2.0]]), np.array([[1.0, 2.0], [2.0, 2.0], [1.0, 4.0]])
    assert warp(one, one, backend=backend).path.tolist() == [[0, 0]]
    across = warp(one, many, step_weights=(1, 1, 3), backend=backend)
    assert across.path.tolist() == [[0, 0], [0, 1], [0, 2]] and across.cost == 15
    down = warp(many, one, step_weights=(1, 3, 1), backend=backend)
    assert down.path.tolist() == [[0, 0], [1, 0], [2, 0]] and down.cost == 15
    assert warp(many[2:], many, subsequence=True, backend=backend).path.tolist() == [[0, 2]]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"x": np.zeros((0, 3))}, InputError, "at least one frame"),
        ({"x": np.zeros(3)}, InputError, "expected frames and features"),
        ({"x": np.zeros((4, 2))}, InputError, "2 features a frame and y has 3"),
        ({"x": np.full((4, 3), np.nan)}, InputError, "not finite"),
        ({"y": np.full((4, 3), -np.inf)}, InputError, "not finite"),
        ({"x": np.zeros((4, 0))}, InputError, "one feature"),
        ({"y": np.full((5, 3), 1e200)}, InputError, "not finite or above"),
        ({"band": 2.5}, InputError, "a whole number of frames"),
        ({"anchors": [(1, 2, 3)]}, InputError, "pairs of whole numbers"),
        ({"anchors": [(1.5, 2)]}, InputError, "pairs of whole numbers"),
        ({"band": 0, "anchors": [(0, 4)]}, InputError, "no path leads"),
        ({"band": -1}, InputError, "cannot be negative"),
        ({"band": np.zeros((3, 2), int)}, InputError, "a row per frame"),
        ({"band": np.zeros((4, 2), int)}, InputError, "frame 0 of x no frame of y"),
        ({"band": np.array([[0, 1], [3, 4], [3, 4], [3, 4]])}, InputError, "no path leads through the band"),
        ({"anchors": [(2, 9)]}, InputError, "outside of 4 x 5 frames"),
        ({"anchors": [(2, 2), (1, 3)]}, InputError, "anchors must rise"),
        ({"metric": "manhattan"}, UsageError, "choose one of"),
        ({"step_weights": (1, 0, 1)}, UsageError, "three positive numbers"),
        ({"open_begin": "z"}, UsageError, "'x' or 'y'"),
        ({"subsequence": True, "open_end": True}, UsageError, "leave out"),
        ({"backend": "cupy"}, UsageError, "auto, numba or torch"),
        ({"backend": "numba", "device": "cuda"}, UsageError, "use backend torch"),
        ({"backend": "torch", "device": "cuda:77"}, MissingError, "is not there"),
        ({"device": "nonsense"}, UsageError, "choose cpu, cuda"),
    ],
)
def test_what_makes_no_sense_is_said(options: dict[str, Any], error: type[Exception], words: str) -> None:
    rng = np.random.default_rng(0)
    arguments = {"x": rng.normal(size=(4, 3)), "y": rng.normal(size=(5, 3)), **options}
    with pytest.raises(error, match=words):
        warp(**arguments)
