"""The sounds of a listening test: found in folders, checked, cut, and brought to one loudness.

A folder is a system and a file in it is a piece; files of the same stem play the same piece.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from perfsynth.dsp.loudness import TRUE_PEAK_DBTP, LoudnessMeter
from perfsynth.dsp.resample import resample
from perfsynth.errors import InputError, PerfsynthError
from perfsynth.formats.audio import read_audio
from perfsynth.progress import Report, silent
from perfsynth.types import Audio

log = logging.getLogger("perfsynth")

Role = Literal["system", "reference", "anchor"]
SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff")
SAMPLE_RATE = 44100  # Hz, of every sound in the page: no browser resamples one system and not the other
LOUDNESS_LUFS = -23.0  # EBU R 128
FADE_S = 0.05  # where a sound is cut
CLIPPED_RUN = 4  # samples in a row at the same full level
MIN_S = 0.5
ANCHOR_STOP_HZ = 500.0  # ITU-R BS.1534-3, 5.1: 25 dB down 500 Hz above a 3.5 kHz pass band; here 60 dB
ANCHOR_STOP_DB = 60.0


@dataclass(frozen=True)
class Sample:
    """One sound: what it is, where it comes from, and how loud it is."""

    piece: str
    system: str
    role: Role
    path: Path
    low_pass_hz: float | None  # of an anchor
    duration_s: float
    loudness_lufs: float
    true_peak_dbtp: float
    sha256: str


@dataclass(frozen=True)
class Cut:
    """How every sound is made comparable: one rate, and at most so many seconds of it."""

    sample_rate: int = SAMPLE_RATE  # Hz
    length_s: float | None = None


def pieces_of(folder: Path) -> dict[str, Path]:
    """The audio files of a folder by their stems.

    Raises
    ------
    InputError
        When it is no folder, has no audio, or has two files of one stem.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder; name one folder of audio files for each system")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        if path.stem in found:
            raise InputError(f"{path}: plays the same piece as {found[path.stem].name}; keep one of them")
        found[path.stem] = path
    if not found:
        raise InputError(f"{folder}: no audio files ({', '.join(SUFFIXES[:3])}); each folder named is a system")
    return found


def collect(
    systems: Sequence[Path], *, reference: Path | None = None, anchors_hz: Sequence[float] = (),
    cut: Cut | None = None, progress: Report = silent,
) -> list[Sample]:  # fmt: skip
    """Find and measure every sound of a test.

    Parameters
    ----------
    systems
        A folder for each; its name is the system's.
    reference
        The folder of the reference, one of `systems` or another.
    anchors_hz
        Low-pass filtered copies of the reference to add, by their pass bands.
    cut
        What to do to each.
    progress
        Called with what is going on and the share that is done, 0..1.

    Returns
    -------
    list of Sample
        Ordered by piece, then reference, systems in the order given, anchors.

    Raises
    ------
    InputError
        Names every problem: files that are missing, broken, silent or too short. What merely deserves a look
        (clipped files, several sample rates) is logged as a warning, file by file.
    """
    cut = cut or Cut()
    folders = _folders(systems, reference)
    found = {name: pieces_of(folder) for name, (folder, _) in folders.items()}
    pieces = sorted(set().union(*found.values()))
    problems = [
        f"{folders[name][0]}: no file for {', '.join(missing)}"
        for name, files in found.items()
        if (missing := [piece for piece in pieces if piece not in files])
    ]
    wanted: list[tuple[str, str, Role, Path, float | None]] = []
    for piece in pieces:
        for name, (_, role) in folders.items():
            if piece in found[name]:
                wanted.append((piece, name, role, found[name][piece], None))
                if role == "reference":
                    wanted += [(piece, f"anchor-{hz:g}", "anchor", found[name][piece], hz) for hz in anchors_hz]
    samples, rates = [], {}
    for index, (piece, name, role, path, low_pass_hz) in enumerate(wanted):
        progress("measuring", index / len(wanted))
        try:
            sample, rates[path] = _measure(piece, name, role, path, low_pass_hz, cut)
            samples.append(sample)
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError("; ".join(dict.fromkeys(problems)))
    _warn_of_rates(rates, cut.sample_rate)
    order = {"reference": 0, "system": 1, "anchor": 2}
    return sorted(samples, key=lambda sample: (sample.piece, order[sample.role]))


def _folders(systems: Sequence[Path], reference: Path | None) -> dict[str, tuple[Path, Role]]:
    folders: dict[str, tuple[Path, Role]] = {}
    if reference is not None:
        folders[reference.resolve().name] = (reference, "reference")
    for folder in systems:
        name = folder.resolve().name
        if reference is not None and folder.resolve() == reference.resolve():
            continue
        if name in folders:
            raise InputError(f"{folder}: two systems are called {name!r}; rename one folder")
        if name.startswith("anchor-"):
            raise InputError(f"{folder}: names with anchor- are kept for the anchors made here; rename the folder")
        folders[name] = (folder, "system")
    return folders


