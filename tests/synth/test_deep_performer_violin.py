"""The violin: bands sounded by a bowed string, and which network plays it."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from perfsynth import registry
from perfsynth.dsp.colouring import bend, coloured
from perfsynth.dsp.mel import filterbank, spectrogram
from perfsynth.errors import MissingError, UsageError
from perfsynth.known import number_of
from perfsynth.synth import core, deep_performer
from perfsynth.synth.bowed import colour, string, strings
from perfsynth.synth.core import synthesize
from perfsynth.synth.deep_performer import PRESET
from perfsynth.synth.deep_performer_network import Config, DeepPerformer
from perfsynth.synth.octaves import moved
from perfsynth.synth.roll import sounding
from perfsynth.train.checkpoint import to_toml
from perfsynth.types import CONTROL, SUSTAIN
from tests.synth.modal_instrument import played, sound

RATE, HOP = PRESET.sample_rate, PRESET.hop
FLOOR = float(np.log(PRESET.floor))
TABLE = sounding(played((0.2, 1.0, 69, 80), (1.3, 1.0, 76, 80)))


def made(values: np.ndarray, a4: float = 440.0, seed: int = 0) -> np.ndarray:
    source = strings(TABLE, rate=RATE, a4=a4, seed=seed)
    return np.concatenate(list(coloured(source, values, PRESET, colour=colour(PRESET), seed=seed)))


@pytest.mark.parametrize("n_frames", [40, 512, 542])
def test_it_is_as_long_as_its_bands_and_silent_where_they_are(n_frames: int) -> None:
    values = np.full((PRESET.n_bands, n_frames), -4.0, np.float32)
    values[:, :12] = FLOOR
    samples = made(values)
    assert samples.shape == ((n_frames - 1) * HOP, 2)
    assert np.abs(samples[: 10 * HOP]).max() == 0
    assert np.abs(samples[14 * HOP : 20 * HOP]).max() > 1e-3


def test_its_bands_are_those_wanted() -> None:
    rng = np.random.default_rng(0)
    wanted = np.log(filterbank(PRESET) @ np.full((513, 1), 0.5)) + rng.normal(scale=0.5, size=(PRESET.n_bands, 1))
    values = np.repeat(wanted, 120, axis=1).astype(np.float32)
    found = spectrogram(made(values).mean(axis=1), PRESET)[:, 30:70].mean(axis=1)
    assert np.abs(found - wanted[:, 0])[5:].mean() < 0.6
    assert np.corrcoef(found[5:], wanted[5:, 0])[0, 1] > 0.8


def test_what_its_room_leaves_is_no_louder_than_its_bands() -> None:
    samples = made(np.full((PRESET.n_bands, 200), -3.0, np.float32))
    note, room = (np.square(samples[round(a * RATE) : round(b * RATE)]) for a, b in ((1.5, 2.2), (2.6, 3.1)))
    assert 10 * np.log10(room.mean() / note.mean()) < 1.0


def test_its_pitch_is_that_of_the_notes() -> None:
    values = np.full((PRESET.n_bands, 150), -3.0, np.float32)
    for a4 in (440.0, 415.0):
        samples = made(values, a4=a4).mean(axis=1)
        for begin_s, hz in ((0.5, a4), (1.6, a4 * 2 ** (7 / 12))):
            part = samples[round(begin_s * RATE) :][:8000] * np.hanning(8000)
            low, high = int(hz * 0.8 / 2), int(hz * 1.25 / 2)
            assert (low + np.abs(np.fft.rfft(part))[low:high].argmax()) * 2 == pytest.approx(hz, rel=0.015)


def test_seeds_repeat() -> None:
    values = np.full((PRESET.n_bands, 60), -4.0, np.float32)
    assert np.array_equal(made(values, seed=3), made(values, seed=3))
    assert not np.array_equal(made(values, seed=3), made(values, seed=4))


def test_noise_alone_where_nothing_is_bowed() -> None:
    wanted = np.full((20, PRESET.n_bands), np.exp(-3.0))
    noise = np.random.default_rng(0).normal(size=(20, 2, 513, 2)) @ np.array([1, 1j])
    spectrum = bend(np.zeros((20, 2, 513), complex), wanted, PRESET, replace(colour(PRESET), noise=1.0), noise)
    bands = np.abs(spectrum.mean(axis=1)) @ filterbank(PRESET).T
    assert np.log(bands.mean(axis=0))[5:].mean() == pytest.approx(-3.0, abs=0.3)


def test_a_short_note_has_no_vibrato_and_a_long_one_does() -> None:
    rng = np.random.default_rng(0)
    note = TABLE[:1].copy()
    note["end_s"] = note["begin_s"] + 1.2
    long = string(note[0], RATE, 440.0, rng)
    crossings = np.flatnonzero((long[:-1] < 0) & (long[1:] >= 0)) / RATE
    hz = 1 / np.diff(crossings)
    steady, moved = (hz[(crossings[1:] > a) & (crossings[1:] < b)] for a, b in ((0.04, 0.18), (0.6, 1.2)))
    smooth = np.convolve(moved, np.ones(9) / 9, "valid")
    assert np.ptp(smooth) > 1.5 * np.ptp(np.convolve(steady, np.ones(9) / 9, "valid"))


@pytest.fixture
def weights(tmp_path: Path) -> str:
    from safetensors.torch import save_file

    torch.manual_seed(0)
    sizes = {"width": 16, "encoder_layers": 1, "decoder_layers": 1, "inner": 32, "kernel": 3}
    network = DeepPerformer(Config(**sizes, instruments=("violin-a", "violin-b")))  # type: ignore[arg-type]
    save_file(
        {name: value.contiguous() for name, value in network.state_dict().items()}, tmp_path / "model.safetensors"
    )
    (tmp_path / "config.toml").write_text(to_toml({"system": "deep-performer", "model": asdict(network.config)}))
    return str(tmp_path)


def test_an_instrument_that_is_an_engine_chooses_it(weights: str) -> None:
    assert registry.choose("auto", "synth-audio", {"instrument": "violin"})[0].name == "violin"
    assert registry.choose("auto", "synth-audio", {"instrument": "violin-b"})[0].name == "violin"
    assert registry.choose("auto", "synth-audio", {"instrument": "fluidr3"})[0].name == "neural"
    assert registry.choose("auto", "synth-audio", {})[0].name == registry.names("synth-audio")[0]


def test_a_violin_has_no_pedal(weights: str) -> None:
    plain = played((0.0, 0.3, 69, 80), (1.0, 0.3, 72, 80))
    pedalled = replace(plain, controls=np.array([(0.1, SUSTAIN, 127, 0), (1.5, SUSTAIN, 0, 0)], CONTROL))
    heard = [sound(synthesize(p, engine="violin", instrument="violin-b", weights=weights)) for p in (plain, pedalled)]
    assert np.array_equal(heard[0], heard[1])
    assert heard[0].shape[1] == 2
    with pytest.raises(UsageError, match="viola"):
        synthesize(plain, engine="violin", instrument="viola", weights=weights)


def test_an_engine_that_computes_finds_its_device_and_others_look_for_none(
    weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    music = played((0.0, 0.3, 69, 80))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    heard = [sound(synthesize(music, engine="violin", weights=weights, device=device)) for device in ("auto", "cpu")]
    assert np.array_equal(*heard)
    with pytest.raises(UsageError, match="cpu, cuda, cuda:N or auto"):
        synthesize(music, engine="violin", weights=weights, device="tpu")
    with pytest.raises(MissingError, match="finds no CUDA"):
        synthesize(music, engine="violin", weights=weights, device="cuda")
    monkeypatch.setattr(core, "checked", lambda device: pytest.fail("it looked for one"))
    synthesize(music, engine="modal", device="auto")


@pytest.mark.parametrize("instrument", ["salamander", "violinist", "fluidr3"])
def test_what_is_no_violin_is_not_bowed(instrument: str) -> None:
    with pytest.raises(UsageError, match=f"'{instrument}': this engine bows a violin alone"):
        synthesize(played((0.0, 0.3, 69, 80)), engine="violin", instrument=instrument)


@pytest.mark.parametrize("a4", [0.0, float("nan"), -440.0, 1e9])
def test_what_no_violin_is_tuned_to_is_refused(a4: float, weights: str) -> None:
    with pytest.raises(UsageError, match="the A lies between 380 and 480 Hz"):
        synthesize(played((0.0, 0.3, 69, 80)), engine="violin", weights=weights, a4=a4)


def test_a_violin_dies_away_in_its_room_until_the_next_note_and_ends_in_silence(weights: str) -> None:
    music = played((0.0, 0.005, 69, 80), (0.8, 0.3, 72, 80))
    values = deep_performer.predict(music, instrument="violin-b", weights=weights).values
    for first, n_frames in ((5, 45), (75, 60)):  # up to the last frame before the second note
        part = values[:, first : first + n_frames]
        fall = np.log(1000) * HOP / RATE / 0.9
        assert (np.diff(part, axis=1) < np.where(part[:, 1:] > FLOOR, -0.99 * fall, 1e-6)).all()
    heard = sound(synthesize(music, engine="violin", instrument="violin-b", weights=weights))
    assert np.abs(heard[-20:]).max() < 1e-3 * np.abs(heard).max()


def test_instruments_are_found_by_their_names_or_how_they_begin() -> None:
    names = ("salamander", "violin-a", "violin-b", "violin")
    assert [number_of(names, name) for name in (None, "violin", "violin-b", "violin-a")] == [0, 3, 2, 1]
    assert number_of(names[:3], "violin") == 1


def test_weights_that_know_fewer_instruments_can_be_gone_on_with() -> None:
    sizes = {"width": 16, "encoder_layers": 1, "decoder_layers": 1, "inner": 32, "kernel": 3}
    two, three = (
        DeepPerformer(Config(**sizes, instruments=names))  # type: ignore[arg-type]
        for names in (("a", "b"), ("c", "d", "e"))
    )
    given = {name: value.clone() for name, value in two.state_dict().items()}
    three.load_state_dict(given)
    assert two.instrument is not None
    assert three.instrument is not None
    assert torch.equal(three.instrument.weight[:2], two.instrument.weight)
    assert torch.equal(three.instrument.weight[2], two.instrument.weight[0])
    assert torch.equal(three.out.weight, two.out.weight)


@pytest.mark.parametrize("key", [50, 90, 98])
def test_keys_beyond_those_learnt_sound_at_their_pitch(key: int, caplog: pytest.LogCaptureFixture) -> None:
    heard = sound(synthesize(played((0.0, 0.8, key, 90)), instrument="violin")).mean(axis=1)
    assert "1 notes lie outside the keys 55..85" in caplog.text
    power = np.square(np.abs(np.fft.rfft(heard[1600:12000] * np.hanning(10400))))
    hz, own_hz = np.fft.rfftfreq(10400, 1 / RATE), 440.0 * 2 ** ((key - 69) / 12)
    partial_hz = np.maximum(np.round(hz / own_hz), 1) * own_hz
    own = np.abs(hz - partial_hz) < np.minimum(0.04 * partial_hz, 0.25 * own_hz)
    assert power[own].sum() > 0.7 * power.sum()


@pytest.mark.parametrize("a4", [392.0, 415.0, 466.0])
def test_at_another_concert_pitch_the_sound_is_still_made_of_its_partials(a4: float) -> None:
    shares = []
    for pitch_hz in (440.0, a4):
        heard = sound(synthesize(played((0.0, 0.8, 60, 80)), instrument="violin", a4=pitch_hz)).mean(axis=1)
        power = np.square(np.abs(np.fft.rfft(heard[3200:11200] * np.hanning(8000))))
        own_hz = pitch_hz * 2 ** (-9 / 12)
        away = np.abs(np.fft.rfftfreq(8000, 1 / RATE) / own_hz % 1 - 0.5)
        shares.append(power[away > 0.3].sum() / power[away < 0.3].sum())
    assert shares[1] > 0.1 * shares[0]


def test_keys_that_were_learnt_sound_as_they_do_without_those_that_were_not() -> None:
    low, both = played((0.0, 0.5, 76, 90)), played((0.0, 0.5, 76, 90), (1.0, 0.5, 90, 90))
    alone, beside = (deep_performer.predict(music, instrument="violin").values[:, :40] for music in (low, both))
    assert np.array_equal(alone, beside)


@pytest.mark.parametrize(("hz", "octaves"), [(700.0, 1), (450.0, 2), (2000.0, -1)])
def test_bands_are_moved_by_octaves(hz: float, octaves: int) -> None:
    t = np.arange(RATE) / RATE
    here, there = (
        spectrogram(0.1 * np.sin(2 * np.pi * f * t).astype(np.float32), PRESET)[:, 20:40] for f in (hz, hz * 2**octaves)
    )
    found = moved(here, octaves, PRESET)
    assert np.array_equal(found.argmax(axis=0), there.argmax(axis=0))
    assert np.abs(found.max(axis=0) - there.max(axis=0)).max() < 0.5
    assert (moved(np.full((PRESET.n_bands, 3), FLOOR, np.float32), octaves, PRESET) == np.float32(FLOOR)).all()


def test_the_violins_that_ship_sound_each_their_own_way() -> None:
    music = played((0.1, 0.5, 69, 80), (0.7, 0.8, 74, 90))
    heard = [sound(synthesize(music, instrument=name)) for name in ("violin", "violin-john-garner", "violin-minji-kim")]
    assert np.array_equal(heard[0], heard[1])
    assert np.abs(heard[0]).max() > 1e-3
    assert np.isfinite(heard[2]).all()
    assert np.abs(heard[2] - heard[0]).max() > 1e-3
