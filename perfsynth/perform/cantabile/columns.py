"""Named feature columns in groups, so that a group can be left out in training and is missed gracefully."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

# What a score may lack. Plain MIDI has none of these but metre; a flag column tells the network what is there.
OPTIONAL = ("meter", "staff", "marks", "dynamics", "tempo")
UNSTATED = frozenset(OPTIONAL) - {"meter"}  # by flat MIDI
ALWAYS = "always"


@dataclass
class Columns:
    """Feature columns under construction, each in a group."""

    length: int
    names: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    values: list[np.ndarray] = field(default_factory=list)

    def add(self, name: str, values: np.ndarray, group: str = ALWAYS) -> None:
        """Add a column, (length,); what is not finite counts as 0."""
        self.names.append(name)
        self.groups.append(group)
        self.values.append(np.nan_to_num(np.asarray(values, np.float32), nan=0.0, posinf=0.0, neginf=0.0))

    def add_each(self, name: str, matrix: np.ndarray, group: str = ALWAYS) -> None:
        """Add the columns of a (length, k) matrix."""
        for index in range(matrix.shape[1]):
            self.add(f"{name}_{index}", matrix[:, index], group)

    def matrix(self) -> np.ndarray:
        """All columns, (length, n_columns) float32, within +-8."""
        return np.clip(np.stack(self.values, axis=1), -8.0, 8.0)


@dataclass(frozen=True)
class Reading:
    """A score as the network reads it: n notes on m chords."""

    notes: np.ndarray  # (n, note columns) float32
    chords: np.ndarray  # (m, chord columns) float32
    chord: np.ndarray  # (n,) index of each note's chord
    chord_beat: np.ndarray  # (m,) quarter notes
    held_beat: np.ndarray  # (n,) quarter notes that each note is written to last, 0 for grace notes
    accented: np.ndarray  # (n,) bool, by a sign at the note or among the dynamics
    present: Mapping[str, bool]  # which of OPTIONAL the score states
    composer: str  # a surname, "" when unknown


def dropped(matrix: np.ndarray, groups: list[str], absent: set[str]) -> np.ndarray:
    """The matrix with the columns of `absent` groups at 0."""
    keep = np.array([group not in absent for group in groups], np.float32)
    return matrix * keep


def log2_beats(beats: np.ndarray, shortest: float = 1 / 32, longest: float = 64.0) -> np.ndarray:
    """log2 of durations in quarter notes, within a range where differences are still heard as such."""
    return np.log2(np.clip(beats, shortest, longest))
