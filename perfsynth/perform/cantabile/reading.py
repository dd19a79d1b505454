"""A score as arrays for the network."""

from __future__ import annotations

from functools import cache

import numpy as np

from perfsynth.dynamics import loudness
from perfsynth.expression import chords, with_main_notes
from perfsynth.perform.cantabile.chord_columns import TEMPO_SCALE, WRITTEN_TEMPO, chord_columns
from perfsynth.perform.cantabile.columns import Columns, Reading
from perfsynth.perform.cantabile.note_columns import note_columns
from perfsynth.perform.cantabile.written import CHARACTERS, written
from perfsynth.types import SCORE_NOTE, Score

# The composers of the training corpus, by the part of the name that tells them apart.
COMPOSERS = (
    "Bach", "Balakirev", "Beethoven", "Brahms", "Chopin", "Debussy", "Glinka", "Haydn", "Liszt", "Mozart",
    "Prokofiev", "Rachmaninoff", "Ravel", "Schubert", "Schumann", "Scriabin",
)  # fmt: skip


def read(score: Score) -> Reading:
    """Turn a score (at least one note) into feature columns; see `Reading`."""
    note_table, chord_table, chord, beat, accented, present = _tables(score)
    held_beat = score.notes["duration_beat"]
    matrices = note_table.matrix(), chord_table.matrix()
    return Reading(*matrices, chord, beat, held_beat, accented, present, composer_of(score.composer))


def composer_of(text: str) -> str:
    """The composer of `COMPOSERS` that a credit names, "" when it names none."""
    return next((name for name in COMPOSERS if name.lower() in text.lower()), "")


def chord_of_each(notes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chord of each note and beat of each chord; grace notes belong to the chord that they lead to."""
    chord, beat = chords(with_main_notes(notes))
    leading = np.clip(np.searchsorted(beat, notes["onset_beat"] - 1e-3), 0, len(beat) - 1)
    return np.where(chord >= 0, chord, leading), beat


def _tables(score: Score) -> tuple[Columns, Columns, np.ndarray, np.ndarray, np.ndarray, dict[str, bool]]:
    notes = score.notes
    chord, beat = chord_of_each(notes)
    order = np.argsort(chord, kind="stable")  # a grace note just before its chord's first note
    level, accent = loudness(score)
    curves = written(score, level, accent, chord, beat)
    chord_table, tonic = chord_columns(score, notes[order], chord[order], beat, curves)
    for index, name in enumerate(CHARACTERS):
        chord_table.add(name, curves.characters[:, index], "tempo")
        chord_table.add(f"{name}_ahead", curves.characters_ahead[:, index], "tempo")
    note_table = note_columns(score, notes[order], chord[order], beat, level[order], accent[order], tonic)
    back = np.argsort(order)
    note_table.values = [column[back] for column in note_table.values]
    present = {
        "meter": len(score.meters) > 0,
        "staff": bool(np.any(notes["staff"] > 0)),
        "marks": bool(len(score.slurs) or np.any(notes["marks"] > 0) or np.any(notes["voice"] > 0)),
        "dynamics": curves.has_dynamics,
        "tempo": curves.has_tempo,
    }
    return note_table, chord_table, chord, beat, accent > 0, present


def groups() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The group of each note column and of each chord column."""
    note_table, chord_table = _layout()
    return tuple(note_table.groups), tuple(chord_table.groups)


def column_names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The name of each note column and of each chord column."""
    note_table, chord_table = _layout()
    return tuple(note_table.names), tuple(chord_table.names)


def written_tempo(chords: np.ndarray) -> np.ndarray:
    """(m,) ln of the tempo written at each chord, relative to the piece's mean; `chords` are the chord columns."""
    return chords[:, _layout()[1].names.index(WRITTEN_TEMPO)] / TEMPO_SCALE


@cache
def _layout() -> tuple[Columns, Columns]:
    notes = np.zeros(2, SCORE_NOTE)
    notes["note_id"], notes["pitch"], notes["duration_beat"] = ("a", "b"), (60, 64), 1.0
    notes["onset_beat"] = (0.0, 1.0)
    note_table, chord_table, *_ = _tables(Score(notes))
    return note_table, chord_table
