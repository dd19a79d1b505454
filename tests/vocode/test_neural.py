"""The neural vocoder: it starts as the source-filter, its windows are the whole, and it learns."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from perfsynth.dsp.colouring import Colour, coloured
from perfsynth.dsp.mel import spectrogram, spectrogram_torch
from perfsynth.errors import InputError
from perfsynth.synth.spectrogram import synthesize_spectrogram
from perfsynth.train.checkpoint import to_toml
from perfsynth.types import Spectrogram
from perfsynth.vocode import neural
from perfsynth.vocode.core import vocode
from perfsynth.vocode.neural_network import PRESET, Config, Vocoder
from tests.synth.modal_instrument import played, sound

SMALL = Config(width=16, layers=2)
MUSIC = played((0.1, 0.4, 60, 90), (0.35, 0.9, 72, 50), (1.4, 0.3, 64, 110))
FLOOR_LN = float(np.log(PRESET.floor))


def network(*, trained: bool = False) -> Vocoder:
    torch.manual_seed(0)
    made = Vocoder(SMALL)
    if trained:
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    return made.eval()


def saved(made: Vocoder, folder: Path) -> str:
    save_file(made.state_dict(), folder / "model.safetensors")
    (folder / "config.toml").write_text(to_toml({"system": "neural-vocoder", "model": asdict(made.config)}))
    return str(folder)


def sources(n_frames: int, seed: int = 0) -> np.ndarray:
    """(n, 6): what is loud at first and then soft, and noise of deviation 1."""
    rng = np.random.default_rng(seed)
    n_samples = (n_frames - 1) * PRESET.hop
    made = rng.standard_normal((n_samples, 6)).astype(np.float32)
    made[:, :4] *= np.geomspace(0.1, 0.001, n_samples, dtype=np.float32)[:, None]
    return made


def bands_like(n_frames: int) -> np.ndarray:
    other = sources(n_frames, seed=1)[:, :4].mean(axis=1)
    return spectrogram(other, PRESET) + np.linspace(1.0, -1.0, PRESET.n_bands, dtype=np.float32)[:, None]


def test_before_training_it_is_the_source_filter() -> None:
    given, wanted = sources(60), bands_like(60)
    with torch.no_grad():
        made = network()(torch.from_numpy(given.T)[None], torch.from_numpy(wanted)[None])[0].numpy().T
    by_rule = np.concatenate(list(coloured([given[:, :2] + given[:, 2:4]], wanted, PRESET, colour=Colour())))
    inner = slice(2048, -2048)
    assert np.std((made - by_rule)[inner]) < 0.03 * np.std(by_rule[inner])  # the noise that it begins with


def test_in_half_precision_the_layers_run_in_it_and_the_spectra_do_not() -> None:
    made, seen = network(trained=True), []
    given = torch.from_numpy(sources(30).T)[None], torch.from_numpy(bands_like(30))[None]
    made.blocks[0].expand.register_forward_hook(lambda _, __, out: seen.append(out.dtype))
    with torch.no_grad():
        exact = made(*given)
        with torch.autocast("cpu", torch.bfloat16):
            half = made(*given)
    assert seen == [torch.float32, torch.bfloat16]
    assert half.dtype == torch.float32
    assert 0 < float((half - exact).std() / exact.std()) < 0.05


def test_where_no_sound_is_wanted_there_is_none() -> None:
    wanted = bands_like(60)
    wanted[:, 20:] = FLOOR_LN
    with torch.no_grad():
        made = network(trained=True)(torch.from_numpy(sources(60).T)[None], torch.from_numpy(wanted)[None])[0].numpy()
    assert np.abs(made[:, : 18 * PRESET.hop]).max() > 1e-3
    assert not made[:, 22 * PRESET.hop :].any()


def test_where_nothing_plays_noise_has_the_bands_wanted_once_it_is_learnt() -> None:
    made, wanted = network(), np.full((PRESET.n_bands, 40), -4.0, np.float32)
    with torch.no_grad():
        made.noise.bias.fill_(100.0)  # as loud as can be: the bands themselves
        given = torch.from_numpy(sources(40).T.copy())[None]
        given[:, :4] = 0.0
        sound = made(given, torch.from_numpy(wanted)[None])
        left, mean = (spectrogram_torch(x, PRESET)[0, 5:, 5:-5] for x in (sound[:, 0], sound.mean(dim=1)))
    assert float(left.mean()) == pytest.approx(-4.0, abs=0.3)
    assert float(mean.mean()) == pytest.approx(-4.0 - np.log(2) / 2, abs=0.3)


@pytest.mark.parametrize("n_frames", [2, 9, 40, 71])
def test_windows_are_the_whole(n_frames: int) -> None:
    made, given, wanted = network(trained=True), sources(n_frames), bands_like(n_frames)
    blocks = iter([given[i : i + 3001] for i in range(0, len(given), 3001)])
    parts = np.concatenate(list(neural.windowed(blocks, wanted, made, "cpu", window=16)))
    whole = np.concatenate(list(neural.windowed(iter([given]), wanted, made, "cpu", window=4096)))
    assert parts.shape == whole.shape == (len(given), 2)
    assert np.abs(parts - whole).max() < 2e-5


def test_it_sounds_what_was_predicted_and_again_the_same(tmp_path: Path) -> None:
    weights = saved(network(), tmp_path)
    predicted = synthesize_spectrogram(MUSIC, model="modal")
    made = sound(vocode(predicted, model="neural", weights=weights))
    assert made.shape == ((predicted.values.shape[1] - 1) * PRESET.hop, 2)
    again = spectrogram(made.mean(axis=1), PRESET)
    loud = predicted.values > -6.0
    assert np.abs(again - predicted.values)[loud].mean() < 0.2
    assert np.array_equal(made, sound(vocode(predicted, model="neural", weights=weights)))
    assert not np.array_equal(made, sound(vocode(predicted, model="neural", weights=weights, seed=1)))


def test_what_it_cannot_sound_is_refused(tmp_path: Path) -> None:
    weights = saved(network(), tmp_path)
    predicted = synthesize_spectrogram(MUSIC, model="modal")
    with pytest.raises(InputError, match="griffin-lim"):
        vocode(replace(predicted, performance=None), model="neural", weights=weights)
    with pytest.raises(InputError, match="perfsynth-44k"):
        other = Spectrogram(np.zeros((80, 9), np.float32), "deep-performer-16k", performance=MUSIC)
        vocode(other, model="neural", weights=weights)
    (tmp_path / "config.toml").write_text('system = "neural"\n[model]\n')
    with pytest.raises(InputError, match="neural-vocoder"):
        vocode(predicted, model="neural", weights=weights)


def test_it_learns_one_batch() -> None:
    made = network().train()
    given = torch.from_numpy(sources(24).T)[None]
    wanted = given[:, :2] * 0.5 + 0.01 * given[:, 4:]
    values = spectrogram_torch(wanted.mean(dim=1), PRESET)
    optimizer = torch.optim.Adam(made.parameters(), 1e-2)
    costs = []
    for _ in range(30):
        heard, truth = (spectrogram_torch(x[:, 0], PRESET) for x in (made(given, values), wanted))
        cost = (heard - truth).abs().mean()
        costs.append(float(cost.detach()))
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
    assert costs[-1] < 0.7 * costs[0]
