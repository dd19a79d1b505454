"""HiFi-GAN: the sizes of the paper, windows, silence, and wrong weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from perfsynth.errors import InputError, MissingError
from perfsynth.nn.discriminators import Discriminators, adversarial_losses
from perfsynth.nn.hifigan import Generator, GeneratorConfig
from perfsynth.types import Spectrogram
from perfsynth.vocode import hifigan
from perfsynth.vocode.core import vocode

SMALL = GeneratorConfig(channels=32)


def n_parameters(network: nn.Module) -> int:
    """Without the scales that weight normalisation adds."""
    kinds = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d)
    return sum(m.weight.numel() + m.bias.numel() for m in network.modules() if isinstance(m, kinds))  # type: ignore[union-attr, misc]


@pytest.mark.parametrize(("channels", "millions"), [(512, 13.92), (128, 0.92)])
def test_the_generators_have_the_sizes_of_the_paper(channels: int, millions: float) -> None:
    assert n_parameters(Generator(GeneratorConfig(channels=channels))) / 1e6 == pytest.approx(millions, abs=0.01)


def test_the_discriminators_have_the_sizes_of_the_published_code() -> None:
    network = Discriminators()
    assert n_parameters(network.periods) / 1e6 == pytest.approx(41.09, abs=0.01)
    assert n_parameters(network.scales) / 1e6 == pytest.approx(29.61, abs=0.01)


def test_shapes() -> None:
    assert Generator(SMALL)(torch.zeros(2, 80, 7)).shape == (2, 1, 7 * 256)
    judged = Discriminators(32)(torch.zeros(2, 4096))
    assert len(judged) == 8
    assert all(verdict.shape[0] == 2 and len(features) in (6, 8) for verdict, features in judged)


def test_discriminators_learn_to_tell_and_a_copy_costs_nothing() -> None:
    torch.manual_seed(0)
    network = Discriminators(32)
    wanted, made = torch.sin(torch.arange(4096.0))[None].repeat(2, 1), torch.randn(2, 4096) * 0.3
    assert float(adversarial_losses(network.eval(), wanted, wanted).matching.detach()) < 1e-6
    network.train()
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    costs = []
    for _ in range(20):
        losses = adversarial_losses(network, made, wanted)
        costs.append(float(losses.discriminator.detach()))
        optimizer.zero_grad()
        losses.discriminator.backward()
        optimizer.step()
    assert costs[-1] < 0.7 * costs[0]


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(1)
    network = Generator(SMALL)
    with torch.no_grad():
        for layer in (network.leave,):
            layer.parametrizations.weight.original0.mul_(30)  # type: ignore[union-attr]
    return network.eval()


def test_windows_are_the_whole(generator: Generator) -> None:
    values = np.random.default_rng(0).normal(-3, 2, (80, 150)).astype(np.float32)
    n_samples = 149 * 256
    whole, parts = (
        np.concatenate(list(hifigan.windowed(values, generator, "cpu", n_samples, window))) for window in (1000, 37)
    )
    assert whole.shape == parts.shape == (n_samples, 1)
    assert np.abs(whole).max() > 1e-3
    assert np.abs(whole - parts).max() < 1e-5


def test_an_offset_is_taken_out(generator: Generator) -> None:
    values = np.random.default_rng(0).normal(-3, 2, (80, 150)).astype(np.float32)

    def offset(given: torch.Tensor) -> torch.Tensor:
        return generator(given) + 0.03

    offset.context, offset.to = generator.context, lambda device: offset  # type: ignore[attr-defined]
    plain, moved = (
        np.concatenate(list(hifigan.windowed(values, made, "cpu", 149 * 256, 37)))  # type: ignore[arg-type]
        for made in (generator, offset)
    )
    assert abs(moved[1600:].mean()) < 1e-3
    assert np.abs(moved - plain)[1600:].max() < 1e-5


def test_silence_is_silent_and_so_is_what_lies_far_from_sound(generator: Generator) -> None:
    floor = np.log(hifigan.PRESET.floor)
    values = np.full((80, 200), floor, np.float32)
    made = np.concatenate(list(hifigan.windowed(values, generator, "cpu", 199 * 256, 64)))
    assert not made.any()
    values[:, 100:104] = 0.0
    made = np.concatenate(list(hifigan.windowed(values, generator, "cpu", 199 * 256, 64)))
    context = generator.context()
    assert made[100 * 256 : 104 * 256].any()
    assert not made[: (100 - context) * 256].any()
    assert not made[(104 + context) * 256 :].any()


def test_wrong_presets_and_weights_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    other = Spectrogram(np.zeros((128, 9), np.float32), "perfsynth-44k")
    with pytest.raises(InputError, match="deep-performer-16k"):
        vocode(other, model="hifigan")
    own = Spectrogram(np.zeros((80, 9), np.float32), "deep-performer-16k")
    (tmp_path / "config.toml").write_text('system = "hifigan"\n[model]\nchannels = 32\n')
    save_file({"of.another": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="this version"):
        vocode(own, model="hifigan", weights=str(tmp_path))
    (tmp_path / "config.toml").write_text('system = "cantabile"\n[model]\n')
    with pytest.raises(InputError, match="cantabile"):
        vocode(own, model="hifigan", weights=str(tmp_path))
    with pytest.raises(InputError, match="no weights"):
        vocode(own, model="hifigan", weights=str(tmp_path / "nowhere"))


def test_weights_that_do_not_ship_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("perfsynth.nn.weights.shipped", lambda name: tmp_path / name)
    with pytest.raises(MissingError, match="--weights"):
        vocode(Spectrogram(np.zeros((80, 9), np.float32), "deep-performer-16k"), model="hifigan")
