"""``hifigan``: HiFi-GAN version 2 at 16 kHz, the inversion model of Deep Performer (Dong et al. 2022).

Long spectrograms are done in windows with as much context as the generator has, so a window's sound is that of the
whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from perfsynth.dsp.mel import PRESETS
from perfsynth.nn.weights import network_of
from perfsynth.types import AudioStream, Spectrogram
from perfsynth.vocode.core import require

if TYPE_CHECKING:
    from perfsynth.nn.hifigan import Generator

PRESET = PRESETS["deep-performer-16k"]
SYSTEM = "hifigan"
WINDOW = 256  # frames, 4 s
LOWEST_HZ = 20.0  # a generator adds an offset, another where notes sound: what lies below is taken out
SILENT_LN = float(np.log(1.001 * PRESET.floor))  # what lies below is the floor


def vocode(spectrogram: Spectrogram, *, weights: str | None = None, device: str = "cpu", seed: int = 0) -> AudioStream:
    """Sound a spectrogram; see `perfsynth.vocode.core.vocode`.

    Parameters
    ----------
    spectrogram
        Of the preset ``deep-performer-16k``.
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
        When the preset is another, or the folder holds no such network.
    """
    require(spectrogram, PRESET.name, SYSTEM)  # before anything heavy is loaded
    from perfsynth.nn.hifigan import Generator, GeneratorConfig

    n_samples = PRESET.n_samples(spectrogram.values.shape[1])
    generator = network_of(weights, SYSTEM, Generator, GeneratorConfig)
    blocks = windowed(spectrogram.values, generator, device, n_samples)
    return AudioStream(blocks, PRESET.sample_rate, 1, n_samples / PRESET.sample_rate)


def windowed(
    values: np.ndarray, generator: Generator, device: str, n_samples: int, window: int = WINDOW
) -> Iterator[np.ndarray]:
    """(n, 1) float32: what a generator makes of (n_bands, n_frames), in windows of some frames.

    Where all frames that a sample depends on are silent, so is the sample. A high-pass of one pole runs over all.
    """
    import torch
    from scipy.signal import lfilter

    generator = generator.to(device)
    n_frames, context, hop = values.shape[1], generator.context(), PRESET.hop
    loud = values.max(axis=0) > SILENT_LN
    near = np.convolve(loud, np.ones(2 * context + 1))[context : context + n_frames] > 0.5
    pole = np.exp(-2 * np.pi * LOWEST_HZ / PRESET.sample_rate)
    high_pass, state = ((1 + pole) / 2 * np.array([1.0, -1.0]), np.array([1.0, -pole])), np.zeros(1)
    for start in range(0, n_frames, window):
        first, last = max(start - context, 0), min(start + window + context, n_frames)
        length = min(start + window, n_frames) - start
        block = np.zeros(length * hop)
        sounds = np.repeat(near[start : start + length], hop)
        if sounds.any():
            with torch.inference_mode():
                given = torch.from_numpy(np.ascontiguousarray(values[None, :, first:last], np.float32)).to(device)
                made = generator(given)[0, 0].cpu().numpy()
            block = made[(start - first) * hop : (start - first + length) * hop] * sounds
        block, state = lfilter(*high_pass, block, zi=state)
        yield (block * sounds)[: max(n_samples - start * hop, 0), None].astype(np.float32)
