"""Where the recording of a piano note begins and ends, and how its velocity layers are laid over each other.

A recording starts somewhere before its note, and the layers of a key differ in that by many milliseconds. Each is
cut 1 ms before it reaches 3 % of its peak, and then moved by what makes it most alike its louder neighbour. The
waves of neighbouring layers run together from there on, with a correlation near 1 for half a second, so that they
can be mixed without holes, and one phase per partial serves all of them.
"""

from __future__ import annotations

import numpy as np

THRESHOLD = 0.03  # of the peak: there a note begins
PRE_ROLL_S = 0.001
ALIGN_S = 0.016  # how far a layer may be moved to agree with the louder one: noise of the key may come long before
ALIGN_WINDOW_S = 0.25
NEARNESS = 0.1  # what moving a layer that far has to gain in correlation
TINY = 1e-30
MAX_S = 14.0
CUT_DB = -66.0  # below the peak: there a note ends
FADE_IN_S, FADE_OUT_S = 0.0005, 0.5


def onset(samples: np.ndarray, rate: int) -> int:
    """Where to cut a recording by its own level; negative where silence has to be put before it."""
    level = np.abs(samples).max(axis=1)
    return int(np.argmax(level >= THRESHOLD * level.max())) - round(PRE_ROLL_S * rate)


def aligned(layers: list[np.ndarray], rate: int) -> list[int]:
    """Where to cut each layer of one key.

    Parameters
    ----------
    layers
        Each (n, 2), the softest first.
    rate
        Of the layers, in Hz.

    Returns
    -------
    list of int
        Samples into each layer; negative where silence has to be put before it. The onset that half of the
        layers agree on counts, and among themselves they are most alike.
    """
    heard = [onset(samples, rate) for samples in layers]
    reach = round(rate * ALIGN_S)
    lags = np.arange(-reach, reach + 1)
    n = round(ALIGN_WINDOW_S * rate)
    begins = list(heard)
    for layer in range(len(layers) - 2, -1, -1):
        louder = _stretch(layers[layer + 1], begins[layer + 1], n)
        near = _stretch(layers[layer], heard[layer] - reach, n + 2 * reach)
        # Among waves a period apart, the one nearest to the onset that was heard.
        begins[layer] += int(lags[np.argmax(_likeness(near, louder) - NEARNESS * (lags / reach) ** 2)])
    shift = round(float(np.median(np.subtract(heard, begins))))
    return [begin + shift for begin in begins]


def _likeness(long: np.ndarray, short: np.ndarray) -> np.ndarray:
    """-1..1: the correlation of `short` (n, 2) with every stretch of `long` as long, both channels together."""
    product = sum(_products(long[:, channel], short[:, channel]) for channel in range(2))
    energy = np.append(0.0, np.cumsum(np.square(long).sum(axis=1, dtype=np.float64)))
    own = energy[len(short) :] - energy[: -len(short)]
    return np.asarray(product / np.sqrt(np.maximum(own * np.square(short).sum(dtype=np.float64), TINY)))


def _products(long: np.ndarray, short: np.ndarray) -> np.ndarray:
    """The products of `short` with every stretch of `long`, by FFT."""
    size = 1 << (len(long) - 1).bit_length()
    product = np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size))
    return np.fft.irfft(product, size)[: len(long) - len(short) + 1]


def _stretch(samples: np.ndarray, begin: int, n: int) -> np.ndarray:
    """`n` samples from `begin` on, with zeros where there are none."""
    piece = samples[max(0, begin) : max(0, begin + n)]
    before = min(n, max(0, -begin))
    return np.pad(piece, ((before, n - before - len(piece)), (0, 0)))


def cut(samples: np.ndarray, begin: int, rate: int) -> np.ndarray:
    """A recording from `begin` to where it is too soft or too long, both ends faded."""
    level = np.abs(samples).max(axis=1)
    audible = len(level) - int(np.argmax(level[::-1] >= level.max() * 10 ** (CUT_DB / 20)))
    piece = _stretch(samples, begin, min(audible - begin, round(MAX_S * rate)))
    n_in = min(round(FADE_IN_S * rate), len(piece))
    n_out = min(round(FADE_OUT_S * rate), len(piece) // 4)
    piece[:n_in] *= _half_cosine(n_in)
    piece[len(piece) - n_out :] *= _half_cosine(n_out)[::-1]
    return piece


def _half_cosine(n: int) -> np.ndarray:
    """(n, 1) from 0 towards 1."""
    return (0.5 - 0.5 * np.cos(np.pi * np.arange(n) / max(n, 1))).astype(np.float32)[:, None]
