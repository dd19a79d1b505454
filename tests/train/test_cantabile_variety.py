"""What variety changes of a crop, and what it leaves."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth import formats
from perfsynth.perform.cantabile.crops import Crop, cut
from perfsynth.perform.cantabile.reading import column_names, groups, read
from perfsynth.train.cantabile_variety import PITCHES, SEMITONE, varied


@pytest.fixture(scope="module")
def crop(example: bytes) -> Crop:
    return cut(read(formats.read_score(example)), 0, 64)


def test_column_names_are_those_of_the_columns() -> None:
    for names, of_group in zip(column_names(), groups(), strict=True):
        assert len(names) == len(of_group)
    told = [name for names in column_names() for name in names]
    assert [told.count(name) for name in PITCHES] == [1] * len(PITCHES)


def test_a_crop_is_moved_as_a_whole(crop: Crop) -> None:
    notes, chords = crop.notes.copy(), crop.chords.copy()
    moves = set()
    for seed in range(40):
        made = varied(crop, np.random.default_rng(seed), drop_column=0.0, transpose=3)
        by = [made.notes - crop.notes, made.chords - crop.chords]
        of_pitch = [np.isin(names, PITCHES) for names in column_names()]
        semitones = {round(float(x), 3) for d, p in zip(by, of_pitch, strict=True) for x in d[:, p].ravel() / SEMITONE}
        assert len(semitones) == 1
        assert all(not d[:, ~p].any() for d, p in zip(by, of_pitch, strict=True))
        moves |= semitones
    assert moves == {-3, -2, -1, 0, 1, 2, 3}
    assert np.array_equal(crop.notes, notes)
    assert np.array_equal(crop.chords, chords)


def test_columns_are_left_out_throughout_but_the_written_tempo_stays(crop: Crop) -> None:
    told = Crop(crop.notes + 1, crop.chord, crop.chords + 1, crop.beat, crop.flags, crop.composer, crop.pedal_beat)
    gone = []
    for seed in range(60):
        made = varied(told, np.random.default_rng(seed), drop_column=0.1, transpose=0)
        assert np.array_equal(made.written_tempo, told.written_tempo)
        for new, old in ((made.notes, told.notes), (made.chords, told.chords)):
            absent = (new == 0).all(axis=0) & (old != 0).any(axis=0)
            assert np.array_equal(new[:, ~absent], old[:, ~absent])
            gone.append(absent.mean())
    assert np.mean(gone) == pytest.approx(0.1, abs=0.02)
