"""The sounds of a test: found, checked, cut and brought to one loudness."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from perfsynth.dsp.loudness import LoudnessMeter
from perfsynth.errors import InputError
from perfsynth.evaluate.listening.samples import Cut, Sample, collect, common_loudness, low_pass, sound
from perfsynth.types import Audio
from tests.evaluate.listening.conftest import RATE, tone


def loudness_of(audio: Audio) -> tuple[float, float]:
    meter = LoudnessMeter(audio.sample_rate, audio.samples.shape[1])
    meter.push(audio.samples)
    return meter.integrated_lufs(), 20 * np.log10(meter.true_peak())


def test_every_sound_has_the_same_loudness_whatever_its_level_and_channels(systems: dict[str, Path]) -> None:
    samples = collect(list(systems.values()))
    spread = [sample.loudness_lufs for sample in samples]
    assert max(spread) - min(spread) > 6
    target = common_loudness(samples)
    assert target == -23.0
    for sample in samples:
        heard = sound(sample, target, Cut())
        assert heard.sample_rate == 44100
        assert heard.history == ()  # nothing in the file tells which system it is
        assert loudness_of(heard)[0] == pytest.approx(target, abs=0.05)


def test_one_sound_with_high_peaks_lowers_all(systems: dict[str, Path]) -> None:
    click = tone(1.2, level=0.005)
    click[100] = 0.9
    soundfile.write(systems["model"] / "bach.wav", click, RATE)
    samples = collect(list(systems.values()))
    target = common_loudness(samples)
    assert target < -30
    heard = [loudness_of(sound(sample, target, Cut())) for sample in samples]
    assert {round(loudness, 1) for loudness, _ in heard} == {round(target, 1)}
    assert max(peak for _, peak in heard) == pytest.approx(-1.0, abs=0.05)


def test_order_and_roles(systems: dict[str, Path]) -> None:
    folders = [systems["deadpan"], systems["human"], systems["model"]]
    samples = collect(folders, reference=systems["human"], anchors_hz=[3500, 7000])
    assert [(s.piece, s.system, s.role) for s in samples[:5]] == [
        ("bach", "human", "reference"), ("bach", "deadpan", "system"), ("bach", "model", "system"),
        ("bach", "anchor-3500", "anchor"), ("bach", "anchor-7000", "anchor"),
    ]  # fmt: skip
    assert len(samples) == 10


def test_everything_that_is_wrong_is_named_at_once(systems: dict[str, Path]) -> None:
    (systems["deadpan"] / "mozart.wav").unlink()
    (systems["model"] / "bach.wav").write_bytes(b"RIFF nonsense")
    soundfile.write(systems["human"] / "bach.wav", np.zeros(RATE), RATE)
    soundfile.write(systems["human"] / "mozart.wav", tone(0.3), RATE)
    with pytest.raises(InputError) as refused:
        collect(list(systems.values()))
    message = str(refused.value)
    for part in (
        "deadpan: no file for mozart", "model/bach.wav: broken audio file", "human/bach.wav: silent",
        "human/mozart.wav: lasts 0.30 s; at least 0.5 s",
    ):  # fmt: skip
        assert part in message


def test_clipped_files_and_rates_are_warned_of(systems: dict[str, Path], caplog: pytest.LogCaptureFixture) -> None:
    soundfile.write(systems["model"] / "bach.wav", np.clip(tone(1.2, level=2.0), -1, 1), RATE)
    soundfile.write(systems["deadpan"] / "bach.wav", tone(1.2), 16000)
    collect(list(systems.values()))
    assert "model/bach.wav: clipped in" in caplog.text
    assert "deadpan/bach.wav: 16000 Hz, others are not; it is resampled to 44100 Hz" in caplog.text
    assert "human/bach.wav: clipped" not in caplog.text


def test_folders_that_make_no_test(systems: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no audio files"):
        collect([tmp_path / "empty"])
    with pytest.raises(InputError, match="not a folder"):
        collect([tmp_path / "none"])
    with pytest.raises(InputError, match="two systems are called 'human'"):
        collect([systems["human"], systems["human"]])
    soundfile.write(systems["human"] / "bach.flac", tone(1.0), RATE)
    with pytest.raises(InputError, match=r"bach\.wav: plays the same piece as bach\.flac"):
        collect([systems["human"]])


def test_four_channels_are_refused(systems: dict[str, Path]) -> None:
    soundfile.write(systems["human"] / "bach.wav", tone(1.0, n_channels=4), RATE)
    with pytest.raises(InputError, match=r"bach\.wav: 4 channels"):
        collect([systems["human"]])


def test_long_sounds_are_cut_and_faded(systems: dict[str, Path]) -> None:
    cut = Cut(sample_rate=44100, length_s=0.7)
    samples = collect(list(systems.values()), cut=cut)
    assert {round(sample.duration_s, 3) for sample in samples} == {0.7}
    heard = sound(samples[0], -23.0, cut)
    assert abs(heard.samples[-1]).max() < 0.01 * abs(heard.samples).max()


def test_a_file_that_changes_on_the_way_is_noticed(systems: dict[str, Path]) -> None:
    sample: Sample = collect([systems["human"]])[0]
    soundfile.write(sample.path, tone(1.2, hertz=300), RATE)
    with pytest.raises(InputError, match="changed while the test was made"):
        sound(sample, -23.0, Cut())


def test_the_anchor_is_the_one_of_the_recommendation() -> None:
    """ITU-R BS.1534-3, 5.1: flat to 0.1 dB up to 3.5 kHz, 25 dB down at 4 kHz, 50 dB down at 4.5 kHz; no delay."""
    impulse = np.zeros((44100, 2), np.float32)
    impulse[22050] = 1.0
    answer = low_pass(impulse, 3500.0, 44100)
    assert answer.dtype == np.float32
    assert np.abs(answer[:, 1]).argmax() == 22050
    level = 20 * np.log10(np.abs(np.fft.rfft(answer[:, 0])) + 1e-12)  # one bin a hertz
    assert np.abs(level[:3501]).max() < 0.1
    assert level[4000:].max() < -50
    with pytest.raises(InputError, match="must lie below"):
        low_pass(impulse, 21900.0, 44100)
