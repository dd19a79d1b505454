"""``synth-mel`` and ``vocode`` keep the stream contract, and one pipes into the other."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from perfsynth import formats
from perfsynth.formats.midi_write import write_performance
from perfsynth.formats.spectrogram import write_spectrogram
from perfsynth.types import Spectrogram
from tests.cli.test_stream_contract import StreamContract
from tests.synth.modal_instrument import piano, played


@pytest.fixture(scope="module")
def midi() -> bytes:
    return write_performance(played((0.0, 0.4, 60, 90), (0.3, 0.3, 64, 70)))


class TestSynthMel(StreamContract):
    command: ClassVar[str] = "synth-mel"
    options: ClassVar[list[str]] = ["--preset", "deep-performer-16k"]
    suffix: ClassVar[str] = ".npz"

    @pytest.fixture
    def data(self, midi: bytes) -> bytes:
        return midi

    def test_the_result_says_how_it_was_made(self, data: bytes) -> None:
        made = formats.read_spectrogram(self.run("--seed", "7", input=data).stdout)
        assert made.history[-1].seed == 7
        assert made.history[-1].input_sha256 == hashlib.sha256(data).hexdigest()


class TestVocode(StreamContract):
    command: ClassVar[str] = "vocode"
    options: ClassVar[list[str]] = ["--iterations", "2"]
    suffix: ClassVar[str] = ".wav"

    @pytest.fixture
    def data(self) -> bytes:
        values = np.random.default_rng(0).normal(-6, 2, (80, 30)).astype(np.float32)
        return write_spectrogram(Spectrogram(values, "deep-performer-16k"))

    def test_not_a_number_gives_one_line(self) -> None:
        values = np.full((80, 30), np.nan, np.float32)
        self.source.write_bytes(write_spectrogram(Spectrogram(values, "deep-performer-16k")))
        assert "piece.in" in self.assert_one_line(self.run(self.source, "-o", self.target), 1)

    def test_a_trained_vocoder_wants_its_own_preset(self) -> None:
        values = np.zeros((128, 9), np.float32)
        self.source.write_bytes(write_spectrogram(Spectrogram(values, "perfsynth-44k")))
        line = [sys.executable, "-m", "perfsynth", "vocode", str(self.source), "--model", "hifigan"]
        ran = subprocess.run(line, capture_output=True, check=False)
        assert "deep-performer-16k" in self.assert_one_line(ran, 1)


def test_the_pipe_from_performance_to_sound(midi: bytes, tmp_path: Path) -> None:
    perfsynth = [sys.executable, "-m", "perfsynth"]
    mel = subprocess.run([*perfsynth, "synth-mel", "--piano", piano()], input=midi, capture_output=True, check=True)
    target = tmp_path / "out.wav"
    subprocess.run([*perfsynth, "vocode", "-o", str(target)], input=mel.stdout, check=True, capture_output=True)
    audio = formats.read_audio(target.read_bytes())
    assert audio.sample_rate == 44100
    assert [step.stage for step in audio.history][-3:] == ["synth-mel", "vocode", "loudness"]
    loud = np.abs(np.fft.rfft(audio.samples[:44100, 0]))
    assert abs(np.argmax(loud[200:400]) + 200 - 262) < 8
