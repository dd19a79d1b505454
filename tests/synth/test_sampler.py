"""The sampler with a piano of decaying sines, whose every note is known exactly."""

from __future__ import annotations

import logging
import os

import numpy as np
import pytest
import soundfile

from perfsynth.errors import InputError, MissingError
from perfsynth.synth import action, sampler, voicing
from perfsynth.synth.samples import load_samples
from perfsynth.synth.trimming import PRE_ROLL_S
from perfsynth.types import CONTROL, PERFORMED_NOTE, SOFT, SUSTAIN, Part, Performance

RATE = 48000  # Hz
NAMES = {57: "A3", 60: "C4", 63: "D#4"}
DECAY_S = 1.5
DELAYS_MS = (3.0, 17.0, 8.5)  # of the layers
PEAKS = (0.2, 0.15, 0.6)  # of the layers: the second is softer than the first


def frequency(key: float) -> float:
    return 440 * 2 ** ((key - 69) / 12)


def recording(key: int, layer: int, rate: int = RATE, length_s: float = 3.0) -> np.ndarray:
    """(n, 2) silence, then a sine with overtones that grow with the layer."""
    t = np.arange(round(length_s * rate)) / rate - DELAYS_MS[layer] / 1000
    wave = sum(a * np.sin(2 * np.pi * frequency(key) * n * t) for n, a in ((1, 1.0), (2, 0.02 * layer)))
    sound = np.where(t < 0, 0, PEAKS[layer] * wave * np.exp(-np.maximum(t, 0) / DECAY_S))
    return np.stack([sound, 0.5 * sound], axis=1).astype(np.float32)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def piano(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("piano")
    for key, name in NAMES.items():
        for layer in range(3):
            (folder / f"velocity{layer}").mkdir(exist_ok=True)
            path = folder / f"velocity{layer}" / f"{name}v{layer + 1}.wav"
            soundfile.write(path, recording(key, layer), RATE, subtype="FLOAT")
    noise = np.random.default_rng(0).normal(0, 0.1, (RATE // 4, 2))
    soundfile.write(folder / "rel40.wav", noise, RATE, subtype="FLOAT")
    return str(folder)


@pytest.fixture(scope="module")
def plain_piano(piano, tmp_path_factory) -> str:
    """The same without release noises."""
    folder = tmp_path_factory.mktemp("plain")
    for key, name in NAMES.items():
        for layer in range(3):
            soundfile.write(folder / f"{name}v{layer + 1}.wav", recording(key, layer), RATE, subtype="FLOAT")
    return str(folder)


def performance(notes: list[tuple], controls: list[tuple] = (), parts: tuple[Part, ...] = (Part(),)) -> Performance:
    rows = [("", *note, 0) for note in notes]
    return Performance(np.array(rows, PERFORMED_NOTE), np.array([(*c, 0) for c in controls], CONTROL), parts)


def play(samples: str, *args, **options) -> np.ndarray:
    return np.concatenate(list(sampler.stream(performance(*args), samples=samples, **options).blocks))


def level_db(x: np.ndarray) -> float:
    return 10 * np.log10(np.square(x, dtype=np.float64).mean())


def test_samples_are_found_aligned_and_measured(piano):
    samples = load_samples(piano)
    assert samples.keys.tolist() == [57, 60, 63]
    assert samples.layer_velocity.tolist() == [0, 63.5, 127]
    assert samples.release_keys.tolist() == [60]
    assert samples.likeness.min() > 0.999  # though the layers begin at different times
    for k, key in enumerate(NAMES):
        for layer in range(3):
            note = samples.note(k, layer)
            begin = round((DELAYS_MS[layer] / 1000 - PRE_ROLL_S) * RATE)
            source = recording(key, layer)
            lag = np.argmax(
                [np.dot(note[500:2500, 0], source[begin + d + 500 : begin + d + 2500, 0]) for d in range(48)]
            )
            assert abs(lag) <= 12  # the sine needs up to 0.2 ms to 3 % of its peak
            cut = source[begin + lag :][: len(note)]
            assert np.abs(note[100:20000] - cut[100:20000]).max() < PEAKS[layer] / 32767
            assert samples.level[k, layer] == pytest.approx(np.sqrt(np.square(cut[: RATE // 2]).mean()), rel=1e-3)


def test_second_load_decodes_nothing_until_a_file_changes(plain_piano, monkeypatch):
    first = load_samples(plain_piano)

    def refuse(*_args, **_options):
        raise AssertionError("decoded again")

    with monkeypatch.context() as patch:
        patch.setattr(soundfile, "read", refuse)
        second = load_samples(plain_piano)
        assert (second.pcm == first.pcm).all()
        assert (second.level == first.level).all()
        os.utime(f"{plain_piano}/C4v1.wav", ns=(1, 1))
        with pytest.raises(AssertionError, match="decoded again"):
            load_samples(plain_piano)


def test_odd_folders(tmp_path, caplog):
    with pytest.raises(MissingError, match="no such folder"):
        load_samples(tmp_path / "none")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "readme.txt").write_text("no samples")
    with pytest.raises(InputError, match="no samples; names like"):
        load_samples(tmp_path / "odd")
    soundfile.write(tmp_path / "odd" / "60_100.wav", np.zeros((RATE, 2)), RATE)
    with pytest.raises(InputError, match="all samples are silent"):
        load_samples(tmp_path / "odd")
    soundfile.write(tmp_path / "odd" / "60_20.wav", recording(60, 0)[:, 0], RATE)
    soundfile.write(tmp_path / "odd" / "72_20.wav", recording(72, 0), RATE)
    soundfile.write(tmp_path / "odd" / "72_100.flac", recording(72, 2, 32000), 32000)
    with caplog.at_level(logging.WARNING, "perfsynth"):
        samples = load_samples(tmp_path / "odd")
    assert "60_100.wav: silent" in caplog.text
    assert samples.sample_rate == RATE
    assert samples.layer_velocity.tolist() == [20, 100]
    assert samples.start[0, 0] == samples.start[0, 1]  # the layer it lacks is the one it has
    assert (samples.note(0, 0)[:, 0] == samples.note(0, 0)[:, 1]).all()  # mono
    assert np.argmax(np.abs(np.fft.rfft(samples.note(1, 1)[:RATE, 0]))) == pytest.approx(frequency(72), abs=1)
    (tmp_path / "odd" / "48_20.ogg").write_bytes(b"OggS but not really")
    with pytest.raises(InputError, match=r"48_20\.ogg: cannot be decoded"):
        load_samples(tmp_path / "odd")


def test_velocity_spans_26_db_without_dips_between_layers(plain_piano):
    velocities = np.arange(1, 128, 3)
    x = play(plain_piano, [(2.0 * i, 0.6, 60, v) for i, v in enumerate(velocities)])
    found = np.array([level_db(x[2 * RATE * i : 2 * RATE * i + RATE // 2]) for i in range(len(velocities))])
    assert found[-1] - found[0] == pytest.approx(26, abs=0.05)
    assert found - found[-1] == pytest.approx(voicing.velocity_db(velocities), abs=0.05)


def test_velocity_curve_is_monotone():
    curve = voicing.velocity_db(np.arange(1, 128))
    assert (curve[0], curve[-1]) == pytest.approx((-26, 0))
    assert (np.diff(curve) > 0).all()


@pytest.mark.parametrize(("key", "rate"), [(58, 48000), (60, 48000), (61, 48000), (62, 44100), (66, 22050)])
def test_keys_between_sound_at_their_pitch_without_aliases(plain_piano, key, rate):
    x = play(plain_piano, [(0.0, 3.0, key, 1)], sample_rate=rate)[rate // 10 : rate + rate // 10, 0]
    spectrum = np.abs(
        np.fft.rfft(x * np.exp(np.arange(rate) / rate / DECAY_S * 2 ** ((key - 60) / 12)) * np.blackman(rate))
    )
    peak = int(np.argmax(spectrum))
    below, at, above = np.log(spectrum[peak - 1 : peak + 2])
    found = peak + 0.5 * (below - above) / (below - 2 * at + above)
    assert 1200 * np.log2(found / frequency(key)) == pytest.approx(0, abs=0.5)
    far = spectrum[3000:]  # Hz; the recording has nothing there
    assert 20 * np.log10(far.max() / spectrum.max()) < -90


def test_chunks_make_no_difference(piano, monkeypatch):
    rng = np.random.default_rng(3)
    notes = [
        (rng.uniform(0, 4), rng.uniform(0, 1), int(rng.integers(50, 70)), int(rng.integers(1, 128))) for _ in range(60)
    ]
    pedals = [(0.5, SUSTAIN, 127), (1.7, SUSTAIN, 50), (2.4, SUSTAIN, 0)]
    for rate in (48000, 44100):
        monkeypatch.setattr(sampler, "BLOCK_S", 100.0)
        whole = play(piano, notes, pedals, sample_rate=rate)
        monkeypatch.setattr(sampler, "BLOCK_S", 0.0371)
        stream = sampler.stream(performance(notes, pedals), samples=piano, sample_rate=rate)
        blocks = list(stream.blocks)
        assert max(len(block) for block in blocks) == round(0.0371 * rate)
        assert np.abs(np.concatenate(blocks) - whole).max() < 1e-6 * np.abs(whole).max()
        assert len(whole) == np.ceil(stream.duration_s * rate)


def test_kernel_is_the_plain_sum():
    from perfsynth.synth._sampler_numba import BLOCK, mix

    rng = np.random.default_rng(5)
    pcm = rng.integers(-30000, 30000, (5000, 2)).astype(np.int16)
    onset, start, length = np.array([3, 100, 1500]), np.array([0, 1000, 2000]), np.array([900, 1800, 3000])
    gain, offset = np.array([1.0, 0.3, 1e-3]), np.array([0, 2, 5, 8])
    at = np.array([0, 5000, 0, 700, 1500, 0, 10.5, 1200.0])
    ln = np.array([0, 0, 0, 0, -12.0, 0, -0.1, -12])
    begin, n = 1000, 2000
    out = np.zeros(2 * n, np.float32)
    mix(out, begin, pcm.reshape(-1), onset, start, length, gain, offset, at, ln)
    expected = np.zeros((n, 2))
    for i in range(3):
        rows = slice(offset[i], offset[i + 1])
        knots = np.arange(0, length[i] + BLOCK, BLOCK)
        factor = np.exp(np.interp(knots, at[rows], ln[rows])) * (knots < at[rows][-1])
        for s in range(n):
            since = begin + s - onset[i]
            if 0 <= since < min(length[i], at[rows][-1] + 1):
                expected[s] += pcm[start[i] + since] * gain[i] * np.interp(since, knots, factor)
    assert out.reshape(-1, 2) == pytest.approx(expected, abs=0.05)  # of 30000: float32


def test_damping_is_that_of_the_action(plain_piano):
    notes, pedals = [(0.5, 0.1, 57, 80)], [(0.55, SUSTAIN, 60), (0.75, SUSTAIN, 0)]
    damped, free = play(plain_piano, notes, pedals), play(plain_piano, [(0.5, 3.0, 57, 80)])
    strikes = action.strike(performance(notes, pedals))
    assert strikes.ln_damping(0, np.array([0.7, 0.8]))[1] > -3  # something is left to compare
    rows = np.arange(RATE // 2, round(0.85 * RATE))
    expected = free[rows] * np.exp(strikes.ln_damping(0, rows / RATE))[:, None]
    assert np.abs(damped[rows] - expected).max() < 2e-3 * np.abs(free).max()
    assert np.abs(damped[: RATE // 2]).max() == 0
    assert np.abs(damped[-RATE // 100 :]).max() < 1e-4 * np.abs(damped).max()


def test_release_noise_falls_with_the_length_of_the_note(piano, plain_piano):
    heard = []
    for hold_s in (0.5, 2.5):
        notes = [(0.0, hold_s, 60, 127)]
        noisy, plain = play(piano, notes), play(plain_piano, notes)
        at = round(hold_s * RATE)
        assert np.abs(noisy[:at] - plain[:at]).max() < 1e-7
        heard.append(level_db(noisy[at : at + RATE // 5] - plain[at : at + RATE // 5]))
    assert heard[0] - heard[1] == pytest.approx(20 * np.log10(np.exp(0.23 * 2)), abs=0.05)
    expected = 20 * np.log10(0.1 * voicing.RELEASE_GAIN * voicing.HEADROOM * np.exp(-0.23 * 0.5))
    assert heard[0] == pytest.approx(expected, abs=0.3)


def test_soft_pedal_is_softer_and_duller(plain_piano):
    notes = [(0.0, 1.0, 60, 120)]
    hard, soft = play(plain_piano, notes), play(plain_piano, notes, [(0.0, SOFT, 127)])
    spectra = [np.abs(np.fft.rfft(x[: RATE // 2, 0])) for x in (hard, soft)]
    octave = round(frequency(72) / 2), round(frequency(60) / 2)
    brightness = [20 * np.log10(s[octave[0]] / s[octave[1]]) for s in spectra]
    expected = voicing.velocity_db(np.array(96.0)) - voicing.velocity_db(np.array(120.0)) + voicing.SOFT_DB
    assert level_db(soft[: RATE // 2]) - level_db(hard[: RATE // 2]) == pytest.approx(expected, abs=0.05)
    assert brightness[1] < brightness[0] - 1


def test_extremes_stay_finite(plain_piano):
    crowd = [(0.0, 0.0, pitch, 127) for pitch in range(128)] * 4
    x = play(plain_piano, crowd)
    assert np.isfinite(x).all()
    assert np.abs(x).max() > 0.1
    drums = performance([(0.0, 2.5, 60, 80)], parts=(Part(is_drum=True),))
    with pytest.raises(InputError, match="drums"):
        sampler.stream(drums, samples=plain_piano)


def test_stream_says_what_it_is(plain_piano, monkeypatch, tmp_path):
    stream = sampler.stream(performance([(0.0, 1.0, 60, 80)]), samples=plain_piano, seed=7)
    assert (stream.sample_rate, stream.n_channels) == (48000, 2)
    assert (stream.history[-1].model, stream.history[-1].seed) == ("sampler", 7)
    monkeypatch.setenv("PERFSYNTH_DATA", str(tmp_path))
    with pytest.raises(MissingError, match="perfsynth data salamander fetch"):
        sampler.stream(performance([(0.0, 1.0, 60, 80)]))
