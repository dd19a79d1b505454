"""wip"""

from __future__ import annotations

import numpy as np


def divergence(a: np.ndarray, b: np.ndarray, edges: np.ndarray) -> float:
    """Jensen-Shannon divergence in bits (0..1) of two samples over the bins between `edges`, ends open."""
    inner = edges[1:-1]
    p, q = (np.bincount(np.digitize(x[np.isfinite(x)], inner), minlength=len(edges) - 1) for x in (a, b))
    if p.sum() == 0 or q.sum() == 0:
        return float("nan")
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2

    def information(x: np.ndarray) -> float:
        some = x > 0
        return float((x[some] * np.log2(x[some] / middle[some])).sum())

    return (information(p) + information(q)) / 2
