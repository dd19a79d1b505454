"""The tables of a modal piano, and the two ways to keep them: compact on disk, ready to sound in memory."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from perfsynth.errors import InputError
from perfsynth.synth.modal.grid import FLOOR_LN, NOISE_FLOOR_LN, RATE

FORMAT = 2
STEP_LN = 0.07  # nepers: how finely envelopes are stored
STEP_PHASE = 2 * np.pi / 64  # radians
LAYER_STEP_LN = 0.06  # nepers: how finely differences between layers are stored
ATTACK_S = 0.35  # of each recording that is kept as audio
GAP = 1776  # samples of silence between coded recordings: 37 ms, more than a codec frame
RISE = 24  # samples in which recorded attacks come in: a codec rings before what it keeps
CODEC_PEAK = 0.5  # full scale, to which coded recordings are raised
# libsndfile's compression levels of Opus, 0 to 1: what the attacks and the releases are worth.
ATTACK_LEVEL, RELEASE_LEVEL = 0.88, 0.93
ATTACK = round(ATTACK_S * RATE)  # samples


@dataclass(frozen=True)
class ModalPiano:
    """A piano of n_keys analysed keys and n_layers layers; the modes of all keys stand one after the other."""

    keys: np.ndarray  # (n_keys,) int64 MIDI
    layer_velocity: np.ndarray  # (n_layers,) float64
    level: np.ndarray  # (n_keys, n_layers) rms at full scale, of the recordings
    smooth_level: np.ndarray  # the same without the recorded attacks
    likeness: np.ndarray  # (n_keys, n_layers - 1)
    key_level: np.ndarray  # (n_keys,) rms at full scale that velocity 127 is to have
    offset: np.ndarray  # (n_keys + 1,) int64, where the modes of each key begin, its partials first
    n_partials: np.ndarray  # (n_keys,) int64, how many of the modes of each key are partials of its strings
    hz: np.ndarray  # (n_modes,)
    ramp: np.ndarray  # (n_keys,) samples
    envelope: np.ndarray  # (n_modes, 2, N_TIMES) nepers
    phase: np.ndarray  # (n_modes, 2, N_TIMES) radians beside what `hz` turns from sample 0 on
    layer_gain: np.ndarray  # (n_layers, n_modes, 2) nepers
    layer_phase: np.ndarray  # (n_layers, n_modes, 2) radians
    noise: np.ndarray  # (n_keys, 2, N_BANDS, N_TIMES) nepers of power
    noise_gain: np.ndarray  # (n_layers, n_keys, 2, N_BANDS)
    attacks: np.ndarray | None = None  # (n_keys, n_layers, ATTACK, 2) int16, faded out by `load`
    attack_scale: np.ndarray | None = None  # (n_keys, n_layers) full scale is the integer times this
    releases: tuple[np.ndarray, ...] = ()  # each (n, 2) int16
    release_keys: np.ndarray | None = None
    release_scale: np.ndarray | None = None

    def modes(self, key: int) -> slice:
        """Where the modes of an analysed key stand."""
        return slice(int(self.offset[key]), int(self.offset[key + 1]))

    def gain(self, key: int, layer: int) -> np.ndarray:
        """(k, 2) complex gain of the modes of one layer."""
        rows = self.modes(key)
        return np.asarray(np.exp(self.layer_gain[layer, rows] + 1j * self.layer_phase[layer, rows]))

    def waves(self, key: int, gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(k, 2, N_TIMES) nepers re full scale, and radians, of the modes of a key with these complex gains."""
        rows = self.modes(key)
        ln = self.envelope[rows] + np.log(np.abs(gain) + 1e-12)[:, :, None]
        return ln, self.phase[rows] + np.angle(gain)[:, :, None].astype(np.float32)

    def ln_noise(self, key: int, layer: int) -> np.ndarray:
        """(2, N_BANDS, N_TIMES) ln power of the noise of one layer."""
        return np.maximum(self.noise[key] + self.noise_gain[layer, key, :, :, None], NOISE_FLOOR_LN)


def quantised(piano: ModalPiano) -> ModalPiano:
    """The piano as it will be after `save` and `load`: what the attack has to make up for."""
    return replace(piano, **_unpack(_pack(piano)))


def _pack(piano: ModalPiano) -> dict[str, np.ndarray]:
    """The large tables in steps of 8 bits; phases wrap around, whole turns are left out."""

    def steps(values: np.ndarray, step: float) -> np.ndarray:
        return np.clip(np.rint(values / step), -127, 127).astype(np.int8).view(np.uint8)

    def levels(values: np.ndarray, floor: float) -> np.ndarray:
        return np.clip(np.rint((values - floor) / STEP_LN), 0, 255).astype(np.uint8)

    return {
        "envelope": levels(piano.envelope, FLOOR_LN),
        "phase": np.rint(piano.phase / STEP_PHASE).astype(np.int64).astype(np.uint8),
        "layer_gain": steps(piano.layer_gain, LAYER_STEP_LN),
        "layer_phase": steps(piano.layer_phase, STEP_PHASE),
        # Power has twice the nepers, so half of it is stored.
        "noise": levels(piano.noise / 2, NOISE_FLOOR_LN / 2),
        "noise_gain": steps(piano.noise_gain / 2, LAYER_STEP_LN),
    }


