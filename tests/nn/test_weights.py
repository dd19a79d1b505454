"""Weights in folders: read once, and anew when they change."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from perfsynth.errors import InputError, MissingError
from perfsynth.nn.weights import network_of


@dataclass(frozen=True)
class Config:
    """A size."""

    width: int = 2


class Line(torch.nn.Linear):
    """A network."""

    def __init__(self, config: Config) -> None:
        super().__init__(config.width, 1, bias=False)


def write(folder: Path, value: float, width: int = 2) -> None:
    save_file({"weight": torch.full((1, width), value)}, folder / "model.safetensors")
    (folder / "config.toml").write_text(f'system = "line"\n[model]\nwidth = {width}\n')


def test_a_network_is_kept_until_its_files_change(tmp_path: Path) -> None:
    write(tmp_path, 1.0)
    first = network_of(str(tmp_path), "line", Line, Config)
    assert network_of(str(tmp_path), "line", Line, Config) is first
    assert not first.training
    write(tmp_path, 2.0, width=3)
    os.utime(tmp_path / "model.safetensors", ns=(1, 1))  # however coarse the clock of the disk
    second = network_of(str(tmp_path), "line", Line, Config)
    assert second.weight.tolist() == [[2.0, 2.0, 2.0]]


def test_what_is_not_there_or_of_another_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        network_of(str(tmp_path), "line", Line, Config)
    with pytest.raises(MissingError, match="--weights"):
        network_of(None, "unheard-of", Line, Config)
    write(tmp_path, 1.0)
    with pytest.raises(InputError, match="weights of line, where those of curve"):
        network_of(str(tmp_path), "curve", Line, Config)
    (tmp_path / "config.toml").write_text('system = "line"\n[model]\nwidth = 9\n')
    with pytest.raises(InputError, match="this version of line"):
        network_of(str(tmp_path), "line", Line, Config)
