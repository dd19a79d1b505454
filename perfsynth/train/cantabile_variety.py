"""Crops of scores as they might have been: in another key, with less said about them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perfsynth.perform.cantabile.chord_columns import WRITTEN_TEMPO
from perfsynth.perform.cantabile.crops import Crop
from perfsynth.perform.cantabile.reading import column_names

PITCHES = ("pitch", "top", "bottom", "mean")  # columns of keys; all others say how one key lies to another
SEMITONE = 1 / 16  # in those columns


def varied(crop: Crop, rng: np.random.Generator, *, drop_column: float, transpose: int) -> Crop:
    """Move a crop by a random interval and leave random columns out.

    Parameters
    ----------
    crop
        Left as it is.
    rng
        Where chance comes from.
    drop_column
        Chance of each column to be 0 throughout; the written tempo stays, as what is played is told relative to it.
    transpose
        Semitones, up or down, at most.
    """
    note_names, chord_names = (np.array(names) for names in column_names())
    moved = SEMITONE * rng.integers(-transpose, transpose + 1)
    notes = crop.notes + np.where(np.isin(note_names, PITCHES), moved, 0.0)
    chords = crop.chords + np.where(np.isin(chord_names, PITCHES), moved, 0.0)
    notes *= rng.random(len(note_names)) >= drop_column
    chords *= (rng.random(len(chord_names)) >= drop_column) | (chord_names == WRITTEN_TEMPO)
    return replace(crop, notes=notes.astype(np.float32), chords=chords.astype(np.float32))
