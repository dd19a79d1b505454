"""Samples of all kinds: named by a TOML, few, short, at odd rates, silent or clipped: a piano or one clear line."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from perfsynth.errors import InputError
from perfsynth.synth.modal import engine, fitting, mapping, model
from perfsynth.synth.samples import load_samples
from tests.synth.modal_instrument import note, partials, played, rms, sound


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def recorded(path: Path, key: int = 60, amplitude: float = 0.2, rate: int = 48000, seconds: float = 1.5) -> None:
    """A note as a file; at another rate it is the same note."""
    import soxr

    audio = note(key, amplitude, noise=0.003)[: round(seconds * 48000)]
    audio = np.concatenate([np.zeros((2000, 2), np.float32), audio])
    soundfile.write(path, soxr.resample(audio, 48000, rate), rate)


def fitted(folder: Path, out: Path) -> Path:
    model.save(fitting.fit(load_samples(folder)), out)
    return out


def pitch(folder: Path, key: int) -> float:
    """Hz of the strongest partial of a note."""
    audio = sound(engine.stream(played((0.0, 1.0, key, 100)), piano=str(folder), resonance=0.0))[4800:33600, 0]
    return float(np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 2**18)).argmax() * 48000 / 2**18)


@pytest.mark.parametrize(("soft", "loud"), [(40, 110), (10, 30)])
def test_a_toml_tells_keys_and_velocities(soft: int, loud: int, tmp_path: Path) -> None:
    source = tmp_path / "takes"
    source.mkdir()
    recorded(source / "soft.wav", amplitude=0.05)
    recorded(source / "C4v7.flac", amplitude=0.3)  # what the name says does not count
    recorded(source / "up.wav", amplitude=0.01, seconds=0.2)
    toml = tmp_path / "piano.toml"
    toml.write_text(
        f'folder = "takes"\n[[sample]]\nfile = "soft.wav"\nkey = 60\nvelocity = {soft}\n'
        f'[[sample]]\nfile = "C4v7.flac"\nkey = 60\nvelocity = {loud}\n[[release]]\nfile = "up.wav"\nkey = 60\n'
    )
    links = tmp_path / "links"
    links.mkdir()
    mapping.link(toml, links)
    samples = load_samples(links, velocities=True)
    assert samples.keys.tolist() == [60]
    assert samples.layer_velocity.tolist() == [soft, loud]
    assert samples.level[0, 1] > 4 * samples.level[0, 0]
    assert samples.release_keys.tolist() == [60]


def test_the_command_takes_a_toml(tmp_path: Path) -> None:
    recorded(tmp_path / "take.wav")
    toml = tmp_path / "piano.toml"
    toml.write_text('[[sample]]\nfile = "take.wav"\nkey = 60\nvelocity = 20\n')
    command = [sys.executable, "-m", "perfsynth", "fit-piano", str(toml), "-o", str(tmp_path / "piano")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout) == (0, "")
    assert ran.stderr.endswith(" MB\n")
    assert model.load(tmp_path / "piano").layer_velocity.tolist() == [20]
    again = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert again.returncode == 1
    assert "holds a piano already; --force overwrites it" in again.stderr
    assert pitch(tmp_path / "piano", 60) == pytest.approx(partials(60)[0], rel=1e-3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not a toml", "piano.toml: no TOML"),
        ("", r"piano.toml: no \[\[sample\]\]"),
        ("[[samples]]\nkey = 1", "unknown 'samples'"),
        ('[[sample]]\nfile = "take.wav"\nkey = 60', "sample 1: it needs file, key, velocity"),
        ('[[sample]]\nfile = "no.wav"\nkey = 60\nvelocity = 9', "no.wav is no .* file that is there"),
        ('[[sample]]\nfile = "take.wav"\nkey = 12\nvelocity = 9', "key 12: a whole number from 21 to 108"),
        ('[[sample]]\nfile = "take.wav"\nkey = 60\nvelocity = 0.5', "velocity 0.5: a whole number from 1 to 127"),
        ('[[sample]]\nfile = "take.wav"\nkey = 60\nvelocity = 9\n' * 2, "sample 2: key 60 at velocity 9 is there"),
        ("sample = 3", r"no \[\[sample\]\]"),
        ("sample = [3]", "sample 1: it needs file, key, velocity"),
    ],
)
def test_a_toml_that_makes_no_sense_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "take.wav").touch()
    (tmp_path / "links").mkdir()
    toml = tmp_path / "piano.toml"
    toml.write_text(text)
    with pytest.raises(InputError, match=message):
        mapping.link(toml, tmp_path / "links")


@pytest.mark.parametrize("rate", [22050, 44100, 96000])
def test_other_rates_are_the_same_piano(tmp_path: Path, rate: int) -> None:
    recorded(tmp_path / "C4v1.wav", rate=rate)
    piano = fitted(tmp_path, tmp_path / "piano")
    assert pitch(piano, 60) == pytest.approx(partials(60)[0], rel=1e-3)
    assert pitch(piano, 61) == pytest.approx(partials(60)[0] * 2 ** (1 / 12), rel=1e-3)


def test_a_single_short_sample_is_a_piano(tmp_path: Path) -> None:
    recorded(tmp_path / "A4v1.wav", key=72, seconds=0.1)
    piano = fitted(tmp_path, tmp_path / "piano")
    for variant in engine.VARIANTS:
        audio = sound(engine.stream(played((0.0, 1.0, 30, 1), (0.0, 1.0, 108, 127)), piano=str(piano), variant=variant))  # type: ignore[arg-type]
        assert np.isfinite(audio).all()
        assert rms(audio) > 0


def test_mixed_missing_silent_and_clipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorded(tmp_path / "C4v1.wav", amplitude=0.05)
    recorded(tmp_path / "C4v2.wav", amplitude=0.3, rate=44100)
    recorded(tmp_path / "C5v2.wav", key=72, amplitude=3.0)  # clipped by the file
    soundfile.write(tmp_path / "C6v1.wav", np.zeros((48000, 2)), 48000)
    with caplog.at_level(logging.WARNING, "perfsynth"):
        piano = fitted(tmp_path, tmp_path / "piano")
    assert "C6v1.wav: silent, left out" in caplog.text
    read = model.load(piano)
    assert read.keys.tolist() == [60, 72]
    assert pitch(piano, 60) == pytest.approx(partials(60)[0], rel=1e-3)
    audio = sound(engine.stream(played((0.0, 1.0, 72, 127), (0.0, 1.0, 60, 40)), piano=str(piano)))
    assert np.isfinite(audio).all()


def test_noise_alone_is_a_piano_of_noise(tmp_path: Path) -> None:
    hiss = np.random.default_rng(2).normal(size=(72000, 2)) * 0.1 * np.exp(-np.arange(72000) / 24000)[:, None]
    soundfile.write(tmp_path / "60_100.wav", hiss, 48000)
    audio = sound(engine.stream(played((0.0, 1.0, 60, 100)), piano=str(fitted(tmp_path, tmp_path / "piano"))))
    assert np.isfinite(audio).all()
    assert rms(audio) > 1e-3
