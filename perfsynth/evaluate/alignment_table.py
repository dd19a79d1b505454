"""The figures of an alignment as a table: what each is called, in which order it is read."""

from __future__ import annotations

import math
from collections.abc import Mapping

from perfsynth.evaluate.averages import NEVER

LABELS = {
    "notes": "notes played",
    "found": "found [%]",
    "median_ms": "onset error, median [ms]",
    "mean_ms": "mean [ms]",
    "bias_ms": "bias, median [ms]",
    "within_20_ms": "within 20 ms [%]",
    "within_50_ms": "within 50 ms [%]",
    "within_100_ms": "within 100 ms [%]",
    "within_300_ms": "within 300 ms [%]",
    "offsets": "offsets within 50 ms or 20 % [%]",
    "sound_offs": "sound-offs within 50 ms or 20 % [%]",
    "first_chord_ms": "first chord, worst [ms]",
    "unplayed_found": "unplayed notes found [%]",
    "sure": "confidence at least 0.5 [%]",
    "sure_and_right": "of these within 50 ms [%]",
    "calibration_error": "calibration error",
}
DECIMALS = {"notes": 0, "calibration_error": 3}


def table(columns: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """A row for each figure, a column for each alignment, the head first."""
    rows = [["measure", *columns]]
    for name, label in LABELS.items():
        rows.append([label, *(_cell(name, figures[name]) for figures in columns.values())])
    return rows


def _cell(name: str, value: float) -> str:
    if math.isnan(value):
        return "-"
    return NEVER if math.isinf(value) else f"{round(value, DECIMALS.get(name, 1)) + 0.0:.{DECIMALS.get(name, 1)}f}"
