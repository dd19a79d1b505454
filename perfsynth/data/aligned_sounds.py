"""Aligned recordings as a corpus of sounds: what ``perfsynth align`` found out, beside the sound it was found in.

An alignment says when notes are played, not how loudly. Here a note is as loud as its partials are at its onset,
beside the other notes of its instrument around its pitch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from perfsynth.data.pieces import split_of
from perfsynth.data.sound_corpus import SPLITS, Recording, write_recordings
from perfsynth.errors import InputError
from perfsynth.types import ALIGNED_NOTE, PERFORMED_NOTE, Alignment, Audio, Part, Performance

RATE = 44100  # Hz, of what is written
BEFORE_S, AFTER_S = 0.5, 3.0  # of sound that is kept around the music
SHORTEST_S = 0.02
WINDOW, HOP = 4096, 512  # samples, where loudness is measured
PARTIALS = 5  # of a note, that say how loud it is
STRIKE_S = 0.15  # after its onset
MEDIAN_VELOCITY, LEAST, MOST = 64, 12, 118
PER_DB = 3.0  # velocities: a piano's take 3 to 5 a dB; fewer, since what is measured is partly other notes
FEWEST_NOTES = 8  # of an instrument, so that there is something to compare with

Report = Callable[[str, float], None]


@dataclass(frozen=True)
class Aligned:
    """A recording and when its notes are played."""

    piece: str
    split: str
    instrument: str
    licence: str
    samples: np.ndarray  # (n, n_channels) float32 at `RATE`
    notes: np.ndarray  # ALIGNED_NOTE, the played ones
    level_db: np.ndarray  # (len(notes),)


def prepare(
    rows: Iterable[dict[str, Any]], out: Path, *, instrument: str = "{instrument}", valid: tuple[str, ...] = (),
    shifts: tuple[int, ...] = (), program: int = 0, report: Report = lambda step, share: None,
) -> list[Recording]:  # fmt: skip
    """Make a corpus of sounds out of aligned recordings.

    Parameters
    ----------
    rows
        As ``perfsynth align --manifest ... --results`` writes them, with absolute paths: ``id``, ``audio`` and
        ``alignment``; optionally ``split``, ``licence`` and what `instrument` names.
    out
        Gets the lists, ``performances`` and ``audio``.
    instrument
        What to call the instrument of a row, with its columns in braces.
    valid
        Parts of the ids of those rows that are held out; without, the rows' own splits, else those of their ids.
    shifts
        Semitones by which the recordings to learn from are also put up (or down) by resampling.
    program
        General MIDI program that the performances are written with.
    report
        Called with the step and the share done.

    Raises
    ------
    InputError
        When a row lacks something, or nothing is left to learn from or to be held out.
    """
    from perfsynth.formats.midi_write import write_performance

    listed = list(rows)
    found = []
    for number, row in enumerate(listed):
        report(str(row.get("id", number)), 0.5 * number / len(listed))
        found.append(_read(row, instrument, valid))
    if {one.split for one in found} & {"train", "valid"} != {"train", "valid"}:
        raise InputError("nothing to learn from, or nothing held out; name recordings to hold out")
    for folder in ("performances", "audio"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    made = []
    for number, one in enumerate(found):
        report(one.piece, 0.5 + 0.5 * number / len(found))
        played = _performance(one, velocities(one, found), program)
        for shift in (0, *(s for s in shifts if s)) if one.split == "train" else (0,):
            moved, samples = shifted(played, one.samples, shift)
            stem = one.piece.replace("/", "__") + (f"{shift:+d}" if shift else "")
            midi, audio = Path("performances") / f"{stem}.mid", Path("audio") / f"{stem}.flac"
            (out / midi).write_bytes(write_performance(moved))
            _write(samples, out / audio)
            made.append(Recording(one.piece, one.split, one.instrument, str(midi), str(audio), license=one.licence))
    write_recordings(made, out)
    return made


def shifted(played: Performance, samples: np.ndarray, semitones: int) -> tuple[Performance, np.ndarray]:
    """A recording as it sounds played faster, and so higher, or slower: notes and samples at the same rate."""
    if not semitones:
        return played, samples
    import soxr

    ratio = 2.0 ** (semitones / 12)
    notes = played.notes.copy()
    notes["onset_s"] /= ratio
    notes["duration_s"] /= ratio
    notes["pitch"] = np.clip(notes["pitch"] + semitones, 0, 127)
    return replace(played, notes=notes), soxr.resample(samples, RATE * ratio, RATE).astype(np.float32)


def levels(samples: np.ndarray, notes: np.ndarray) -> np.ndarray:
    """How loud notes begin, in dB: the most that their first partials have within `STRIKE_S` of their onsets.

    Parameters
    ----------
    samples
        (n,) at `RATE`.
    notes
        ALIGNED_NOTE, played.
    """
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, (WINDOW // 2, WINDOW)), WINDOW)[::HOP]
    window = np.hanning(WINDOW).astype(np.float32)
    made = np.zeros(len(notes))
    for index, note in enumerate(notes):
        first = int(note["onset_s"] * RATE / HOP)
        last = max(first + 1, int(min(note["onset_s"] + STRIKE_S, note["offset_s"]) * RATE / HOP) + 1)
        power = np.abs(np.fft.rfft(frames[first:last] * window, axis=1)) ** 2
        made[index] = 10 * np.log10(max(float(power[:, _bins(int(note["pitch"]))].sum(axis=1).max(initial=0)), 1e-12))
    return made


def velocities(one: Aligned, all_of: list[Aligned]) -> np.ndarray:
    """(len(notes),) int: how loud the notes of a recording are beside those of its instrument around their pitch."""
    same = [other for other in all_of if other.instrument == one.instrument]
    pitch = np.concatenate([other.notes["pitch"] for other in same]).astype(float)
    level = np.concatenate([other.level_db for other in same])
    if len(pitch) < FEWEST_NOTES:
        raise InputError(f"{one.instrument}: {len(pitch)} notes are played; at least {FEWEST_NOTES} are needed")
    degree = min(2, len(np.unique(pitch)) - 1)
    expected = np.polynomial.Polynomial.fit(pitch, level, degree) if degree else lambda _: np.median(level)
    beside = one.level_db - expected(one.notes["pitch"].astype(float))
    return np.clip(np.round(MEDIAN_VELOCITY + PER_DB * beside), LEAST, MOST).astype(int)


def _bins(pitch: int) -> np.ndarray:
    """Those of the FFT within a third of a semitone of a note's partials, one of each at least."""
    partials = 440.0 * 2.0 ** ((pitch - 69) / 12) * np.arange(1, PARTIALS + 1)
    partials = partials[partials < 0.45 * RATE]
    width = 2.0 ** (1 / 36)
    spans = zip(np.round(partials / width * WINDOW / RATE), np.round(partials * width * WINDOW / RATE), strict=True)
    return np.unique(np.concatenate([np.arange(int(low), int(high) + 1) for low, high in spans]))


