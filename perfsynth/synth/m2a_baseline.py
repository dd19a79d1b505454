"""``m2a-baseline``: the single stage of Tang et al. 2025, the score's own roll straight to sound.

What it is given is the score as written, at its own steady tempo; how it would have been played is left to the network,
which is told who plays and on which album.
"""

from __future__ import annotations

from perfsynth.known import number_of
from perfsynth.nn.weights import network_of
from perfsynth.synth import m2a
from perfsynth.types import AudioStream, Performance, Spectrogram

SYSTEM = "m2a-baseline"


def predict(
    performance: Performance, *, instrument: str | None = None, pianist: str | None = None, weights: str | None = None,
    device: str = "cpu", seed: int = 0,
) -> Spectrogram:  # fmt: skip
    """The spectrogram of a score that plays as written, as ``perfsynth render-performance --model deadpan`` makes it.

    Parameters
    ----------
    performance
        The score in seconds.
    instrument
        The paper's album: a recording's sound that the network has learnt; its first by default.
    pianist
        One that the network has learnt; its first by default.
    weights
        A folder with model.safetensors and config.toml; else the network that ships.
    device
        Where the network computes.
    seed
        Without effect.

    Returns
    -------
    Spectrogram
        (128, n_frames) log10 of semitone bands, preset ``m2a-24k``.

    Raises
    ------
    MissingError
        When no network ships.
    InputError
        When the folder holds no such network.
    UsageError
        When the network has no such album or pianist.
    """
    from perfsynth.synth.m2a_network import M2A, Config

    network = network_of(weights, SYSTEM, M2A, Config)
    album = number_of(network.config.albums, instrument)
    who = number_of(network.config.pianists, pianist, "pianist")
    return m2a.predicted(performance, network.to(device), device, pianist=who, album=album)


def stream(
    performance: Performance, *, instrument: str | None = None, pianist: str | None = None, weights: str | None = None,
    device: str = "cpu", seed: int = 0,
) -> AudioStream:  # fmt: skip
    """The sound of `predict`: by the network's own vocoder, or by Griffin-Lim until that has learnt."""
    made = predict(performance, instrument=instrument, pianist=pianist, weights=weights, device=device)
    return m2a.sounded(performance, made, SYSTEM, weights, device, seed)
