"""Performances and how they sound: what systems of sound learn from, one line a recording.

A line of ``recordings.jsonl`` names a performance (MIDI), its recording, the instrument and the split: ``{"piece":
"Bach/Fugue/bwv_848", "split": "train", "instrument": "salamander", "performance": "performances/a.mid", "audio":
"audio/a.flac"}``. Paths are relative to that file. `prepare` renders such a corpus from human performances in
minutes; recordings of one's own, whose performances come from ``perfsynth align``, may stand beside them
(`perfsynth.data.recordings`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np

from perfsynth import formats
from perfsynth.batch.claim import written
from perfsynth.data import SPLITS
from perfsynth.data.environments import Environment, environments, record
from perfsynth.data.pieces import MANIFEST, Entry, Piece, pieces, read_manifest, write_manifest
from perfsynth.errors import InputError, MissingError
from perfsynth.progress import Report, silent
from perfsynth.types import CONTROL, PERFORMED_NOTE, SUSTAIN, Performance

RECORDINGS = "recordings.jsonl"  # beside the manifest that every corpus has, which lists the pieces
EXCERPT_S = 12.0
FEWEST_NOTES = 12  # of an excerpt
LEAST_S = 0.1  # that is heard of a note of an excerpt that is rendered
KEYS = (21, 108)
UNEVEN = 8  # a seed of its own


@dataclass(frozen=True)
class Recording:
    """A recording of a performance."""

    piece: str
    split: str
    instrument: str
    performance: str  # path of a MIDI file or of JSON Lines
    audio: str  # path of a WAV, FLAC, Ogg or MP3 file
    start_s: float = 0.0  # of the audio: where 0 s of the performance is; below 0 where that lies before its beginning
    license: str = ""
    environment: str = ""  # in which the instrument was recorded


@dataclass(frozen=True)
class Instrument:
    """What a corpus is rendered with: an engine and its options."""

    name: str
    engine: str
    options: dict[str, Any]


def read_recordings(path: Path) -> list[Recording]:
    """Read a list of recordings, or that of a folder; paths come back absolute.

    Raises
    ------
    MissingError
        When there is none.
    InputError
        When a line is no recording.
    """
    path = path / RECORDINGS if path.is_dir() else path
    if not path.is_file():
        raise MissingError(f"{path}: not found; make one: perfsynth data sounds")
    made, known = [], {field.name for field in fields(Recording)}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            row = json.loads(line)
            recording = Recording(**{key: value for key, value in row.items() if key in known})
        except (json.JSONDecodeError, TypeError, AttributeError) as error:
            hint = "; perfsynth data sounds makes recordings of what perfsynth align found"
            raise InputError(f"{path}: line {number} is no recording ({error}){hint}") from error
        if recording.split not in SPLITS:
            raise InputError(f"{path}: line {number}: split {recording.split!r} is none of {', '.join(SPLITS)}")
        places = {key: str(path.parent / getattr(recording, key)) for key in ("performance", "audio")}
        made.append(Recording(**asdict(recording) | places))
    if not made:
        raise InputError(f"{path}: no recordings in this list; it needs at least one")
    return made


def prepare(
    corpus: Path, out: Path, instruments: Iterable[Instrument], *, train: int = 90, valid: int = 12,
    coverage: int = 30, uneven: float = 0.0, settings: int = 0, seed: int = 0,
    report: Report = silent,
) -> list[Recording]:  # fmt: skip
    """Render excerpts of human performances, and of music that covers what they leave out, on each instrument.

    Parameters
    ----------
    corpus
        Of performances, as `perfsynth.data.pieces` reads it; its splits are kept.
    out
        Gets the lists, ``performances`` and ``audio``.
    instruments
        To render with.
    train, valid
        Excerpts of each split, of `EXCERPT_S` seconds.
    coverage
        Excerpts of generated music beside those for training: all keys, velocities and pedals.
    uneven
        Standard deviation of what is added to each velocity that is learnt from: a hand plays evenly, so that loudness
        could be told from a note's neighbours as well as from its own velocity.
    settings
        Environments beside the plain one, from which one is drawn for each recording. To a network an instrument in
        another environment is another instrument, named ``salamander@e1`` and so on.
    seed
        Of the choice.
    report
        Called with the step and the share done.

    Raises
    ------
    InputError
        When `out` is a corpus of another kind.
    """
    make_folders(out)
    chosen = [(name, "train", made) for name, made in excerpts(pieces(corpus, "train"), train, seed=seed)]
    chosen += [(name, "valid", made) for name, made in excerpts(pieces(corpus, "valid"), valid, seed=seed)]
    chosen += [(f"coverage/{i}", "train", covering(seed + i)) for i in range(coverage)]
    if uneven:
        rng = np.random.default_rng([seed, UNEVEN])
        chosen = [(n, s, _unevened(made, uneven, rng) if s == "train" else made) for n, s, made in chosen]
    around = environments(settings, seed=seed)
    licences = ", ".join(dict.fromkeys(entry.license for entry in read_manifest(corpus) if entry.license))
    recordings: list[Recording] = []
    for number, (name, split, performance) in enumerate(chosen):
        report(name, number / len(chosen))
        stem = name.replace("/", "__")
        place = out / "performances" / f"{stem}.mid"
        put(performance, place, (out / "audio").glob(f"{escape(stem)}.*.flac"))
        for index, instrument in enumerate(instruments):
            where = around[np.random.default_rng([seed, number, index]).integers(len(around))]
            heard = f"{instrument.name}@{where.name}" if where.name else instrument.name
            audio = out / "audio" / f"{stem}.{heard}.flac"
            if not audio.is_file():
                _render(place, instrument, where, audio, seed=number)
            midi, sound = (str(path.relative_to(out)) for path in (place, audio))
            recordings.append(Recording(name, split, heard, midi, sound, license=licences, environment=where.name))
    write_recordings(recordings, out)
    return recordings


def put(performance: Performance, place: Path, recordings: Iterable[Path]) -> None:
    """Write a performance as MIDI; recordings that are there go where they are of another one of its name."""
    from perfsynth.formats.midi_write import write_performance

    made = write_performance(performance)
    if not place.is_file() or place.read_bytes() != made:
        for recording in recordings:
            recording.unlink(missing_ok=True)
        place.write_bytes(made)


def make_folders(out: Path) -> None:
    """Make the folders of a corpus.

    Raises
    ------
    InputError
        When the folder is a corpus of performances, whose manifest would be lost.
    """
    if (out / MANIFEST).exists() and not (out / RECORDINGS).exists():
        raise InputError(f"{out}: holds a corpus of performances; name another folder for one of sounds")
    for folder in ("performances", "audio"):
        (out / folder).mkdir(parents=True, exist_ok=True)


def write_recordings(recordings: list[Recording], folder: Path) -> None:
    """Write the recordings of a corpus, and the manifest of their pieces."""
    lines = [json.dumps(asdict(recording)) for recording in recordings]
    (folder / RECORDINGS).write_text("".join(line + "\n" for line in lines))
    by_performance: dict[str, list[Recording]] = {}
    for recording in recordings:
        by_performance.setdefault(recording.performance, []).append(recording)
    entries = [
        Entry(
            own[0].piece, own[0].piece.split("/")[0], own[0].split, performance, 0, (),
            tuple(r.instrument for r in own), {}, own[0].license,
        )
        for performance, own in by_performance.items()
    ]  # fmt: skip
    write_manifest(entries, folder)


def _render(performance: Path, instrument: Instrument, where: Environment, audio: Path, *, seed: int) -> None:
    """Record a performance for the length of an excerpt."""
    from perfsynth.formats.audio import write_audio

    played = formats.read_performance(performance.read_bytes(), name=str(performance))
    made = record(played, instrument.engine, instrument.options, where, length_s=EXCERPT_S, seed=seed)
    with written(audio) as part:
        write_audio(made.stream(), part, format="flac")


def excerpts(found: Iterable[Piece], n: int, *, seed: int) -> list[tuple[str, Performance]]:
    """`n` excerpts with their names, each another one, taken from the pieces in turn so that none stands out."""
    rng = np.random.default_rng(seed)
    played = [
        (piece.name, recording, performance)
        for piece in found
        for recording, performance in sorted(piece.performances.items())
    ]
    by_piece: dict[str, list[int]] = {}
    for index, (name, *_) in enumerate(played):
        by_piece.setdefault(name, []).append(index)
    names, made = rng.permutation(sorted(by_piece)), dict[str, Performance]()
    for turn in range(20 * n):
        if len(made) == n or not by_piece:
            break
        name, recording, performance = played[rng.choice(by_piece[str(names[turn % len(names)])])]
        start_s = round(float(rng.uniform(0, max(performance.end_s - EXCERPT_S, 0.0))), 3)
        called, cut = f"{name}/{recording}/{start_s:.3f}", excerpt(performance, start_s, EXCERPT_S)
        cut = replace(cut, notes=cut.notes[cut.notes["onset_s"] < EXCERPT_S - LEAST_S])
        if called not in made and len(cut.notes) >= FEWEST_NOTES:
            made[called] = cut
    return list(made.items())


def excerpt(performance: Performance, start_s: float, length_s: float) -> Performance:
    """The notes that begin within a time, with the pedals as they stand at its beginning."""
    notes, controls = performance.notes, performance.controls
    inside = (notes["onset_s"] >= start_s) & (notes["onset_s"] < start_s + length_s)
    notes = notes[inside].copy()
    notes["onset_s"] -= start_s
    notes["part"] = 0
    before = controls[controls["time_s"] < start_s]
    states = [before[before["number"] == number][-1:] for number in np.unique(before["number"])]
    during = controls[(controls["time_s"] >= start_s) & (controls["time_s"] < start_s + length_s)]
    kept = np.concatenate([*states, during]) if states else during.copy()
    kept["time_s"] = np.maximum(kept["time_s"] - start_s, 0.0)
    kept["part"] = 0
    return Performance(notes, kept)


def _unevened(performance: Performance, spread: float, rng: np.random.Generator) -> Performance:
    """A performance whose velocities each stray on their own."""
    notes = performance.notes.copy()
    strayed = notes["velocity"] + spread * rng.standard_normal(len(notes))
    notes["velocity"] = np.clip(np.round(strayed), 1, 127)
    return replace(performance, notes=notes)


def covering(seed: int) -> Performance:
    """Chords, scales and repetitions over the whole keyboard, all velocities, with and without the pedal."""
    rng = np.random.default_rng([seed, 7])
    rows, at = [], 0.05
    while at < EXCERPT_S - 0.5:
        kind = rng.choice(["chord", "scale", "repetition", "rest"], p=[0.5, 0.3, 0.15, 0.05])
        key, velocity = int(rng.integers(KEYS[0], KEYS[1] + 1)), int(rng.integers(8, 128))
        step_s = float(np.exp(rng.uniform(np.log(0.06), np.log(0.5))))
        if kind == "chord":
            keys = np.unique(np.clip(key + rng.integers(0, 20, int(rng.integers(1, 6))), *KEYS))
            length_s = float(np.exp(rng.uniform(np.log(0.08), np.log(4.0))))
            rows += [(at + rng.uniform(0, 0.02), length_s, int(k), velocity) for k in keys]
            at += length_s * rng.uniform(0.3, 1.0)
        elif kind == "rest":
            at += 0.7
        else:
            slope = int(rng.choice([-2, -1, 1, 2])) if kind == "scale" else 0
            for i in range(int(rng.integers(4, 12))):
                rows.append((at, step_s * rng.uniform(0.4, 1.2), int(np.clip(key + slope * i, *KEYS)), velocity))
                at += step_s
    notes = np.array([("", onset, length, key, v, 0) for onset, length, key, v in rows], PERFORMED_NOTE)
    notes = np.sort(notes[notes["onset_s"] < EXCERPT_S - 0.2], order=["onset_s", "pitch"])
    times = np.sort(rng.uniform(0, EXCERPT_S, int(rng.integers(0, 9))))
    pedal = [(time_s, SUSTAIN, 127 * ((i + 1) % 2), 0) for i, time_s in enumerate(times)]
    return Performance(notes, np.array(pedal, CONTROL))