def _read(row: dict[str, Any], instrument: str, valid: tuple[str, ...]) -> Aligned:
    from perfsynth import formats
    from perfsynth.dsp.resample import resample
    from perfsynth.formats.jsonl import read_jsonl

    if missing := [key for key in ("id", "audio", "alignment") if not row.get(key)]:
        raise InputError(f"row {row.get('id', '')!r} has no {missing[0]}; give what align --results wrote")
    try:
        called = instrument.format_map(row)
    except KeyError as error:
        raise InputError(f"row {row['id']!r} has no column {error}, which {instrument!r} names") from error
    held = any(part in row["id"] for part in valid)
    split = ("valid" if held else "train") if valid else row.get("split") or split_of(row["id"])
    if split not in SPLITS:
        raise InputError(f"row {row['id']!r}: split {split!r} is none of {', '.join(SPLITS)}")
    alignment = read_jsonl(Path(row["alignment"]).read_bytes(), name=row["alignment"])
    if not isinstance(alignment, Alignment):
        raise InputError(f"{row['alignment']}: no alignment; make one: perfsynth align")
    audio = formats.read_audio(Path(row["audio"]).read_bytes(), name=row["audio"])
    samples = np.concatenate(list(resample(audio.stream(), RATE).blocks))[:, :2]
    notes = alignment.notes[alignment.notes["status"] == "matched"]
    samples, notes = _cut(samples, notes)
    level = levels(samples.mean(axis=1), notes)
    return Aligned(row["id"], split, called, row.get("licence", ""), samples, notes, level)


def _cut(samples: np.ndarray, notes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The music alone, with a little around it; times from where that begins."""
    if not len(notes):
        return samples, np.zeros(0, ALIGNED_NOTE)
    notes = np.sort(notes, order=["onset_s", "pitch"])
    begin_s = max(float(notes["onset_s"].min()) - BEFORE_S, 0.0)
    end_s = float(notes["offset_s"].max()) + AFTER_S
    notes["onset_s"] -= begin_s
    notes["offset_s"] -= begin_s
    return samples[round(begin_s * RATE) : round(end_s * RATE)], notes


def _performance(one: Aligned, velocity: np.ndarray, program: int) -> Performance:
    notes = np.zeros(len(one.notes), PERFORMED_NOTE)
    for name in ("note_id", "onset_s", "pitch"):
        notes[name] = one.notes[name]
    notes["duration_s"] = np.maximum(one.notes["offset_s"] - one.notes["onset_s"], SHORTEST_S)
    notes["velocity"] = velocity
    return Performance(notes, parts=(Part(one.instrument, program),))


def _write(samples: np.ndarray, path: Path) -> None:
    from perfsynth.formats.audio import write_audio

    part = path.with_name(path.name + ".part")
    write_audio(Audio(samples, RATE).stream(), part, format="flac")
    part.replace(path)
