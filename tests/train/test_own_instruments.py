"""Instruments of one's own: what ships can be gone on with, as the configurations for it say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from perfsynth.cli.train import _weights
from perfsynth.folders import shipped
from perfsynth.synth.deep_performer_network import Config as BandsConfig
from perfsynth.synth.deep_performer_network import DeepPerformer
from perfsynth.synth.neural_network import Config, Neural
from perfsynth.train.checkpoint import load_weights
from perfsynth.train.config import read_config

CONFIGS = Path(__file__).parents[2] / "configs"


def test_a_model_that_ships_is_named_as_what_to_begin_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _weights(Path("neural")) == shipped("neural")
    (tmp_path / "neural").mkdir()
    assert _weights(Path("neural")) == Path("neural")  # a folder of one's own comes first
    assert _weights(Path("no-such-model")) == Path("no-such-model")
    assert _weights(None) is None


def test_a_piano_of_ones_own_begins_as_the_first_that_ships() -> None:
    config = read_config(CONFIGS / "neural-fit.toml")
    network = Neural(Config(**config.model | {"instruments": tuple(config.model["instruments"])}))
    load_weights(_weights(Path("neural")) or Path(), network)
    assert network.config.instruments[-1] == "mine"
    scale = network.last.scale.weight
    assert torch.equal(scale[2], scale[0])
    assert not torch.equal(scale[1], scale[0])


def test_violins_begin_with_the_pianos_notes() -> None:
    config = read_config(CONFIGS / "deep-performer-violin.toml")
    network = DeepPerformer(BandsConfig(**config.model, instruments=("violin-a", "violin-b", "violin-c")))
    fresh = network.pitch.weight.clone()
    load_weights(_weights(Path("deep-performer")) or Path(), network)
    assert network.instrument is not None
    assert torch.equal(network.instrument.weight[2], network.instrument.weight[0])
    assert not torch.equal(network.pitch.weight, fresh)
