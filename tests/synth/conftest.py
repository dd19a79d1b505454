"""The tests of the fluidsynth engine drive the real program, which pip cannot install."""

from __future__ import annotations

import shutil

HAS_FLUIDSYNTH = shutil.which("fluidsynth") is not None

collect_ignore = [] if HAS_FLUIDSYNTH else ["test_fluidsynth.py"]


def pytest_report_header() -> str:
    """Say it when they are left out."""
    return "" if HAS_FLUIDSYNTH else "fluidsynth is not installed: tests/synth/test_fluidsynth.py is left out"
