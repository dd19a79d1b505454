"""How a modal piano is set up before it is played."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.errors import UsageError


@dataclass(frozen=True)
class Setting:
    """What stays the same during a performance.

    Raises
    ------
    UsageError
        When a strength lies outside 0 to 1.
    """

    is_smooth: bool  # no recorded attacks
    ratios: np.ndarray  # (88,) on the frequencies of the keys
    resonance: float  # 1 is natural
    pedal_noise: float
    una_corda: float
    seed: int

    def __post_init__(self) -> None:
        for name in ("resonance", "pedal_noise", "una_corda"):
            if not 0 <= (strength := getattr(self, name)) <= 1:
                raise UsageError(f"{name.replace('_', ' ')} {strength:g}: it lies between 0 (none) and 1 (natural)")
