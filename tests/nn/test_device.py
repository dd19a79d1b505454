"""Devices by name: those that are there, and words for those that are not."""

from __future__ import annotations

import pytest
import torch

from perfsynth.errors import MissingError, UsageError
from perfsynth.nn.device import checked


def with_devices(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: number > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: number)


@pytest.mark.parametrize(
    ("number", "names"),
    [(0, {"cpu": "cpu", "auto": "cpu"}), (2, {"cpu": "cpu", "auto": "cuda", "cuda": "cuda", "cuda:1": "cuda:1"})],
)
def test_devices_that_are_there(number: int, names: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with_devices(number, monkeypatch)
    assert {name: checked(name) for name in names} == names


@pytest.mark.parametrize(
    ("number", "name", "words"), [(0, "cuda", "finds no CUDA devices"), (1, "cuda:1", "finds 1 CUDA devices")]
)
def test_devices_that_are_not(number: int, name: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_devices(number, monkeypatch)
    with pytest.raises(MissingError, match=words):
        checked(name)


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "cpu:0", ""])
def test_names_of_no_device(name: str) -> None:
    with pytest.raises(UsageError, match="it is cpu, cuda, cuda:N or auto"):
        checked(name)