def _unpack(packed: dict[str, np.ndarray]) -> dict[str, Any]:
    change = np.diff(packed["phase"], axis=-1, prepend=np.uint8(0)).view(np.int8)
    return {
        "envelope": (packed["envelope"] * STEP_LN + FLOOR_LN).astype(np.float32),
        "phase": (np.cumsum(change, axis=-1, dtype=np.int64) * STEP_PHASE).astype(np.float32),
        "layer_gain": (packed["layer_gain"].view(np.int8) * LAYER_STEP_LN).astype(np.float32),
        "layer_phase": (packed["layer_phase"].view(np.int8) * STEP_PHASE).astype(np.float32),
        "noise": ((packed["noise"] * STEP_LN + NOISE_FLOOR_LN / 2) * 2).astype(np.float32),
        "noise_gain": (packed["noise_gain"].view(np.int8) * (2 * LAYER_STEP_LN)).astype(np.float32),
    }


def _deflated(table: np.ndarray) -> np.ndarray:
    """The changes along the last axis, compressed."""
    return np.frombuffer(zlib.compress(np.diff(table, axis=-1, prepend=np.uint8(0)).tobytes(), 9), np.uint8)


def _inflated(data: np.ndarray, shape: list[int]) -> np.ndarray:
    change = np.frombuffer(zlib.decompress(data.tobytes()), np.uint8).reshape(shape)
    return np.cumsum(change, axis=-1, dtype=np.uint8)


_PLAIN = (
    "keys",
    "layer_velocity",
    "level",
    "smooth_level",
    "likeness",
    "key_level",
    "offset",
    "n_partials",
    "hz",
    "ramp",
)
_SIZES = ("attack_scale", "release_keys", "release_scale")


def save(piano: ModalPiano, folder: Path) -> None:
    """Write ``model.safetensors``, ``attacks.ogg`` and ``releases.ogg`` (Opus) into a folder."""
    from safetensors.numpy import save as packed_tensors  # its save_file lets nobody but the owner read

    folder.mkdir(parents=True, exist_ok=True)
    packed = _pack(piano)
    tensors = {name: _deflated(table) for name, table in packed.items()}
    tensors |= {name: np.ascontiguousarray(getattr(piano, name)) for name in _PLAIN}
    tensors |= {name: value for name in _SIZES if (value := getattr(piano, name)) is not None}
    tensors["release_length"] = np.array([len(noise) for noise in piano.releases], np.int64)
    shapes = json.dumps({name: table.shape for name, table in packed.items()})
    made = packed_tensors(tensors, {"format": json.dumps(FORMAT), "shapes": shapes})
    (folder / "model.safetensors").write_bytes(made)
    if piano.attacks is not None:
        _write_opus(folder / "attacks.ogg", list(piano.attacks.reshape(-1, ATTACK, 2)), ATTACK_LEVEL)
    if piano.releases:
        _write_opus(folder / "releases.ogg", list(piano.releases), RELEASE_LEVEL)


def load(folder: Path) -> ModalPiano:
    """Read what `save` wrote.

    Raises
    ------
    InputError
        When the folder holds no modal piano, one of another format, or a broken one.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / "model.safetensors"
    try:
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
            if json.loads(metadata.get("format", "0")) != FORMAT:
                raise InputError(f"{path}: a modal piano of another format; fit it again: perfsynth fit-piano")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: no modal piano ({error}); fit one: perfsynth fit-piano") from error
    packed = {name: _inflated(tensors[name], shape) for name, shape in json.loads(metadata["shapes"]).items()}
    fields: dict[str, Any] = {name: tensors[name] for name in _PLAIN} | _unpack(packed)
    fields |= {name: tensors.get(name) for name in _SIZES}
    shape = (len(fields["keys"]), len(fields["layer_velocity"]))
    if "attack_scale" in tensors:
        lengths = np.full(shape[0] * shape[1], ATTACK)
        fade = attack_fade(np.arange(ATTACK) / ATTACK)[:, None]
        fade[:RISE] *= np.sin(np.pi / 2 * np.arange(RISE) / RISE)[:, None] ** 2
        attacks = np.rint(np.stack(_read_opus(folder / "attacks.ogg", lengths)) * fade)
        fields["attacks"] = attacks.astype(np.int16).reshape(*shape, ATTACK, 2)
    if len(tensors["release_length"]):
        fields["releases"] = tuple(_read_opus(folder / "releases.ogg", tensors["release_length"]))
    return ModalPiano(**fields)


def attack_fade(position: np.ndarray) -> np.ndarray:
    """How much of the recorded attack sounds at a position 0..1 in it: 1, then down as a cosine from 0.55 on.

    It is applied after decoding: a codec does not keep the end of a fade.
    """
    return np.cos(np.pi / 2 * np.clip((position - 0.55) / 0.43, 0, 1)).astype(np.float32)


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

    starts = GAP + np.concatenate([[0], np.cumsum(lengths[:-1] + GAP)])
    try:
        samples, _ = soundfile.read(path, dtype="int16", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise InputError(f"{path}: cannot be decoded ({error.error_string}); fit the piano again") from error
    if len(samples) < starts[-1] + lengths[-1]:
        raise InputError(f"{path}: {len(samples)} samples, too few for this piano; fit it again")
    return [samples[start : start + length] for start, length in zip(starts, lengths, strict=True)]
