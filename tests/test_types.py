"""What flows between the stages."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.types import Audio, AudioStream, Made


@pytest.mark.parametrize("block_size", [1, 3, 100])
def test_audio_that_is_streamed_and_held_again_is_the_same(block_size: int) -> None:
    samples = np.arange(20, dtype=np.float32).reshape(10, 2) / 20
    audio = Audio(samples, 8000, history=(Made("synth-audio", "modal"),), sha256="abc")
    again = audio.stream(block_size).audio()
    assert again.samples.dtype == np.float32
    assert np.array_equal(again.samples, samples)
    assert (again.sample_rate, again.history, again.sha256) == (8000, audio.history, "abc")


def test_a_stream_without_a_block_is_audio_of_no_length() -> None:
    assert AudioStream(iter(()), 8000, 2).audio().samples.shape == (0, 2)
