"""Systems of sound learn from a corpus of recordings: batches, steps, going on, and what is level and in time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perfsynth.data.sound_corpus import Recording, read_recordings, write_recordings
from perfsynth.errors import InputError
from perfsynth.formats.audio import write_audio
from perfsynth.formats.midi_write import write_performance
from perfsynth.synth.deep_performer import FLOOR_LN
from perfsynth.synth.neural_exciter import exciter
from perfsynth.train.config import read_config
from perfsynth.train.deep_performer import PER_DB
from perfsynth.train.loop import make_task, train
from perfsynth.train.neural_examples import examples_of
from perfsynth.train.soundings import soundings_of
from perfsynth.train.spectral import spectral_losses
from perfsynth.types import Audio, Performance
from tests.synth.modal_instrument import played, sound

RATE = 44100
MUSIC = {
    "train": played((0.1, 0.5, 60, 90), (0.5, 0.4, 67, 70), (0.9, 0.5, 64, 100), (1.5, 0.3, 48, 80)),
    "valid": played((0.05, 0.5, 62, 90), (0.6, 0.7, 57, 60)),
}
# Level and delay in samples of each instrument beside the exciter.
INSTRUMENTS = {"near": (1.0, 0), "far": (0.25, 320)}
TASKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "neural": ({"width": 8, "layers": 1}, {"clips": 2, "clip_frames": 24, "valid_s": 1.0}),
    "neural-adversarial": (
        {"width": 8, "layers": 1, "residual": True},
        {"clips": 1, "clip_frames": 16, "valid_s": 1.0, "adversarial": 0.1, "discriminator_divisor": 64},
    ),
    "neural-vocoder": (
        {"width": 8, "layers": 1},
        {"clips": 2, "clip_frames": 16, "valid_s": 1.0, "adversarial": 0.1, "discriminator_divisor": 64},
    ),
    "hifigan": ({"channels": 16}, {"segments": 2, "segment_frames": 16, "discriminator_divisor": 64, "warm_steps": 2}),
    "deep-performer": (
        {"width": 8, "encoder_layers": 1, "decoder_layers": 1, "inner": 8, "kernel": 1},
        {"clips": 2},
    ),
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    recordings = []
    for split, music in MUSIC.items():
        (folder / f"{split}.mid").write_bytes(write_performance(music))
        for name, (level, delay) in INSTRUMENTS.items():
            audio = sounded(music, level, delay)
            write_audio(Audio(audio, RATE).stream(), folder / f"{split}-{name}.wav", format="wav", subtype="FLOAT")
            recordings.append(Recording(f"P/{split}", split, name, f"{split}.mid", f"{split}-{name}.wav"))
    write_recordings(recordings, folder)
    return folder


def sounded(music: Performance, level: float, delay: int) -> np.ndarray:
    parts = sound(exciter(music, sample_rate=RATE))[: 3 * RATE]
    return np.pad(level * (parts[:, :2] + parts[:, 2:]), ((delay, 0), (0, 0))).astype(np.float32)


def config_file(folder: Path, name: str) -> Path:
    from perfsynth.train.checkpoint import to_toml

    model, task = TASKS[name]
    system = name.removesuffix("-adversarial")
    schedule = {"steps": 4, "learning_rate": 1e-3, "validate_every": 2}
    path = folder / f"{name}.toml"
    path.write_text(to_toml({"system": system, "corpus": "sound", "train": schedule, "model": model, "task": task}))
    return path


@pytest.mark.parametrize("name", TASKS)
def test_a_run_that_goes_on_is_the_run_that_was_not_stopped(name: str, corpus: Path, tmp_path: Path) -> None:
    config = read_config(config_file(tmp_path, name))

    def run(out: str, stops: int) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
        figures: dict[str, float] = {}
        taken = [0]
        for _ in range(stops):
            taken[0] = 0

            def stop() -> bool:
                taken[0] += 1
                return stops > 1 and taken[0] == 2

            train(config, make_task(config, corpus), tmp_path / out, report=lambda s, f: figures.update(f), stop=stop)
        content = torch.load(tmp_path / out / "latest.pt", weights_only=True)
        assert content["step"] == 4
        return content["network"] | content["companions"].get("discriminators", {}).get("network", {}), figures

    whole, figures = run("whole", 1)
    parts, _ = run("parts", 2)
    assert np.isfinite(list(figures.values())).all()
    assert all(torch.allclose(whole[key], parts[key], atol=1e-5) for key in whole)
    assert "score" in figures


@pytest.mark.parametrize(
    ("name", "audible"), [("neural", {"near", "far"}), ("neural-vocoder", {"near", "far"}), ("hifigan", {"made"})]
)
def test_what_validation_makes_can_be_heard_and_seen(
    name: str, audible: set[str], corpus: Path, tmp_path: Path
) -> None:
    task: Any = make_task(read_config(config_file(tmp_path, name)), corpus)
    with torch.no_grad():
        shown = task.samples(task.network().eval())
    heard = {key: sample for key, sample in shown.items() if sample.sample_rate}
    seen = [sample.values for sample in shown.values() if not sample.sample_rate]
    assert set(heard) == audible
    assert all(0 < len(sample.values) <= 4 * sample.sample_rate for sample in heard.values())
    assert len(seen) == len(heard)
    assert all(np.isfinite(values).all() and values.shape[1] in (80, 128) for values in seen)


def test_weights_that_were_trained_can_be_played(corpus: Path, tmp_path: Path) -> None:
    from perfsynth.synth.spectrogram import synthesize_spectrogram
    from perfsynth.vocode.core import vocode

    made = {}
    for name in ("neural", "neural-vocoder", "deep-performer", "hifigan"):
        config = read_config(config_file(tmp_path, name), steps=1)
        made[name] = str(train(config, make_task(config, corpus), tmp_path / name, report=lambda s, f: None))
    spectrogram = synthesize_spectrogram(MUSIC["valid"], model="deep-performer", weights=made["deep-performer"])
    audio = sound(vocode(spectrogram, model="hifigan", weights=made["hifigan"]))
    assert len(audio) == (spectrogram.values.shape[1] - 1) * 256
    spectrogram = synthesize_spectrogram(MUSIC["valid"], model="neural", weights=made["neural"], instrument="far")
    assert np.isfinite(spectrogram.values).all()
    audio = sound(vocode(spectrogram, model="neural", weights=made["neural-vocoder"]))
    assert audio.shape == ((spectrogram.values.shape[1] - 1) * 512, 2)
    assert np.isfinite(audio).all()


def test_instruments_are_brought_to_the_level_and_the_time_of_the_exciter(corpus: Path) -> None:
    for example in examples_of(read_recordings(corpus), corpus, RATE):
        level, delay = INSTRUMENTS[example.recording.instrument]
        assert example.gain == pytest.approx(1 / level, rel=0.02)
        assert example.lag == delay
        given, wanted = example.clip(2000, RATE)
        assert given.shape == (4, RATE)
        assert np.abs(given[:2] + given[2:] - wanted).max() < 0.03 * np.abs(wanted).max()


def test_what_rings_from_before_a_recording_sounds_in_its_exciter(corpus: Path, tmp_path: Path) -> None:
    sounds = sounded(MUSIC["train"], 1.0, 0)
    write_audio(Audio(sounds[RATE // 2 :], RATE).stream(), tmp_path / "late.wav", format="wav", subtype="FLOAT")
    recording = Recording("P/x", "train", "near", str(corpus / "train.mid"), str(tmp_path / "late.wav"), -0.5)
    (example,) = examples_of([recording], tmp_path, RATE)
    given, wanted = example.clip(0, RATE)
    assert (example.lag, example.gain) == (0, pytest.approx(1.0, rel=0.02))
    assert np.abs(given[:2] + given[2:] - wanted).max() < 0.03 * np.abs(wanted).max()


def test_channels_that_cancel_each_other_are_learnt_from(corpus: Path, tmp_path: Path) -> None:
    music = corpus / "train.mid"
    one = sounded(MUSIC["train"], 1.0, 0)[:, :1]
    made = []
    for name, audio in (("one", one), ("two", np.concatenate([one, -one], axis=1))):
        path = tmp_path / f"{name}.wav"
        write_audio(Audio(audio, RATE).stream(), path, format="wav", subtype="FLOAT")
        recordings = [Recording("P/x", "train", "near", str(music), str(path))]
        made.append((soundings_of(recordings, tmp_path, RATE)[0].sound, examples_of(recordings, tmp_path, RATE)[0].lag))
    np.testing.assert_array_equal(made[0][0], made[1][0])
    assert made[0][1] == made[1][1]


def test_clips_are_made_louder_or_softer_with_their_velocities(corpus: Path, tmp_path: Path) -> None:
    config = read_config(config_file(tmp_path, "deep-performer"))
    task: Any = make_task(replace(config, task={"clips": 16, "louder_db": 6.0}), corpus)
    notes, instruments, values, _ = task.batch(np.random.default_rng(0))
    raised = []
    for velocity, instrument, bands in zip(notes.velocity.numpy(), instruments, values.numpy(), strict=True):
        (written,) = (example for example in task.examples if example.instrument == instrument)
        given, heard = written.values > FLOOR_LN, bands[: len(written.values)] > FLOOR_LN
        by_db = 20 / np.log(10) * (bands[: len(given)] - written.values)[given & heard]
        assert np.ptp(by_db) < 1e-3
        assert (bands[: len(given)][~given] == FLOOR_LN).all()
        assert np.abs(velocity - (written.table["velocity"] + PER_DB * by_db[0])).max() <= 0.51
        raised.append(by_db[0])
    assert min(raised) < -3
    assert max(raised) > 3
    assert np.abs(raised).max() <= 6


def test_a_clip_at_the_very_end_is_followed_by_silence(corpus: Path) -> None:
    example = examples_of(read_recordings(corpus), corpus, RATE)[0]
    _, wanted = example.clip(len(example.sound) - 10, 100)
    assert wanted.shape == (2, 100)
    assert not wanted[:, 10:].any()


def test_the_distance_of_a_sound_to_itself_is_nothing_and_grows() -> None:
    generator = torch.Generator().manual_seed(0)
    wanted = torch.randn(2, 20000, generator=generator) * 0.1
    noise = torch.randn(2, 20000, generator=generator) * 0.1
    rows = [spectral_losses(wanted + share * noise, wanted) for share in (0.0, 0.1, 1.0)]
    for name in ("magnitude", "convergence", "mel", "mel_square"):
        values = [float(row[name]) for row in rows]
        assert values[0] < 2e-6
        assert values[0] < values[1] < values[2]


def test_a_corpus_without_a_split_or_with_another_instrument_is_refused(corpus: Path, tmp_path: Path) -> None:
    config = read_config(config_file(tmp_path, "neural"))
    recordings = [r for r in read_recordings(corpus) if r.split == "train"]
    write_recordings(recordings, tmp_path)
    with pytest.raises(InputError, match="0 to check"):
        make_task(config, tmp_path)
    config.model["instruments"] = ["near"]
    with pytest.raises(InputError, match="far"):
        make_task(config, corpus)


def test_a_vocoder_learns_from_bands_that_are_predicted(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perfsynth.synth.neural_network import Config, Neural
    from perfsynth.train import neural_vocoder

    config = read_config(config_file(tmp_path, "neural-vocoder"))
    always = replace(config, task=config.task | {"predicted": 1.0, "clips": 8})
    with pytest.raises(InputError, match="salamander, fluidr3 to predict"):
        make_task(always, corpus)
    monkeypatch.setattr(neural_vocoder, "acoustic", lambda: Neural(Config(8, 1, instruments=("near",))).eval())
    task: Any = make_task(always, corpus)
    exciter, bands, sound = task.batch(np.random.default_rng(0))
    own = neural_vocoder.spectrogram_torch(sound.mean(dim=1), neural_vocoder.PRESET)
    made = neural_vocoder.spectrogram_torch((exciter[:, :2] + exciter[:, 2:4]).mean(dim=1), neural_vocoder.PRESET)
    inner = slice(6, -6)
    assert float((bands - made)[..., inner].abs().mean()) < 0.02  # the untrained network gives its exciter
    assert float((bands - own)[..., inner].abs().mean()) < 0.2  # which is what "near" is, but for level and time
    figures = task.validate(task.network().eval())
    assert {"m44_near", "m44_far", "predicted_m44_near"} <= set(figures)
    assert "predicted_m44_far" not in figures
