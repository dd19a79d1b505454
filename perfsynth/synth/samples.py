"""The recordings of a sampled piano, trimmed and aligned: what the `sampler` plays and `modal` is fitted to.

Decoding takes a quarter of a minute; the result is kept in the cache folder and mapped into memory.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import re
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from perfsynth.dsp.pitches import NATURALS
from perfsynth.errors import InputError, MissingError
from perfsynth.folders import cache_folder
from perfsynth.progress import Report, silent
from perfsynth.synth.trimming import aligned, cut, onset

SILENCE = 1e-4  # full scale: a recording that never gets louder is none
LEVEL_S = 0.5  # the level of a note is that of its beginning
SUFFIXES = (".ogg", ".wav", ".flac")
CACHE_VERSION = 2  # of what is made here and in `trimming`: raise it to have old caches made again
MAX_LABEL = 32  # layer labels up to here count layers, higher ones are MIDI velocities
_NOTE = re.compile(
    r"(?:^|[^A-Za-z0-9])([A-Ga-g])([#sb]?)(-?\d)[ _-]*v(?:el)?[ _-]*(\d{1,3})$|(?:^|[ _-])(\d{2,3})[ _-]+v?(\d{1,3})$"
)
_RELEASE = re.compile(r"^rel(\d{1,2})$")
_ALTER = {"": 0, "#": 1, "s": 1, "b": -1}
_COLUMNS = {
    "keys": np.int64,
    "start": np.int64,
    "length": np.int64,
    "scale": np.float64,
    "level": np.float64,
    "likeness": np.float64,
    "release_keys": np.int64,
    "release_start": np.int64,
    "release_length": np.int64,
    "release_scale": np.float64,
}

log = logging.getLogger("perfsynth")


@dataclass(frozen=True)
class SampleSet:
    """Aligned stereo recordings: one per key and layer, softest layer first, and noises of keys coming up.

    A layer that a key lacks is the nearest one that it has.
    """

    pcm: np.ndarray  # (n_samples, 2) int16, all recordings one after the other
    sample_rate: int  # Hz
    keys: np.ndarray  # (n_keys,) int64, MIDI, ascending
    layer_velocity: np.ndarray  # (n_layers,) float64, 0..127, the velocity that each layer is for
    start: np.ndarray  # (n_keys, n_layers) int64, into pcm
    length: np.ndarray  # (n_keys, n_layers) int64, samples
    scale: np.ndarray  # (n_keys, n_layers) float64: full scale +-1 is pcm times this
    level: np.ndarray  # (n_keys, n_layers) float64, rms of both channels over the first LEVEL_S at full scale
    likeness: np.ndarray  # (n_keys, n_layers - 1) float64, -1..1, correlation with the next layer over LEVEL_S
    release_keys: np.ndarray  # (n_releases,) int64, MIDI, ascending; there may be none
    release_start: np.ndarray  # (n_releases,) int64, into pcm
    release_length: np.ndarray  # (n_releases,) int64, samples
    release_scale: np.ndarray  # (n_releases,) float64

    def note(self, key_index: int, layer: int) -> np.ndarray:
        """One recording, (n, 2) float32 at full scale +-1; sample 0 is 1 ms before its onset."""
        start, length = self.start[key_index, layer], self.length[key_index, layer]
        return self.pcm[start : start + length] * np.float32(self.scale[key_index, layer])

    def release(self, index: int) -> np.ndarray:
        """The noise of one key coming up, (n, 2) float32."""
        start, length = self.release_start[index], self.release_length[index]
        return self.pcm[start : start + length] * np.float32(self.release_scale[index])


def load_samples(folder: str | Path, *, velocities: bool = False, report: Report = silent) -> SampleSet:
    """Read all recordings below a folder: decoded the first time, mapped from the cache ever after.

    Parameters
    ----------
    folder
        Of .ogg, .wav or .flac files, in sub-folders too, named by note and layer: ``C4v7``, ``piano-F#2_v12``,
        ``60_100``. Labels up to 32 count the layers, higher ones are MIDI velocities. ``rel1`` to ``rel88`` are
        the noises of the 88 keys coming up. Whatever is named otherwise is left alone.
    velocities
        Whether all labels are MIDI velocities, low ones too.
    report
        Called with the step and the fraction done, 0 to 1.

    Raises
    ------
    MissingError
        When there is no such folder.
    InputError
        When none of its files is a usable recording.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise MissingError(
            f"{folder}: there is no such folder of samples; get one: perfsynth data salamander fetch --accept-licence"
        )
    notes, releases = _named(folder)
    stem = cache_folder() / f"samples-{_fingerprint(folder, [*notes.values(), *releases.values()], velocities)}"
    index, pcm = stem.with_suffix(".npz"), stem.with_suffix(".pcm")
    if not (index.is_file() and pcm.is_file()):
        _decode(folder, notes, releases, velocities, stem, report)
    with np.load(index) as table:
        columns = {name: table[name] for name in table.files}
    columns["sample_rate"] = int(columns["sample_rate"])
    return SampleSet(pcm=np.memmap(pcm, np.int16, "r").reshape(-1, 2), **columns)


