"""Walking regression trees, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit  # noqa: TID253  a kernel file


@njit(cache=True, nogil=True)
def summed(
    rows: np.ndarray,
    roots: np.ndarray,
    column: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    value: np.ndarray,
) -> np.ndarray:
    """(n,) for each of (n, columns) rows the sum of the leaves that it falls into."""
    out = np.zeros(len(rows))
    for i in range(len(rows)):
        for root in roots:
            node = root
            while column[node] >= 0:
                node = left[node] if rows[i, column[node]] <= threshold[node] else right[node]
            out[i] += value[node]
    return out
