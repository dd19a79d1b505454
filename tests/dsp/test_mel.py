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
    # Rounding is relative to the loudest bin of a frame, and the logarithm magnifies it in the faint ones.
    base = np.e if preset.logarithm == "ln" else 10.0
    scale = magnitude.max(initial=preset.floor)
    loud = magnitude >= 1e-3 * scale
    for other in (theirs, reference):
        assert np.abs(base**ours - base**other).max() <= 2e-6 * scale
        assert np.abs(ours - other)[loud].max(initial=0) <= 5e-5
        if signal != "sweep" and preset.bank != "linear":
            assert np.abs(ours - other).max() <= 1e-5


@pytest.mark.parametrize(
    ("name", "rate", "n_fft", "hop", "n_mels", "fmax"),
    [("deep-performer-16k", 16000, 1024, 256, 80, 8000), ("perfsynth-44k", 44100, 2048, 512, 128, 22050)],
)
def test_mel_presets_are_librosas_melspectrogram(
    name: str, rate: int, n_fft: int, hop: int, n_mels: int, fmax: int
) -> None:
    samples = signals(rate)["noise"]
    mel = librosa.feature.melspectrogram(
        y=samples, sr=rate, n_fft=n_fft, hop_length=hop, n_mels=n_mels, fmin=0, fmax=fmax, power=1, pad_mode="constant"
    )
    assert np.abs(spectrogram(samples, PRESETS[name]) - np.log(np.maximum(mel, 1e-5))).max() <= 1e-5


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_long_audio_is_computed_in_blocks_without_seams(preset: Preset) -> None:
    half = -(-preset.n_fft // (2 * preset.hop))  # frames
    samples = np.random.default_rng(2).normal(0, 0.1, 520 * preset.hop).astype(np.float32)
    whole = spectrogram(samples, preset)
    for frame in (511, 512):  # the last frame of the first block, and the first of the second
        around = samples[(frame - half) * preset.hop : (frame + half) * preset.hop]
        alone = spectrogram(around, preset)[:, half]
        loud = alone > alone.max() - 3
        assert np.abs(whole[:, frame] - alone)[loud].max() <= 5e-5


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_silence_and_short_audio(preset: Preset) -> None:
    floor = np.log(1e-5) if preset.logarithm == "ln" else -5.0
    for n_samples in (1, preset.hop - 1, preset.hop):
        silence = spectrogram(np.zeros(n_samples, np.float32), preset)
        assert silence.shape == (preset.n_bands, n_samples // preset.hop + 1)
        assert np.abs(silence - floor).max() < 1e-6


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_a_click_is_in_the_frame_at_its_time(preset: Preset) -> None:
    click = np.zeros(preset.sample_rate, np.float32)
    click[20 * preset.hop] = 1.0
    frame = spectrogram(click, preset).mean(axis=0).argmax()
    assert frame == 20
    assert preset.frame_times_s(21)[20] == pytest.approx(20 * preset.hop / preset.sample_rate)


def test_the_semitone_bank_is_triangles_of_the_stated_peak() -> None:
    preset = PRESETS["m2a-24k"]
    bank = filterbank(preset)
    frequencies = np.arange(preset.n_fft // 2 + 1) * preset.sample_rate / preset.n_fft
    for note in (69, 100):
        below, above = (440.0 * 2 ** ((note + step - 69) / 12) for step in (-1, 1))
        assert bank[note].max() == pytest.approx(1 / (above - below), rel=0.05)
        assert frequencies[bank[note] > 0].min() >= below
        assert frequencies[bank[note] > 0].max() <= above


def test_neighbouring_semitones_share_every_frequency_between_them() -> None:
    preset = PRESETS["m2a-24k"]
    centre = 440.0 * 2 ** ((np.arange(-1, 129) - 69) / 12)
    weights = filterbank(preset) * (centre[2:] - centre[:-2])[:, None]
    bins = np.arange(preset.n_fft // 2 + 1) * preset.sample_rate / preset.n_fft
    between = (bins >= centre[1]) & (bins <= centre[-2])
    assert np.abs(weights[:, between].sum(axis=0) - 1).max() < 1e-4
    assert (weights.max(axis=1) > 0.2).all()  # no band is empty, the one beyond the Nyquist frequency included
    assert (weights[:, bins <= centre[0]] == 0).all()


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
