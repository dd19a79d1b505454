"""The bands of a sinusoid."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.dsp.semitones import HOP, LOWEST, N_BANDS, RATE, band_hz, filters, semitones


@pytest.mark.parametrize(("pitch", "cents"), [(33, 0.0), (57, 0.0), (69, 35.0), (88, -40.0), (100, 0.0)])
def test_a_sinusoid_of_amplitude_1_gives_1_in_its_band(pitch: int, cents: float) -> None:
    time_s = np.arange(2 * RATE) / RATE
    tone = np.sin(2 * np.pi * band_hz(cents)[pitch - LOWEST] * time_s).astype(np.float32)
    bands = semitones(tone, filters(cents))
    assert bands.shape == (len(tone) // HOP + 1, N_BANDS)
    middle = bands[len(bands) // 2]
    assert middle.argmax() == pitch - LOWEST
    assert middle.max() == pytest.approx(1.0, abs=0.06)


def test_equals_plain_correlation_at_the_top_octave() -> None:
    samples = np.random.default_rng(0).normal(0, 1, RATE).astype(np.float32)
    bank = filters()
    top = bank[0]
    half = len(top.taps) // 2
    frame = 60
    piece = samples[frame * HOP - half : frame * HOP + half + 1]
    product = piece @ top.taps
    expected = np.hypot(product[: top.n_bands], product[top.n_bands :])
    np.testing.assert_allclose(semitones(samples, bank)[frame, top.first :], expected, rtol=1e-4)


def test_an_onset_is_where_it_is() -> None:
    samples = np.zeros(RATE, np.float32)
    time_s = np.arange(RATE // 2) / RATE
    samples[RATE // 2 :][: len(time_s)] = np.sin(2 * np.pi * 1760 * time_s)
    band = semitones(samples, filters())[:, 93 - LOWEST]
    crossing = np.flatnonzero(band > 0.5)[0] * HOP / RATE
    assert crossing == pytest.approx(0.5, abs=0.008)
