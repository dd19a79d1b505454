"""The recurrent network from keys to samples: its sizes, its losses, its windows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from perfsynth.errors import InputError, MissingError, UsageError
from perfsynth.synth.core import synthesize
from perfsynth.synth.lan_rnn import CONTEXT, FADE, SAMPLES, TAIL_S, TOGETHER, WINDOW_S, pitch_matrix, windowed
from perfsynth.synth.lan_rnn_network import INPUTS, Config, LanRNN, spectral_loss, waveform_loss
from perfsynth.synth.roll import sounding
from perfsynth.train.checkpoint import to_toml
from tests.synth.modal_instrument import played, sound

SMALL = Config(hidden=8, instrument="viola")


def network(config: Config = SMALL) -> LanRNN:
    torch.manual_seed(0)
    return LanRNN(config).eval()


def saved(made: LanRNN, folder: Path) -> str:
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in made.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.toml").write_text(to_toml({"system": "lan-rnn", "model": asdict(made.config)}))
    return str(folder)


@pytest.mark.parametrize(("hidden", "millions"), [(256, 2.73), (512, 9.65)])
def test_the_sizes(hidden: int, millions: float) -> None:
    n_parameters = sum(p.numel() for p in LanRNN(Config(hidden=hidden)).parameters())
    assert n_parameters / 1e6 == pytest.approx(millions, abs=0.005)


def test_the_pitch_matrix_has_sounding_and_struck_keys() -> None:
    table = sounding(played((2 * WINDOW_S, 3 * WINDOW_S, 21, 127), (0.0, WINDOW_S, 108, 127), (0.0, 1.0, 5, 127)))
    made = pitch_matrix(table, 0, 6)
    assert made.shape == (6, INPUTS)
    assert made[:, 0].tolist() == [0, 0, 1, 1, 1, 0]
    assert made[:, 88].tolist() == [0, 0, 1, 0, 0, 0]
    assert made[:, [87, 175]].tolist() == [[1, 1]] + [[0, 0]] * 5
    assert made.sum() == pytest.approx(6)


def test_keys_are_struck_in_the_window_whose_samples_have_their_onset() -> None:
    begin = np.array([0.0, 1.25, 2.5, 3.75, 4.99])
    table = sounding(played(*((at * WINDOW_S, 0.001, 60 + i, 127) for i, at in enumerate(begin))))
    for first in (0, 1):
        window, key = np.nonzero(pitch_matrix(table, first, 6)[:, 88:])
        assert (window + first).tolist() == np.floor(begin)[first:].astype(int).tolist()
        assert (key + 21).tolist() == [60, 61, 62, 63, 64][first:]
    edges = sounding(played(*((k * WINDOW_S, WINDOW_S, 60, 127) for k in range(200))))
    assert pitch_matrix(edges, 0, 200)[:, 88 + 39].all()


def test_both_directions_are_heard_and_no_neighbours_in_the_batch() -> None:
    made = network()
    pitches = torch.rand(3, 9, INPUTS, generator=torch.Generator().manual_seed(0), requires_grad=True)
    out = made(pitches)
    assert out.shape == (3, 9 * SAMPLES)
    reached = torch.autograd.grad(out[1, 4 * SAMPLES : 5 * SAMPLES].square().sum(), pitches)[0].abs().sum(dim=-1) > 0
    assert reached[1].all()
    assert not reached[[0, 2]].any()


def test_the_spectral_loss_does_not_mind_phase_and_the_other_does() -> None:
    sine = torch.sin(2 * torch.pi * 440 * torch.arange(8000) / 16000)[None] * 0.1
    assert float(spectral_loss(sine, sine)) == float(waveform_loss(sine, sine)) == 0
    assert float(waveform_loss(sine, -sine)) == pytest.approx(4 * 0.005, rel=1e-3)
    assert float(spectral_loss(sine, -sine)) < 1e-9
    noise = torch.randn(1, 8000, generator=torch.Generator().manual_seed(0))
    assert float(spectral_loss(noise, noise / 10)) == pytest.approx(np.log(10) ** 2, rel=1e-3)


@pytest.mark.parametrize("loss", [spectral_loss, waveform_loss])
def test_it_learns_one_batch_by_heart(loss: object) -> None:
    made = LanRNN(Config(hidden=32)).train()
    generator = torch.Generator().manual_seed(0)
    pitches = torch.rand(2, 6, INPUTS, generator=generator)
    wanted = torch.randn(2, 6 * SAMPLES, generator=generator) * 0.1
    optimizer = torch.optim.Adam(made.parameters(), 1e-2)
    costs = []
    for _ in range(60):
        cost = loss(made(pitches), wanted)  # type: ignore[operator]
        costs.append(float(cost.detach()))
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
    assert costs[-1] < 0.6 * costs[0]


def test_windows_are_nearly_the_whole() -> None:
    made = network()
    rng = np.random.default_rng(0)
    notes = [(float(t), 0.4, int(rng.integers(30, 90)), int(rng.integers(40, 100))) for t in np.arange(0, 29, 0.3)]
    table = sounding(played(*notes))
    n_windows = 2 * TOGETHER + 100
    with torch.inference_mode():
        pitches = pitch_matrix(table, 0, n_windows + CONTEXT)
        whole = made(torch.from_numpy(pitches)[None])[0, : n_windows * SAMPLES].numpy()
    blocks = list(windowed(table, made, "cpu", n_windows))
    assert [len(block) // SAMPLES for block in blocks] == [TOGETHER, TOGETHER, 100]
    assert np.abs(np.concatenate(blocks)[:, 0] - whole).max() < 1e-3 * np.abs(whole).max()
    assert CONTEXT > FADE


def test_the_engine_sounds_and_is_silent_where_nothing_is_near(tmp_path: Path) -> None:
    weights = saved(network(), tmp_path)
    late = 2.5 * TOGETHER * WINDOW_S
    made = synthesize(
        played((0.0, 0.5, 60, 80), (late, 0.5, 60, 80)), engine="lan-rnn", weights=weights, instrument="viola"
    )
    assert made.sample_rate == 16000
    assert made.history[-1].model == "lan-rnn"
    audio = sound(made)
    assert len(audio) / 16000 == pytest.approx(late + 0.5 + TAIL_S, abs=WINDOW_S)
    assert audio[: TOGETHER * SAMPLES].any()
    assert not audio[(TOGETHER + FADE) * SAMPLES : (2 * TOGETHER - CONTEXT) * SAMPLES].any()


def test_wrong_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, performance = saved(network(), tmp_path), played((0.0, 0.5, 60, 80))
    with pytest.raises(UsageError, match="viola"):
        synthesize(performance, engine="lan-rnn", weights=weights, instrument="flute")
    with pytest.raises(InputError, match="nowhere"):
        synthesize(performance, engine="lan-rnn", weights=str(tmp_path / "nowhere"))
    monkeypatch.setattr("perfsynth.nn.weights.shipped", lambda name: tmp_path / name)
    with pytest.raises(MissingError, match="--weights"):
        synthesize(performance, engine="lan-rnn")
