"""``m2a``: a piano roll to a semitone spectrogram, and to sound (Tang et al. 2025; Shi et al. 2023); 24 kHz.

Differs: the paper joins segments of 9.6 s end to end, and says that the ambience jumps. Here they overlap by a quarter
and cross-fade in the logarithm.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from perfsynth.dsp.mel import PRESETS
from perfsynth.known import number_of
from perfsynth.nn.weights import network_of
from perfsynth.synth.roll import audible, frames_of, sounding, sounding_roll
from perfsynth.types import AudioStream, Performance, Spectrogram

if TYPE_CHECKING:
    from perfsynth.synth.m2a_network import M2A

PRESET = PRESETS["m2a-24k"]
FRAME_S = PRESET.hop / PRESET.sample_rate
SYSTEM = "m2a"
SEGMENT = 800  # frames, 9.6 s
OVERLAP = 200  # frames that neighbouring segments share
TAIL_S = 3.0  # after the last note that is not silence yet
FLOOR_LOG10 = float(np.log10(PRESET.floor))


def predict(
    performance: Performance, *, instrument: str | None = None, weights: str | None = None, device: str = "cpu",
    seed: int = 0,
) -> Spectrogram:  # fmt: skip
    """The spectrogram of a performance; see `perfsynth.synth.spectrogram.synthesize_spectrogram`.

    Parameters
    ----------
    performance
        Played on one piano, whatever its parts; the sustain pedal lengthens its notes.
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
        (128, n_frames) log10 of semitone bands, preset ``m2a-24k``.

    Raises
    ------
    MissingError
        When no network ships.
    InputError
        When the folder holds no such network.
    UsageError
        When the network has learnt another instrument.
    """
    from perfsynth.synth.m2a_network import M2A, Config

    network = network_of(weights, SYSTEM, M2A, Config)
    number_of((network.config.instrument,), instrument)
    return predicted(performance, network.to(device), device)


def stream(
    performance: Performance, *, instrument: str | None = None, weights: str | None = None, device: str = "cpu",
    seed: int = 0,
) -> AudioStream:  # fmt: skip
    """The sound of `predict`: by the network's own vocoder, or by Griffin-Lim until that has learnt."""
    made = predict(performance, instrument=instrument, weights=weights, device=device)
    return sounded(performance, made, SYSTEM, weights, device, seed)


def sounded(
    performance: Performance, made: Spectrogram, system: str, weights: str | None, device: str, seed: int
) -> AudioStream:
    """The sound of a spectrogram, by the vocoder among a system's weights if that has learnt to."""
    from perfsynth.synth.m2a_network import M2A, Config
    from perfsynth.vocode.core import vocode

    has_learnt = network_of(weights, system, M2A, Config).config.vocoder_learnt
    vocoder = SYSTEM if has_learnt else "griffin-lim"
    options: dict[str, Any] = {"weights": weights} if has_learnt else {}
    sound = vocode(made, model=vocoder, device=device, seed=seed, **options)
    stamp = performance.made_by("synth-audio", system, seed=seed, weights=weights or "shipped", vocoder=vocoder)
    return replace(sound, **stamp)


def predicted(performance: Performance, network: M2A, device: str, *, pianist: int = 0, album: int = 0) -> Spectrogram:
    """What a network makes of a performance, played by one pianist on one album where it knows any."""
    table = sounding(performance)
    n_frames = frames_of(table, FRAME_S, TAIL_S)
    return Spectrogram(segmented(table, network, device, n_frames, pianist=pianist, album=album), PRESET.name)


def segmented(
    table: np.ndarray, network: M2A, device: str, n_frames: int, *, pianist: int = 0, album: int = 0
) -> np.ndarray:
    """(128, n_frames) float32, segment by segment, cross-faded; silence where nothing has sounded for `TAIL_S`.

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
    pianist, album
        Numbers of the network's embeddings, if it has any.
    """
    import torch

    who = [torch.tensor([number], device=device) for number in (pianist, album)]
    heard = audible(table, n_frames, FRAME_S, TAIL_S)
    made = np.zeros((PRESET.n_bands, n_frames), np.float32)
    rise = ((np.arange(OVERLAP) + 0.5) / OVERLAP).astype(np.float32)
    for start in range(0, max(n_frames - OVERLAP, 1), SEGMENT - OVERLAP):
        size = min(SEGMENT, n_frames - start)
        part = np.full((PRESET.n_bands, SEGMENT), FLOOR_LOG10, np.float32)
        if heard[start : start + size].any():
            roll = sounding_roll(table, start, SEGMENT, FRAME_S)
            with torch.inference_mode():
                part = network(torch.from_numpy(roll)[None].to(device), *who)[0].cpu().numpy()
        part = part[:, :size]
        if start:
            made[:, start : start + OVERLAP] *= 1 - rise
            part[:, :OVERLAP] *= rise
        made[:, start : start + size] += part
    made = np.maximum(made, FLOOR_LOG10)
    made[:, ~heard] = FLOOR_LOG10
    return made
