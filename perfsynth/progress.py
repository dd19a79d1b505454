"""How far long work has come, told to whoever asks."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str, float], None]  # takes the step that is being done, and the share that is done, 0 to 1


def silent(step: str, share: float) -> None:
    """Tell nobody."""
