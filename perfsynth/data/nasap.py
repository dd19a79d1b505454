"""(n)ASAP (Foscarin et al. 2020, Peter et al. 2023): human piano performances aligned to their scores, note by note.

Kept is what is clean: robust alignments with at least 85 % of the score's notes matched. For training alone, rough
ones are kept too where what is matched makes musical sense (a quarter more pieces). The score MIDI of a piece
becomes a second notation of it where its notes can be told to be those of the MusicXML. CC BY-NC-SA 4.0.
"""

from __future__ import annotations

import csv
import logging
import re
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np

from perfsynth import formats
from perfsynth.align.symbolic import match
from perfsynth.batch import worker
from perfsynth.batch.executors import Executor, ThisProcess
from perfsynth.batch.processes import Processes
from perfsynth.data.pieces import Entry, Piece, save, split_of, unread, write_prepared
from perfsynth.errors import InputError, MissingError, PerfsynthError
from perfsynth.expression import joined, measure, played_notes
from perfsynth.formats.match import read_match
from perfsynth.formats.musicxml_tremolos import STROKE
from perfsynth.types import Performance, Score

LICENCE = "CC BY-NC-SA 4.0"
METADATA = "metadata.csv"
FEWEST_NOTES = 64
FEWEST_MATCHED = 0.85  # share of the notes of the performed passes that a clean performance plays
# A rough alignment makes sense with at least this share of notes matched and at most these shares of notes more than
# 150 ms from their chord, of chords before the one they follow, and of steps 4.5 times slower or faster than most.
FEWEST_ROUGH, MOST_APART, MOST_BACKWARDS, MOST_LEAPS = 0.7, 0.06, 0.05, 0.11
APART_S, LEAP_LN = 0.15, 1.5
FEWEST_JOINED = 0.9  # share of a score MIDI's notes that are found in the MusicXML
TICKS = 24  # a quarter note, in which the two notations of a score are compared
_VARIANT = re.compile(r"_(no|extra|short)?_?(repeat|trio)s?$")  # the same piece with other repeats

log = logging.getLogger("perfsynth")


def prepare(root: Path, out: Path, *, metadata: Path | None = None, jobs: int = 1) -> list[Entry]:
    """Turn the dataset's folder into a corpus of `perfsynth.data.pieces` in `out`.

    Parameters
    ----------
    root
        The dataset in its own layout.
    out
        Where the corpus goes.
    metadata
        ``metadata.csv`` where it is not in `root`.
    jobs
        Processes to use; 0: as many as cores.

    Raises
    ------
    MissingError
        When `root` is not the dataset.
    InputError
        When nothing of it can be kept; a corpus in `out` stays as it is.
    """
    table = metadata or root / METADATA
    if not table.is_file():
        raise MissingError(
            f"{table}: not found; this is no (n)ASAP folder, whose {METADATA} lists its performances; "
            "fetch it (perfsynth data nasap fetch), or give its folder"
        )
    with table.open(newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["folder"])
    folders = [list(group) for _, group in groupby(rows, key=lambda row: row["folder"])]
    (out / "pieces").mkdir(parents=True, exist_ok=True)
    entries = _each(partial(_prepare_folder, root=root, out=out), folders, jobs)
    write_prepared(entries, out, source=root)
    return entries


def split_of_folder(folder: str) -> str:
    """Which split a folder belongs to: the same for all performances of a piece, with whatever repeats."""
    return split_of(_VARIANT.sub("", folder))


def is_robust(row: dict[str, str]) -> bool:
    """Whether the makers of the dataset call the alignment of a row of the metadata robust."""
    return row["robust_note_alignment"] in ("1", "1.0")


def pianist_of(name: str) -> str:
    """Who plays, of a performance's name such as ``LeeN01M``: LeeN."""
    return re.sub(r"\d+\w*$", "", name)


def _each(function: partial, items: list, jobs: int) -> list[Entry]:
    number = min(jobs or worker.cores(), len(items))
    executor: Executor = Processes(number) if number > 1 else ThisProcess()
    entries: dict[int, Entry] = {}
    with closing(executor.run(function, items)) as answers:
        for answer in answers:
            if answer.result is None:
                raise answer.error or PerfsynthError(f"{items[answer.index]}: nothing came of it")
            entries[answer.index] = answer.result
    return [entries[index] for index in range(len(items))]


def _prepare_folder(rows: list[dict[str, str]], *, root: Path, out: Path) -> Entry:
    folder, composer = rows[0]["folder"], rows[0]["composer"]
    split = split_of_folder(folder)
    names = [Path(row["midi_performance"]).stem for row in rows]
    try:
        score = formats.read_score((root / rows[0]["xml_score"]).read_bytes(), name=rows[0]["xml_score"])
    except (PerfsynthError, OSError) as error:
        return Entry(folder, composer, split, "", 0, (), (), dict.fromkeys(names, unread("score", error)), LICENCE)
    kept: dict[str, Performance] = {}
    dropped: dict[str, str] = {}
    rough: list[str] = []
    for name, row in zip(names, rows, strict=True):
        try:
            performance = read_match((root / row["match_file"]).read_bytes(), name=row["match_file"])
            performance = _with_strokes(score, joined(score, performance, played_notes(score, performance)))
        except (InputError, OSError) as error:
            dropped[name] = unread("match file", error)
            continue
        fault = _fault(score, performance, robust=is_robust(row))
        if fault and (split != "train" or not _makes_sense(score, performance)):
            dropped[name] = fault
            continue
        kept[name] = performance
        rough += [name] * bool(fault)
    if not kept:
        return Entry(folder, composer, split, "", len(score.notes), (), (), dropped, LICENCE)
    scores = {"musicxml": score} | _score_midi(root / rows[0]["midi_score"], score)
    path = f"pieces/{folder.replace('/', '__')}.npz"
    save(Piece(folder, composer, split, scores, kept), out / path)
    return Entry(
        folder, composer, split, path, len(score.notes), tuple(scores), tuple(kept), dropped, LICENCE, tuple(rough)
    )


