"""``neural``: the notes behind a spectrogram, played by the modal piano and filtered to its bands by a network.

What `source-filter` does by rule (`perfsynth.vocode.source_filter`), with what was learnt from recordings on top: how
a band divides among partials, attacks and noise, and how far predicted bands are to be trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from perfsynth.dsp import windows
from perfsynth.dsp.mel import PRESETS
from perfsynth.nn.weights import network_of
from perfsynth.synth.neural_exciter import CHANNELS, exciter
from perfsynth.types import AudioStream, Spectrogram
from perfsynth.vocode.core import played_in, require, said

if TYPE_CHECKING:
    from perfsynth.vocode.neural_network import Vocoder

PRESET = PRESETS["perfsynth-44k"]
SYSTEM = "neural-vocoder"
WINDOW = 512  # frames that are sounded at once, 6 s


def vocode(spectrogram: Spectrogram, *, weights: str | None = None, device: str = "cpu", seed: int = 0) -> AudioStream:
    """Sound a spectrogram that knows its performance; see `perfsynth.vocode.core.vocode`.

    Parameters
    ----------
    spectrogram
        Of the preset ``perfsynth-44k``, with a performance.
    weights
        A folder with model.safetensors and config.toml; else the network that ships.
    device
        Where the network computes.
    seed
        Of the exciter and of noise.

    Raises
    ------
    MissingError
        When no network ships.
    InputError
        When the preset is another, the spectrogram knows no performance, or the folder holds no such network.
    """
    require(spectrogram, PRESET.name, "neural")  # before anything heavy is loaded
    performance = played_in(spectrogram)
    from perfsynth.vocode.neural_network import Config, Vocoder

    network = network_of(weights, SYSTEM, Vocoder, Config)
    n_samples = PRESET.n_samples(spectrogram.values.shape[1])
    dry = exciter(
        performance, sample_rate=PRESET.sample_rate, piano=said(spectrogram, "piano") or None, seed=seed
    )  # fmt: skip
    sources = replace(dry, blocks=windows.fitted(dry.blocks, n_samples, dry.n_channels))
    blocks = windowed(_with_noise(sources, seed), spectrogram.values, network, device)
    return AudioStream(blocks, PRESET.sample_rate, CHANNELS, n_samples / PRESET.sample_rate)


def _with_noise(sources: AudioStream, seed: int) -> Iterator[np.ndarray]:
    """(n, 6): the blocks of an exciter, and white noise."""
    rng = np.random.default_rng([seed % 2**64, 6])
    for block in sources.blocks:
        noise = rng.standard_normal((len(block), CHANNELS), dtype=np.float32)
        yield np.concatenate([block, noise], axis=1)


def windowed(
    blocks: Iterator[np.ndarray], values: np.ndarray, network: Vocoder, device: str, window: int = WINDOW
) -> Iterator[np.ndarray]:
    """(n, 2) float32: what a network makes of exciter and noise, (n, 6), and bands, in windows of some frames."""
    from perfsynth.vocode.neural_network import INPUTS

    around = network.config.context + PRESET.n_fft // PRESET.hop
    network = network.to(device)
    return windows.windowed(
        blocks, lambda part, first: _sounded(part, values[:, first:], network, device),
        hop=PRESET.hop, window=window, around=around, channels=INPUTS,
    )  # fmt: skip


def _sounded(part: np.ndarray, values: np.ndarray, network: Vocoder, device: str) -> np.ndarray:
    import torch

    n_frames = len(part) // PRESET.hop + 1
    silent = np.full((PRESET.n_bands, max(n_frames - values.shape[1], 0)), np.log(PRESET.floor))
    bands = np.concatenate([values[:, :n_frames], silent], axis=1).astype(np.float32)
    with torch.inference_mode():
        given = (torch.from_numpy(np.ascontiguousarray(x))[None].to(device) for x in (part.T, bands))
        made = network(*given)
    return np.asarray(made[0].cpu().numpy().T)
