"""The neural piano: it starts as its exciter, its windows are the whole, and it learns."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from perfsynth.errors import InputError, MissingError, UsageError
from perfsynth.nn.gains import FINE_BINS, hats
from perfsynth.synth import neural
from perfsynth.synth.core import synthesize
from perfsynth.synth.modal import engine
from perfsynth.synth.neural_exciter import exciter
from perfsynth.synth.neural_network import PRESET, Config, Neural
from perfsynth.synth.spectrogram import synthesize_spectrogram
from perfsynth.train.checkpoint import to_toml
from perfsynth.train.spectral import spectral_losses
from perfsynth.types import SUSTAIN
from tests.synth.modal_instrument import piano, played, rms, sound

SMALL = Config(width=16, layers=2, instruments=("here", "there"))
MUSIC = played((0.1, 0.4, 60, 90), (0.35, 0.9, 72, 50), (1.4, 0.3, 64, 110), controls=[(0.3, SUSTAIN, 127, 0)])


def network(config: Config = SMALL, *, trained: bool = False) -> Neural:
    torch.manual_seed(0)
    made = Neural(config)
    if trained:
        with torch.no_grad():
            for layer in (made.gains, made.residual):
                if layer is not None:
                    torch.nn.init.normal_(layer.weight, 0, 0.3 / config.width)
    return made.eval()


def saved(made: Neural, folder: Path, **changed: object) -> str:
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in made.state_dict().items()}, folder / "model.safetensors")
    table = {"system": "neural", "model": asdict(made.config) | changed}
    (folder / "config.toml").write_text(to_toml(table))
    return str(folder)


def test_the_sources_of_the_exciter_are_the_modal_piano() -> None:
    whole = sound(engine.stream(MUSIC, piano=piano(), seed=5))
    parts = sound(exciter(MUSIC, sample_rate=48000, piano=piano(), seed=5))
    assert parts.shape == (len(whole), 4)
    assert rms(parts[:, :2]) > 10 * rms(parts[:, 2:]) > 0
    assert np.abs(parts[:, :2] + parts[:, 2:] - whole).max() < 1e-5


@pytest.mark.parametrize("residual", [False, True])
def test_without_training_it_sounds_like_its_exciter(residual: bool) -> None:
    made = network(Config(16, 1, residual=residual))
    given = torch.randn(2, 4, 20000) * 0.1
    with torch.no_grad():
        out = made(given, torch.tensor([0, 0]))
    assert out.shape == (2, 2, 20000)
    assert float((out - given[:, :2] - given[:, 2:])[..., 1000:-1000].abs().max()) < 1e-5


@pytest.mark.parametrize("residual", [False, True])
def test_silence_is_silent_after_training_too(residual: bool) -> None:
    made = network(Config(16, 1, residual=residual), trained=True)
    assert not made(torch.zeros(1, 4, 20000), torch.tensor([0])).any()


def test_a_clip_does_not_hear_its_neighbours_in_the_batch() -> None:
    made, given = network(trained=True), torch.randn(3, 4, 12000) * 0.1
    numbers = torch.tensor([0, 1, 0])
    with torch.no_grad():
        alone, together = made(given[1:2], numbers[1:2]), made(given, numbers)
    assert float((alone[0] - together[1]).abs().max()) < 1e-5


@pytest.mark.parametrize("residual", [False, True])
def test_in_half_precision_the_layers_run_in_it_and_the_spectra_do_not(residual: bool) -> None:
    made = network(Config(16, 2, residual=residual), trained=True)
    given, alone, seen = torch.randn(1, 4, 12000) * 0.1, torch.tensor([0]), []
    made.blocks[0].expand.register_forward_hook(lambda _, __, out: seen.append(out.dtype))
    with torch.no_grad():
        exact = made(given, alone)
        with torch.autocast("cpu", torch.bfloat16):
            half = made(given, alone)
    assert seen == [torch.float32, torch.bfloat16]
    assert half.dtype == torch.float32
    assert 0 < float((half - exact).std() / exact.std()) < 0.02


@pytest.mark.parametrize("length", [1, 100, 40 * 512 + 77, 70 * 512])
def test_windows_are_the_whole(length: int) -> None:
    made = network(Config(16, 2, residual=True), trained=True)
    given = (np.random.default_rng(0).normal(size=(length, 4)) * 0.1).astype(np.float32)
    blocks = [given[i : i + 3001] for i in range(0, length, 3001)]
    parts = np.concatenate(list(neural.windowed(blocks, made, 0, "cpu", window=16)))
    whole = np.concatenate(list(neural.windowed([given], made, 0, "cpu", window=4096)))
    assert parts.shape == whole.shape == (length, 2)
    assert np.abs(parts - whole).max() < 2e-5
    assert length < 1000 or np.abs(whole - given[:, :2] - given[:, 2:]).max() > 1e-3  # it does something


def test_gains_are_interpolated_from_bands_to_bins() -> None:
    n_bins = PRESET.n_fft // 2 + 1
    made = hats(256, n_bins)
    assert np.allclose(made.sum(axis=0), 1.0, atol=1e-6)
    assert np.array_equal(made[:FINE_BINS, :FINE_BINS], np.eye(FINE_BINS))
    assert made[-1, -1] == 1.0


def test_it_learns_the_colour_of_one_batch() -> None:
    made = network(Config(24, 1))
    generator = torch.Generator().manual_seed(2)
    given = torch.randn(2, 4, 16384, generator=generator) * 0.02
    mixed = given[:, :2] + given[:, 2:]
    wanted = torch.nn.functional.avg_pool1d(mixed, 3, stride=1, padding=1) * 0.5
    optimizer = torch.optim.Adam(made.parameters(), 1e-2)
    costs = []
    for _ in range(40):
        parts = spectral_losses(made(given, torch.tensor([0, 0])).flatten(0, 1), wanted.flatten(0, 1))
        costs.append(float(parts["mel"].detach()))
        optimizer.zero_grad()
        (parts["magnitude"] + parts["mel"]).backward()
        optimizer.step()
    assert costs[-1] < 0.3 * costs[0]


def test_the_size_that_a_gpu_trains() -> None:
    n_parameters = sum(p.numel() for p in Neural(Config(384, 8, residual=True)).parameters())
    assert n_parameters / 1e6 == pytest.approx(10.47, abs=0.01)


def test_engine_instruments_and_rooms(tmp_path: Path) -> None:
    weights = saved(network(trained=True), tmp_path)
    here = sound(neural.stream(MUSIC, piano=piano(), weights=weights))
    there = sound(neural.stream(MUSIC, piano=piano(), weights=weights, instrument="there", room="studio"))
    assert here.shape[1] == 2
    assert len(there) > len(here) > 1.5 * PRESET.sample_rate
    assert np.isfinite(there).all()
    assert np.abs(there[: len(here)] - here).max() > 1e-3
    again = sound(neural.stream(MUSIC, piano=piano(), weights=weights))
    assert np.array_equal(here, again)
    with pytest.raises(UsageError, match="here, there"):
        neural.stream(MUSIC, weights=weights, instrument="elsewhere")


def test_the_spectrogram_is_that_of_the_sound(tmp_path: Path) -> None:
    from perfsynth.dsp.mel import spectrogram

    weights = saved(network(trained=True), tmp_path)
    made = synthesize_spectrogram(MUSIC, model="neural", weights=weights)
    audio = sound(neural.stream(MUSIC, weights=weights)).mean(axis=1)
    assert made.preset == PRESET.name
    assert np.abs(made.values - spectrogram(audio, PRESET)).max() < 1e-3


def test_weights_of_another_version_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="this version"):
        synthesize(MUSIC, engine="neural", weights=saved(network(), tmp_path, width=24))
    with pytest.raises(InputError, match="this version"):
        synthesize(MUSIC, engine="neural", weights=saved(network(), tmp_path, unheard_of=1))
    (tmp_path / "config.toml").write_text('system = "m2m"\n[model]\n')
    with pytest.raises(InputError, match="m2m"):
        synthesize(MUSIC, engine="neural", weights=str(tmp_path))
    with pytest.raises(InputError, match="nowhere"):
        synthesize(MUSIC, engine="neural", weights=str(tmp_path / "nowhere"))


def test_a_network_that_knows_one_instrument_more_begins_with_the_first_one() -> None:
    from dataclasses import replace

    known, more = network(trained=True), network(replace(SMALL, instruments=("here", "there", "mine")))
    with torch.no_grad():
        known.last.scale.weight[0] += 0.5
    more.load_state_dict(known.state_dict())
    given = torch.randn(1, 4, 9000) * 0.1
    with torch.no_grad():
        here, mine, there = known(given, torch.tensor([0])), *(more(given, torch.tensor([i])) for i in (2, 1))
    assert float((here - mine).abs().max()) < 1e-6
    assert float((here - there).abs().max()) > 1e-4
    with pytest.raises(RuntimeError):
        known.load_state_dict(more.state_dict())


def test_weights_that_do_not_ship_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("perfsynth.nn.weights.shipped", lambda name: tmp_path / name)
    with pytest.raises(MissingError, match="--weights"):
        synthesize(MUSIC, engine="neural")
