"""``performancenet``: piano rolls to a spectrogram by convolutions, to sound by Griffin-Lim (Wang and Yang 2019).

Differs: the paper makes chunks of 5 s. Here a piece of any length is done in windows. What ContourNet makes of a
window is what it would make of the whole, since each frame is taken from a window that holds all that it depends on.
TextureNet's instance norms look at the whole window, so that neighbours differ a little: they cross-fade.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from perfsynth.dsp.mel import PRESETS
from perfsynth.known import number_of
from perfsynth.nn.weights import network_of
from perfsynth.synth.roll import audible, edge_roll, frames_of, sounding, sounding_roll
from perfsynth.types import AudioStream, Performance, Spectrogram

if TYPE_CHECKING:
    from perfsynth.synth.performancenet_network import PerformanceNet

PRESET = PRESETS["performancenet-44k"]
FRAME_S = PRESET.hop / PRESET.sample_rate
SYSTEM = "performancenet"
CHUNK = 864  # frames, 5 s. Differs: the paper has 860, which cannot be halved five times
WINDOW = 1024  # frames that are done at once
CONTEXT = 256  # frames at both ends of a window that only tell about the others
FADE = 96  # frames in which neighbours cross-fade
STRIDE = WINDOW - 2 * CONTEXT - FADE  # from window to window; a multiple of what the network halves
TAIL_S = 3.0  # after the last note that is not silence yet
FLOOR_LN = float(np.log(PRESET.floor))


def predict(
    performance: Performance, *, instrument: str | None = None, weights: str | None = None, device: str = "cpu",
    seed: int = 0,
) -> Spectrogram:  # fmt: skip
    """The spectrogram of a performance; see `perfsynth.synth.spectrogram.synthesize_spectrogram`.

    Parameters
    ----------
    performance
        Played on one instrument, whatever its parts; the sustain pedal lengthens its notes.
    instrument
        The one that the network has learnt, or None.
    weights
        A folder with model.safetensors and config.toml; else the network that ships.
    device
        Where the network computes.
    seed
        Without effect.

    Returns
    -------
    Spectrogram
        (1025, n_frames) ln magnitudes of preset ``performancenet-44k``.

    Raises
    ------
    MissingError
        When no network ships.
    InputError
        When the folder holds no such network.
    UsageError
        When the network has learnt another instrument.
    """
    from perfsynth.synth.performancenet_network import Config, PerformanceNet

    network = network_of(weights, SYSTEM, PerformanceNet, Config)
    number_of((network.config.instrument,), instrument)
    table = sounding(performance)
    n_frames = frames_of(table, FRAME_S, TAIL_S)
    return Spectrogram(windowed(table, network.to(device), device, n_frames), PRESET.name)


def stream(
    performance: Performance, *, instrument: str | None = None, weights: str | None = None, device: str = "cpu",
    seed: int = 0,
) -> AudioStream:  # fmt: skip
    """The sound of `predict`, by Griffin-Lim; `seed` is that of its first phases."""
    from perfsynth.vocode.core import vocode

    made = predict(performance, instrument=instrument, weights=weights, device=device)
    sound = vocode(made, model="griffin-lim", seed=seed, device=device)
    stamp = performance.made_by("synth-audio", SYSTEM, seed=seed, weights=weights or "shipped", vocoder="griffin-lim")
    return replace(sound, **stamp)


def windowed(table: np.ndarray, network: PerformanceNet, device: str, n_frames: int) -> np.ndarray:
    """(n_bins, n_frames) float32, window by window, cross-faded; silence where nothing has sounded for `TAIL_S`.

    Parameters
    ----------
    table
        `perfsynth.synth.roll.SOUNDING`.
    network
        On `device`.
    device
        Where to compute.
    n_frames
        Of the result.
    """
    made = np.zeros((PRESET.n_bands, n_frames), np.float32)
    heard = audible(table, n_frames, FRAME_S, TAIL_S)
    for start in range(0, n_frames, STRIDE):  # frames start .. start + STRIDE + FADE, of which neighbours share FADE
        stop = min(start + STRIDE + FADE, n_frames)
        part = np.full((PRESET.n_bands, stop - start), FLOOR_LN, np.float32)
        if heard[start:stop].any():
            part = _window(table, network, device, start - CONTEXT)[:, CONTEXT : CONTEXT + stop - start]
        fade = np.ones(stop - start, np.float32)
        if start:
            rise = (np.arange(FADE, dtype=np.float32) + 0.5) / FADE
            fade[:FADE] = rise[: stop - start]
            made[:, start : start + FADE] *= 1 - rise[: stop - start]
        made[:, start:stop] += part * fade
    made = np.maximum(made, FLOOR_LN)
    made[:, ~heard] = FLOOR_LN
    return made


def _window(table: np.ndarray, network: PerformanceNet, device: str, first: int) -> np.ndarray:
    """(n_bins, WINDOW) of the frames from `first` on."""
    import torch

    rolls = given_rolls(table, first, WINDOW, velocity=network.config.velocity)
    with torch.inference_mode():
        made = network(*(torch.from_numpy(roll)[None].to(device) for roll in rolls))
    return np.asarray(made[0].cpu().numpy())


def given_rolls(table: np.ndarray, first: int, n_frames: int, *, velocity: bool) -> tuple[np.ndarray, np.ndarray]:
    """What the network reads of some frames, both (128, n_frames): what sounds; what begins (1) and ends (-1)."""
    roll = sounding_roll(table, first, n_frames, FRAME_S, velocity=velocity)
    return roll, edge_roll(table, first, n_frames, FRAME_S)
