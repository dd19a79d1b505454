"""The tables of a modal piano, and the two ways to keep them: compact on disk, ready to sound in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from perfsynth.errors import InputError
from perfsynth.synth.modal.grid import RATE

FORMAT = 1
FLOOR_LN = -16.0  # nepers, of the partials
NOISE_FLOOR_LN = -32.0  # of noise power
STEP_LN = 0.07  # nepers: how finely envelopes are stored
LAYER_STEP_LN = 0.06  # nepers: how finely differences between layers are stored
ATTACK_S = 0.35  # of each recording that is kept as audio
GAP = 1776  # samples of silence between coded recordings: 37 ms, more than a codec frame
CODEC_PEAK = 0.5  # full scale, to which coded recordings are raised
# libsndfile's compression levels of Opus, 0 to 1: what the attacks and the releases are worth.
ATTACK_LEVEL, RELEASE_LEVEL = 0.8, 0.9
ATTACK = round(ATTACK_S * RATE)  # samples


@dataclass(frozen=True)
class ModalPiano:
    """A piano of n_keys analysed keys and n_layers layers; the partials of all keys stand one after the other."""

    keys: np.ndarray  # (n_keys,) int64 MIDI
    layer_velocity: np.ndarray  # (n_layers,) float64
    level: np.ndarray  # (n_keys, n_layers) rms at full scale, of the recordings
    likeness: np.ndarray  # (n_keys, n_layers - 1)
    key_level: np.ndarray  # (n_keys,) rms at full scale that velocity 127 is to have
    offset: np.ndarray  # (n_keys + 1,) int64, where the partials of each key begin
    hz: np.ndarray  # (n_partials,)
    phase: np.ndarray  # (n_layers, n_partials, 2) radians
    ramp: np.ndarray  # (n_keys,) samples
    envelope: np.ndarray  # (n_partials, 2, N_TIMES) nepers
    layer_gain: np.ndarray  # (n_layers, n_partials, 2) nepers
    change: np.ndarray  # (n_partials, 2, N_TIMES) nepers, how the envelope changes with `change_share`
    change_share: np.ndarray  # (n_layers, n_keys, 2)
    noise: np.ndarray  # (n_keys, 2, N_BANDS, N_TIMES) nepers of power
    noise_gain: np.ndarray  # (n_layers, n_keys, 2, N_BANDS)
    attacks: np.ndarray | None = None  # (n_keys, n_layers, ATTACK, 2) int16
    attack_scale: np.ndarray | None = None  # (n_keys, n_layers) full scale is the integer times this
    releases: tuple[np.ndarray, ...] = ()  # each (n, 2) int16
    release_keys: np.ndarray | None = None
    release_scale: np.ndarray | None = None

    def partials(self, key: int) -> slice:
        """Where the partials of an analysed key stand."""
        return slice(int(self.offset[key]), int(self.offset[key + 1]))

    def ln_amplitude(self, key: int, layer: int, *, changing: bool = True) -> np.ndarray:
        """(k, 2, N_TIMES) nepers re full scale of the partials of one layer."""
        rows = self.partials(key)
        ln = self.envelope[rows] + self.layer_gain[layer, rows, :, None]
        if changing:
            ln = ln + self.change[rows] * self.change_share[layer, key, :, None]
        return np.maximum(ln, FLOOR_LN)

    def ln_noise(self, key: int, layer: int) -> np.ndarray:
        """(2, N_BANDS, N_TIMES) ln power of the noise of one layer."""
        return np.maximum(self.noise[key] + self.noise_gain[layer, key, :, :, None], NOISE_FLOOR_LN)


def quantised(piano: ModalPiano) -> ModalPiano:
    """The piano as it will be after `save` and `load`: what the attack has to make up for."""
    return replace(piano, **_unpack(_pack(piano)))


def _pack(piano: ModalPiano) -> dict[str, np.ndarray]:
    def levels(values: np.ndarray, floor: float) -> np.ndarray:
        return np.clip(np.rint((values - floor) / STEP_LN), 0, 255).astype(np.uint8)

    def steps(values: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(values / LAYER_STEP_LN), -127, 127).astype(np.int8)

    return {
        "hz": piano.hz.astype(np.float32),
        "phase": np.rint(piano.phase / (2 * np.pi) * 256).astype(np.int64).astype(np.uint8),
        "envelope": levels(piano.envelope, FLOOR_LN),
        "layer_gain": steps(piano.layer_gain),
        "change": steps(piano.change),
        "change_share": piano.change_share.astype(np.float32),
        # Power has twice the nepers, so half of it is stored.
        "noise": levels(piano.noise / 2, NOISE_FLOOR_LN / 2),
        "noise_gain": steps(piano.noise_gain / 2),
    }


def _unpack(packed: dict[str, np.ndarray]) -> dict[str, Any]:
    return {
        "hz": packed["hz"].astype(np.float64),
        "phase": packed["phase"] * (2 * np.pi / 256),
        "envelope": (packed["envelope"] * STEP_LN + FLOOR_LN).astype(np.float32),
        "layer_gain": (packed["layer_gain"] * LAYER_STEP_LN).astype(np.float32),
        "change": (packed["change"] * LAYER_STEP_LN).astype(np.float32),
        "change_share": packed["change_share"].astype(np.float32),
        "noise": ((packed["noise"] * STEP_LN + NOISE_FLOOR_LN / 2) * 2).astype(np.float32),
        "noise_gain": (packed["noise_gain"] * (2 * LAYER_STEP_LN)).astype(np.float32),
    }


_PLAIN = ("keys", "layer_velocity", "level", "likeness", "key_level", "offset", "ramp")
_SIZES = ("attack_scale", "release_keys", "release_scale")


def save(piano: ModalPiano, folder: Path) -> None:
    """Write ``model.safetensors``, ``attacks.ogg`` and ``releases.ogg`` (Opus) into a folder."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: np.ascontiguousarray(value) for name, value in _pack(piano).items()}
    tensors |= {name: np.ascontiguousarray(getattr(piano, name)) for name in _PLAIN}
    tensors |= {name: value for name in _SIZES if (value := getattr(piano, name)) is not None}
    tensors["release_length"] = np.array([len(noise) for noise in piano.releases], np.int64)
    save_file(tensors, folder / "model.safetensors", {"format": json.dumps(FORMAT)})
    if piano.attacks is not None:
        _write_opus(folder / "attacks.ogg", list(piano.attacks.reshape(-1, ATTACK, 2)), ATTACK_LEVEL)
    if piano.releases:
        _write_opus(folder / "releases.ogg", list(piano.releases), RELEASE_LEVEL)


