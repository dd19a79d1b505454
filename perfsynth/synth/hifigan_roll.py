"""``hifigan-roll``: piano roll, position roll and performer straight to sound, the baseline of Dong et al. 2022.

Long pieces are done in windows with as much context as the generator has, so a window's sound is that of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from perfsynth.known import number_of
from perfsynth.nn.weights import network_of
from perfsynth.synth.roll import audible, floored, frames_of, position_roll, sounding, sounding_roll
from perfsynth.types import AudioStream, Performance

if TYPE_CHECKING:
    from perfsynth.synth.hifigan_roll_network import HiFiGANRoll

RATE = 16000  # Hz (Dong et al. 2022, section 4.1)
HOP = 256  # samples, 16 ms
FRAME_S = HOP / RATE
SYSTEM = "hifigan-roll"
WINDOW = 256  # frames that are sounded at once, 4 s
TAIL_S = 2.0  # after the last note that is not silence yet


def stream(
    performance: Performance, *, instrument: str | None = None, weights: str | None = None, device: str = "cpu",
    seed: int = 0,
) -> AudioStream:  # fmt: skip
    """Sound a performance; see `perfsynth.synth.core.synthesize`.

    Parameters
    ----------
    performance
        Played on one instrument, whatever its parts; the sustain pedal lengthens its notes.
    instrument
        One that the network has learnt; its first by default.
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
        When the network has no such instrument.
    """
    from perfsynth.synth.hifigan_roll_network import Config, HiFiGANRoll

    network = network_of(weights, SYSTEM, HiFiGANRoll, Config)
    names = network.config.instruments
    number = number_of(names, instrument)
    table = sounding(performance)
    n_frames = frames_of(table, FRAME_S, TAIL_S)
    stamp = performance.made_by(
        "synth-audio", SYSTEM, seed=seed, instrument=names[number], weights=weights or "shipped"
    )
    blocks = windowed(table, network.to(device), number, device, n_frames)
    return AudioStream(blocks, RATE, 1, n_frames * FRAME_S, **stamp)


def given_rolls(table: np.ndarray, first: int, n_frames: int) -> np.ndarray:
    """(256, n_frames) float32: velocities 0 to 1 of what sounds, and from 1 to 0 how far each note is.

    Parameters
    ----------
    table
        `perfsynth.synth.roll.SOUNDING`.
    first
        Number of the first frame.
    n_frames
        How many.
    """
    notes = floored(table, FRAME_S)
    return np.concatenate([roll(notes, first, n_frames, FRAME_S) for roll in (sounding_roll, position_roll)])


def windowed(
    table: np.ndarray, network: HiFiGANRoll, instrument: int, device: str, n_frames: int, window: int = WINDOW
) -> Iterator[np.ndarray]:
    """(n, 1) float32: the sound of `n_frames`, in windows; silence where nothing has sounded for `TAIL_S`."""
    import torch

    context = network.generator.context()
    heard = audible(table, n_frames, FRAME_S, TAIL_S)
    who = torch.tensor([instrument], device=device)
    for start in range(0, n_frames, window):
        stop = min(start + window, n_frames)
        block = np.zeros(((stop - start) * HOP, 1), np.float32)
        if heard[start:stop].any():
            rolls = given_rolls(table, start - context, stop - start + 2 * context)
            with torch.inference_mode():
                made = network(torch.from_numpy(rolls)[None].to(device), who)[0].cpu().numpy()
            block[:, 0] = made[context * HOP : (context + stop - start) * HOP] * np.repeat(heard[start:stop], HOP)
        yield block
