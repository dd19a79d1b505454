"""A long signal through something that hears a limited context: windows whose sound is that of the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np


def windowed(
    blocks: Iterable[np.ndarray], sounded: Callable[[np.ndarray, int], np.ndarray], *, hop: int, window: int,
    around: int, channels: int,
) -> Iterator[np.ndarray]:  # fmt: skip
    """What `sounded` makes of a signal, in windows of some frames with frames around them.

    Parameters
    ----------
    blocks
        (n, channels) float32.
    sounded
        Makes (n, ...) of (n, channels) and the number of the frame that this begins with.
    hop
        Samples of a frame.
    window, around
        Frames that are sounded at once, and those on each side that they depend on.
    channels
        Of the blocks.
    """
    size, margin = window * hop, around * hop
    held, first, lead = np.zeros((0, channels), np.float32), 0, 0
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) >= lead + size + margin:
            yield sounded(held[: lead + size + margin], first // hop)[lead : lead + size]
            done = max(lead + size - margin, 0)
            held, first, lead = held[done:], first + done, lead + size - done
    if len(held) > lead:
        yield sounded(held, first // hop)[lead:]


def fitted(blocks: Iterable[np.ndarray], n_samples: int, channels: int) -> Iterator[np.ndarray]:
    """The first `n_samples` of (n, channels) blocks; silence follows where they end before."""
    left = n_samples
    for block in blocks:
        if left <= 0:
            return
        yield block[:left]
        left -= len(block)
    while left > 0:
        yield np.zeros((min(left, 65536), channels), np.float32)
        left -= 65536
