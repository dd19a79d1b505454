"""Seeds: whole numbers that every generator takes, those of torch too."""

from __future__ import annotations

from perfsynth.errors import UsageError

LARGEST = 2**63 - 1


def check_seed(seed: int) -> None:
    """Refuse what is no seed.

    Raises
    ------
    UsageError
        When it lies below 0 or above `LARGEST`.
    """
    if not 0 <= seed <= LARGEST:
        raise UsageError(f"seed {seed}: it is a whole number from 0 to {LARGEST}")
