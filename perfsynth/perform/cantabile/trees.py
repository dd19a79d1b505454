"""Boosted regression trees beside the networks: weaker alone, but wrong in other places.

They read the columns of each note and of its chord, as the networks do, and know nothing else of the piece.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from perfsynth.perform.cantabile.crops import Crop

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


def rows_of(crop: Crop) -> np.ndarray:
    """(n, columns) float32: each note, its chord, and what the score states."""
    stated = np.broadcast_to(crop.flags, (len(crop.notes), len(crop.flags)))
    return np.concatenate([crop.notes, crop.chords[crop.chord], stated], axis=1, dtype=np.float32)


def kept(weights: Mapping[str, np.ndarray]) -> dict[str, Trees]:
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
