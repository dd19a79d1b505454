"""Spectrogram presets: numpy, torch and librosa agree."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from perfsynth.dsp.mel import PRESETS, Preset, filterbank, spectrogram, spectrogram_torch

SECONDS = 1.5


def signals(rate: int) -> dict[str, np.ndarray]:
    n = round(SECONDS * rate)
    noise = np.random.default_rng(1).normal(0, 0.1, n)
    sweep = librosa.chirp(fmin=50, fmax=rate / 2.2, sr=rate, length=n) * 0.5
    return {"noise": noise.astype(np.float32), "sweep": sweep.astype(np.float32), "silence": np.zeros(n, np.float32)}


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
@pytest.mark.parametrize("signal", ["noise", "sweep", "silence"])
def test_numpy_torch_and_librosa_agree(preset: Preset, signal: str) -> None:
    samples = signals(preset.sample_rate)[signal]
    ours = spectrogram(samples, preset)
    theirs = spectrogram_torch(torch.from_numpy(samples)[None], preset)[0].numpy()
    stft = librosa.stft(
        samples, n_fft=preset.n_fft, hop_length=preset.hop, win_length=preset.window_length, pad_mode="constant"
    )
    magnitude = np.abs(stft) if preset.bank == "linear" else filterbank(preset) @ np.abs(stft)
    log = np.log if preset.logarithm == "ln" else np.log10
    reference = log(np.maximum(magnitude, preset.floor))
    assert ours.shape == theirs.shape == reference.shape == (preset.n_bands, len(samples) // preset.hop + 1)
    assert ours.dtype == np.float32
    # Compared as magnitudes too: the logarithm of a bin near the floor magnifies rounding.
    base = np.e if preset.logarithm == "ln" else 10.0
    scale = magnitude.max(initial=preset.floor)
    for other in (theirs, reference):
        assert np.abs(base**ours - base**other).max() <= 1e-5 * scale
    if signal != "sweep":
        assert np.abs(ours - theirs).max() <= 1e-3


def test_mel_presets_are_librosas_melspectrogram() -> None:
    preset = PRESETS["deep-performer-16k"]
    samples = signals(16000)["noise"]
    mel = librosa.feature.melspectrogram(
        y=samples, sr=16000, n_fft=1024, hop_length=256, n_mels=80, fmax=8000, power=1, pad_mode="constant"
    )
    assert np.allclose(spectrogram(samples, preset), np.log(np.maximum(mel, 1e-5)), atol=1e-4)


def test_the_semitone_bank_is_triangles_of_the_stated_peak() -> None:
    preset = PRESETS["m2a-24k"]
    bank = filterbank(preset)
    frequencies = np.arange(preset.n_fft // 2 + 1) * preset.sample_rate / preset.n_fft
    for note in (69, 100):
        below, above = (440.0 * 2 ** ((note + step - 69) / 12) for step in (-1, 1))
        assert bank[note].max() == pytest.approx(1 / (above - below), rel=0.05)
        assert frequencies[bank[note] > 0].min() >= below
        assert frequencies[bank[note] > 0].max() <= above


def test_a_tone_is_loudest_in_its_own_band() -> None:
    preset = PRESETS["m2a-24k"]
    tone = np.sin(2 * np.pi * 440 * np.arange(24000) / 24000)
    assert spectrogram(tone, preset)[:, 40].argmax() == 69


def test_frame_times() -> None:
    assert PRESETS["m2a-24k"].frame_times_s(3).tolist() == pytest.approx([0.0, 0.012, 0.024])


def test_gradients_flow_through_silence() -> None:
    samples = torch.zeros(1, 8192, requires_grad=True)
    spectrogram_torch(samples, PRESETS["perfsynth-44k"]).sum().backward()
    assert torch.isfinite(samples.grad).all()