def _with_strokes(score: Score, performance: Performance) -> Performance:
    """Strokes of tremolos joined to who plays them: match files call them inserted, as pages do not write them out."""
    strokes = np.array([STROKE.search(str(note_id)) is not None for note_id in score.notes["note_id"]])
    if not strokes.any():
        return performance
    row = match(score.notes, performance.notes)
    notes = performance.notes.copy()
    free = strokes & (row >= 0) & (notes["note_id"][row] == "")
    notes["note_id"][row[free]] = score.notes["note_id"][free]
    return replace(performance, notes=notes)


def _fault(score: Score, performance: Performance, *, robust: bool) -> str:
    """Why a performance is not clean, "" when it is."""
    if not robust:
        return "its alignment is not robust"
    played = played_notes(score, performance) >= 0
    matched = played[_performed_passes(score, played)].mean() if played.any() else 0.0
    return (
        "" if matched >= FEWEST_MATCHED else f"{matched:.0%} of its notes are matched, fewer than {FEWEST_MATCHED:.0%}"
    )


def _makes_sense(score: Score, performance: Performance) -> bool:
    """Whether what is matched of a rough alignment can teach: notes near their chords, time that moves on."""
    row = played_notes(score, performance)
    played = row >= 0
    if np.count_nonzero(played) < FEWEST_NOTES or played[_performed_passes(score, played)].mean() < FEWEST_ROUGH:
        return False
    measured = measure(score.notes, performance.notes, row)
    apart = np.abs(measured.asynchrony_s[np.isfinite(measured.asynchrony_s)]) > APART_S
    beat, time_s = measured.chord_beat[measured.chord_played], measured.chord_time_s[measured.chord_played]
    log_period = np.log(np.maximum(np.diff(time_s), 1e-3) / np.diff(beat))
    leaps = np.abs(log_period - np.median(log_period)) > LEAP_LN
    backwards = np.diff(time_s) <= 0
    return bool(apart.mean() <= MOST_APART and backwards.mean() <= MOST_BACKWARDS and leaps.mean() <= MOST_LEAPS)


def _performed_passes(score: Score, played: np.ndarray) -> np.ndarray:
    """The notes of those bars in which a tenth was played at all: a repeat left out is no fault."""
    bar = np.searchsorted(score.measures["onset_beat"], score.notes["onset_beat"] + 1e-6, side="right")
    share = np.bincount(bar, played) / np.maximum(np.bincount(bar), 1)
    passes: np.ndarray = share[bar] > 0.1
    return passes


def _score_midi(path: Path, score: Score) -> dict[str, Score]:
    """The score MIDI with the note ids of the MusicXML; empty where they are not the same notes."""
    try:
        midi = formats.read_score(path.read_bytes(), name=str(path))
    except (PerfsynthError, OSError) as error:
        log.warning("%s: left out (%s)", path, error)
        return {}
    ids = joined_ids(midi.notes, score.notes)
    if np.count_nonzero(ids) < FEWEST_JOINED * len(ids):
        return {}
    notes = midi.notes.copy()
    notes["note_id"] = np.where(ids == "", [f"m{index}" for index in range(len(ids))], ids)
    return {"midi": replace(midi, notes=notes)}


def joined_ids(notes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The ids of `others` that `notes` bear: same pitch, same place up to one shift of the whole; "" where none."""
    shift = _shift(notes, others)
    table: dict[tuple[int, int], list[str]] = {}
    for place, pitch, note_id in zip(_ticks(others), others["pitch"].tolist(), others["note_id"].tolist(), strict=True):
        table.setdefault((place, pitch), []).append(note_id)
    found = []
    for place, pitch in zip(_ticks(notes), notes["pitch"].tolist(), strict=True):
        candidates = table.get((place + shift, pitch))
        found.append(candidates.pop() if candidates else "")
    return np.array(found, others["note_id"].dtype)


def _ticks(notes: np.ndarray) -> list[int]:
    return np.rint(notes["onset_beat"] * TICKS).astype(int).tolist()


def _shift(notes: np.ndarray, others: np.ndarray) -> int:
    """The shift in ticks under which most of the first notes coincide (a pick-up may start at 0 or below)."""
    here, there = (np.array(list(zip(_ticks(side), side["pitch"].tolist(), strict=True))) for side in (notes, others))
    here, there = here[:200], there[:400]
    same = here[:, None, 1] == there[None, :, 1]
    shifts = (there[None, :, 0] - here[:, None, 0])[same]
    if len(shifts) == 0:
        return 0
    values, counts = np.unique(shifts, return_counts=True)
    return int(values[np.argmax(counts)])
