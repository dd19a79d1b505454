"""One channel of several."""

from __future__ import annotations

import numpy as np

CANCELLED = 0.01  # of the power of the loudest channel: with less in their mean, channels cancel each other


def mixed(block: np.ndarray) -> np.ndarray:
    """(n,) float32 the mean of (n, channels), or the loudest of them where they cancel each other."""
    mean = block.mean(axis=1, dtype=np.float32)
    power = np.square(block, dtype=np.float64).sum(axis=0)
    cancel = block.shape[1] > 1 and np.square(mean, dtype=np.float64).sum() < CANCELLED * power.max(initial=0.0)
    return block[:, int(power.argmax())].astype(np.float32) if cancel else mean
