"""``lan-rnn``: a bidirectional RNN from a pitch matrix to samples (Lan, Leung and Yang).

Differs: the poster makes short examples. Long pieces are done here in windows; both directions of the cells hear some
seconds beyond a window's ends, and neighbours cross-fade.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from perfsynth.known import number_of
from perfsynth.nn.weights import network_of
from perfsynth.synth.roll import floored, onset_roll, sounding, sounding_roll
from perfsynth.types import AudioStream, Performance

if TYPE_CHECKING:
    from perfsynth.synth.lan_rnn_network import LanRNN

RATE = 16000  # Hz. Differs: unstated
SAMPLES = 512  # of a time window, 32 ms. Differs: unstated
WINDOW_S = SAMPLES / RATE
SYSTEM = "lan-rnn"
TOGETHER = 312  # time windows that are sounded at once, 10 s
CONTEXT = 62  # on both sides, 2 s
FADE = 4  # in which neighbours cross-fade
TAIL_S = 2.0  # after the last note
KEYS = slice(21, 109)


def stream(
    performance: Performance, *, instrument: str | None = None, weights: str | None = None, device: str = "cpu",
    seed: int = 0,
) -> AudioStream:  # fmt: skip
    """Sound a performance; see `perfsynth.synth.core.synthesize`.

    Parameters
    ----------
    performance
        Played on one piano, whatever its parts. Differs: the sustain pedal, which the poster leaves for later,
        lengthens notes.
    instrument
        The one that the network has learnt, or None.
    weights
        A folder with model.safetensors and config.toml; else the network that ships.
    device
        Where the network computes.
    seed
        Without effect.

    Raises
    ------
    MissingError
        When no network ships.
    InputError
        When the folder holds no such network.
    UsageError
        When the network has learnt another instrument.
    """
    from perfsynth.synth.lan_rnn_network import Config, LanRNN

    network = network_of(weights, SYSTEM, LanRNN, Config)
    number_of((network.config.instrument,), instrument)
    table = sounding(performance)
    n_windows = -(-round((float(table["end_s"].max(initial=0.0)) + TAIL_S) * RATE) // SAMPLES)
    stamp = performance.made_by("synth-audio", SYSTEM, seed=seed, weights=weights or "shipped")
    blocks = windowed(table, network.to(device), device, n_windows)
    return AudioStream(blocks, RATE, 1, n_windows * WINDOW_S, **stamp)


def pitch_matrix(table: np.ndarray, first: int, n_windows: int) -> np.ndarray:
    """(n_windows, 176) float32: 88 keys that sound, by velocity 0 to 1, and 88 that are struck in the window.

    Differs: the poster gives the width alone.
    """
    notes = floored(table, WINDOW_S)
    rolls = (roll(notes, first, n_windows, WINDOW_S)[KEYS] for roll in (sounding_roll, onset_roll))
    return np.ascontiguousarray(np.concatenate(list(rolls)).T)


def windowed(table: np.ndarray, network: LanRNN, device: str, n_windows: int) -> Iterator[np.ndarray]:
    """(n, 1) float32: the sound of `n_windows` time windows, `TOGETHER` at a time, cross-faded."""
    rise = ((np.arange(FADE * SAMPLES) + 0.5) / (FADE * SAMPLES)).astype(np.float32)
    rest = np.zeros(0, np.float32)
    for start in range(0, n_windows, TOGETHER):
        stop = min(start + TOGETHER, n_windows)
        after = min(FADE, n_windows - stop)
        made = _sounded(table, network, device, start, stop + after)
        if len(rest):  # the sound of a time window does not depend on who sounds it, but for what lies far away
            made[: len(rest)] = made[: len(rest)] * rise[: len(rest)] + rest * (1 - rise[: len(rest)])
        n_done = (stop - start) * SAMPLES
        rest = made[n_done:]
        yield made[:n_done, None]


def _sounded(table: np.ndarray, network: LanRNN, device: str, start: int, stop: int) -> np.ndarray:
    """(n,) samples of some time windows; silence where no notes are near."""
    import torch

    first = max(start - CONTEXT, 0)
    pitches = pitch_matrix(table, first, stop + CONTEXT - first)
    if not pitches.any():
        return np.zeros((stop - start) * SAMPLES, np.float32)
    with torch.inference_mode():
        made = network(torch.from_numpy(pitches)[None].to(device))[0].cpu().numpy()
    return np.asarray(made[(start - first) * SAMPLES : (stop - first) * SAMPLES]).copy()
