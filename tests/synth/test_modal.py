"""The modal piano: an instrument made here, of which everything is known, is analysed and played."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perfsynth.errors import InputError
from perfsynth.synth.modal import engine, fitting, model
from perfsynth.synth.modal.envelopes import analyse, refined
from perfsynth.synth.modal.grid import ONSET, RATE
from perfsynth.synth.modal.tracking import track
from perfsynth.synth.samples import SampleSet
from perfsynth.types import CONTROL, PERFORMED_NOTE, SUSTAIN, AudioStream, Performance

F0, B = {60: 261.9, 72: 523.6}, 4e-4
DECAY = 1.5  # nepers a second of the first partial
LAYERS = (0.05, 0.25)  # amplitudes
LENGTH_S = 3.0


def partials(key: int) -> np.ndarray:
    k = np.arange(1, 9)
    return k * F0[key] * np.sqrt(1 + B * k * k)


def note(key: int, amplitude: float, *, noise: float = 0.0) -> np.ndarray:
    """A struck string: partials 1/k, each decaying faster, starting within 1 ms; half as loud on the right."""
    n = round(LENGTH_S * RATE)
    t = np.arange(n) / RATE
    wave = np.zeros(n)
    for k, hz in enumerate(partials(key), 1):
        wave += amplitude / k * np.exp(-DECAY * np.sqrt(k) * t) * np.cos(2 * np.pi * hz * t + k)
    since = np.arange(n) - ONSET
    wave *= np.where(since < 0, 0.0, np.where(since < 48, 0.5 - 0.5 * np.cos(np.pi * since / 48), 1.0))
    hiss = np.random.default_rng(key).normal(size=(n, 2)) * noise * amplitude * np.exp(-4 * t)[:, None]
    return (np.stack([wave, 0.5 * wave], axis=1) + hiss * (since >= 0)[:, None]).astype(np.float32)


@pytest.fixture(scope="module")
def samples() -> SampleSet:
    """Two keys in two layers, and one noise of a key coming up."""
    recordings = [note(key, amplitude, noise=0.003) for key in F0 for amplitude in LAYERS]
    click = np.random.default_rng(5).normal(size=(4800, 2)) * np.exp(-np.arange(4800) / 900)[:, None] * 0.1
    pieces = [*recordings, click]
    pcm = np.concatenate([np.rint(piece * 32767).astype(np.int16) for piece in pieces])
    n = len(recordings[0])
    level = np.array([np.sqrt((r[: RATE // 2] ** 2).mean()) for r in recordings]).reshape(2, 2)
    return SampleSet(
        pcm=pcm, sample_rate=RATE, keys=np.array(list(F0)), layer_velocity=np.array([40.0, 127.0]),
        start=np.arange(4).reshape(2, 2) * n, length=np.full((2, 2), n), scale=np.full((2, 2), 1 / 32767), level=level,
        likeness=np.ones((2, 1)), release_keys=np.array([60]), release_start=np.array([4 * n]),
        release_length=np.array([4800]), release_scale=np.array([1 / 32767]),
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(samples: SampleSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("piano")
    model.save(fitting.fit(samples), made)
    return made


def played(*rows: tuple, controls: list | None = None) -> Performance:
    return Performance(np.array([("", *row, 0) for row in rows], PERFORMED_NOTE), np.array(controls or [], CONTROL))


def sound(stream: AudioStream) -> np.ndarray:
    return np.concatenate(list(stream.blocks))


def rms(audio: np.ndarray) -> float:
    return float(np.sqrt((audio.astype(float) ** 2).mean()))


def test_partials_are_found_where_they_are() -> None:
    layers = [note(60, amplitude, noise=0.003) for amplitude in LAYERS]
    found = track(layers, 60)
    assert np.abs(1200 * np.log2(found.hz[:8] / partials(60))).max() < 1.0  # cents
    assert np.abs(1200 * np.log2(refined(layers, found.hz[:8]) / partials(60))).max() < 0.05
    assert found.inharmonicity == pytest.approx(B, rel=0.2)


def test_envelopes_are_those_of_the_string() -> None:
    envelopes = analyse(note(60, 0.25), partials(60))
    at = np.arange(10, 36)  # 20 ms to 1.3 s on the grid
    from perfsynth.synth.modal.grid import TIMES_S

    k = np.arange(1, 9)[:, None]
    expected = np.log(0.25 / k) - DECAY * np.sqrt(k) * TIMES_S[at]
    assert np.abs(envelopes.ln_amplitude[0][:, at] - expected).max() < 0.15
    assert np.abs(envelopes.ln_amplitude[1][:, at] - expected - np.log(0.5)).max() < 0.15
    turned = np.angle(np.exp(1j * (envelopes.phase[0] - np.arange(1, 9))))
    assert np.abs(turned).max() < 0.1
    assert envelopes.ramp <= 96


def test_a_note_comes_back_as_it_was_recorded(samples: SampleSet, folder: Path) -> None:
    gain = engine.HEADROOM
    audio = sound(engine.stream(played((0.0, 2.5, 60, 127)), piano=str(folder)))[: 2 * RATE]
    recorded = samples.note(0, 1)[: 2 * RATE] * gain
    scale = float((audio * recorded).sum() / (recorded**2).sum())
    assert scale == pytest.approx(1.0, abs=0.15)  # levels of the two keys are evened out
    assert rms(audio - scale * recorded) < 0.1 * rms(recorded)  # the noise is another one


def test_the_attack_ends_without_a_click(folder: Path) -> None:
    audio = sound(engine.stream(played((0.0, 2.5, 60, 127)), piano=str(folder)))[:, 0]
    frames = np.lib.stride_tricks.sliding_window_view(audio, 512)[::128] * np.hanning(512)
    treble = np.log(np.abs(np.fft.rfft(frames, axis=1))[:, 100:].mean(axis=1) + 1e-9)
    bend = np.abs(np.diff(treble, 2))
    end = round(model.ATTACK_S * RATE / 128)
    assert bend[end - 60 : end + 20].max() < 3 * np.median(bend[end + 20 : end + 200]) + 0.5


def test_chunks_of_any_length_are_the_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    performance = played((0.0, 0.4, 60, 90), (0.31, 1.2, 72, 60), (1.4, 0.5, 60, 30))
    whole = sound(engine.stream(performance, piano=str(folder), seed=3))
    monkeypatch.setattr(engine, "CHUNK", 128 * 37)
    monkeypatch.setattr(engine._Player, "_white", lambda self, start, n: _white(start, n))
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


def test_louder_velocities_sound_louder(folder: Path) -> None:
    levels = [
        rms(sound(engine.stream(played((0.0, 0.5, 60, velocity)), piano=str(folder)))[: RATE // 2])
        for velocity in range(1, 128, 9)
    ]
    steps = np.diff(20 * np.log10(levels))
    assert (steps > 0).all()
    assert 20 * np.log10(levels[-1] / levels[0]) == pytest.approx(26, abs=2)


def test_a_released_key_is_damped_and_the_pedal_holds_it(folder: Path) -> None:
    dry = sound(engine.stream(played((0.0, 0.5, 60, 90)), piano=str(folder)))
    pedal = [(0.0, SUSTAIN, 127, 0), (2.0, SUSTAIN, 0, 0)]
    held = sound(engine.stream(played((0.0, 0.5, 60, 90), controls=pedal), piano=str(folder)))
    at = slice(round(1.2 * RATE), round(1.6 * RATE))
    assert rms(held[at]) > 30 * rms(dry[at])


@pytest.mark.parametrize("variant", ["E2", "A"])
def test_what_no_pianist_plays_sounds_all_the_same(folder: Path, variant: engine.Variant) -> None:
    rows = [(0.0, 0.0, 60, 1), (0.0, 0.1, 0, 127), (0.0, 0.1, 127, 127), (0.1, 3.0, 60, 90), (0.2, 0.1, 60, 90)]
    rows += [(0.5, 0.1, pitch, 100) for pitch in range(21, 109) for _ in range(2)]
    storm = [(0.001 * i, SUSTAIN, (i * 37) % 128, 0) for i in range(2000)]
    audio = sound(engine.stream(played(*rows, controls=storm), piano=str(folder), variant=variant))
    assert np.isfinite(audio).all()
    assert rms(audio) > 0


def test_silence_is_silent(folder: Path) -> None:
    audio = sound(engine.stream(played((5.0, 0.2, 60, 90)), piano=str(folder)))
    assert np.abs(audio[: 4 * RATE]).max() == 0.0


def test_a_saved_piano_is_the_quantised_one(samples: SampleSet, folder: Path) -> None:
    read = model.load(folder)
    again = model.quantised(read)
    for name in ("hz", "phase", "envelope", "layer_gain", "change", "noise", "noise_gain"):
        assert np.array_equal(getattr(read, name), getattr(again, name)), name
    assert read.keys.tolist() == samples.keys.tolist()


def test_no_piano_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no modal piano"):
        model.load(tmp_path)


def test_the_piano_that_ships_plays() -> None:
    audio = sound(engine.stream(played((0.0, 1.0, 60, 80), (0.5, 1.0, 97, 60), (0.5, 1.0, 28, 60))))
    assert np.isfinite(audio).all()
    assert 0.005 < np.abs(audio).max() < 1.0
    spectrum = np.abs(np.fft.rfft(audio[: RATE // 2, 0] * np.hanning(RATE // 2)))
    partial = spectrum.argmax() * 2 / 261.6  # of middle C, alone in the first half second
    assert partial == pytest.approx(round(partial), abs=0.03)
