"""Values of ``[model]`` and ``[task]``: of the types that the system's dataclasses give them, and in their ranges."""

from __future__ import annotations

import math
from dataclasses import is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from perfsynth.errors import InputError

SHARES = {"dropout", "drop_group", "drop_all", "drop_column", "drop_composer", "midi_share", "predicted"}
MAY_BE_NONE = {"warm_steps", "vocoder_channels", "transpose"}  # of the sizes and counts; the others are at least 1


def check_values(table: dict[str, Any], kind: Any, name: str) -> None:
    """Look at the values of a table; keys that `kind` does not have are left to it.

    Parameters
    ----------
    table
        From a run's TOML.
    kind
        The dataclass that is made of it.
    name
        What the table is called there.

    Raises
    ------
    InputError
        When a value is of another type than its field, or outside its range.
    """
    hints = get_type_hints(kind)
    for key in table.keys() & hints.keys():
        value, hint = table[key], hints[key]
        if is_dataclass(hint) and isinstance(value, dict):
            check_values(value, hint, f"{name}.{key}")
        elif fault := _fault(key, value, hint):
            raise InputError(f"[{name}] {key} = {value!r}: {fault}")


def _fault(key: str, value: Any, hint: Any) -> str:
    """What is wrong with a value, "" when nothing is."""
    if is_dataclass(hint):
        return "it is a table"
    if get_origin(hint) is tuple:
        if not isinstance(value, (list, tuple)):
            return "it is a list"
        return next((f"of each, {fault}" for item in value if (fault := _fault(key, item, get_args(hint)[0]))), "")
    if hint is bool:
        return "" if isinstance(value, bool) else "it is true or false"
    if hint is str:
        return "" if isinstance(value, str) else "it is a text"
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if hint is int:
        least = 0 if key in MAY_BE_NONE else 1
        return (
            "" if number and isinstance(value, int) and value >= least else f"it is a whole number of at least {least}"
        )
    if hint is float:
        if not number:
            return "it is a number"
        if key in SHARES:
            return "" if 0 <= value <= 1 else "it lies between 0 and 1"
        if key.endswith("_s"):
            return "" if value > 0 else "it is more than 0"
        return "" if value >= 0 else "it is at least 0"
    return ""