def _named(folder: Path) -> tuple[dict[tuple[int, int], Path], dict[int, Path]]:
    """The recordings by key and layer label, and the release noises by key."""
    notes, releases = {}, {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in SUFFIXES:
            continue
        if found := _NOTE.search(path.stem):
            step, alter, octave, label, number, velocity = found.groups()
            key = int(number) if number else 12 * (int(octave) + 1) + NATURALS[step.upper()] + _ALTER[alter]
            notes[key, int(label or velocity)] = path
        elif found := _RELEASE.match(path.stem):
            releases[20 + int(found[1])] = path
    if not notes:
        raise InputError(f"{folder}: no samples; names like C4v7.ogg or 60_100.wav tell key and layer")
    return notes, releases


def _fingerprint(folder: Path, paths: list[Path], velocities: bool) -> str:
    """Changes whenever a file does, or what the labels say."""
    digest = hashlib.sha256(f"{CACHE_VERSION}{' velocities' if velocities else ''}".encode())
    for path in paths:
        stat = path.stat()
        digest.update(f"{path.relative_to(folder)}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:16]


class _Recorder:
    """Appends recordings to the cache file as int16, each at its own scale."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.end = file, 0

    def append(self, samples: np.ndarray) -> tuple[int, int, float]:
        """Where a recording starts, how long it is, and its scale."""
        scale = float(np.abs(samples).max()) / 32767
        self.file.write(np.round(samples / scale).astype("<i2").tobytes())
        self.end += len(samples)
        return self.end - len(samples), len(samples), scale


def _decode(
    folder: Path,
    notes: dict[tuple[int, int], Path],
    releases: dict[int, Path],
    velocities: bool,
    stem: Path,
    report: Report,
) -> None:
    """Write the cache, `stem` with two suffixes: the recordings, then the index, each whole or not at all."""
    rate = Counter(_rate(path) for path in notes.values()).most_common(1)[0][0]
    labels = sorted({label for _, label in notes})
    table: dict[str, list[Any]] = defaultdict(list)
    stem.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="samples-", dir=stem.parent) as scratch:
        part = Path(scratch) / "pcm"
        with part.open("wb") as file:
            recorder = _Recorder(file)
            keys = sorted({key for key, _ in notes})
            for number, key in enumerate(keys):
                report("decoding samples", number / len(keys))
                layers = [_recording(notes[key, label], rate) if (key, label) in notes else None for label in labels]
                if any(layer is not None for layer in layers):
                    _add_key(table, recorder, key, layers, rate)
            for key, path in sorted(releases.items()):
                if (noise := _recording(path, rate)) is not None:
                    row = (key, *recorder.append(cut(noise, onset(noise, rate), rate)))
                    for name, value in zip(("keys", "start", "length", "scale"), row, strict=True):
                        table[f"release_{name}"].append(value)
        if not table["keys"]:
            raise InputError(f"{folder}: all samples are silent or broken; record them again")
        counted = not velocities and labels[-1] <= MAX_LABEL
        layer_velocity = np.linspace(0, 127, len(labels)) if counted else np.minimum(labels, 127)
        columns: dict[str, Any] = {name: np.array(table[name], dtype) for name, dtype in _COLUMNS.items()}
        np.savez(Path(scratch) / "index.npz", sample_rate=rate, layer_velocity=layer_velocity.astype(float), **columns)
        part.replace(stem.with_suffix(".pcm"))
        (Path(scratch) / "index.npz").replace(stem.with_suffix(".npz"))
    report("", 1.0)


def _add_key(
    table: dict[str, list[Any]], recorder: _Recorder, key: int, layers: list[np.ndarray | None], rate: int
) -> None:
    """Align and record the layers of one key, and measure them."""
    there = [layer for layer, samples in enumerate(layers) if samples is not None]
    recordings = [samples for samples in layers if samples is not None]
    begins = aligned(recordings, rate)
    cuts = [cut(samples, begin, rate) for samples, begin in zip(recordings, begins, strict=True)]
    rows = [recorder.append(piece) for piece in cuts]
    beginnings = [piece[: round(LEVEL_S * rate)] for piece in cuts]
    nearest = [int(np.argmin(np.abs(np.array(there) - layer))) for layer in range(len(layers))]
    table["keys"].append(key)
    for name, column in zip(("start", "length", "scale"), zip(*rows, strict=True), strict=True):
        table[name].append([column[i] for i in nearest])
    levels = [float(np.sqrt(np.square(x, dtype=np.float64).sum() / (LEVEL_S * rate * 2))) for x in beginnings]
    table["level"].append([levels[i] for i in nearest])
    table["likeness"].append([_likeness(beginnings[a], beginnings[b]) for a, b in itertools.pairwise(nearest)])


def _rate(path: Path) -> int:
    import soundfile

    try:
        return int(soundfile.info(path).samplerate)
    except soundfile.LibsndfileError as error:
        raise InputError(f"{path}: cannot be decoded ({error.error_string}); replace or remove it") from error


def _recording(path: Path, rate: int) -> np.ndarray | None:
    """A file as (n, 2) float32 at `rate`; None, with a warning, when it is silent or broken."""
    import soundfile

    try:
        samples, own_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise InputError(f"{path}: cannot be decoded ({error.error_string}); replace or remove it") from error
    samples = np.nan_to_num(samples[:, [0, -1]] if samples.shape[1] <= 2 else samples[:, :2])
    if len(samples) == 0 or np.abs(samples).max() < SILENCE:
        log.warning("%s: silent, left out", path)
        return None
    if own_rate != rate:
        import soxr

        samples = soxr.resample(samples, own_rate, rate)
    return samples


def _likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two recordings over the time that both last."""
    n = min(len(one), len(other))
    one, other = one[:n].astype(np.float64), other[:n].astype(np.float64)
    return float((one * other).sum() / max(np.sqrt(np.square(one).sum() * np.square(other).sum()), 1e-30))