def _measure(
    piece: str, name: str, role: Role, path: Path, low_pass_hz: float | None, cut: Cut
) -> tuple[Sample, int]:  # fmt: skip
    try:
        original = read_audio(path.read_bytes(), name=str(path))
    except OSError as error:
        raise PerfsynthError(f"{path}: cannot be read ({error.strerror})") from error
    if low_pass_hz is None:
        _warn_of_clipping(original, path)
    audio = _prepare(original, low_pass_hz, cut, path)
    meter = LoudnessMeter(audio.sample_rate, audio.samples.shape[1])
    for block in audio.stream().blocks:
        meter.push(block)
    loudness, peak = meter.integrated_lufs(), meter.true_peak()
    duration_s = len(audio.samples) / audio.sample_rate
    if math.isinf(loudness):
        raise InputError(f"{path}: silent; there is nothing to hear in it")
    if duration_s < MIN_S:
        raise InputError(f"{path}: lasts {duration_s:.2f} s; at least {MIN_S} s can be judged")
    sample = Sample(piece, name, role, path, low_pass_hz, duration_s, loudness, 20 * math.log10(peak), original.sha256)
    return sample, original.sample_rate


def _prepare(audio: Audio, low_pass_hz: float | None, cut: Cut, path: Path) -> Audio:
    """The sound as it is heard, but for its level; nothing in it says where it comes from."""
    if audio.samples.shape[1] > 2:
        raise InputError(
            f"{path}: {audio.samples.shape[1]} channels; a listening test plays one or two, so mix it down"
        )
    if cut.length_s is not None:
        audio = replace(audio, samples=_shorten(audio, cut.length_s))
    samples = resample(audio.stream(), cut.sample_rate).audio().samples
    if low_pass_hz is not None:
        samples = low_pass(samples, low_pass_hz, cut.sample_rate)
    return Audio(samples, cut.sample_rate)


def _shorten(audio: Audio, length_s: float) -> np.ndarray:
    """The first `length_s` seconds, faded out where something is cut off."""
    length = round(length_s * audio.sample_rate)
    if len(audio.samples) <= length:
        return audio.samples
    samples = audio.samples[:length].copy()
    fade = min(length, round(FADE_S * audio.sample_rate))
    samples[length - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:, None]
    return samples


def low_pass(samples: np.ndarray, pass_hz: float, sample_rate: int) -> np.ndarray:
    """An anchor: (n, channels) float32 without what lies above `pass_hz`, aligned with its original.

    Raises
    ------
    InputError
        When the audio has nothing up there.
    """
    from scipy.signal import firwin, kaiserord, oaconvolve

    if not 0 < pass_hz < sample_rate / 2 - ANCHOR_STOP_HZ:
        raise InputError(f"anchor of {pass_hz:g} Hz: it must lie below {sample_rate / 2 - ANCHOR_STOP_HZ:g} Hz")
    n_taps, beta = kaiserord(ANCHOR_STOP_DB, ANCHOR_STOP_HZ / (sample_rate / 2))
    taps = firwin(n_taps | 1, pass_hz + ANCHOR_STOP_HZ / 2, window=("kaiser", beta), fs=sample_rate)
    return oaconvolve(samples, taps[:, None], mode="same", axes=0).astype(np.float32)


def _warn_of_clipping(audio: Audio, path: Path) -> None:
    magnitude = np.abs(audio.samples).max(axis=1)
    peak = float(magnitude.max())
    full = magnitude >= max(0.98, peak - 1e-4)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], full, [False]]).astype(np.int8)))
    runs = int(np.sum(np.diff(edges)[::2] >= CLIPPED_RUN))
    if runs:
        log.warning("%s: clipped in %d places; listeners will judge that too", path, runs)


def _warn_of_rates(rates: dict[Path, int], sample_rate: int) -> None:
    if len(set(rates.values())) > 1:
        for path, rate in rates.items():
            if rate != sample_rate:
                log.warning("%s: %d Hz, others are not; it is resampled to %d Hz", path, rate, sample_rate)


def common_loudness(samples: Sequence[Sample], wanted_lufs: float = LOUDNESS_LUFS) -> float:
    """The loudness that all sounds can have without one of them passing `TRUE_PEAK_DBTP`.

    One sound with high peaks lowers them all: a limit for it alone would leave it softer than the rest.
    """
    headroom = min(sample.loudness_lufs - sample.true_peak_dbtp + TRUE_PEAK_DBTP for sample in samples)
    return min(wanted_lufs, headroom)


def sound(sample: Sample, loudness_lufs: float, cut: Cut) -> Audio:
    """A sample as listeners hear it: prepared and at the given loudness, without a history.

    Raises
    ------
    InputError
        When the file has changed since it was measured.
    """
    original = read_audio(sample.path.read_bytes(), name=str(sample.path))
    if original.sha256 != sample.sha256:
        raise InputError(f"{sample.path}: changed while the test was made; make it again")
    audio = _prepare(original, sample.low_pass_hz, cut, sample.path)
    gain = np.float32(10 ** ((loudness_lufs - sample.loudness_lufs) / 20))
    return replace(audio, samples=audio.samples * gain)
