"""The scores of a corpus of sounds: what was written where each of its excerpts was played, at one steady tempo.

A system that goes from the score to sound in one stage learns from them. Each is a MIDI file in ``scores``, under the
name of the performance. Its tempo is the one whose beats come nearest to the performed ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from perfsynth import formats
from perfsynth.data import SPLITS
from perfsynth.data.pieces import Piece, folder_of, pieces
from perfsynth.data.sound_corpus import FEWEST_NOTES, read_recordings
from perfsynth.types import PERFORMED_NOTE, Performance, Score

FOLDER = "scores"
NEAR_S = 0.005  # a note of an excerpt and that of the whole performance, as MIDI rounds times
SHARE = 0.9  # of an excerpt's notes that must be found
VELOCITY = 60  # of every note (Tang et al. 2025: the score's side is constant)
GRACE_S = 0.06


def prepare(corpus: Path, sounds: Path) -> list[str]:
    """Write the scores of the excerpts whose performances are joined to one; their names come back.

    Parameters
    ----------
    corpus
        Of performances and scores (`perfsynth.data.pieces`), the one the excerpts were taken from.
    sounds
        As `perfsynth.data.sound_corpus.prepare` made it.
    """
    from perfsynth.formats.midi_write import write_performance

    wanted: dict[str, dict[str, str]] = {}  # by piece: the excerpt's name and where it is
    for recording in read_recordings(sounds):
        parts = recording.piece.split("/")
        if len(parts) > 3:
            wanted.setdefault("/".join(parts[:-2]), {})[recording.piece] = recording.performance
    folder = folder_of(sounds) / FOLDER
    folder.mkdir(exist_ok=True)
    written = []
    for piece in (piece for split in SPLITS for piece in pieces(corpus, split)):
        for name, made in _of_piece(piece, wanted.get(piece.name, {})):
            place = folder / Path(wanted[piece.name][name]).name
            place.write_bytes(write_performance(made))
            written.append(name)
    return written


def _of_piece(piece: Piece, wanted: dict[str, str]) -> Iterator[tuple[str, Performance]]:
    for name, path in wanted.items():
        recording, start_s = name.split("/")[-2:]
        whole = piece.performances.get(recording)
        if whole is None:
            continue
        excerpt = formats.read_performance(Path(path).read_bytes(), name=path)
        found = located(excerpt, whole, float(start_s))
        made = steady(found, next(iter(piece.scores.values()))) if found is not None else None
        if made is not None:
            yield name, made


def located(excerpt: Performance, whole: Performance, near_s: float) -> np.ndarray | None:
    """The notes of a performance that an excerpt has, `PERFORMED_NOTE` with the excerpt's times; None if not found.

    Parameters
    ----------
    excerpt
        Begins within 0.5 s of `near_s`.
    whole
        The performance it was cut from.
    near_s
        In seconds of the whole.
    """
    notes = np.sort(whole.notes, order=["onset_s", "pitch"])
    first = np.sort(excerpt.notes, order=["onset_s", "pitch"])[0]
    candidates = notes["onset_s"] - first["onset_s"]
    candidates = candidates[(np.abs(candidates - near_s) < 0.51) & (notes["pitch"] == first["pitch"])]
    for start_s in candidates:
        rows = [_nearest(notes, note, start_s) for note in excerpt.notes]
        found = [row for row in rows if row is not None]
        if len(found) >= SHARE * len(rows):
            kept = notes[found]
            kept["onset_s"] -= start_s
            return kept
    return None


def _nearest(notes: np.ndarray, note: np.void, start_s: float) -> int | None:
    at = note["onset_s"] + start_s
    low, high = np.searchsorted(notes["onset_s"], [at - NEAR_S, at + NEAR_S])
    rows = [row for row in range(int(low), int(high)) if notes["pitch"][row] == note["pitch"]]
    return min(rows, key=lambda row: abs(notes["onset_s"][row] - at)) if rows else None


def steady(found: np.ndarray, score: Score) -> Performance | None:
    """What the score has from the first to the last beat of some performed notes, at their mean tempo.

    Parameters
    ----------
    found
        `PERFORMED_NOTE` with the score's note ids.
    score
        What was played.

    Returns
    -------
    Performance or None
        None where fewer than `FEWEST_NOTES` notes are in the score, or time does not go on.
    """
    beats = dict(zip(score.notes["note_id"].tolist(), score.notes["onset_beat"].tolist(), strict=True))
    pairs = np.array([(beats[i], s) for i, s in zip(found["note_id"], found["onset_s"], strict=True) if i in beats])
    if len(pairs) < FEWEST_NOTES or np.ptp(pairs[:, 0]) <= 0:
        return None
    s_per_beat, offset_s = np.polyfit(pairs[:, 0], pairs[:, 1], 1)
    if s_per_beat <= 0:
        return None
    onset = score.notes["onset_beat"]
    inside = score.notes[(onset >= pairs[:, 0].min()) & (onset <= pairs[:, 0].max())]
    made = np.zeros(len(inside), PERFORMED_NOTE)
    made["onset_s"] = np.maximum(offset_s + s_per_beat * inside["onset_beat"], 0.0)
    made["duration_s"] = np.maximum(s_per_beat * inside["duration_beat"], GRACE_S)
    made["pitch"], made["velocity"] = inside["pitch"], VELOCITY
    return Performance(np.sort(made, order=["onset_s", "pitch"]))
