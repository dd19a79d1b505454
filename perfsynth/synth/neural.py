"""``neural``: the modal piano, coloured by a network that has heard other pianos.

Long performances are done in windows with as much context as the network hears, so that a window's sound is that of
the whole: there is no seam, and memory does not grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from perfsynth.dsp import windows
from perfsynth.dsp.pitches import A4_HZ
from perfsynth.known import number_of
from perfsynth.nn.weights import network_of
from perfsynth.synth.modal.room import RoomName, followed, in_room, tail_s
from perfsynth.synth.neural_exciter import CHANNELS, SOURCES, exciter
from perfsynth.types import AudioStream, Performance, Spectrogram

if TYPE_CHECKING:
    from perfsynth.synth.neural_network import Neural

WINDOW = 512  # frames that are sounded at once, 6 s
SYSTEM = "neural"


def stream(
    performance: Performance, *, instrument: str | None = None, room: RoomName = "dry", piano: str | None = None,
    a4: float = A4_HZ, temperament: str = "equal", weights: str | None = None, device: str = "cpu", seed: int = 0,
) -> AudioStream:  # fmt: skip
    """Sound a performance; see `perfsynth.synth.core.synthesize`.

    Parameters
    ----------
    performance
        Played on one piano, whatever its parts.
    instrument
        One that the network has learnt; its first by default.
    room
        ``dry``, ``studio`` or ``hall``, around what the instrument was recorded in.
    piano, a4, temperament
        Of the exciter; see `perfsynth.synth.modal.engine.stream`.
    weights
        A folder with model.safetensors and config.toml; else the network that ships.
    device
        Where the network computes.
    seed
        Of the noise and the room.

    Raises
    ------
    MissingError
        When no network ships.
    InputError
        When the folder holds none, or that of another version.
    UsageError
        When there is no such instrument or room.
    """
    from perfsynth.synth.neural_network import PRESET, Config, Neural

    network = network_of(weights, SYSTEM, Neural, Config)
    number = number_of(network.config.instruments, instrument)
    echo_s = tail_s(room)
    dry = exciter(
        performance, sample_rate=PRESET.sample_rate, piano=piano, a4=a4, temperament=temperament, seed=seed
    )  # fmt: skip
    stamp = performance.made_by(
        "synth-audio", SYSTEM, seed=seed, instrument=network.config.instruments[number], room=room, a4=a4,
        temperament=temperament, weights=weights or "shipped",
    )  # fmt: skip
    sounded = windowed(
        followed(dry.blocks, round(echo_s * PRESET.sample_rate), SOURCES * CHANNELS), network, number, device
    )
    blocks = in_room(sounded, room, rate=PRESET.sample_rate, seed=seed)
    return AudioStream(blocks, PRESET.sample_rate, CHANNELS, dry.duration_s + echo_s, **stamp)


def predict(
    performance: Performance, *, instrument: str | None = None, room: RoomName = "dry", weights: str | None = None,
    device: str = "cpu", seed: int = 0,
) -> Spectrogram:  # fmt: skip
    """The spectrogram of `stream`, left and right averaged."""
    from perfsynth.synth.spectrogram import PRESET, measured

    sounded = stream(performance, instrument=instrument, room=room, weights=weights, device=device, seed=seed)
    return measured(sounded, PRESET)


def windowed(
    blocks: Iterable[np.ndarray], network: Neural, instrument: int, device: str, window: int = WINDOW
) -> Iterator[np.ndarray]:
    """(n, 2) float32: what a network makes of an exciter, (n, 4), in windows of some frames."""
    from perfsynth.synth.neural_network import PRESET

    # Beside the network's own context, frames that overlap with those at the border of the window.
    around = network.config.context + PRESET.n_fft // PRESET.hop
    network = network.to(device)
    return windows.windowed(
        blocks, lambda part, first: _sounded(part, network, instrument, device),
        hop=PRESET.hop, window=window, around=around, channels=SOURCES * CHANNELS,
    )  # fmt: skip


def _sounded(exciter: np.ndarray, network: Neural, instrument: int, device: str) -> np.ndarray:
    import torch

    if not exciter.any():
        return np.zeros((len(exciter), CHANNELS), np.float32)
    with torch.inference_mode():
        given = torch.from_numpy(np.ascontiguousarray(exciter.T))[None].to(device)
        made = network(given, torch.tensor([instrument], device=device))
    return np.asarray(made[0].cpu().numpy().T)
