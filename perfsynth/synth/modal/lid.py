"""The lid of a grand piano: open as it was recorded, on the short stick, or closed.

The lid throws what the strings radiate upwards towards the listener, most of all what is high. Coming down it shades
the highs and leaves the body of the sound; closed, the case answers a little. How much is chosen by that picture, not
measured on an instrument.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import numpy as np

from perfsynth.errors import UsageError

LidName = Literal["open", "half", "closed"]


class Lid(NamedTuple):
    """Decibels that a lid adds far above `SHADE_HZ` and at `CASE_HZ`."""

    shade_db: float
    case_db: float


SHADE_HZ, CASE_HZ = 1800.0, 240.0
SHADE_Q, CASE_Q = 0.5, 0.8
LIDS: dict[str, Lid] = {"half": Lid(-4.0, 0.7), "closed": Lid(-9.0, 1.5)}


def sections(name: LidName, rate: int) -> np.ndarray:
    """(2, 6) second-order sections of a lid: a high shelf and a bell (Bristow-Johnson, Audio EQ Cookbook)."""
    if name not in LIDS:
        raise UsageError(f"lid {name}: choose one of open, {', '.join(LIDS)}")
    return np.array([_shelf(LIDS[name].shade_db, rate), _bell(LIDS[name].case_db, rate)])


def _shelf(gain_db: float, rate: int) -> np.ndarray:
    a, cos = 10 ** (gain_db / 40), np.cos(2 * np.pi * SHADE_HZ / rate)
    beta = np.sqrt(a) * np.sin(2 * np.pi * SHADE_HZ / rate) / SHADE_Q
    b = a * np.array([a + 1 + (a - 1) * cos + beta, -2 * (a - 1 + (a + 1) * cos), a + 1 + (a - 1) * cos - beta])
    c = np.array([a + 1 - (a - 1) * cos + beta, 2 * (a - 1 - (a + 1) * cos), a + 1 - (a - 1) * cos - beta])
    return np.concatenate([b, c]) / c[0]


def _bell(gain_db: float, rate: int) -> np.ndarray:
    a, cos = 10 ** (gain_db / 40), np.cos(2 * np.pi * CASE_HZ / rate)
    alpha = np.sin(2 * np.pi * CASE_HZ / rate) / (2 * CASE_Q)
    b = np.array([1 + alpha * a, -2 * cos, 1 - alpha * a])
    c = np.array([1 + alpha / a, -2 * cos, 1 - alpha / a])
    return np.concatenate([b, c]) / c[0]


def under_lid(blocks: Iterable[np.ndarray], name: LidName, *, rate: int) -> Iterable[np.ndarray]:
    """Blocks of (n, channels) float32 as they sound from under a lid; ``open`` gives them back as they are.

    Parameters
    ----------
    blocks
        Of any length; the result does not depend on how the sound is cut into them.
    name
        ``open``, ``half`` (on the short stick) or ``closed``.
    rate
        In Hz.

    Raises
    ------
    UsageError
        When there is no such lid.
    """
    return blocks if name == "open" else _filtered(blocks, sections(name, rate))


def _filtered(blocks: Iterable[np.ndarray], filters: np.ndarray) -> Iterator[np.ndarray]:
    from scipy.signal import sosfilt

    state: np.ndarray | None = None
    for block in blocks:
        if state is None:
            state = np.zeros((len(filters), 2, block.shape[1]))
        lidded, state = sosfilt(filters, block, axis=0, zi=state)
        yield lidded.astype(np.float32)
