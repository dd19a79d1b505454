"""How a piano falls silent: strings that nobody damps die away beyond what was analysed, and then the sound ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from perfsynth.synth.modal.grid import RATE, TIMES_S

LAST_S = 60.0  # after an onset: no string sounds that long
LASTING_S = np.append(TIMES_S, LAST_S)
CELLS = 6  # of the end of the grid, 8 s: how they fall, what follows falls
LEAST_FALL = 0.1  # nepers a second, of amplitude
SILENT_DB = -70.0  # re the loudest sample so far
FADE = RATE // 5  # samples


def lasting(ln: np.ndarray, least: float = LEAST_FALL) -> np.ndarray:
    """Nepers at `LASTING_S` of what is (..., n_times) on the grid: it goes on to fall, by `least` a second or more."""
    fall = (ln[..., -1 - CELLS] - ln[..., -1]) / (TIMES_S[-1] - TIMES_S[-1 - CELLS])
    beyond = ln[..., -1] - np.maximum(fall, least) * (LAST_S - TIMES_S[-1])
    return np.concatenate([ln, beyond[..., None]], axis=-1)


def ended(blocks: Iterable[np.ndarray], n_least: int, sources: int = 1) -> Iterator[np.ndarray]:
    """Blocks of (n, channels) until `n_least` samples or more have sounded and what follows is silent; faded there.

    Parameters
    ----------
    blocks
        Of any length, all of what may be heard.
    n_least
        So many samples come out at the least, if so many go in.
    sources
        That the channels belong to, one after the other; they are heard together.
    """
    held: np.ndarray | None = None
    begin, loudest = 0, 0.0  # of what is held; of all so far
    for block in blocks:
        held = block if held is None else np.concatenate([held, block])
        loudest = max(loudest, _peak(block, sources))
        first = n_least - begin
        first += max(-(-(FADE - first) // FADE), 0) * FADE
        for stop in range(first, len(held) + 1, FADE):
            if _peak(held[stop - FADE : stop], sources) <= loudest * 10 ** (SILENT_DB / 20):
                yield _faded(held[:stop])
                return
        ready = max(len(held) - FADE, 0)
        if ready:
            yield held[:ready]
        held, begin = held[ready:], begin + ready
    if held is not None:
        yield _faded(held)


def _peak(block: np.ndarray, sources: int) -> float:
    return float(np.abs(block.reshape(len(block), sources, -1).sum(axis=1)).max(initial=0.0))


def _faded(block: np.ndarray) -> np.ndarray:
    n_out = min(FADE, len(block))
    gain = np.ones((len(block), 1), np.float32)
    gain[len(block) - n_out :, 0] = 0.5 + 0.5 * np.cos(np.pi * (np.arange(n_out) + 1) / max(n_out, 1))
    return np.asarray(block * gain, np.float32)
