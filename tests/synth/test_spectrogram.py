"""Spectrograms of engines: as if the whole sound were measured at once."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.dsp.mel import PRESETS, spectrogram
from perfsynth.errors import InputError, UsageError
from perfsynth.synth import spectrogram as stage
from perfsynth.synth.spectrogram import measured, synthesize_spectrogram
from perfsynth.types import Audio
from tests.synth.modal_instrument import piano, played


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("n_samples", [1, 700, 30000])
def test_blocks_are_measured_like_the_whole(name: str, n_samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "BLOCK", 13)
    preset = PRESETS[name]
    audio = np.random.default_rng(1).normal(size=(n_samples, 2)).astype(np.float32) * 0.1
    made = measured(Audio(audio, preset.sample_rate).stream(997), name)
    whole = spectrogram(audio.mean(axis=1), preset)
    assert made.values.shape == whole.shape
    assert np.abs(made.values - whole).max() < 2e-3


def test_channels_that_cancel_each_other_are_measured() -> None:
    audio = np.random.default_rng(1).normal(size=(5000, 1)).astype(np.float32) * 0.1
    both = np.concatenate([audio, -audio], axis=1)
    one, two = (measured(Audio(each, 44100).stream(997), "perfsynth-44k") for each in (audio, both))
    np.testing.assert_array_equal(one.values, two.values)


def test_the_modal_piano_as_a_spectrogram() -> None:
    performance = played((0.0, 0.5, 60, 100))
    made = synthesize_spectrogram(performance, piano=piano(), preset="deep-performer-16k", seed=4)
    assert made.preset == "deep-performer-16k"
    assert [step.stage for step in made.history][-1:] == ["synth-mel"]
    assert made.history[-1].seed == 4
    loudest = np.argmax(made.values[:, 8])
    assert loudest == np.argmax(
        spectrogram(np.sin(2 * np.pi * 262 * np.arange(16000) / 16000), PRESETS[made.preset])[:, 30]
    )


def test_wrong_asks_are_refused() -> None:
    performance = played((0.0, 0.5, 60, 100))
    with pytest.raises(InputError, match="no notes"):
        synthesize_spectrogram(played())
    with pytest.raises(UsageError, match="unheard-of"):
        synthesize_spectrogram(performance, preset="unheard-of")
    with pytest.raises(UsageError, match="no model"):
        synthesize_spectrogram(performance, model="nobody")
    with pytest.raises(UsageError, match="--iterations"):
        synthesize_spectrogram(performance, model="modal", iterations=3)
