"""Loudness against pyloudnorm and the standard's own figures, true peak between samples, one constant gain."""

from __future__ import annotations

import errno
import io
import math
import tempfile
import tracemalloc
import warnings

import numpy as np
import pyloudnorm
import pytest

from perfsynth.dsp.k_weighting import k_weighting
from perfsynth.dsp.loudness import LoudnessMeter, normalise
from perfsynth.errors import PerfsynthError, UsageError
from perfsynth.types import Audio, AudioStream

# The tables of annex 1, for 48 kHz: the head, the ear.
SHELF = (1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585)
HIGH_PASS = (1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621)
PYLOUDNORM_LACKS_DB = 20 * math.log10(1.00498)  # what that high-pass leaves above its corner


def measured(samples: np.ndarray, sample_rate: int, block_size: int = 4000) -> LoudnessMeter:
    meter = LoudnessMeter(sample_rate, samples.shape[1])
    for start in range(0, len(samples), block_size):
        meter.push(samples[start : start + block_size])
    return meter


def sine(frequency_hz: float, sample_rate: int, seconds: float, *, phase: float = 0.0) -> np.ndarray:
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    return np.sin(2 * np.pi * frequency_hz * time_s + phase).astype(np.float32)[:, None]


def bursts(sample_rate: int, seconds: float, n_channels: int, seed: int) -> np.ndarray:
    """Noise whose level jumps over 60 dB, so that both gates have work."""
    rng = np.random.default_rng(seed)
    n_samples = round(seconds * sample_rate)
    level = 10 ** (rng.uniform(-80, -10, n_samples // 5000 + 1) / 20)
    noise = rng.standard_normal((n_samples, n_channels)) * np.repeat(level, 5000)[:n_samples, None]
    return np.clip(noise, -1, 1).astype(np.float32)


@pytest.mark.parametrize("sample_rate", [22050, 44100, 48000])
@pytest.mark.parametrize("n_channels", [1, 2, 5])
def test_equal_to_pyloudnorm(sample_rate, n_channels):
    samples = bursts(sample_rate, 6.3, n_channels, seed=sample_rate + n_channels)
    expected = pyloudnorm.Meter(sample_rate).integrated_loudness(samples.astype(float))
    expected += PYLOUDNORM_LACKS_DB
    assert measured(samples, sample_rate).integrated_lufs() == pytest.approx(expected, abs=0.015)


def response_db(sections: np.ndarray, frequency_hz: np.ndarray, sample_rate: int) -> np.ndarray:
    z = np.exp(-2j * np.pi * np.outer(frequency_hz, np.arange(3)) / sample_rate)
    return sum(20 * np.log10(np.abs((z @ row[:3]) / (z @ row[3:]))) for row in sections)


def test_the_filters_of_48_khz_are_the_tables():
    np.testing.assert_allclose(k_weighting(48000), [SHELF, HIGH_PASS], rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("sample_rate", "within_db"), [(16000, 0.07), (22050, 0.04), (44100, 0.002), (88200, 0.01), (96000, 0.01)]
)
def test_the_filters_of_other_rates_respond_alike(sample_rate, within_db):
    frequency_hz = np.geomspace(10, 0.49 * min(sample_rate, 44100), 200)
    ours = response_db(k_weighting(sample_rate), frequency_hz, sample_rate)
    expected = response_db(np.array([SHELF, HIGH_PASS]), frequency_hz, 48000)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=within_db)
    np.testing.assert_allclose(ours[frequency_hz < 100], expected[frequency_hz < 100], rtol=0, atol=0.002)


@pytest.mark.parametrize("sample_rate", [32000, 44100, 48000, 96000])
def test_a_sine_in_one_channel_reads_three_less_than_its_peak(sample_rate):
    tone = 0.1 * sine(997, sample_rate, 5)
    assert measured(tone, sample_rate).integrated_lufs() == pytest.approx(-23.01, abs=0.015)


# Seconds and dBFS of a stereo sine of 1 kHz, all of which read -23 LUFS within 0.1 LU: EBU Tech 3341, cases 1, 3 to 5.
SEQUENCES = {
    "tone": [(20, -23)],
    "relative gate": [(10, -36), (60, -23), (10, -36)],
    "both gates": [(10, -72), (10, -36), (60, -23), (10, -36), (10, -72)],
    "close levels": [(20, -26), (20.1, -20), (20, -26)],
}


@pytest.mark.parametrize("sample_rate", [16000, 22050, 44100, 48000])
@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences_of_the_ebu(name, sample_rate):
    tone = [10 ** (level / 20) * sine(1000, sample_rate, seconds) for seconds, level in SEQUENCES[name]]
    stereo = np.repeat(np.concatenate(tone), 2, axis=1)
    assert measured(stereo, sample_rate, sample_rate).integrated_lufs() == pytest.approx(-23.0, abs=0.1)


def test_channels_around_the_head_weigh_more():
    """EBU Tech 3341, case 6: left, right -28, centre -24, surrounds -30 dBFS read -23 LUFS."""
    level = 10 ** (np.array([-28, -28, -24, -math.inf, -30, -30]) / 20)
    assert measured(sine(1000, 48000, 20) * level, 48000, 48000).integrated_lufs() == pytest.approx(-23.0, abs=0.1)


def test_the_low_frequency_channel_does_not_count():
    surround = np.zeros((48000, 6), np.float32)
    surround[:, 3:4] = sine(997, 48000, 1)
    assert measured(surround, 48000).integrated_lufs() == -math.inf
    surround[:, 0:1] = sine(997, 48000, 1)
    assert measured(surround, 48000).integrated_lufs() == pytest.approx(-3.01, abs=0.1)


@pytest.mark.parametrize("block_size", [1, 777, 100000])
def test_block_size_changes_nothing(block_size):
    samples = bursts(22050, 0.7, 2, seed=3)
    whole, split = measured(samples, 22050, len(samples)), measured(samples, 22050, block_size)
    assert split.integrated_lufs() == pytest.approx(whole.integrated_lufs(), abs=1e-9)
    assert split.true_peak() == pytest.approx(whole.true_peak(), rel=1e-5)


def test_audio_shorter_than_a_gating_block_has_a_loudness():
    short = measured(sine(997, 48000, 0.25), 48000).integrated_lufs()
    assert short == pytest.approx(-3.01, abs=0.3)
    assert LoudnessMeter(48000, 2).integrated_lufs() == -math.inf


def test_true_peak_between_samples():
    """A quarter of the sample rate at 45 degrees: every sample is at 0.7071, the sine is not."""
    samples = sine(11025, 44100, 0.5, phase=math.pi / 4)
    fade = np.minimum(1, np.minimum(np.arange(len(samples)), np.arange(len(samples))[::-1]) / 2000)[:, None]
    samples = (samples * fade).astype(np.float32)
    assert np.abs(samples).max() == pytest.approx(math.sqrt(0.5), abs=1e-4)
    assert measured(samples, 44100).true_peak() == pytest.approx(1.0, abs=0.01)


def test_true_peak_of_the_last_sample_counts():
    samples = np.zeros((1000, 1), np.float32)
    samples[-1] = 0.75
    meter = measured(samples, 44100)
    assert meter.true_peak() >= 0.75
    assert meter.true_peak() == meter.true_peak()


def levelled(samples: np.ndarray, sample_rate: int, **options) -> np.ndarray:
    return np.concatenate(list(normalise(Audio(samples, sample_rate).stream(), **options).blocks))


def test_normalised_to_the_loudness_asked_for():
    noise = np.random.default_rng(1).uniform(-0.01, 0.01, (100000, 2)).astype(np.float32)
    made = levelled(noise, 44100, loudness_lufs=-20.0)
    assert measured(made, 44100).integrated_lufs() == pytest.approx(-20.0, abs=0.01)
    gain = made[5] / noise[5]
    np.testing.assert_allclose(made, noise * gain[0], rtol=1e-5)


def test_peaks_limit_the_gain():
    clicks = np.zeros((200000, 1), np.float32)
    clicks[::20000] = 0.1
    made = measured(levelled(clicks, 44100), 44100)
    assert 20 * math.log10(made.true_peak()) == pytest.approx(-1.0, abs=0.01)
    assert made.integrated_lufs() < -20.0


def test_a_loudness_that_peaks_forbid_is_told_of(caplog):
    stream = lambda: Audio(0.1 * sine(440, 8000, 1.0), 8000).stream()  # noqa: E731  -23 LUFS
    for wanted, told in ((-4.5, []), (-1.0, ["-1.0 LUFS are not reached: the peaks allow -4.7"])):
        caplog.clear()
        list(normalise(stream(), loudness_lufs=wanted).blocks)
        assert [record.getMessage()[: len(line)] for record, line in zip(caplog.records, told, strict=True)] == told
    caplog.clear()
    list(normalise(stream(), loudness_lufs=None).blocks)
    list(normalise(Audio(np.zeros((8000, 1), np.float32), 8000).stream(), loudness_lufs=-1.0).blocks)
    assert not caplog.records


@pytest.mark.parametrize("wanted", [10000.0, 0.1, -71.0, float("nan"), float("-inf")])
def test_a_loudness_that_no_audio_is_meant_to_have_is_refused(wanted):
    with pytest.raises(UsageError, match=r"it lies between -70 and 0 LUFS"):
        normalise(Audio(np.ones((10, 1), np.float32), 8000).stream(), loudness_lufs=wanted)


def test_without_a_loudness_only_the_peak_is_guarded():
    quiet, loud = 0.1 * sine(440, 44100, 1), 3.0 * sine(440, 44100, 1)
    np.testing.assert_array_equal(levelled(quiet, 44100, loudness_lufs=None), quiet)
    peak = measured(levelled(loud, 44100, loudness_lufs=None), 44100).true_peak()
    assert 20 * math.log10(peak) == pytest.approx(-1.0, abs=0.01)


@pytest.mark.parametrize("n_samples", [0, 100, 50000])
def test_silence_stays_silence(n_samples):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        blocks = list(normalise(Audio(np.zeros((n_samples, 2), np.float32), 44100).stream()).blocks)
    assert sum(len(block) for block in blocks) == n_samples
    assert not any(block.any() for block in blocks)


def test_the_level_is_part_of_the_history():
    stream = normalise(Audio(np.ones((10, 1), np.float32), 44100).stream(), loudness_lufs=-23.0)
    assert stream.history[-1].options == {"lufs": -23.0, "true_peak_dbtp": -1.0}


def test_memory_does_not_grow_with_the_audio():
    def noise(n_blocks: int) -> AudioStream:
        rng = np.random.default_rng(0)
        return AudioStream((rng.uniform(-1, 1, (8192, 2)).astype(np.float32) for _ in range(n_blocks)), 44100, 2)

    def peak_bytes(n_blocks: int) -> int:
        tracemalloc.start()
        n_samples = sum(len(block) for block in normalise(noise(n_blocks)).blocks)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert n_samples == 8192 * n_blocks
        return peak

    peak_bytes(2)  # imports
    short, long = peak_bytes(20), peak_bytes(200)
    assert long < short + 8192 * 2 * 4  # 180 blocks more, less than the bytes of one


def test_a_full_disk_is_one_line(monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: io.FileIO("/dev/full", "w+"))
    with pytest.raises(PerfsynthError, match=r"No space left on device.*TMPDIR") as caught:
        levelled(np.ones((100, 1), np.float32), 44100)
    assert caught.value.__cause__.errno == errno.ENOSPC
