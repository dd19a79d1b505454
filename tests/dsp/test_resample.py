"""Streamed resampling: equal to the whole signal at once, exact in length, aligned."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from perfsynth.dsp.resample import resample
from perfsynth.types import Audio

RATES = [(44100, 48000), (48000, 44100), (44100, 22050), (44100, 16000), (22050, 44100), (44100, 192000)]


@pytest.mark.parametrize(("source", "target"), RATES)
@pytest.mark.parametrize("block_size", [333, 65536])
def test_equal_to_soxr_at_once(source, target, block_size):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (20011, 2)).astype(np.float32)
    made = resample(Audio(samples, source).stream(block_size), target)
    streamed = np.concatenate(list(made.blocks))
    assert made.sample_rate == target
    assert abs(len(streamed) - len(samples) * target / source) <= 0.5
    np.testing.assert_allclose(streamed, soxr.resample(samples, source, target, quality="VHQ"), atol=1e-6)


def test_a_sine_stays_where_it_is():
    def sine(sample_rate: int) -> np.ndarray:
        return np.sin(2 * np.pi * 997 * np.arange(sample_rate) / sample_rate).astype(np.float32)[:, None]

    made = np.concatenate(list(resample(Audio(sine(44100), 44100).stream(1000), 48000).blocks))
    np.testing.assert_allclose(made[2000:-2000], sine(48000)[2000:-2000], atol=1e-6)


def test_the_same_rate_is_the_same_stream():
    stream = Audio(np.zeros((5, 1), np.float32), 8000).stream()
    assert resample(stream, 8000) is stream
