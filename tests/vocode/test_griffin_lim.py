"""Griffin-Lim, and what every vocoder refuses."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.dsp.mel import PRESETS, spectrogram
from perfsynth.dsp.stft import Transform
from perfsynth.errors import InputError, UsageError
from perfsynth.types import Spectrogram
from perfsynth.vocode import griffin_lim
from perfsynth.vocode.core import require, vocode


def sounded(made: Spectrogram, **options: object) -> np.ndarray:
    stream = vocode(made, model="griffin-lim", **options)  # type: ignore[arg-type]
    return np.concatenate(list(stream.blocks))[:, 0]


def tones(preset: str, length_s: float = 1.5) -> np.ndarray:
    """Three decaying tones, one after the other and over each other."""
    rate = PRESETS[preset].sample_rate
    t = np.arange(round(length_s * rate)) / rate
    return sum(
        0.2 * np.sin(2 * np.pi * hz * t) * np.exp(-3 * (t - at)) * (t >= at)
        for hz, at in ((440.0, 0.1), (660.0, 0.4), (1320.0, 0.8))
    ).astype(np.float32)


@pytest.mark.parametrize("name", PRESETS)
def test_the_spectrogram_of_the_sound_is_near_the_one_it_was_made_of(name: str) -> None:
    values = spectrogram(tones(name), PRESETS[name])
    made = sounded(Spectrogram(values, name))
    again = spectrogram(made, PRESETS[name])
    scale = np.log(10) if PRESETS[name].logarithm == "log10" else 1.0
    loud = values > values.max() - 4 / scale
    assert abs(again.shape[1] - values.shape[1]) <= 1
    size = min(again.shape[1], values.shape[1])
    assert np.abs((again - values[:, :size])[loud[:, :size]]).mean() * scale < 0.35  # nepers
    assert np.abs(made).max() == pytest.approx(0.2, rel=0.6)


def test_a_mel_bank_is_undone_to_what_gives_the_same_bands() -> None:
    preset = PRESETS["perfsynth-44k"]
    values = spectrogram(tones(preset.name), preset)[:, ::10]
    from perfsynth.dsp.mel import filterbank

    bands = filterbank(preset) @ griffin_lim.magnitudes(values.T, preset).T
    loud = values > values.max() - 5
    assert np.abs(np.log(np.maximum(bands, 1e-9)) - values)[loud].mean() < 0.05


def test_windows_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    preset = PRESETS["deep-performer-16k"]
    rate = preset.sample_rate
    t = np.arange(4 * rate) / rate
    values = spectrogram((0.1 * np.sin(2 * np.pi * 500 * t)).astype(np.float32), preset)
    monkeypatch.setattr(griffin_lim, "WINDOW", 64)
    made = sounded(Spectrogram(values, preset.name))
    frames = np.lib.stride_tricks.sliding_window_view(made, 512)[::64]
    level = np.sqrt((frames**2).mean(axis=1))
    borders = np.arange(64, values.shape[1] - 20, 64) * preset.hop // 64
    around = np.concatenate([level[b - 8 : b + 8] for b in borders])
    assert np.log(around / np.median(level)).std() < 1.5 * np.log(level[40:-40] / np.median(level)).std() + 0.02
    bends = np.abs(np.diff(made, 2))
    at_borders = np.concatenate([bends[b * preset.hop - 300 : b * preset.hop + 300] for b in range(64, 240, 64)])
    assert at_borders.max() < 1.3 * np.percentile(bends, 99.9)


def test_torch_finds_the_phases_that_numpy_finds() -> None:
    from perfsynth.vocode._griffin_lim_torch import phased

    preset = PRESETS["deep-performer-16k"]
    values = spectrogram(tones(preset.name), preset)
    magnitude = griffin_lim.magnitudes(values.T, preset)
    transform = Transform.of(preset)
    rng = np.random.default_rng(0)
    guess = (magnitude * np.exp(2j * np.pi * rng.uniform(size=magnitude.shape))).astype(np.complex64)
    known, iterations = 7, 6
    made = phased(
        magnitude[known:], guess.copy(), transform.window, hop=transform.hop, iterations=iterations,
        momentum=griffin_lim.MOMENTUM, device="cpu",
    )  # fmt: skip
    search = griffin_lim._Search(transform, iterations, "cpu")
    expected = search._on_processor(magnitude[known:], guess.copy())
    assert made.shape == expected.shape
    assert np.abs(made - expected).max() < 1e-3 * np.abs(expected).max()


@pytest.mark.parametrize("name", PRESETS)
def test_silence_is_silent(name: str) -> None:
    preset = PRESETS[name]
    values = spectrogram(np.zeros(preset.sample_rate // 2, np.float32), preset)
    assert not sounded(Spectrogram(values, name)).any()


def test_the_same_seed_gives_the_same_sound_and_another_gives_another() -> None:
    values = spectrogram(tones("deep-performer-16k"), PRESETS["deep-performer-16k"])
    made = [sounded(Spectrogram(values, "deep-performer-16k"), seed=seed, iterations=4) for seed in (1, 1, 2)]
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


def test_one_frame_and_another_rate_will_do() -> None:
    values = np.full((80, 1), -3.0, np.float32)
    assert len(sounded(Spectrogram(values, "deep-performer-16k"))) == 256
    stream = vocode(Spectrogram(np.full((80, 63), -3.0, np.float32), "deep-performer-16k"), sample_rate=48000)
    assert stream.sample_rate == 48000
    assert sum(map(len, stream.blocks)) == pytest.approx(62 * 256 * 3, abs=2)


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (Spectrogram(np.full((80, 9), np.nan, np.float32), "deep-performer-16k"), "not finite"),
        (Spectrogram(np.zeros((80, 0), np.float32), "deep-performer-16k"), "at least one frame"),
        (Spectrogram(np.zeros((79, 9), np.float32), "deep-performer-16k"), "80 bands"),
        (Spectrogram(np.zeros((80, 9), np.float32), "unheard-of"), "unheard-of"),
    ],
)
def test_what_is_no_spectrogram_is_refused(made: Spectrogram, word: str) -> None:
    with pytest.raises(InputError, match=word):
        vocode(made)


def test_wrong_options_are_refused() -> None:
    made = Spectrogram(np.zeros((80, 9), np.float32), "deep-performer-16k")
    with pytest.raises(UsageError, match="iterations 0"):
        vocode(made, iterations=0)
    with pytest.raises(UsageError, match="sample rate 5"):
        vocode(made, sample_rate=5)
    with pytest.raises(UsageError, match="no model"):
        vocode(made, model="nobody")
    with pytest.raises(InputError, match="griffin-lim"):
        require(made, "perfsynth-44k", "hifigan")


def test_enormous_values_do_not_overflow() -> None:
    values = np.full((80, 20), 3e38, np.float32)
    assert np.isfinite(sounded(Spectrogram(values, "deep-performer-16k"))).all()