def load(folder: Path) -> ModalPiano:
    """Read what `save` wrote.

    Raises
    ------
    InputError
        When the folder holds no modal piano, or one of another format.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / "model.safetensors"
    try:
        with safe_open(path, "numpy") as file:
            if json.loads((file.metadata() or {}).get("format", "0")) != FORMAT:
                raise InputError(f"{path}: a modal piano of another format; fit it again: perfsynth fit-piano")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: no modal piano ({error}); fit one: perfsynth fit-piano") from error
    fields: dict[str, Any] = {name: tensors[name] for name in _PLAIN} | _unpack(tensors)
    fields |= {name: tensors.get(name) for name in _SIZES}
    shape = (len(fields["keys"]), len(fields["layer_velocity"]))
    if "attack_scale" in tensors:
        lengths = np.full(shape[0] * shape[1], ATTACK)
        fields["attacks"] = np.stack(_read_opus(folder / "attacks.ogg", lengths)).reshape(*shape, ATTACK, 2)
    if len(tensors["release_length"]):
        fields["releases"] = tuple(_read_opus(folder / "releases.ogg", tensors["release_length"]))
    return ModalPiano(**fields)


def coded(recordings: list[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Float recordings (n, 2) raised to `CODEC_PEAK` as int16, and what full scale one step of each is."""
    peaks = np.array([max(float(np.abs(recording).max(initial=0.0)), 1e-9) for recording in recordings])
    raised = [np.rint(x / p * CODEC_PEAK * 32767).astype(np.int16) for x, p in zip(recordings, peaks, strict=True)]
    return raised, peaks / (CODEC_PEAK * 32767)


def _write_opus(path: Path, recordings: list[np.ndarray], level: float) -> None:
    import soundfile

    gap = np.zeros((GAP, 2), np.int16)
    joined = np.concatenate([piece for recording in recordings for piece in (gap, recording)] + [gap])
    with soundfile.SoundFile(path, "w", RATE, 2, format="OGG", subtype="OPUS", compression_level=level) as file:
        for start in range(0, len(joined), RATE):
            file.write(joined[start : start + RATE])


def _read_opus(path: Path, lengths: np.ndarray) -> list[np.ndarray]:
    import soundfile

    samples, _ = soundfile.read(path, dtype="int16", always_2d=True)
    starts = GAP + np.concatenate([[0], np.cumsum(lengths[:-1] + GAP)])
    return [samples[start : start + length] for start, length in zip(starts, lengths, strict=True)]
