"""M2A and its single-stage baseline: sizes, what hears what, segments that cross-fade, the vocoder's windows."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from perfsynth.errors import InputError, MissingError, UsageError
from perfsynth.synth.core import synthesize
from perfsynth.synth.m2a import FLOOR_LOG10, FRAME_S, OVERLAP, PRESET, SEGMENT, TAIL_S
from perfsynth.synth.m2a_network import CENTRE, M2A, Config, guided_attention_loss
from perfsynth.synth.roll import sounding, sounding_roll
from perfsynth.synth.spectrogram import synthesize_spectrogram
from perfsynth.train.checkpoint import to_toml
from perfsynth.types import Spectrogram
from perfsynth.vocode.core import vocode
from perfsynth.vocode.m2a import windowed
from tests.synth.modal_instrument import played, sound

SMALL = Config(
    width=16, inner=16, heads=2, encoder_layers=1, decoder_layers=1, prenet=8, postnet=8, vocoder_channels=16,
    vocoder_learnt=True, instrument="grand",
)  # fmt: skip
BASELINE = replace(SMALL, pianists=("other", "Ann"), albums=("hall", "booth"), instrument="")


def network(config: Config = SMALL) -> M2A:
    torch.manual_seed(0)
    made = M2A(config)
    with torch.no_grad():
        for table in (made.acoustic.pianist, made.acoustic.album):
            if table is not None:
                table.weight.normal_()
        for name, parameter in made.named_parameters():
            if name.startswith("vocoder.") and name.endswith("original0"):  # or the output is that of the biases
                parameter *= 20
    return made.eval()


def saved(made: M2A, folder: Path, system: str = "m2a") -> str:
    from safetensors.torch import save_file

    folder.mkdir(exist_ok=True)
    save_file({name: value.contiguous() for name, value in made.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.toml").write_text(to_toml({"system": system, "model": asdict(made.config)}))
    return str(folder)


def test_the_sizes_of_the_paper() -> None:
    with torch.device("meta"):
        made = M2A(Config())
    acoustic, vocoder = (sum(p.numel() for p in part.parameters()) / 1e6 for part in (made.acoustic, made.vocoder))
    assert acoustic == pytest.approx(17.74, abs=0.01)  # the paper's: about 18
    assert vocoder == pytest.approx(13.87, abs=0.01)  # 13.9


def test_shapes_and_no_neighbours_in_the_batch() -> None:
    made = network()
    roll = torch.rand(3, 128, 40, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        said = made.acoustic(roll)
        assert said.before.shape == said.after.shape == (3, 128, 40)
        assert [looked.shape for looked in said.attention] == [(3, 2, 10, 40)]
        assert float((said.attention[0].sum(dim=-1) - 1).abs().max()) < 1e-5
        assert float((made(roll[1:2])[0] - said.after[1]).abs().max()) < 1e-4
        assert made.sound(said.after).shape == (3, 40 * PRESET.hop)


def test_looking_straight_ahead_costs_least() -> None:
    steps, frames = 10, 40
    ahead = torch.zeros(1, 1, steps, frames)
    for step in range(steps):
        ahead[0, 0, step, 4 * step + 2] = 1
    back = ahead.flip(-1)
    even = torch.full_like(ahead, 1 / frames)
    costs = [float(guided_attention_loss([attention])) for attention in (ahead, even, back)]
    stray = [(s + 0.5) / steps - (t + 0.5) / frames for s in range(steps) for t in range(frames)]
    assert costs[1] == pytest.approx(np.mean(1 - np.exp(-(np.array(stray) ** 2) / (2 * 0.4**2))) / frames)
    assert costs[0] < 1e-3 / frames < costs[1] < costs[2] < 1 / frames


def test_it_learns_one_batch_by_heart() -> None:
    made = M2A(replace(SMALL, dropout=0.0, vocoder_channels=0)).train()
    roll = (torch.rand(2, 128, 16, generator=torch.Generator().manual_seed(0)) < 0.05).float()
    wanted = CENTRE + roll.cumsum(dim=1) / 2
    optimizer = torch.optim.Adam(made.parameters(), 1e-2)
    costs = []
    for _ in range(80):
        cost = (made(roll) - wanted).abs().mean()
        costs.append(float(cost.detach()))
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
    assert costs[-1] < 0.25 * costs[0]


def test_segments_are_the_network_and_cross_fade(tmp_path: Path) -> None:
    made, weights = network(), saved(network(), tmp_path)
    notes = [(0.2 * i, 0.3, 48 + i % 12, 80) for i in range(80)]
    performance = played(*notes, (30.0, 0.5, 60, 80))
    found = synthesize_spectrogram(performance, model="m2a", weights=weights, instrument="grand").values
    assert found.shape == (128, round((30.5 + TAIL_S) / FRAME_S) + 1)
    table = sounding(performance)
    with torch.inference_mode():
        first, second = (
            made(torch.from_numpy(sounding_roll(table, start, SEGMENT, FRAME_S))[None])[0].numpy()
            for start in (0, SEGMENT - OVERLAP)
        )
    alone = SEGMENT - OVERLAP
    assert np.abs(found[:, :alone] - np.maximum(first[:, :alone], FLOOR_LOG10)).max() < 1e-4
    share = (np.arange(OVERLAP) + 0.5) / OVERLAP
    mixed = first[:, alone:] * (1 - share) + second[:, :OVERLAP] * share
    assert np.abs(found[:, alone:SEGMENT] - np.maximum(mixed, FLOOR_LOG10)).max() < 1e-4
    silent = slice(round((16.3 + TAIL_S) / FRAME_S), round(29.9 / FRAME_S))
    assert np.all(found[:, silent] == np.float32(FLOOR_LOG10))


def test_the_vocoder_in_windows_is_the_vocoder_at_once(tmp_path: Path) -> None:
    made = network()
    values = np.random.default_rng(0).normal(-3, 1, (128, 90)).astype(np.float32)
    parts = np.concatenate(list(windowed(values, made, "cpu", 90 * PRESET.hop, window=16)))
    with torch.inference_mode():
        whole = made.sound(torch.from_numpy(values)[None])[0].numpy()
        assert float((made.sound(torch.zeros(1, 128, 90))[0] - torch.from_numpy(whole)).std()) > 0.01
    middle = slice(
        0, 90 * PRESET.hop - 8 * PRESET.hop
    )  # at the very end a whole gives a few samples more than are kept
    assert np.abs(parts[middle, 0] - whole[middle]).max() < 1e-4 * np.abs(whole).max()
    silence = Spectrogram(np.full((128, 50), FLOOR_LOG10, np.float32), PRESET.name)
    assert not sound(vocode(silence, model="m2a", weights=saved(made, tmp_path))).any()


@pytest.mark.parametrize(("learnt", "vocoder"), [(True, "m2a"), (False, "griffin-lim")])
def test_the_engine_sounds_by_its_own_vocoder_once_that_has_learnt(learnt: bool, vocoder: str, tmp_path: Path) -> None:
    weights = saved(network(replace(SMALL, vocoder_learnt=learnt)), tmp_path)
    made = synthesize(played((0.0, 0.3, 60, 80)), engine="m2a", weights=weights)
    assert made.sample_rate == 24000
    assert made.history[-1].options["vocoder"] == vocoder
    audio = sound(made)
    assert len(audio) / 24000 == pytest.approx(0.3 + TAIL_S, abs=0.02)
    assert audio.any()


def test_the_baseline_knows_pianists_and_albums(tmp_path: Path) -> None:
    weights, performance = saved(network(BASELINE), tmp_path, "m2a-baseline"), played((0.0, 0.3, 60, 60))
    options: list[dict[str, str]] = [{}, {"instrument": "booth"}, {"pianist": "Ann"}]
    found = [
        synthesize_spectrogram(performance, model="m2a-baseline", weights=weights, **given).values for given in options
    ]
    assert np.abs(found[0] - found[1]).max() > 1e-3
    assert np.abs(found[0] - found[2]).max() > 1e-3
    for wrong, known in (({"instrument": "barn"}, "hall, booth"), ({"pianist": "Bob"}, "other, Ann")):
        with pytest.raises(UsageError, match=known):
            synthesize_spectrogram(performance, model="m2a-baseline", weights=weights, **wrong)
    stream = synthesize(performance, engine="m2a-baseline", weights=weights)
    assert stream.history[-1].model == "m2a-baseline"
    assert sound(stream).any()


def test_wrong_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    performance = played((0.0, 0.3, 60, 80))
    weights = saved(network(replace(SMALL, vocoder_channels=0)), tmp_path / "deaf")
    with pytest.raises(UsageError, match="grand"):
        synthesize_spectrogram(performance, model="m2a", weights=weights, instrument="upright")
    with pytest.raises(InputError, match="where those of m2a-baseline"):
        synthesize_spectrogram(performance, model="m2a-baseline", weights=weights)
    silence = Spectrogram(np.zeros((128, 5), np.float32), PRESET.name)
    with pytest.raises(InputError, match="griffin-lim"):
        vocode(silence, model="m2a", weights=weights)
    with pytest.raises(InputError, match="m2a-24k"):
        vocode(Spectrogram(np.zeros((80, 5), np.float32), "deep-performer-16k"), model="m2a", weights=weights)
    monkeypatch.setattr("perfsynth.nn.weights.shipped", lambda name: tmp_path / name)
    with pytest.raises(MissingError, match="--weights"):
        synthesize(performance, engine="m2a")
