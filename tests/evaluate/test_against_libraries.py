"""Measures against librosa and pyloudnorm where those compute the same, and against plain loops where none does."""

from __future__ import annotations

import librosa
import numpy as np
import pyloudnorm
import pytest

from perfsynth.evaluate import matching, spectra, tonality, velocity
from perfsynth.evaluate.matching import RATE

N = round(1.5 * RATE)


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    """Two decaying chords over a little noise, (n,) each, float32."""
    t = np.arange(N) / RATE
    noise = np.random.default_rng(5).normal(size=(2, N))
    chord = sum(np.exp(-k * t) * np.sin(2 * np.pi * f * k * t) for f in (196.0, 247.0, 294.0) for k in (1, 2, 3))
    one, other = 0.05 * chord + 1e-3 * noise[0], 0.04 * np.roll(chord, 200) + 2e-3 * noise[1]
    return one.astype(np.float32), other.astype(np.float32)


def mel(audio: np.ndarray, rate: int, n_fft: int, hop: int, n_mels: int) -> np.ndarray:
    """The ln-mel spectrogram by librosa."""
    magnitude = librosa.feature.melspectrogram(
        y=audio, sr=rate, n_fft=n_fft, hop_length=hop, n_mels=n_mels, power=1, pad_mode="constant"
    )
    return np.log(np.maximum(magnitude, 1e-5))


def stft(audio: np.ndarray, n_fft: int, hop: int) -> np.ndarray:
    return librosa.stft(audio, n_fft=n_fft, hop_length=hop, pad_mode="constant")


def test_loudness_is_pyloudnorms(pair: tuple[np.ndarray, np.ndarray]) -> None:
    stereo = np.stack(pair, axis=1)
    level, gain_db = matching.levelled(stereo)
    meter = pyloudnorm.Meter(RATE)
    assert meter.integrated_loudness(level.astype(float)) == pytest.approx(-24.0, abs=0.05)
    assert gain_db == pytest.approx(-24.0 - meter.integrated_loudness(stereo.astype(float)), abs=0.05)


def test_log_mel_distances_are_those_of_librosas_spectrograms(pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours = [spectra.analyse(audio) for audio in pair]
    at_16k = [librosa.resample(audio, orig_sr=RATE, target_sr=16000, res_type="soxr_hq") for audio in pair]
    seed = [mel(audio, 16000, 1024, 256, 80) for audio in at_16k]
    full = [mel(audio, RATE, 2048, 512, 128) for audio in pair]
    expected = [float(np.mean((a - b) ** 2)) for a, b in (seed, full)]
    assert min(expected) > 0.1
    assert spectra.log_mel(ours[0].mel_16k, ours[1].mel_16k) == pytest.approx(expected[0], rel=2e-3)
    assert spectra.log_mel(ours[0].mel_44k, ours[1].mel_44k) == pytest.approx(expected[1], rel=1e-4)


def test_multi_resolution_distances_are_those_of_librosas_transforms(pair: tuple[np.ndarray, np.ndarray]) -> None:
    convergence, magnitude = [], []
    for n_fft in (512, 1024, 2048, 4096, 8192):
        g, r = (np.abs(stft(audio, n_fft, n_fft // 4)) for audio in pair)
        floor = 1e-4 * r.max()
        convergence.append(np.sqrt(((g - r) ** 2).sum() / (r**2).sum()))
        magnitude.append(np.abs(np.log(np.maximum(g, floor) / np.maximum(r, floor))).mean())
    ours = [spectra.analyse(audio) for audio in pair]
    assert spectra.spectral_convergence(*ours) == pytest.approx(np.mean(convergence), rel=1e-4)
    assert spectra.log_magnitude(*ours) == pytest.approx(np.mean(magnitude), rel=1e-4)


def test_flatness_is_librosas_band_by_band(pair: tuple[np.ndarray, np.ndarray]) -> None:
    power = np.abs(stft(pair[0].astype(float), tonality.N_FFT, tonality.HOP)) ** 2
    ours = tonality.analyse(pair[0]).flatness_db
    for band in (0, 5, 12, 23):
        first, last = (round(hertz * tonality.N_FFT / RATE) for hertz in tonality.BARK_HZ[band : band + 2])
        theirs = 10 * np.log10(librosa.feature.spectral_flatness(S=power[first:last], power=1.0, amin=1e-30))[0]
        # Their first frame lies around the first sample, ours one hop before it.
        assert ours[band, 1:][: len(theirs)] == pytest.approx(theirs[: ours.shape[1] - 1], abs=1e-3)


def test_tonality_is_that_of_the_standards_equations(pair: tuple[np.ndarray, np.ndarray]) -> None:
    frames = stft(pair[0].astype(float), tonality.N_FFT, tonality.HOP)
    ours = tonality.analyse(pair[0]).tonality
    for band, frame in ((4, 10), (10, 40), (20, 77)):
        first, last = (round(hertz * tonality.N_FFT / RATE) for hertz in tonality.BARK_HZ[band : band + 2])
        weighted = energy = 0.0
        for bin in range(first, last):
            now, before, earlier = (complex(frames[bin, frame - back]) for back in (0, 1, 2))
            r = 2 * abs(before) - abs(earlier)
            phase = 2 * np.angle(before) - np.angle(earlier)
            chaos = abs(now - r * np.exp(1j * phase)) / (abs(now) + abs(r))
            weighted, energy = weighted + chaos * abs(now) ** 2, energy + abs(now) ** 2
        expected = min(1.0, max(0.0, -0.299 - 0.43 * np.log(weighted / energy)))
        assert ours[band, frame + 1] == pytest.approx(expected, abs=1e-6)


def test_the_centroid_is_librosas(pair: tuple[np.ndarray, np.ndarray]) -> None:
    power = np.abs(np.fft.rfft(pair[0] * np.hanning(N))) ** 2
    hertz = np.fft.rfftfreq(N, 1 / RATE)
    used = hertz <= velocity.MAX_CENTROID_HZ
    theirs = librosa.feature.spectral_centroid(S=power[used, None], freq=hertz[used])[0, 0]
    assert velocity.level_and_centroid(pair[0][:, None], RATE)[1] == pytest.approx(theirs, rel=1e-6)
    # Two channels count by their power: one that is silent changes nothing.
    beside = np.stack([pair[0], np.zeros(N)], axis=1)
    assert velocity.level_and_centroid(beside, RATE)[1] == pytest.approx(theirs, rel=1e-6)
