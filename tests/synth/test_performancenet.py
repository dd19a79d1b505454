"""PerformanceNet: its size, what its parts see, windows that are the whole, its ablations."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from perfsynth.errors import InputError, MissingError, UsageError
from perfsynth.synth import performancenet
from perfsynth.synth.core import synthesize
from perfsynth.synth.performancenet import (
    CONTEXT,
    FADE,
    FLOOR_LN,
    FRAME_S,
    PRESET,
    STRIDE,
    TAIL_S,
    WINDOW,
    given_rolls,
    windowed,
)
from perfsynth.synth.performancenet_network import (
    BANDS,
    CENTRE_LN,
    STEP,
    Config,
    MultiBandResidual,
    PerformanceNet,
)
from perfsynth.synth.roll import sounding
from perfsynth.synth.spectrogram import synthesize_spectrogram
from perfsynth.train.checkpoint import to_toml
from tests.synth.modal_instrument import played, sound

SMALL = Config(divisor=64, narrowest=16, texture_divisor=32, instrument="viola")


def network(config: Config = SMALL) -> PerformanceNet:
    torch.manual_seed(0)
    made = PerformanceNet(config)
    with torch.no_grad():
        for parameter in made.parameters():  # what starts at zero would hide what it hears
            if not parameter.any():
                parameter.normal_(std=0.3)
    return made.eval()


def saved(made: PerformanceNet, folder: Path) -> str:
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in made.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.toml").write_text(to_toml({"system": "performancenet", "model": asdict(made.config)}))
    return str(folder)


@pytest.mark.parametrize(
    ("config", "millions"),
    [
        (Config(), 252.15),
        (Config(edges=False), 241.13),
        (Config(texture=False), 246.21),
        (Config(divisor=8, texture_divisor=4), 8.17),
    ],
)
def test_the_sizes(config: Config, millions: float) -> None:
    with torch.device("meta"):
        n_parameters = sum(p.numel() for p in PerformanceNet(config).parameters())
    assert n_parameters / 1e6 == pytest.approx(millions, abs=0.005)


def test_the_channels_of_the_paper() -> None:
    with torch.device("meta"):
        contour = PerformanceNet(Config()).contour
    assert [down.plain.out_channels for down in contour.down] == [256, 512, 1024, 2048, 4096]
    assert [up.plain.out_channels for up in contour.up] == [2048, 1025, 1025, 1025, 1025]


@pytest.mark.parametrize("n_frames", [1, STEP, STEP + 1, 100])
def test_any_number_of_frames(n_frames: int) -> None:
    roll = torch.zeros(2, 128, n_frames)
    with torch.inference_mode():
        assert network()(roll, roll).shape == (2, 1025, n_frames)


@pytest.mark.parametrize("bands", BANDS)
def test_a_band_hears_no_other_and_begins_as_nothing(bands: int) -> None:
    torch.manual_seed(0)
    block = MultiBandResidual(1025, bands, 16)
    x = torch.randn(1, 1025, 12, requires_grad=True)
    assert torch.equal(block(x), x)
    assert sum(block.widths) == 1025
    assert len(block.widths) == bands
    for band in block.bands:
        torch.nn.init.ones_(band[-1].weight)
    first = block.widths[0]
    added = (block(x) - x)[0, :first]
    reached = torch.autograd.grad((added**2).sum(), x)[0][0].abs().sum(dim=1) > 0
    assert reached[:first].any()
    assert not reached[first:].any()


def test_a_chunk_does_not_hear_its_neighbours_in_the_batch() -> None:
    made, generator = network(), torch.Generator().manual_seed(0)
    roll, edges = (torch.rand(3, 128, 64, generator=generator) for _ in range(2))
    with torch.inference_mode():
        together = made(roll, edges)
        assert float((made(roll[1:2], edges[1:2])[0] - together[1]).abs().max()) < 1e-3


def test_a_frame_depends_on_no_more_than_the_context() -> None:
    made = network(replace(SMALL, texture=False)).double()
    n_frames = 2 * CONTEXT + 2 * STEP
    roll, edges = (torch.rand(1, 128, n_frames, dtype=torch.double, requires_grad=True) for _ in range(2))
    for frame in (CONTEXT, CONTEXT + STEP // 2 + 1):
        out = made(roll, edges)[0, :, frame].square().sum()
        for given in (roll, edges):
            reached = torch.nonzero(torch.autograd.grad(out, given, retain_graph=True)[0].abs().sum(dim=(0, 1)))
            assert reached.max() > frame
            assert max(frame - int(reached.min()), int(reached.max()) - frame) <= CONTEXT


def test_windows_of_the_contour_are_the_whole() -> None:
    assert STRIDE % STEP == CONTEXT % STEP == WINDOW % STEP == 0
    made = network(replace(SMALL, texture=False))
    rng = np.random.default_rng(0)
    notes = [(float(t), float(rng.uniform(0.1, 1.5)), int(rng.integers(30, 90)), 80) for t in rng.uniform(0, 9, 60)]
    table = sounding(played(*notes))
    n_frames = round((table["end_s"].max() + TAIL_S) / FRAME_S)
    around = CONTEXT  # before and after there are no notes: zeros, as beyond the ends of the roll
    roll, edges = given_rolls(table, -around, -(-(n_frames + 2 * around) // STEP) * STEP, velocity=True)
    with torch.inference_mode():
        whole = made(torch.from_numpy(roll)[None], torch.from_numpy(edges)[None])[0, :, around : around + n_frames]
    found = windowed(table, made, "cpu", n_frames)
    sounds = slice(round(table["begin_s"].min() / FRAME_S), n_frames - 1)
    assert n_frames > 2 * STRIDE
    assert np.abs(found - np.maximum(whole.numpy(), FLOOR_LN))[:, sounds].max() < 1e-3


def test_no_seam_where_windows_meet_and_silence_is_silent(tmp_path: Path) -> None:
    weights = saved(network(), tmp_path)
    performance = played(*((0.25 * i, 0.25, 60, 80) for i in range(40)), (20.0, 1.0, 60, 80))
    made = synthesize_spectrogram(performance, model="performancenet", weights=weights, instrument="viola")
    assert made.preset == PRESET.name
    assert made.values.shape == (1025, round((21.0 + TAIL_S) / FRAME_S) + 1)
    silent = slice(round((10.0 + TAIL_S) / FRAME_S) + 2, round(20.0 / FRAME_S) - 2)
    assert np.all(made.values[:, silent] == np.float32(FLOOR_LN))
    jumps = np.abs(np.diff(made.values[:, : round(9.5 / FRAME_S)], axis=1)).mean(axis=0)
    for border in range(STRIDE, len(jumps) - FADE, STRIDE):
        assert jumps[border - 1 : border + FADE + 1].max() <= jumps[10:].max()
        assert np.median(jumps[border : border + FADE]) < 1.5 * np.median(jumps)


def test_ablations_leave_out_what_they_say() -> None:
    roll = torch.zeros(1, 128, 64)
    edges = torch.zeros(1, 128, 64)
    edges[0, 60, 20] = 1
    with torch.inference_mode():
        for config, hears in ((SMALL, True), (replace(SMALL, edges=False), False)):
            made = network(config)
            assert bool((made(roll, edges) != made(roll, 0 * edges)).any()) == hears
    assert network(replace(SMALL, texture=False)).texture is None
    table = sounding(played((0.0, 0.5, 60, 64)))
    for velocity, value in ((True, 64 / 127), (False, 1.0)):
        assert given_rolls(table, 0, 100, velocity=velocity)[0].max() == pytest.approx(value)


def test_it_learns_one_batch_by_heart() -> None:
    made = PerformanceNet(SMALL).train()
    generator = torch.Generator().manual_seed(0)
    roll = (torch.rand(1, 128, 32, generator=generator) < 0.05).float()
    wanted = CENTRE_LN + 2 * torch.randn(1, 1025, 1, generator=generator) + roll.sum(dim=1, keepdim=True) / 4
    optimizer = torch.optim.Adam(made.parameters(), 5e-3)
    costs = []
    for _ in range(40):
        loss = ((made(roll, roll) - wanted) ** 2).mean()
        costs.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert costs[-1] < 0.15 * costs[0]


def test_the_engine_sounds_and_says_how(tmp_path: Path) -> None:
    weights = saved(network(), tmp_path)
    made = synthesize(played((0.0, 0.5, 60, 80)), engine="performancenet", weights=weights, seed=3)
    assert made.sample_rate == 44100
    assert made.history[-1].model == "performancenet"
    assert made.history[-1].options["vocoder"] == "griffin-lim"
    audio = sound(made)
    assert len(audio) / 44100 == pytest.approx(0.5 + TAIL_S, abs=0.02)
    assert np.isfinite(audio).all()
    assert audio.any()


def test_wrong_asks(tmp_path: Path) -> None:
    weights, performance = saved(network(), tmp_path), played((0.0, 0.5, 60, 80))
    with pytest.raises(UsageError, match="viola"):
        synthesize_spectrogram(performance, model="performancenet", weights=weights, instrument="flute")
    with pytest.raises(InputError, match="nowhere"):
        synthesize_spectrogram(performance, model="performancenet", weights=str(tmp_path / "nowhere"))


def test_without_weights_of_its_own_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("perfsynth.nn.weights.shipped", lambda name: tmp_path / name)
    with pytest.raises(MissingError, match="--weights"):
        performancenet.predict(played((0.0, 0.5, 60, 80)))
