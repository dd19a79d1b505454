"""Recipes: where a dataset comes from, how it is laid out, how it is checked. Never its bytes."""

from __future__ import annotations

import os
from pathlib import Path

DATA_VARIABLE = "PERFSYNTH_DATA"
SPLITS = ("train", "valid", "test")  # of every corpus


def data_folder(name: str) -> Path:
    """Where a dataset lies: below ``$PERFSYNTH_DATA``, or below ``perfsynth`` where programs keep their data."""
    if chosen := os.environ.get(DATA_VARIABLE):
        return Path(chosen).expanduser() / name
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser() / "perfsynth" / name


def cache_folder() -> Path:
    """Where what can be made again lies: ``perfsynth`` in ``$XDG_CACHE_HOME``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "perfsynth"
