"""HiFi-GAN on piano rolls: its size, what it reads, windows that are the whole."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from perfsynth.errors import InputError, MissingError, UsageError
from perfsynth.synth.core import synthesize
from perfsynth.synth.hifigan_roll import FRAME_S, HOP, RATE, TAIL_S, given_rolls, windowed
from perfsynth.synth.hifigan_roll_network import Config, HiFiGANRoll
from perfsynth.synth.roll import sounding
from perfsynth.train.checkpoint import to_toml
from tests.synth.modal_instrument import played, sound

SMALL = Config(channels=16, performer_width=4, instruments=("here", "there"))


def network(config: Config = SMALL) -> HiFiGANRoll:
    torch.manual_seed(0)
    made = HiFiGANRoll(config)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if name.endswith("original0"):  # fresh weights are so small that the output would be that of the biases
                parameter *= 20
    return made.eval()


def saved(made: HiFiGANRoll, folder: Path) -> str:
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in made.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.toml").write_text(to_toml({"system": "hifigan-roll", "model": asdict(made.config)}))
    return str(folder)


def test_the_size_is_that_of_version_2_and_wider_features() -> None:
    made = HiFiGANRoll(Config())
    assert made.generator.config.inputs == 320
    assert sum(p.numel() for p in made.parameters()) / 1e6 == pytest.approx(1.14, abs=0.005)


def test_it_reads_what_sounds_and_how_far_each_note_is() -> None:
    table = sounding(played((2 * FRAME_S, 4 * FRAME_S, 60, 127)))
    rolls = given_rolls(table, 1, 7)
    assert rolls.shape == (256, 7)
    assert rolls[60].tolist() == [0, 1, 1, 1, 1, 0, 0]
    assert rolls[188].tolist() == pytest.approx([0, 1, 0.75, 0.5, 0.25, 0, 0])
    assert rolls.sum() == pytest.approx(6.5)


def test_a_note_is_in_the_frame_whose_samples_have_its_onset() -> None:
    table = sounding(played((1.8 * FRAME_S, 4 * FRAME_S, 60, 127)))
    rolls = given_rolls(table, 0, 7)
    assert rolls[60].tolist() == [0, 1, 1, 1, 1, 0, 0]
    assert rolls[188].tolist() == pytest.approx([0, 1, 0.75, 0.5, 0.25, 0, 0])


def test_shapes_and_no_neighbours_in_the_batch() -> None:
    made = network().double()
    rolls = torch.rand(3, 256, 12, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    who = torch.tensor([0, 1, 1])
    with torch.inference_mode():
        together = made(rolls, who)
        assert together.shape == (3, 12 * HOP)
        largest = float(together.abs().max())
        assert float((made(rolls[1:2], who[1:2])[0] - together[1]).abs().max()) < 1e-12 * largest
        assert float((made(rolls[1:2], who[:1])[0] - together[1]).abs().max()) > 1e-3 * largest


def test_windows_are_the_whole() -> None:
    made = network()
    table = sounding(played(*((0.07 * i, 0.2, 40 + 3 * (i % 15), 90) for i in range(20))))
    n_frames, around = 100, made.generator.context()
    with torch.inference_mode():
        rolls = torch.from_numpy(given_rolls(table, -around, n_frames + 2 * around))[None]
        whole = made(rolls, torch.tensor([1]))[0, around * HOP : (around + n_frames) * HOP].numpy()
        assert float((made(0 * rolls, torch.tensor([1])) - made(rolls, torch.tensor([1]))).std()) > 0.01
    blocks = list(windowed(table, made, 1, "cpu", n_frames, window=24))
    assert [len(block) // HOP for block in blocks] == [24, 24, 24, 24, 4]
    assert np.abs(np.concatenate(blocks)[:, 0] - whole).max() < 1e-4 * np.abs(whole).max()


def test_it_learns_one_batch_by_heart() -> None:
    torch.manual_seed(0)
    made = HiFiGANRoll(SMALL).train()
    rolls = torch.rand(1, 256, 4, generator=torch.Generator().manual_seed(0))
    wanted = 0.3 * torch.sin(torch.arange(4 * HOP) * 0.3)[None]
    optimizer = torch.optim.Adam(made.parameters(), 5e-3)
    costs = []
    for _ in range(80):
        cost = ((made(rolls, torch.tensor([0])) - wanted) ** 2).mean()
        costs.append(float(cost.detach()))
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
    assert costs[-1] < 0.5 * costs[0]


def test_the_engine_sounds_and_is_silent_long_after_a_note(tmp_path: Path) -> None:
    weights = saved(network(), tmp_path)
    performance = played((0.0, 0.2, 60, 80), (6.0, 0.2, 60, 80))
    made = synthesize(performance, engine="hifigan-roll", weights=weights, instrument="there")
    assert made.sample_rate == RATE
    assert made.history[-1].options["instrument"] == "there"
    audio = sound(made)
    assert len(audio) / RATE == pytest.approx(6.2 + TAIL_S, abs=2 * FRAME_S)
    assert audio[: RATE // 5].any()
    assert not audio[round((0.2 + TAIL_S + 0.05) * RATE) : round(5.9 * RATE)].any()
    assert np.abs(sound(synthesize(performance, engine="hifigan-roll", weights=weights)) - audio).max() > 0


def test_wrong_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, performance = saved(network(), tmp_path), played((0.0, 0.5, 60, 80))
    with pytest.raises(UsageError, match="here, there"):
        synthesize(performance, engine="hifigan-roll", weights=weights, instrument="nowhere")
    with pytest.raises(InputError, match="nowhere"):
        synthesize(performance, engine="hifigan-roll", weights=str(tmp_path / "nowhere"))
    monkeypatch.setattr("perfsynth.nn.weights.shipped", lambda name: tmp_path / name)
    with pytest.raises(MissingError, match="--weights"):
        synthesize(performance, engine="hifigan-roll")
