"""Readings of scores cut and stacked for the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch  # noqa: TID253  imported only where a model is loaded or trained

from perfsynth.perform.cantabile.columns import OPTIONAL, Reading, dropped
from perfsynth.perform.cantabile.network import Batch
from perfsynth.perform.cantabile.reading import COMPOSERS, groups, written_tempo

PEDAL_SAMPLES = 4  # a quarter note


@dataclass(frozen=True)
class Crop:
    """Part of a reading: its notes, its chords and where the pedal is asked for."""

    notes: np.ndarray  # (n, note columns)
    chord: np.ndarray  # (n,) from 0
    chords: np.ndarray  # (t, chord columns)
    beat: np.ndarray  # (t,)
    flags: np.ndarray  # (flags,)
    composer: int
    pedal_beat: np.ndarray  # (p,)

    @property
    def written_tempo(self) -> np.ndarray:
        """(t,) ln of the tempo that is written, relative; 0 where the score states none."""
        return written_tempo(self.chords)


def cut(reading: Reading, first: int, last: int, *, absent: frozenset[str] = frozenset(), composer: int = 0) -> Crop:
    """The chords `first` to `last` (exclusive) of a reading, without the columns of the groups in `absent`."""
    missing = set(absent) | {name for name, there in reading.present.items() if not there}
    inside = (reading.chord >= first) & (reading.chord < last)
    beat = reading.chord_beat[first:last]
    note_groups, chord_groups = groups()
    return Crop(
        dropped(reading.notes[inside], list(note_groups), missing),
        reading.chord[inside] - first,
        dropped(reading.chords[first:last], list(chord_groups), missing),
        beat,
        flags({name: name not in missing for name in OPTIONAL}),
        composer,
        pedal_grid(beat),
    )


def flags(present: Mapping[str, bool]) -> np.ndarray:
    """What a score states, as numbers in the order of `OPTIONAL`."""
    return np.array([present[name] for name in OPTIONAL], np.float32)


def composer_number(name: str) -> int:
    """Index of the composer's embedding, 0 for one who is unknown."""
    return COMPOSERS.index(name) + 1 if name in COMPOSERS else 0


def pedal_grid(beat: np.ndarray) -> np.ndarray:
    """Where the pedal is asked for: every quarter of a quarter note from the first chord to the last."""
    first, last = np.ceil(beat[0] * PEDAL_SAMPLES - 1e-6), np.floor(beat[-1] * PEDAL_SAMPLES + 1e-6)
    return np.arange(first, last + 1) / PEDAL_SAMPLES


def stacked(crops: list[Crop]) -> Batch:
    """Stack crops, padding the shorter ones."""
    longest = max(len(crop.beat) for crop in crops)
    chords = np.zeros((len(crops), longest, crops[0].chords.shape[1]), np.float32)
    mask = np.zeros((len(crops), longest), bool)
    top, bottom = (np.zeros(len(crops) * longest, np.int64) for _ in range(2))
    chord, pedal_chord, pedal_place = [], [], []
    done = 0
    for index, crop in enumerate(crops):
        size = len(crop.beat)
        chords[index, :size], mask[index, :size] = crop.chords, True
        for ends, by in ((top, "last"), (bottom, "first")):
            ends[index * longest : index * longest + size] = done + _end_of_chord(crop, by)
        chord.append(crop.chord + index * longest)
        before, place = places(crop)
        pedal_chord.append(before + index * longest)
        pedal_place.append(place)
        done += len(crop.notes)
    arrays = (
        np.concatenate([crop.notes for crop in crops]), np.concatenate(chord), top, bottom, chords,
        np.stack([crop.flags for crop in crops]), np.array([crop.composer for crop in crops]), mask,
        np.concatenate(pedal_chord), np.concatenate(pedal_place),
    )  # fmt: skip
    return Batch(*(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))


def _end_of_chord(crop: Crop, which: str) -> np.ndarray:
    """Index of the first (lowest) or last (highest) note of each chord; notes are sorted by onset, then pitch."""
    order = np.argsort(crop.chord, kind="stable")
    ranked = crop.chord[order]
    places = np.arange(len(crop.beat))
    found = np.searchsorted(ranked, places) if which == "first" else np.searchsorted(ranked, places, side="right") - 1
    ends: np.ndarray = order[np.clip(found, 0, len(order) - 1)]
    return ends


def places(crop: Crop) -> tuple[np.ndarray, np.ndarray]:
    """The chord before each pedal sample; beats since it and to the next, share of the way, and whether it is one."""
    before = np.clip(np.searchsorted(crop.beat, crop.pedal_beat + 1e-6, side="right") - 1, 0, len(crop.beat) - 1)
    after = np.minimum(before + 1, len(crop.beat) - 1)
    since, until = crop.pedal_beat - crop.beat[before], crop.beat[after] - crop.pedal_beat
    share = since / np.maximum(since + until, 1e-6)
    place = np.stack([np.clip(since, 0, 4), np.clip(until, 0, 4), share, since < 1e-3], axis=1)
    return before, place.astype(np.float32)
