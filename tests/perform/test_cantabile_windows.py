"""Windows of a long score: every note, chord and pedal sample comes back once, in its place, without a seam."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsynth.perform.cantabile.crops import Crop, pedal_grid
from perfsynth.perform.cantabile.model import load
from perfsynth.perform.cantabile.network import STATISTICS, Shape
from perfsynth.perform.cantabile.reading import groups
from perfsynth.perform.cantabile.windows import windows


def crop(chords: int, *, step: float = 0.375, seed: int = 0) -> Crop:
    """Chords of one to three notes; the first column of notes and chords counts them, the others are random."""
    rng = np.random.default_rng(seed)
    chord = np.repeat(np.arange(chords), rng.integers(1, 4, chords))
    of_notes, of_chords = (len(names) for names in groups())
    notes = rng.normal(size=(len(chord), of_notes)).astype(np.float32)
    columns = rng.normal(size=(chords, of_chords)).astype(np.float32)
    notes[:, 0], columns[:, 0] = np.arange(len(chord)), np.arange(chords)
    beat = np.arange(chords) * step
    return Crop(notes, chord, columns, beat, np.ones(5, np.float32), 0, pedal_grid(beat))


@given(
    chords=st.integers(1, 400),
    longest=st.integers(20, 90),
    share=st.floats(0.05, 0.5),
    step=st.sampled_from([0.125, 1 / 3, 1.0, 3.7]),
)
@settings(deadline=None, max_examples=60)
def test_what_is_said_of_windows_returns_to_its_place(chords: int, longest: int, share: float, step: float) -> None:
    whole = crop(chords, step=step)
    parts = windows(whole, longest=longest, overlap=max(int(longest * share), 1))
    batch = parts.batch
    assert batch.mask.shape[1] <= longest
    told = batch.chords[..., 0].reshape(-1)
    said = parts.joined(
        Shape(
            log_beat_period=batch.chords[..., 0],
            velocity=batch.notes[:, 0],
            articulation=told[batch.chord],
            asynchrony=-batch.notes[:, 0],
            pedal=told[batch.pedal_chord],
            lift=2 * batch.chords[..., 0],
            statistics=torch.ones(len(batch.mask), len(STATISTICS)),
        )
    )
    before = np.searchsorted(whole.beat, whole.pedal_beat + 1e-6, side="right") - 1
    expected = {
        "velocity": np.arange(len(whole.chord)),
        "asynchrony": -np.arange(len(whole.chord)),
        "articulation": whole.chord,
        "log_beat_period": np.arange(chords),
        "lift": 2 * np.arange(chords),
        "pedal": before,
        "statistics": np.ones(len(STATISTICS)),
    }
    assert said.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(said[name], values, atol=1e-3, err_msg=name)


def test_a_score_of_a_window_or_less_is_left_whole() -> None:
    whole = crop(300)
    batch = windows(whole).batch
    assert batch.mask.shape == (1, 300)
    assert torch.equal(batch.notes, torch.from_numpy(whole.notes))


@torch.inference_mode()
@pytest.mark.parametrize("chords", [513, 1500])
def test_windows_say_what_is_said_of_the_whole(chords: int) -> None:
    whole = crop(chords, seed=3)
    whole.notes[:, 0] = whole.chords[:, 0] = 0
    network = load().players.networks[0]
    one, some = windows(whole, longest=chords, overlap=0), windows(whole)
    assert len(one.batch.mask) == 1
    assert len(some.batch.mask) > 1
    alone, together = one.joined(network(one.batch)), some.joined(network(some.batch))
    for name in ("velocity", "articulation", "asynchrony", "log_beat_period", "pedal", "lift"):
        spread = np.std(alone[name])
        assert np.abs(together[name] - alone[name]).max() < 0.1 * spread, name
