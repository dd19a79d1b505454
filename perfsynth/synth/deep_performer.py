"""``deep-performer``: the synthesis model of Deep Performer, performances to mel spectrograms (Dong et al. 2022).

Differs: the paper makes clips of 5 s. Here they overlap, and cross-fade in the logarithm, so that the sound of a long
piece does not jump.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from perfsynth.dsp.mel import PRESETS
from perfsynth.folders import shipped
from perfsynth.known import VIOLIN, kind_of, number_of
from perfsynth.nn.weights import network_of
from perfsynth.synth.bowed import ROOM_S
from perfsynth.synth.octaves import apart, moved
from perfsynth.synth.roll import audible, frames_of, pitched, sounding, without_pedal
from perfsynth.types import AudioStream, Performance, Spectrogram

if TYPE_CHECKING:
    from perfsynth.synth.deep_performer_network import DeepPerformer, Notes

PRESET = PRESETS["deep-performer-16k"]
FRAME_S = PRESET.hop / PRESET.sample_rate
CLIP = 312  # frames, 5 s
OVERLAP = 64  # frames that neighbouring clips share
SYSTEM = "deep-performer"
VOCODER = "source-filter"
VIOLIN_KEYS = (55, 85)  # that its recordings hold
TAIL_S = 2.0  # after the last note that is not silence yet
FADE, SILENT = 4, 2  # frames at the end: those that fade, 64 ms, and those after them, half a window
RELEASE_S = 0.05  # after a bow has left its string, from which on the bands fall as a room lets them
BEFORE_S = 0.5  # a note that ended at most so long before a clip is one of its notes
MOST_NOTES = 4096  # of a clip: attention looks at all pairs
FLOOR_LN = float(np.log(PRESET.floor))

log = logging.getLogger("perfsynth")


def predict(
    performance: Performance, *, instrument: str | None = None, weights: str | None = None, device: str = "cpu",
    seed: int = 0,
) -> Spectrogram:  # fmt: skip
    """The spectrogram of a performance; see `perfsynth.synth.spectrogram.synthesize_spectrogram`.

    Parameters
    ----------
    performance
        Played on one piano, whatever its parts; drums and notes without a finite time are left out.
    instrument
        One that the network has learnt, or the first word of some of them; its first by default.
    weights
        A folder with model.safetensors and config.toml; else the network that ships, that of violins for a violin.
    device
        Where the network computes.
    seed
        Without effect.

    Raises
    ------
    MissingError
        When no network ships.
    InputError
        When the folder holds no such network, or there are drums only.
    UsageError
        When the network has no such instrument.
    """
    from perfsynth.synth.deep_performer_network import Config, DeepPerformer

    network = network_of(weights or _shipped(instrument), SYSTEM, DeepPerformer, Config)
    number = number_of(network.config.instruments, instrument)
    bowed = kind_of(instrument) == VIOLIN
    table = sounding(without_pedal(performance) if bowed else performance)
    n_frames = frames_of(table, FRAME_S, TAIL_S)
    sounded = partial(_windowed, network=network.to(device), instrument=number, device=device, n_frames=n_frames)
    values = _bowed(table, sounded) if bowed else sounded(table)
    return Spectrogram(_faded(values), PRESET.name)


def stream(
    performance: Performance, *, instrument: str | None = None, weights: str | None = None, device: str = "cpu",
    seed: int = 0,
) -> AudioStream:  # fmt: skip
    """The sound of `predict`, by the source-filter vocoder; `seed` is that of its source."""
    from perfsynth.synth.spectrogram import synthesize_spectrogram
    from perfsynth.vocode.core import vocode

    played = pitched(performance)  # once, for the network and for the vocoder's source
    made = synthesize_spectrogram(played, model=SYSTEM, device=device, instrument=instrument, weights=weights)
    stamp = performance.made_by(
        "synth-audio", SYSTEM, seed=seed, instrument=instrument, weights=weights or "shipped", vocoder=VOCODER
    )
    return replace(vocode(made, model=VOCODER, seed=seed), **stamp)


def _shipped(instrument: str | None) -> str | None:
    """The folder of the network that ships for an instrument; None for that of pianos."""
    return str(shipped(VIOLIN)) if kind_of(instrument) == VIOLIN and shipped(VIOLIN).is_dir() else None


def notes_of(tables: list[np.ndarray], device: str = "cpu") -> Notes:
    """`perfsynth.synth.roll.SOUNDING` tables, times relative to their clips, as a batch."""
    import torch

    from perfsynth.synth.deep_performer_network import Notes

    longest = max(1, *(len(table) for table in tables))
    columns = {}
    for name, dtype in (("pitch", np.int64), ("velocity", np.int64), ("begin_s", np.float32), ("end_s", np.float32)):
        columns[name] = np.zeros((len(tables), longest), dtype)
        for row, table in zip(columns[name], tables, strict=True):
            row[: len(table)] = table[name] / FRAME_S if name.endswith("_s") else table[name]
    padded = np.arange(longest) >= np.array([len(table) for table in tables])[:, None]
    # Attention needs something to look at: a clip without notes gets one that does not sound.
    padded[:, 0] = False
    return Notes(*(torch.from_numpy(a).to(device) for a in (*columns.values(), padded)))


def clip_notes(table: np.ndarray, begin_s: float) -> np.ndarray:
    """The notes of a clip, those that ended shortly before it too; times relative to its begin."""
    end_s = begin_s + CLIP * FRAME_S
    rows = table[(table["begin_s"] < end_s) & (table["end_s"] > begin_s - BEFORE_S)].copy()
    rows["begin_s"] -= begin_s
    rows["end_s"] -= begin_s
    if len(rows) > MOST_NOTES:
        log.warning("%d notes within 5 s: only the %d loudest are sounded", len(rows), MOST_NOTES)
        rows = rows[np.sort(np.argsort(-rows["velocity"], kind="stable")[:MOST_NOTES])]
    return rows


def _windowed(table: np.ndarray, network: DeepPerformer, instrument: int, device: str, n_frames: int) -> np.ndarray:
    """(n_bands, n_frames) float32, clip by clip, cross-faded; silence where nothing has sounded for `TAIL_S`."""
    import torch

    made = np.zeros((PRESET.n_bands, n_frames), np.float32)
    weight = np.zeros(n_frames, np.float32)
    rise = (np.arange(OVERLAP) + 0.5) / OVERLAP
    for start in range(0, n_frames, CLIP - OVERLAP):
        size = min(CLIP, n_frames - start)
        rows = clip_notes(table, start * FRAME_S)
        fade = np.ones(CLIP)
        fade[:OVERLAP], fade[-OVERLAP:] = rise, rise[::-1]
        clip = np.full((CLIP, PRESET.n_bands), FLOOR_LN, np.float32)
        if len(rows):
            notes, who = notes_of([rows], device), torch.tensor([instrument], device=device)
            with torch.inference_mode():
                clip = network(notes, who, CLIP)[0].cpu().numpy()
        made[:, start : start + size] += (clip[:size] * fade[:size, None]).T
        weight[start : start + size] += fade[:size].astype(np.float32)
    values = np.maximum(made / weight, FLOOR_LN)
    values[:, ~audible(table, n_frames, FRAME_S, TAIL_S)] = FLOOR_LN
    return values


def _bowed(table: np.ndarray, sounded: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Bands of notes on a violin; those outside what was learnt are sounded octaves away, and moved back."""
    parts = apart(table, *VIOLIN_KEYS)
    return np.maximum.reduce([moved(_dying(sounded(part), part), up, PRESET) for up, part in parts])


def _dying(values: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Bands that fall at least as fast as in the room of the strings, wherever no note sounds."""
    values, fall = values.copy(), np.log(1000) * FRAME_S / ROOM_S
    for frame in np.flatnonzero(~audible(table, values.shape[1], FRAME_S, RELEASE_S, before=0)):
        if frame > 0:
            values[:, frame] = np.minimum(values[:, frame], values[:, frame - 1] - fall)
    return np.maximum(values, FLOOR_LN)


def _faded(values: np.ndarray) -> np.ndarray:
    """Bands that end in silence, so that a sound cut off while it dies away does not click."""
    left = np.clip(np.arange(values.shape[1])[::-1] - SILENT + 1, 0, FADE + 1) / (FADE + 1)
    return np.asarray(np.maximum(values + np.log(np.maximum(left, PRESET.floor)), FLOOR_LN), np.float32)
