"""Distances of sound and the condition of a recording, each against what can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.dsp.mel import PRESETS, spectrogram
from perfsynth.errors import InputError
from perfsynth.evaluate import condition, frechet, spectra, table_iii, tonality
from perfsynth.evaluate.matching import RATE

T = np.arange(2 * RATE) / RATE
NOISE = np.random.default_rng(1).normal(size=len(T))


# Spectra.


def test_log_mel_and_absolute_error_by_hand() -> None:
    reference = np.array([[0.0, -1.0], [-2.0, -20.0]])
    generated = reference + np.array([[0.5, -0.5], [1.0, 2.0]])
    assert spectra.log_mel(generated, reference) == pytest.approx((0.25 + 0.25 + 1 + 4) / 4)
    # The last cell lies more than 60 dB = 6.9 neper below the loudest.
    assert spectra.absolute_db(generated, reference) == pytest.approx(2 / 3 * 20 / np.log(10))


def test_multi_resolution_of_a_softer_copy() -> None:
    full, half = (spectra.analyse((0.3 * gain * NOISE).astype(np.float32)) for gain in (1.0, 0.5))
    assert spectra.spectral_convergence(half, full) == pytest.approx(0.5, abs=1e-4)
    assert spectra.log_magnitude(half, full) == pytest.approx(np.log(2), rel=0.01)
    assert len(full.magnitudes) == 5


def test_table_iii_by_hand_both_ways() -> None:
    one = table_iii.TableIII(np.array([[1.0, 0.2], [0.5, 0.0]]), np.array([[-20.0, -40.0]]))
    other = table_iii.TableIII(np.array([[0.8, 0.4], [0.5, 0.1]]), np.array([[-30.0, -40.0]]))
    assert table_iii.chroma_distance(one, other) == pytest.approx((0.2 + 0.2 + 0 + 0.1) / 2, abs=1e-4)
    assert table_iii.chroma_distance(other, one) == pytest.approx((0.2 + 0.2 + 0 + 0.1) / 3, abs=1e-4)
    assert table_iii.spectrogram_distance(one, other) == pytest.approx(np.sqrt(100 / 2000))
    assert table_iii.spectrogram_distance(other, one) == pytest.approx(np.sqrt(100 / 2500))


def test_table_iii_analysis_is_in_db_less_twenty() -> None:
    found = table_iii.analyse(np.zeros(RATE, np.float32))
    assert np.all(found.decibels == pytest.approx(-120.0))  # 20 log10 of 1e-5, less 20
    assert found.chroma.shape[0] == 12


# Tonality and flatness.


def test_a_tone_is_tonal_and_noise_is_flat() -> None:
    # Per bin the geometric mean of noise lies e^-gamma below the arithmetic one: -2.51 dB, less in few bins.
    noise, tone = tonality.analyse(0.1 * NOISE), tonality.analyse(np.sin(2 * np.pi * 1000 * T))
    band = next(i for i, high in enumerate(tonality.BARK_HZ[1:]) if high > 1000)
    assert noise.flatness_db[15:].mean() == pytest.approx(-10 * np.euler_gamma / np.log(10), abs=0.2)
    assert noise.tonality[10:, 2:].mean() < 0.15
    assert tone.tonality[band, 8:-8].min() > 0.95
    assert tone.flatness_db[band, 8:-8].max() < -12


def test_tonality_distances() -> None:
    tone = tonality.analyse(np.sin(2 * np.pi * 1000 * T))
    hissing = tonality.analyse(np.sin(2 * np.pi * 1000 * T) + 0.1 * NOISE)
    assert tonality.flatness_distance(tone, tone) == 0
    assert tonality.flatness_distance(hissing, tone) > 3
    assert tonality.tonality_distance(hissing, tone) > 0.1
    assert np.isnan(tonality.by_band(tone.level_db, np.zeros_like(tone.level_db, bool))).all()


# Frechet distance.


def test_frechet_distance_by_hand() -> None:
    # Of one dimension: (m1 - m2)^2 + (s1 - s2)^2.
    one = np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]])
    other = np.array([[1.0, 0.0], [5.0, 0.0], [9.0, 0.0]])
    assert frechet.frechet_distance(one, other) == pytest.approx((5 - 2) ** 2 + (4 - 2) ** 2)
    assert frechet.frechet_distance(one, one) == pytest.approx(0, abs=1e-9)


def test_frechet_against_scipy() -> None:
    from scipy.linalg import sqrtm

    rng = np.random.default_rng(2)
    one, other = rng.normal(size=(50, 6)), rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6)) + 1
    a, b = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    plain = ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet.frechet_distance(one, other) == pytest.approx(plain, rel=1e-6)


def test_modulation_features_see_a_tremolo() -> None:
    preset = PRESETS["perfsynth-44k"]
    plain = 0.1 * NOISE
    trembling = plain * (1 + 0.8 * np.sin(2 * np.pi * 8 * T))  # 8 Hz: in the octave of 5.4 to 11 Hz
    a, b = (frechet.modulations(spectrogram(x.astype(np.float32), preset)).mean(0) for x in (plain, trembling))
    rise = (b - a).reshape(len(frechet.OCTAVES), frechet.N_COSINES)[:, 0]
    assert int(np.argmax(rise)) == 3  # octaves: mean, 1.3, 2.7, 5.4, 11, 22 Hz
    assert frechet.modulations(spectrogram(np.ones(RATE // 4, np.float32), preset)).shape == (1, 36)


def test_frechet_refuses_what_it_cannot_compare() -> None:
    with pytest.raises(InputError):
        frechet.frechet_distance(np.zeros((1, 3)), np.zeros((5, 3)))
    with pytest.raises(InputError):
        frechet.frechet_distance(np.zeros((5, 2)), np.zeros((5, 3)))
    with pytest.raises(InputError):
        frechet.modulations(np.zeros((100, 50)))


# Condition.


def test_clipping_is_a_flat_top() -> None:
    sine = np.sin(2 * np.pi * 441 * T)
    assert condition.clipped(sine) == 0
    assert condition.clipped(np.clip(2 * sine, -1, 1)) > 1000
    assert condition.clipped(np.array([0.99, 0.99, 0.5, 0.99, 0.99, 0.99, 0.1, 1.5])) == 4
    assert condition.clipped(np.full(100, 0.5)) == 0


def test_condition_of_a_band_limited_sound_and_of_one_with_a_rest() -> None:
    spectrum = np.fft.rfft(0.1 * NOISE)
    spectrum[np.fft.rfftfreq(len(T), 1 / RATE) > 8000] = 0
    audio = np.fft.irfft(spectrum)
    assert condition.bandwidth_hz(audio, RATE) == pytest.approx(8000, abs=150)
    audio[RATE:] *= 1e-5
    found = condition.condition(np.stack([audio, audio], axis=1), RATE)
    assert found.quietest_dbfs == pytest.approx(20 * np.log10(audio[:RATE].std()) - 100, abs=0.3)
    assert found.peak_dbfs == pytest.approx(20 * np.log10(np.abs(audio).max()))
    assert condition.condition(np.zeros((100, 1)), RATE).to_json() == {
        "peak_dbfs": -180.0, "clipped_samples": 0, "bandwidth_hz": 0.0, "quietest_dbfs": -180.0,
    }  # fmt: skip
    for wrong in (np.zeros((0, 1)), np.zeros(5), np.array([[np.nan]])):
        with pytest.raises(InputError):
            condition.condition(wrong, RATE)
