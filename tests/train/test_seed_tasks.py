"""The systems that read piano rolls learn: batches, steps, going on, fine-tuning, and weights that can be played."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perfsynth.data.sound_corpus import Recording, write_recordings
from perfsynth.dsp.mel import PRESETS, spectrogram
from perfsynth.errors import InputError
from perfsynth.formats.audio import write_audio
from perfsynth.formats.midi_write import write_performance
from perfsynth.nn.weights import network_of
from perfsynth.synth import lan_rnn, performancenet
from perfsynth.synth.core import synthesize
from perfsynth.synth.m2a_network import M2A, Config
from perfsynth.train.checkpoint import to_toml
from perfsynth.train.config import RunConfig, read_config
from perfsynth.train.loop import make_task, train
from perfsynth.train.m2a_baseline import pianist
from perfsynth.train.soundings import Sounding, drawn, soundings
from perfsynth.types import Audio, Performance
from tests.synth.modal_instrument import played, sound

RATE = 16000
MUSIC = {
    "train": played((0.1, 0.5, 60, 90), (0.5, 0.4, 67, 70), (0.9, 0.5, 64, 100)),
    "valid": played((0.05, 0.5, 62, 90), (0.6, 0.7, 57, 60)),
}
M2A_SIZE = {
    "width": 8, "inner": 8, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "prenet": 4, "postnet": 4,
    "vocoder_channels": 16,
}  # fmt: skip
SOUNDED = {"segment_frames": 8, "adversarial": 1.0, "discriminator_divisor": 64, "valid_s": 0.5}
TASKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "performancenet": ({"divisor": 64, "narrowest": 8, "texture_divisor": 64}, {"clips": 2, "clip_frames": 32}),
    "lan-rnn": ({"hidden": 8}, {"clips": 2, "clip_windows": 10}),
    "m2a": (M2A_SIZE, {"clips": 2, "clip_frames": 24}),
    "m2a-joint": (M2A_SIZE, {"part": "joint", "clips": 2, "clip_frames": 24, **SOUNDED}),
    "m2a-vocoder": (M2A_SIZE, {"part": "vocoder", "clips": 2, "clip_frames": 24, **SOUNDED, "adversarial": 0.0}),
    "m2a-baseline": (M2A_SIZE, {"clips": 2, "clip_frames": 24}),
    "hifigan-roll": (
        {"channels": 16},
        {"segments": 2, "segment_frames": 8, "discriminator_divisor": 64, "warm_steps": 1, "valid_s": 0.5},
    ),
}
SYSTEMS = {"m2a-joint": "m2a", "m2a-vocoder": "m2a"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    (folder / "scores").mkdir()
    recordings = []
    for split, music in MUSIC.items():
        (folder / f"{split}.mid").write_bytes(write_performance(music))
        (folder / "scores" / f"{split}.mid").write_bytes(write_performance(music))
        for name, level in {"near": 0.1, "far": 0.02}.items():
            audio = Audio(sines(music, level), RATE)
            write_audio(audio.stream(), folder / f"{split}-{name}.wav", format="wav", subtype="FLOAT")
            recordings.append(Recording(f"P/{split}/AnnB01/3", split, name, f"{split}.mid", f"{split}-{name}.wav"))
    write_recordings(recordings, folder)
    return folder


def sines(music: Performance, level: float) -> np.ndarray:
    t = np.arange(2 * RATE) / RATE
    made = np.zeros(len(t))
    for note in music.notes:
        hz, since = 440 * 2 ** ((note["pitch"] - 69) / 12), t - note["onset_s"]
        made += level * np.sin(2 * np.pi * hz * since) * np.exp(-3 * since) * (since >= 0)
    return made[:, None].astype(np.float32)


def config_of(folder: Path, name: str, **task: Any) -> RunConfig:
    model, settings = TASKS[name]
    schedule = {"steps": 2, "learning_rate": 1e-3, "validate_every": 2}
    table = {"system": SYSTEMS.get(name, name), "corpus": "sound", "train": schedule, "model": model}
    path = folder / f"{name}.toml"
    path.write_text(to_toml(table | {"task": settings | task}))
    return read_config(path)


@pytest.mark.parametrize("name", TASKS)
def test_a_run_that_goes_on_is_the_run_that_was_not_stopped(name: str, corpus: Path, tmp_path: Path) -> None:
    config = config_of(tmp_path, name)

    def run(out: str, stops: list[bool]) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
        figures: dict[str, float] = {}
        for stop in stops:
            task = make_task(config, corpus)
            train(config, task, tmp_path / out, report=lambda s, f: figures.update(f), stop=lambda stop=stop: stop)
        content = torch.load(tmp_path / out / "latest.pt", weights_only=True)
        assert content["step"] == 2
        return content["network"], figures

    whole, figures = run("whole", [False])
    parts, _ = run("parts", [True, False])
    assert np.isfinite(list(figures.values())).all()
    assert "score" in figures
    assert all(torch.allclose(whole[key], parts[key], atol=1e-5) for key in whole)


def test_weights_that_were_trained_can_be_played_and_fine_tuned(corpus: Path, tmp_path: Path) -> None:
    made = {}
    for name in ("m2a", "m2a-joint"):
        config = config_of(tmp_path, name)
        config.model["instrument"] = {"m2a": "near", "m2a-joint": "far"}[name]
        task = make_task(config, corpus)
        assert {each.recording.instrument for each in task.examples} == {config.model["instrument"]}  # type: ignore[attr-defined]
        made[name] = train(config, task, tmp_path / name, report=lambda s, f: None, init=made.get("m2a"))
    assert network_of(str(made["m2a-joint"]), "m2a", M2A, Config).config.instrument == "far"
    assert [network_of(str(place), "m2a", M2A, Config).config.vocoder_learnt for place in made.values()] == [
        False,
        True,
    ]
    assert np.isfinite(sound(synthesize(MUSIC["valid"], engine="m2a", weights=str(made["m2a-joint"])))).all()


def test_the_baseline_begins_as_the_m2a_it_is_given(corpus: Path, tmp_path: Path) -> None:
    first = train(
        config_of(tmp_path, "m2a"), make_task(config_of(tmp_path, "m2a"), corpus), tmp_path / "run",
        report=lambda s, f: None,
    )  # fmt: skip
    task = make_task(config_of(tmp_path, "m2a-baseline", begin=str(first)), corpus)
    begun, given = task.network().eval(), network_of(str(first), "m2a", M2A, Config)
    assert begun.config.pianists == ("other", "AnnB")  # type: ignore[union-attr]
    assert begun.config.albums == ("near", "far")  # type: ignore[union-attr]
    roll = torch.rand(1, 128, 16, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.allclose(begun(roll, torch.tensor([1]), torch.tensor([1])), given(roll))
    config = config_of(tmp_path, "m2a-baseline", begin=str(first))
    config.model["width"] = 16
    with pytest.raises(InputError, match="other sizes"):
        make_task(config, corpus).network()


def test_only_what_a_part_is_about_learns(corpus: Path, tmp_path: Path) -> None:
    for name, still in (("m2a", "vocoder."), ("m2a-vocoder", "acoustic.")):
        config = config_of(tmp_path, name)
        task = make_task(config, corpus)
        torch.manual_seed(config.train.seed)
        before = task.network().state_dict()
        train(config, task, tmp_path / f"part-{name}", report=lambda s, f: None)
        after = torch.load(tmp_path / f"part-{name}" / "latest.pt", weights_only=True)["network"]
        moved = {key.split(".")[0] + "." for key in before if not torch.equal(before[key], after[key])}
        assert moved == {"vocoder.", "acoustic."} - {still}


def test_batches_are_the_recordings_beside_their_notes(corpus: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    task = make_task(config_of(tmp_path, "performancenet", clip_frames=64), corpus)
    roll, edges, values = task.batch(rng)
    assert (roll.shape, edges.shape, values.shape) == ((2, 128, 64), (2, 128, 64), (2, 1025, 64))
    pitches, samples = make_task(config_of(tmp_path, "lan-rnn"), corpus).batch(rng)
    assert (pitches.shape, samples.shape) == ((2, 10, 176), (2, 10 * lan_rnn.SAMPLES))


def test_a_cut_of_a_recording_is_a_part_of_the_whole(corpus: Path) -> None:
    learn, _ = soundings(corpus, ("train",), RATE, ("near",))
    example, preset = learn[0], PRESETS["deep-performer-16k"]
    whole = spectrogram(example.sound, preset)
    assert example.n_frames(preset) == whole.shape[1]
    assert np.abs(example.frames(0, whole.shape[1], preset) - whole).max() < 1e-3
    assert np.abs(example.frames(20, 30, preset) - whole[:, 20:50]).max() < 1e-3
    assert not example.cut(-10, 10).any()
    assert np.array_equal(example.cut(-3, 10)[3:], example.sound[:7])
    assert len(example.cut(len(example.sound) - 5, 10)) == 10
    rows = drawn(learn, 50, 40, 256, np.random.default_rng(0))
    assert all(0 <= first <= whole.shape[1] - 40 for _, first in rows)
    assert len({first for _, first in rows}) > 10


def test_recordings_of_the_first_instrument_alone_are_learnt_from(corpus: Path, tmp_path: Path) -> None:
    task = make_task(config_of(tmp_path, "performancenet"), corpus)
    examples: list[Sounding] = task.examples  # type: ignore[attr-defined]
    assert {each.recording.instrument for each in examples} == {"near"}
    config = config_of(tmp_path, "performancenet")
    config.model["instrument"] = "flute"
    with pytest.raises(InputError, match="near, far"):
        make_task(config, corpus)


@pytest.mark.parametrize(
    ("name", "task", "said"),
    [
        ("performancenet", {"clip_frames": 33}, "multiple of 32"),
        ("lan-rnn", {"loss": "both"}, "spectral, waveform"),
        ("m2a", {"part": "all"}, "acoustic, vocoder, joint"),
        ("m2a", {"clip_frames": 30}, "multiple of 4"),
        ("m2a-joint", {"clip_frames": 4}, "segments"),
    ],
)
def test_settings_that_mean_nothing(name: str, task: dict[str, Any], said: str, corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        make_task(config_of(tmp_path, name, **task), corpus)


def test_who_plays_is_in_the_name_of_a_recording() -> None:
    assert pianist("Bach/Fugue/bwv_848/LeeN01/127") == "LeeN"
    assert pianist("Schubert/Impromptu_op.90_D.899/4/Dossin04M/185") == "Dossin"
    assert pianist("coverage/7") == "other"


def test_the_shipped_configurations_are_of_the_sizes_they_say(corpus: Path) -> None:
    folder = Path(__file__).parents[2] / "configs"
    for name, millions in (
        ("performancenet", 8.17), ("performancenet-paper-size", 252.15), ("lan-rnn", 2.73), ("lan-rnn-waveform", 2.73),
        ("m2a", 2.93), ("m2a-vocoder", 2.93), ("m2a-joint", 2.93), ("m2a-paper-size", 31.61), ("m2a-baseline", 2.93),
        ("hifigan-roll", 1.14), ("hifigan-roll-paper-size", 1.14),
    ):  # fmt: skip
        task = make_task(read_config(folder / f"{name}.toml"), corpus)
        with torch.device("meta"):
            n_parameters = sum(p.numel() for p in task.network().parameters())
        assert n_parameters / 1e6 == pytest.approx(millions, abs=0.01), name
    assert read_config(folder / "performancenet-paper-size.toml").task["clip_frames"] == performancenet.CHUNK
