"""Where files lie: datasets, what can be made again, and what ships with the package."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

DATA_VARIABLE = "PERFSYNTH_DATA"


def data_folder(name: str) -> Path:
    """Where a dataset lies: below ``$PERFSYNTH_DATA``, or below ``perfsynth`` where programs keep their data."""
    if chosen := os.environ.get(DATA_VARIABLE):
        return Path(chosen).expanduser() / name
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser() / "perfsynth" / name


def cache_folder() -> Path:
    """Where what can be made again lies: ``perfsynth`` in ``$XDG_CACHE_HOME``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "perfsynth"


def shipped(name: str) -> Path:
    """Where a model that comes with the package lies, with its card; a name that none bears has no folder there."""
    return Path(str(files("perfsynth") / "pretrained" / name))
