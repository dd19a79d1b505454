"""Confidence intervals over pieces by the bootstrap (Efron 1979): pieces are drawn again, with replacement."""

from __future__ import annotations

import numpy as np

REPEATS = 5000
LEVEL = 0.95


def weights(n_items: int, *, repeats: int = REPEATS, seed: int = 0) -> np.ndarray:
    """How often each of `n_items` (at least one) is drawn in each repeat, as shares that add up to 1.

    Returns
    -------
    ndarray
        (repeats, n_items).
    """
    generator = np.random.default_rng(seed)
    return generator.multinomial(n_items, np.full(n_items, 1.0 / n_items), size=repeats) / n_items


def means(values: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The mean of each column in each repeat.

    Parameters
    ----------
    values
        (n_items, k); nan is left out, and a mean that includes inf is inf.
    drawn
        (repeats, n_items) of `weights`.

    Returns
    -------
    ndarray
        (repeats, k), nan where nothing but nan was drawn.
    """
    finite, endless = np.isfinite(values), np.isposinf(values)
    total, share = drawn @ np.where(finite, values, 0.0), drawn @ finite
    known = np.where(share > 0, total / np.where(share > 0, share, 1.0), np.nan)
    return np.where(drawn @ endless > 0, np.inf, known)


def interval(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end of the middle `LEVEL` of each column of (repeats, ...); nan is left out, inf is not."""
    tail = (1 - LEVEL) / 2
    missing = np.isnan(draws).all(axis=0)
    with np.errstate(invalid="ignore"):  # between two draws that are inf numpy finds nan
        ends = np.nanquantile(np.where(missing, 0.0, draws), [tail, 1 - tail], axis=0)
    low, high = np.where(missing, np.nan, np.where(np.isnan(ends), np.inf, ends))
    return low, high
