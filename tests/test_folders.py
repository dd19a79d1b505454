"""Where files lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfsynth import registry
from perfsynth.folders import data_folder, shipped


def test_datasets_lie_where_the_variables_say_or_else_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PERFSYNTH_DATA", str(tmp_path / "data"))
    assert data_folder("salamander") == tmp_path / "data" / "salamander"
    monkeypatch.delenv("PERFSYNTH_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert data_folder("salamander") == tmp_path / "share" / "perfsynth" / "salamander"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder("x") == tmp_path / ".local" / "share" / "perfsynth" / "x"


def test_a_model_that_ships_lies_in_its_folder_with_its_card() -> None:
    assert (shipped(registry.get("auto", "render-performance").folder) / "CARD.md").is_file()
    assert not shipped("no-such-model").exists()
