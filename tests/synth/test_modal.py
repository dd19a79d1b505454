"""The modal piano: an instrument made here is analysed, kept and played."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perfsynth.errors import InputError
from perfsynth.synth.modal import engine, model
from perfsynth.synth.modal.grid import RATE
from perfsynth.synth.samples import SampleSet
from perfsynth.synth.voicing import velocity_db
from perfsynth.types import SUSTAIN
from tests.synth.modal_instrument import piano, played, rms, sample_set, sound


@pytest.fixture(scope="module")
def samples() -> SampleSet:
    return sample_set()


@pytest.fixture(scope="module")
def folder() -> Path:
    return Path(piano())


def test_a_note_comes_back_as_it_was_recorded(samples: SampleSet, folder: Path) -> None:
    gain = engine.HEADROOM
    audio = sound(engine.stream(played((0.0, 2.5, 60, 127)), piano=str(folder)))[: 2 * RATE]
    recorded = samples.note(0, 1)[: 2 * RATE] * gain
    scale = float((audio * recorded).sum() / (recorded**2).sum())
    assert scale == pytest.approx(1.0, abs=0.15)  # levels of the two keys are evened out
    assert rms(audio - scale * recorded) < 0.1 * rms(recorded)  # the noise is another one


@pytest.mark.parametrize("key", [36, 60, 84])
def test_the_attack_ends_without_a_click(key: int) -> None:
    """No band of a note of the piano that ships bulges more where its recorded attack fades out than after."""
    audio = sound(engine.stream(played((0.0, 2.5, key, 100)), resonance=0.0)).mean(axis=1)
    frames = np.lib.stride_tricks.sliding_window_view(audio, 512)[::128] * np.hanning(512)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    bands = [slice(20, 40), slice(40, 80), slice(80, 160), slice(160, 256)]
    end = round(model.ATTACK_S * RATE / 128)
    for band in bands:
        bulge = -np.diff(np.log(power[:, band].mean(axis=1) + 1e-12), 2)  # a click adds power; beats take it away
        assert bulge[end - 60 : end + 20].max() < 1.5 * bulge[end + 20 : end + 250].max() + 0.3


def test_a_fade_that_ends_at_once_would_be_a_click(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "ATTACK_S", 10.0)  # the noise does not come in when the attack goes out
    engine.piano_of.cache_clear()
    with pytest.raises(AssertionError):
        test_the_attack_ends_without_a_click(60)


def test_recorded_attacks_come_in_from_nothing(folder: Path) -> None:
    """What a codec puts before the onset would be a click."""
    attacks = model.load(folder).attacks
    assert attacks is not None
    assert not attacks[:, :, 0].any()
    assert attacks[:, :, model.RISE :].any()


def test_chunks_of_any_length_are_the_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    performance = played((0.0, 0.4, 60, 90), (0.31, 1.2, 72, 60), (1.4, 0.5, 60, 30))
    whole = sound(engine.stream(performance, piano=str(folder), seed=3))
    monkeypatch.setattr(engine, "CHUNK", 128 * 37)
    monkeypatch.setattr(engine.Player, "_white", lambda self, start, n: _white(start, n))
    small = sound(engine.stream(performance, piano=str(folder), seed=3))
    monkeypatch.setattr(engine, "CHUNK", RATE)
    again = sound(engine.stream(performance, piano=str(folder), seed=3))
    assert len(whole) == len(small) == len(again)
    assert np.abs(small - again).max() < 1e-6


def _white(start: int, n_samples: int) -> np.ndarray:
    """Noise that depends on the sample alone."""
    at = np.arange(start, start + n_samples, dtype=np.int64)[:, None] * 2 + np.arange(2)
    return np.sin(at * 12.9898) * 43758.5453 % 1 - 0.5


def test_same_seed_same_bytes_other_seed_other_noise(folder: Path) -> None:
    one, same, other = (sound(engine.stream(played((0.0, 1.0, 60, 90)), piano=str(folder), seed=s)) for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("variant", ["E2", "A"])
def test_louder_velocities_sound_louder(folder: Path, variant: engine.Variant) -> None:
    levels = [
        rms(sound(engine.stream(played((0.0, 0.5, 60, v)), piano=str(folder), variant=variant))[: RATE // 2])
        for v in range(1, 128, 9)
    ]
    assert 20 * np.log10(levels) - 20 * np.log10(levels[-1]) == pytest.approx(
        velocity_db(np.arange(1, 128, 9)), abs=0.2
    )
    steps = np.diff(20 * np.log10(levels))
    assert (steps > 0).all()
    assert 20 * np.log10(levels[-1] / levels[0]) == pytest.approx(26, abs=2)


def test_a_released_key_is_damped_and_the_pedal_holds_it(folder: Path) -> None:
    dry = sound(engine.stream(played((0.0, 0.5, 60, 90)), piano=str(folder)))
    pedal = [(0.0, SUSTAIN, 127, 0), (2.0, SUSTAIN, 0, 0)]
    held = sound(engine.stream(played((0.0, 0.5, 60, 90), controls=pedal), piano=str(folder)))
    at = slice(round(1.2 * RATE), round(1.6 * RATE))
    assert rms(held[at]) > 30 * rms(dry[at])


@pytest.mark.parametrize("key", [28, 64])
def test_a_string_that_nothing_damps_dies_away_and_there_the_sound_ends(key: int) -> None:
    pedal = [(0.0, SUSTAIN, 127, 0)]
    audio = sound(engine.stream(played((0.0, 1.0, key, 90), controls=pedal), resonance=0.0))
    levels = [rms(audio[t * RATE : (t + 2) * RATE]) for t in range(10, len(audio) // RATE - 2, 4)]
    assert len(audio) > 24 * RATE
    assert (np.diff(20 * np.log10(levels)) < -2.0).all()
    peak, end = np.abs(audio).max(), np.abs(audio[-RATE // 5 :])
    assert 20 * np.log10(end.max() / peak) < -70
    assert end[-10:].max() < 1e-6 * peak


def test_strings_without_dampers_ring_on_after_the_last_key_came_up() -> None:
    audio = sound(engine.stream(played(*((0.0, 0.1, key, 110) for key in (48, 52, 55, 60, 64, 67, 72)))))
    assert len(audio) > 1.3 * RATE
    assert np.abs(audio[-10:]).max() < 1e-8


def test_nothing_played_is_no_sound() -> None:
    assert not sum(len(block) for block in engine.stream(played()).blocks)


def test_silence_is_silent(folder: Path) -> None:
    audio = sound(engine.stream(played((5.0, 0.2, 60, 90)), piano=str(folder)))
    assert np.abs(audio[: 4 * RATE]).max() == 0.0


def test_a_saved_piano_is_the_quantised_one(samples: SampleSet, folder: Path) -> None:
    read = model.load(folder)
    again = model.quantised(read)
    for name in ("hz", "phase", "envelope", "layer_gain", "layer_phase", "noise", "noise_gain"):
        assert np.array_equal(getattr(read, name), getattr(again, name)), name
    assert read.keys.tolist() == samples.keys.tolist()
    assert len({path.stat().st_mode for path in folder.iterdir()}) == 1


def test_no_piano_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no modal piano"):
        model.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"OggS but no more"])
def test_a_broken_piano_is_refused(folder: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(InputError, match=r"attacks\.ogg: cannot be decoded"):
        model.load(tmp_path)
    (tmp_path / "attacks.ogg").write_bytes(content)
    with pytest.raises(InputError, match=r"attacks\.ogg: cannot be decoded"):
        model.load(tmp_path)
    (tmp_path / "attacks.ogg").write_bytes((folder / "releases.ogg").read_bytes())
    with pytest.raises(InputError, match=r"attacks\.ogg: \d+ samples, too few"):
        model.load(tmp_path)


def test_the_piano_that_ships_plays() -> None:
    audio = sound(engine.stream(played((0.0, 1.0, 60, 80), (0.5, 1.0, 97, 60), (0.5, 1.0, 28, 60))))
    assert np.isfinite(audio).all()
    assert 0.005 < np.abs(audio).max() < 1.0
    spectrum = np.abs(np.fft.rfft(audio[: RATE // 2, 0] * np.hanning(RATE // 2)))
    partial = spectrum.argmax() * 2 / 261.6  # of middle C, alone in the first half second
    assert partial == pytest.approx(round(partial), abs=0.03)
