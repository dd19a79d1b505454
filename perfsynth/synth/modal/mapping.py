"""A TOML that says which key and velocity each recording is of, for samples that are named otherwise.

folder = "my samples"      # beside the TOML unless absolute; its own folder by default

[[sample]]
file = "C4 soft.wav"
key = 60                   # MIDI, 21 to 108
velocity = 40              # 1 to 127: how hard the key was struck

[[release]]                # the noise of a key coming up; there may be none
file = "C4 up.wav"
key = 60
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from perfsynth.errors import InputError
from perfsynth.synth.action import HIGHEST, LOWEST
from perfsynth.synth.samples import SUFFIXES

TABLES = {"sample": {"file", "key", "velocity"}, "release": {"file", "key"}}


def link(mapping: Path, folder: Path) -> None:
    """Fill a folder with links to the recordings of a TOML, named as `load_samples` reads them with ``velocities``.

    Raises
    ------
    InputError
        When the TOML is none, leaves something out, or names a file that is not there.
    """
    try:
        tables = tomllib.loads(mapping.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{mapping}: no TOML ({error}); see perfsynth fit-piano --help") from error
    if unknown := sorted(tables.keys() - {"folder", *TABLES}):
        raise InputError(f"{mapping}: unknown {unknown[0]!r}; it may hold folder, [[sample]] and [[release]]")
    if not isinstance(tables.get("sample"), list) or not isinstance(tables.get("release", []), list):
        raise InputError(f"{mapping}: no [[sample]]; each needs a file, a key and a velocity")
    source = mapping.parent / str(tables.get("folder", ""))
    for kind in TABLES:
        for number, entry in enumerate(tables.get(kind, []), 1):
            path, key, velocity = _entry(f"{mapping}: {kind} {number}", kind, entry, source)
            end = f"_{key:03d}_{velocity}" if kind == "sample" else f"rel{key - 20}"
            place = folder / (f"{path.stem}{end}{path.suffix}" if kind == "sample" else f"{end}{path.suffix}")
            if any(folder.glob(f"*{end}.*")):
                raise InputError(f"{mapping}: {kind} {number}: {_what(key, velocity)} is there already; remove one")
            place.symlink_to(path.resolve())


def _what(key: int, velocity: int) -> str:
    return f"key {key}" + (f" at velocity {velocity}" if velocity else "")


def _entry(where: str, kind: str, entry: Any, source: Path) -> tuple[Path, int, int]:
    """File, key and velocity (0 for a release) of one table."""
    if not isinstance(entry, dict) or entry.keys() != TABLES[kind]:
        raise InputError(f"{where}: it needs {', '.join(sorted(TABLES[kind]))}, and nothing else")
    path = source / str(entry["file"])
    if not path.is_file() or path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{where}: {path} is no {', '.join(SUFFIXES)} file that is there")
    limits = {"key": (LOWEST, HIGHEST), "velocity": (1, 127)}
    for name, (low, high) in limits.items():
        value = entry.get(name, low)
        if not isinstance(value, int) or not low <= value <= high:
            raise InputError(f"{where}: {name} {value}: a whole number from {low} to {high} is needed")
    return path, int(entry["key"]), int(entry.get("velocity", 0))
