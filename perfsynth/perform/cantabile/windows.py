"""A long score in overlapping windows that a network hears side by side, and what it says of them joined again.

A recurrent network goes from chord to chord, and spends that time on fetching its weights: the windows of a batch
share it. Where two of them overlap what is said is faded from one to the other, so that no seam can be heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perfsynth.perform.cantabile.crops import PEDAL_SAMPLES, Crop, pedal_grid, places, stacked
from perfsynth.perform.cantabile.network import Batch, Shape

LONGEST = 512  # chords of a window
OVERLAP = 128  # chords that neighbours share


@dataclass(frozen=True)
class Join:
    """Where each value of the windows, one after the other, belongs in the whole, and how much it counts there."""

    index: np.ndarray  # (k,)
    weight: np.ndarray  # (k,) they sum to 1 at each place of the whole
    size: int

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """(size,) float64 from (k,)."""
        return np.bincount(self.index, self.weight * values.ravel(), self.size)


@dataclass(frozen=True)
class Windows:
    """The windows of a crop as a batch, and how what is said of them becomes curves over the whole."""

    batch: Batch
    notes: Join
    chords: Join
    pedal: Join

    def joined(self, shape: Shape) -> dict[str, np.ndarray]:
        """The curves of a shape over the whole, by their names; ``statistics`` are means over the windows."""
        said = {name: self.notes(getattr(shape, name).numpy()) for name in ("velocity", "articulation", "asynchrony")}
        for name in ("log_beat_period", "lift"):
            said[name] = self.chords(getattr(shape, name)[self.batch.mask].numpy())
        return said | {"pedal": self.pedal(shape.pedal.numpy()), "statistics": shape.statistics.numpy().mean(axis=0)}


def windows(whole: Crop, *, longest: int = LONGEST, overlap: int = OVERLAP) -> Windows:
    """Cut a crop into windows that are equally long; what fits into one is left whole."""
    size = len(whole.beat)
    count = max(-(-(size - overlap) // (longest - overlap)), 1)
    length = -(-(size + (count - 1) * overlap) // count)
    fade = (np.arange(overlap) + 0.5) / overlap
    crops, notes, chords, pedal = [], [], [], []
    for first in np.linspace(0, size - length, count).round().astype(int).tolist():
        last = first + length
        trust = np.ones(length)
        if first > 0:
            trust[:overlap] = fade
        if last < size:
            trust[-overlap:] = fade[::-1]
        inside = np.flatnonzero((whole.chord >= first) & (whole.chord < last))
        crop = part(whole, inside, first, last)
        sample = np.rint((crop.pedal_beat - whole.pedal_beat[:1]) * PEDAL_SAMPLES).astype(int)
        crops.append(crop)
        notes.append((inside, trust[crop.chord]))
        chords.append((np.arange(first, last), trust))
        pedal.append((sample, trust[places(crop)[0]]))
    return Windows(
        stacked(crops),
        _join(notes, len(whole.chord)),
        _join(chords, size),
        _join(pedal, len(whole.pedal_beat)),
    )


def part(whole: Crop, notes: np.ndarray, first: int, last: int) -> Crop:
    """The chords `first` to `last` (exclusive) of a crop, with `notes`, which are theirs."""
    beat = whole.beat[first:last]
    return replace(
        whole,
        notes=whole.notes[notes],
        chord=whole.chord[notes] - first,
        chords=whole.chords[first:last],
        beat=beat,
        pedal_beat=pedal_grid(beat),
    )


def _join(parts: Sequence[tuple[np.ndarray, np.ndarray]], size: int) -> Join:
    index, trust = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Join(index, trust / np.bincount(index, trust, size)[index], size)
