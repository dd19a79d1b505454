"""``m2a``: the vocoder of M2A, in the shape of HiFi-GAN version 1, for semitone spectrograms at 24 kHz."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perfsynth.errors import InputError
from perfsynth.nn.weights import CONFIG, network_of
from perfsynth.synth import m2a_baseline
from perfsynth.synth.m2a import FLOOR_LOG10, PRESET, SYSTEM
from perfsynth.types import AudioStream, Spectrogram
from perfsynth.vocode.core import require

if TYPE_CHECKING:
    from perfsynth.synth.m2a_network import M2A

WINDOW = 256  # frames, 3 s
SILENT_LOG10 = FLOOR_LOG10 + 1e-3


def vocode(spectrogram: Spectrogram, *, weights: str | None = None, device: str = "cpu", seed: int = 0) -> AudioStream:
    """Sound a spectrogram; see `perfsynth.vocode.core.vocode`.

    Parameters
    ----------
    spectrogram
        Of the preset ``m2a-24k``.
    weights
        A folder with model.safetensors and config.toml of ``m2a`` or ``m2a-baseline``; else what ships.
    device
        Where the network computes.
    seed
        Without effect.

    Raises
    ------
    MissingError
        When no network ships.
    InputError
        When the preset is another, the folder holds no such network, or the network has no vocoder that learnt.
    """
    require(spectrogram, PRESET.name, SYSTEM)
    network = _load(weights)
    if network.vocoder is None or not network.config.vocoder_learnt:
        raise InputError(f"{weights or SYSTEM}: no vocoder that has learnt; use --model griffin-lim")
    n_samples = PRESET.n_samples(spectrogram.values.shape[1])
    blocks = windowed(spectrogram.values, network.to(device), device, n_samples)
    return AudioStream(blocks, PRESET.sample_rate, 1, n_samples / PRESET.sample_rate)


def windowed(values: np.ndarray, network: M2A, device: str, n_samples: int, window: int = WINDOW) -> Iterator:
    """(n, 1) float32: what a vocoder makes of (128, n_frames), in windows that hold all that their middle depends on.

    Where all frames that a sample depends on are silent, so is the sample.
    """
    import torch

    assert network.vocoder is not None
    n_frames, hop, context = values.shape[1], PRESET.hop, network.vocoder.context()
    loud = values.max(axis=0) > SILENT_LOG10
    near = np.convolve(loud, np.ones(2 * context + 1))[context : context + n_frames] > 0.5
    for start in range(0, n_frames, window):
        stop = min(start + window, n_frames)
        first, last = max(start - context, 0), min(stop + context, n_frames)
        block = np.zeros(((stop - start) * hop, 1), np.float32)
        if near[start:stop].any():
            with torch.inference_mode():
                given = torch.from_numpy(np.ascontiguousarray(values[None, :, first:last], np.float32)).to(device)
                made = network.sound(given)[0].cpu().numpy() * np.repeat(near[first:last], hop)
            block[:, 0] = made[(start - first) * hop : (stop - first) * hop]
        yield block[: max(n_samples - start * hop, 0)]


def _load(weights: str | None) -> M2A:
    """The network of either system that has this vocoder."""
    from perfsynth.synth.m2a_network import M2A, Config

    place = Path(weights or "") / CONFIG
    if weights and place.is_file():
        try:
            is_baseline = tomllib.loads(place.read_text()).get("system") == m2a_baseline.SYSTEM
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{place}: no TOML ({error})") from error
        if is_baseline:
            return network_of(weights, m2a_baseline.SYSTEM, M2A, Config)
    return network_of(weights, SYSTEM, M2A, Config)
