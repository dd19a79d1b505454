"""Concert pitch: where the A above middle C may lie."""

from __future__ import annotations

from perfsynth.errors import UsageError

MIN_A4_HZ, MAX_A4_HZ = 380.0, 480.0  # from below the lowest baroque pitch to above the highest organ


def check_a4(a4: float) -> None:
    """Refuse what no instrument is tuned to.

    Raises
    ------
    UsageError
        When the pitch, in Hz, is none.
    """
    if not MIN_A4_HZ <= a4 <= MAX_A4_HZ:
        raise UsageError(f"concert pitch {a4:g} Hz: the A lies between {MIN_A4_HZ:g} and {MAX_A4_HZ:g} Hz")
