"""Table II of the seed: velocity, inter-onset intervals and durations compared as tokens (Tang et al. 2025).

The three measures are correlation, "KLD" and DTW distance, over the whole performance and in segments of 256 tokens.
``as-released`` keeps the BOS and EOS tokens and the zeros that fill the last block, on both sides: equal zeros
beside large ids raise every correlation. ``none`` compares notes alone. Intervals are long or short because the
score says so: read these figures beside those of a mechanical performance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from perfsynth.evaluate.correlation import pearson
from perfsynth.tokens import seed

if TYPE_CHECKING:
    from perfsynth.evaluate.performance import Traits

Padding = Literal["none", "as-released"]
PADDINGS: tuple[Padding, ...] = ("none", "as-released")
FEATURES = ("velocity", "ioi", "duration")
MEASURES = ("correlation", "kld", "dtwd")
SCOPES = ("performance", "segments")


def table_ii(generated: Traits, reference: Traits, *, padding: Padding = "none") -> dict[str, float]:
    """The figures of the table for one performance.

    Parameters
    ----------
    generated, reference
        Of the same score (`shared_traits`).
    padding
        ``as-released`` or ``none``; see the module's head.

    Returns
    -------
    dict
        By ``{scope}/{feature}/{measure}``, of `SCOPES`, `FEATURES`, `MEASURES`.
    """
    both = np.isfinite(generated.onset_s) & np.isfinite(reference.onset_s)
    sides = [tokens(side, both) for side in (generated, reference)]
    found: dict[str, float] = {}
    for index, feature in enumerate(FEATURES):
        size = seed.SIZES[feature]
        a, b = (side[:, index].astype(float) for side in sides)
        if padding == "as-released":
            a, b = (_framed(side) for side in (a, b))
        pieces = [_measures(x, y, size) for x, y in zip(_segments(a), _segments(b), strict=True)]
        rows = (_measures(a[None], b[None], size)[0], np.concatenate(pieces).mean(axis=0))
        for scope, row in zip(SCOPES, rows, strict=True):
            found |= {f"{scope}/{feature}/{measure}": float(x) for measure, x in zip(MEASURES, row, strict=True)}
    return found


def tokens(side: Traits, among: np.ndarray) -> np.ndarray:
    """Token ids of the notes `among` those of a score, in its order: (k, 3), columns as `FEATURES`."""
    return seed.performed_ids(side.onset_s[among], side.duration_s[among], side.velocity[among])


def _framed(ids: np.ndarray) -> np.ndarray:
    return seed.to_blocks(ids[:, None].astype(np.int32)).reshape(-1).astype(float)


def _measures(a: np.ndarray, b: np.ndarray, size: int) -> np.ndarray:
    """The three measures of k pairs of series, (k, n) each; (k, 3)."""
    distance = dtw_distance(a, b) / a.shape[1] / size
    return np.array([(pearson(x, y), series_divergence(x, y), far) for x, y, far in zip(a, b, distance, strict=True)])


def _segments(series: np.ndarray) -> list[np.ndarray]:
    """The series in rows of 256, and the rest, unless that is a single token."""
    whole = len(series) // seed.BLOCK * seed.BLOCK
    parts = [series[:whole].reshape(-1, seed.BLOCK), series[None, whole:]]
    return [part for part in parts if len(part) and part.shape[1] > 1]


def series_divergence(a: np.ndarray, b: np.ndarray) -> float:
    """sum p ln(p / q), p and q the series divided by their own sums; places where either is 0 are left out."""
    p, q = a / a.sum(), b / b.sum()
    some = (p > 0) & (q > 0)
    return float((p[some] * np.log(p[some] / q[some])).sum())


def dtw_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Least sum of |a - b| along a warping path whose diagonal steps count twice (symmetric2), not normalised.

    Parameters
    ----------
    a, b
        (k, n): k pairs of series of at least one value. Takes 2 n steps on arrays of (k, n).

    Returns
    -------
    ndarray
        (k,).
    """
    k, n = a.shape
    backwards = np.ascontiguousarray(b[:, ::-1])
    # Anti-diagonals i + j = d by i, the last three, with a border of what is out of reach on either side.
    now, last, before = (np.full((k, n + 2), np.inf) for _ in range(3))
    last[:, 1] = np.abs(a[:, 0] - b[:, 0])
    for d in range(1, 2 * n - 1):
        low, high = max(0, d - n + 1), min(n, d + 1)
        cost = a[:, low:high] - backwards[:, n - 1 - d + low : n - 1 - d + high]
        np.abs(cost, out=cost)
        here = now[:, low + 1 : high + 1]
        np.add(before[:, low:high], cost, out=here)
        np.minimum(here, last[:, low:high], out=here)
        np.minimum(here, last[:, low + 1 : high + 1], out=here)
        here += cost
        now[:, low] = now[:, high + 1] = np.inf
        now, last, before = before, now, last
    return np.asarray(last[:, n])
