"""The source-filter vocoder: engines and strings, filtered to the bands of a spectrogram."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perfsynth import formats, registry
from perfsynth.dsp import colouring
from perfsynth.dsp.colouring import Colour, coloured
from perfsynth.dsp.mel import PRESETS, spectrogram
from perfsynth.dsp.stft import Adder, Transform
from perfsynth.errors import InputError, UsageError
from perfsynth.formats.spectrogram import write_spectrogram
from perfsynth.synth.core import synthesize
from perfsynth.synth.spectrogram import measured, synthesize_spectrogram
from perfsynth.types import AudioStream, Made, Spectrogram
from perfsynth.vocode.core import vocode
from tests.synth.modal_instrument import played

MUSIC = played((0.1, 0.6, 60, 80), (0.5, 0.8, 67, 60), (1.0, 0.4, 72, 100))


def heard(stream: AudioStream) -> np.ndarray:
    return np.concatenate(list(stream.blocks))


def noise(preset: str, length_s: float, seed: int = 0) -> np.ndarray:
    n_samples = round(length_s * PRESETS[preset].sample_rate)
    return np.random.default_rng(seed).normal(scale=0.1, size=(n_samples, 2)).astype(np.float32)


@pytest.mark.parametrize("name", PRESETS)
def test_a_source_takes_on_the_bands_of_another_sound(name: str) -> None:
    preset = PRESETS[name]
    values = spectrogram(noise(name, 1.0, seed=1).mean(axis=1) * np.float32(3.0), preset)
    n_bands = preset.n_bands
    tilted = values + np.linspace(0.5, -0.5, n_bands)[:, None] * (1 if preset.logarithm == "ln" else 1 / np.log(10))
    source = noise(name, 1.0)
    colour = Colour(rounds=2)
    made = np.concatenate(list(coloured([source], tilted, preset, colour=colour)))
    assert made.shape == ((values.shape[1] - 1) * preset.hop, 2)
    before = np.abs(spectrogram(source.mean(axis=1), preset) - tilted)[:, 3:-3]
    after = np.abs(spectrogram(made.mean(axis=1), preset)[:, : values.shape[1]] - tilted)[:, 3:-3]
    assert after.mean() < 0.5 * before.mean()


def test_the_piano_filtered_to_its_own_bands_is_the_piano() -> None:
    made = synthesize_spectrogram(MUSIC, model="modal", preset="perfsynth-44k")
    again, itself = (
        heard(vocode(made, model="source-filter")),
        heard(synthesize(MUSIC, engine="modal", sample_rate=44100)),
    )
    size = min(len(again), len(itself)) - 2048
    assert np.corrcoef(again[:size, 0], itself[:size, 0])[0, 1] > 0.99


def test_silence_is_silent_and_blocks_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    preset = PRESETS["deep-performer-16k"]
    values = spectrogram(noise(preset.name, 2.0, seed=2).mean(axis=1), preset)
    values[:, 40:60] = np.log(preset.floor)
    source = noise(preset.name, 2.0)
    whole = np.concatenate(list(coloured([source], values, preset, colour=Colour())))
    assert not whole[43 * preset.hop : 57 * preset.hop].any()
    monkeypatch.setattr(colouring, "BLOCK_BINS", 16 * 512)
    parts = np.concatenate(list(coloured(np.array_split(source, 7), values, preset, colour=Colour())))
    np.testing.assert_allclose(parts, whole, atol=1e-6)


def test_a_source_that_ends_early_is_followed_by_silence() -> None:
    preset = PRESETS["deep-performer-16k"]
    values = np.full((80, 100), -3.0, np.float32)
    made = np.concatenate(list(coloured([noise(preset.name, 0.5)], values, preset, colour=Colour())))
    assert len(made) == 99 * preset.hop
    assert made[: preset.sample_rate // 3].any()
    assert not made[preset.sample_rate :].any()


def test_frames_added_up_give_the_audio_that_they_are_of() -> None:
    transform = Transform.of(PRESETS["deep-performer-16k"])
    audio = noise("deep-performer-16k", 1.0)[:, 0]
    n_frames = len(audio) // transform.hop + 1
    spectrum = transform.forward(np.pad(audio, 512), n_frames)
    adder = Adder(transform, len(audio))
    parts = [adder.add(spectrum[start : start + 9], last=start + 9 >= n_frames) for start in range(0, n_frames, 9)]
    made = np.concatenate(parts)
    np.testing.assert_allclose(made[:-512], audio[: len(made) - 512], atol=1e-5)


def test_files_keep_the_performance_and_old_ones_do_without() -> None:
    made = synthesize_spectrogram(MUSIC, model="modal")
    back = formats.read_spectrogram(write_spectrogram(made))
    assert back.performance is not None
    np.testing.assert_array_equal(back.performance.notes["pitch"], MUSIC.notes["pitch"])
    np.testing.assert_allclose(back.performance.notes["onset_s"], MUSIC.notes["onset_s"], atol=2e-3)
    assert formats.read_spectrogram(write_spectrogram(replace(made, performance=None))).performance is None


def test_it_is_the_default_where_the_notes_are_known() -> None:
    made = synthesize_spectrogram(MUSIC, model="modal", preset="deep-performer-16k")
    assert vocode(made).history[-1].model == "source-filter"
    assert vocode(replace(made, performance=None)).history[-1].model == "griffin-lim"
    assert vocode(made, iterations=2).history[-1].model == "griffin-lim"
    with pytest.raises(InputError, match="griffin-lim"):
        vocode(replace(made, performance=None), model="source-filter")
    with pytest.raises(UsageError, match="theremin"):
        vocode(made, source="theremin")


def test_a_violin_is_bowed_and_a_piano_struck() -> None:
    made = measured(synthesize(MUSIC, engine="modal"), "deep-performer-16k")
    violin = replace(made, performance=MUSIC, history=(Made("synth-mel", "x", options={"instrument": "violin-a"}),))
    piano = Spectrogram(made.values, made.preset, MUSIC)
    bowed = heard(vocode(violin, model="source-filter"))
    np.testing.assert_array_equal(bowed, heard(vocode(piano, source="bowed")))
    assert np.abs(bowed - heard(vocode(piano))).max() > 1e-3


def test_deep_performer_sounds_by_it() -> None:
    assert "deep-performer" in registry.names("synth-audio")
    stream = synthesize(MUSIC, engine="deep-performer")
    assert stream.history[-1].options["vocoder"] == "source-filter"
    assert np.abs(heard(stream)).max() > 1e-3


@pytest.mark.parametrize("name", ["deep-performer-16k", "perfsynth-44k", "performancenet-44k"])
def test_noise_fills_what_no_source_reaches_to_the_level_wanted(name: str) -> None:
    preset = PRESETS[name]
    values = np.full((preset.n_bands, 120), -3.0, np.float32)
    silence = np.zeros((preset.sample_rate, 2), np.float32)
    made = np.concatenate(list(coloured([silence], values, preset, colour=Colour(noise=1.0), seed=1)))
    found = np.exp(spectrogram(made.mean(axis=1), preset)[5:-5, 20:100]).mean()
    assert np.log(found) == pytest.approx(-3.0, abs=0.2)


def test_a_pedal_changes_no_violin() -> None:
    pedalled = played((0.1, 0.4, 69, 80), (0.8, 0.5, 72, 80), controls=[(0.2, 64, 127, 0), (3.0, 64, 0, 0)])
    plain = replace(pedalled, controls=pedalled.controls[:0])
    made = [synthesize_spectrogram(each, model="deep-performer", instrument="violin") for each in (pedalled, plain)]
    np.testing.assert_array_equal(made[0].values, made[1].values)
    piped = heard(vocode(made[0]))
    np.testing.assert_array_equal(piped, heard(synthesize(pedalled, engine="violin")))
