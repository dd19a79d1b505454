"""Boosted regression trees beside the networks: weaker alone, but wrong in other places.

They read the columns of a note, a chord or a place between chords, as the networks do, and know nothing else of the
piece.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np

from perfsynth.perform.cantabile.crops import Crop, places

PREFIX = "trees."  # of their arrays among the weights


@dataclass(frozen=True)
class Trees:
    """k nodes of t trees for one curve (Friedman 2001): what they say is the sum over the trees."""

    roots: np.ndarray  # (t,) int32 index into the nodes
    column: np.ndarray  # (k,) int16 that a node asks for, -1 in leaves
    threshold: np.ndarray  # (k,) float32: up to it to the left
    left: np.ndarray  # (k,) int32 index into the nodes
    right: np.ndarray  # (k,) int32
    value: np.ndarray  # (k,) float32 of leaves

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """(n,) float64 what they say of (n, columns) float32 rows."""
        from perfsynth.perform.cantabile._trees_numba import summed

        return summed(rows, self.roots, self.column, self.threshold, self.left, self.right, self.value)

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """As they are kept among the weights, for the curve `name`."""
        return {f"{PREFIX}{name}.{field.name}": getattr(self, field.name) for field in fields(self)}


def note_rows(crop: Crop) -> np.ndarray:
    """(n, columns) float32: each note, its chord, and what the score states."""
    return _joined(crop.notes, crop.chords[crop.chord], _stated(crop, len(crop.notes)))


def chord_rows(crop: Crop) -> np.ndarray:
    """(m, columns) float32: each chord, the mean of its notes, and what the score states."""
    size = len(crop.beat)
    count = np.maximum(np.bincount(crop.chord, minlength=size), 1)
    mean = np.stack([np.bincount(crop.chord, column, size) for column in crop.notes.T], axis=1) / count[:, None]
    return _joined(crop.chords, mean, _stated(crop, size))


def pedal_rows(crop: Crop) -> np.ndarray:
    """(p, columns) float32: the chord before each pedal sample, and where the sample lies between two chords."""
    before, place = places(crop)
    return _joined(chord_rows(crop)[before], place)


# What the trees of each curve read.
ROWS: dict[str, Callable[[Crop], np.ndarray]] = {
    "velocity": note_rows, "articulation": note_rows, "asynchrony": note_rows, "pedal": pedal_rows, "lift": chord_rows,
}  # fmt: skip


def _joined(*parts: np.ndarray) -> np.ndarray:
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _stated(crop: Crop, size: int) -> np.ndarray:
    return np.broadcast_to(crop.flags, (size, len(crop.flags)))


def trees_among(weights: Mapping[str, np.ndarray]) -> dict[str, Trees]:
    """The trees among the arrays of a model, by curve.

    Raises
    ------
    KeyError
        When some of their arrays are missing.
    """
    names = dict.fromkeys(key.split(".")[1] for key in weights if key.startswith(PREFIX))
    return {
        name: Trees(**{field.name: weights[f"{PREFIX}{name}.{field.name}"] for field in fields(Trees)})
        for name in names
    }
