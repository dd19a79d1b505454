"""Velocities beyond those learnt, or unevenly: bands as loud as the notes are written."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch

from perfsynth.errors import InputError
from perfsynth.synth import deep_performer
from perfsynth.synth.deep_performer import FLOOR_LN, FRAME_S, PRESET
from perfsynth.synth.deep_performer_network import Config, DeepPerformer
from perfsynth.synth.roll import sounding
from perfsynth.synth.velocities import levelled, nearest
from perfsynth.synth.voicing import velocity_db
from tests.synth.modal_instrument import played
from tools.even_velocities import gains_db, levels_db, phrase


def lacking_db(velocity: int, nearest: int) -> float:
    return float(np.diff(velocity_db(np.array([nearest, velocity])))[0])


def test_frames_are_raised_by_what_their_notes_lack() -> None:
    table = sounding(played((10 * FRAME_S, 10 * FRAME_S, 60, 20), (30 * FRAME_S, 10 * FRAME_S, 62, 120)))
    assert nearest(table, 50, 100)["velocity"].tolist() == [50, 100]
    values = np.full((PRESET.n_bands, 50), -3.0, np.float32)
    values[:, 45:] = FLOOR_LN
    raised_db = (levelled(values, table, 50, 100, PRESET) - values)[0] * 20 / np.log(10)
    assert raised_db[:29] == pytest.approx(lacking_db(20, 50), abs=1e-4)
    assert raised_db[30:45] == pytest.approx(lacking_db(120, 100), abs=1e-4)
    assert not raised_db[45:].any()


def test_the_louder_of_two_notes_tells_more() -> None:
    table = sounding(played((0.0, 0.5, 60, 10), (0.0, 0.5, 64, 120)))
    raised_db = (levelled(np.zeros((PRESET.n_bands, 20), np.float32), table, 50, 100, PRESET))[0] * 20 / np.log(10)
    assert (raised_db > 0.9 * lacking_db(120, 100)).all()


def test_a_velocity_has_its_gain_and_those_beyond_have_that_of_the_nearest() -> None:
    at_s = 10 * FRAME_S * np.arange(4)
    table = sounding(played(*zip(at_s, [10 * FRAME_S] * 4, (60, 62, 64, 65), (30, 51, 52, 80), strict=True)))
    values = np.full((PRESET.n_bands, 40), -3.0, np.float32)
    raised_db = (levelled(values, table, 50, 52, PRESET, (1.0, -2.0, 3.0)) - values)[0] * 20 / np.log(10)
    wanted = (lacking_db(30, 50) + 1.0, -2.0, 3.0, lacking_db(80, 52) + 3.0)
    assert raised_db == pytest.approx(np.repeat(wanted, 10), abs=1e-4)


@pytest.mark.parametrize("instrument", [None, "violin"])
def test_level_follows_velocity_to_the_ends(instrument: str | None) -> None:
    keys = (62, 69, 74, 77, 81, 76, 73)
    levels = []
    for velocity in (5, 25, 45, 75, 100, 127):
        music = played(*((0.3 * i, 0.28, key, velocity) for i, key in enumerate(keys)))
        power = np.exp(2 * deep_performer.predict(music, instrument=instrument).values).sum(axis=0)
        levels.append(10 * np.log10(power.mean()))
    assert (np.diff(levels) > 0.5).all()
    assert levels[-1] - levels[0] > 18


def without(name: str, *keys: str, folder: Path) -> str:
    """The network that ships by a name, as if its config.toml did not hold some keys."""
    weights = Path(str(files("perfsynth") / "pretrained" / name))
    folder.mkdir()
    lines = (weights / "config.toml").read_text().splitlines(keepends=True)
    (folder / "config.toml").write_text("".join(line for line in lines if not line.startswith(keys)))
    (folder / "model.safetensors").write_bytes((weights / "model.safetensors").read_bytes())
    return str(folder)


@pytest.mark.parametrize("name", ["deep-performer", "violin"])
def test_velocities_that_were_learnt_sound_as_the_network_says(name: str, tmp_path: Path) -> None:
    instrument = "violin" if name == "violin" else None
    uneven = without(name, "evened_db", folder=tmp_path / "uneven")
    all_given = without(name, "evened_db", "velocities", folder=tmp_path / "all")
    for velocity, alike in ((52, True), (120, False)):
        music = played((0.0, 0.4, 62, velocity), (0.5, 0.4, 69, 73), (1.0, 0.4, 74, 64))
        made, plain = (
            deep_performer.predict(music, instrument=instrument, weights=of).values for of in (uneven, all_given)
        )
        assert np.array_equal(made, plain) == alike


def test_the_violin_gets_louder_evenly(tmp_path: Path) -> None:
    keys = (62, 64, 66, 67, 69, 71, 73, 74, 76, 78, 79, 81)
    velocities = range(50, 101, 2)
    agreement = []
    for weights in (None, without("violin", "evened_db", folder=tmp_path / "uneven")):
        levels = []
        for velocity in velocities:
            music = played(*((0.25 * i, 0.24, key, velocity) for i, key in enumerate(keys)))
            power = np.exp(2 * deep_performer.predict(music, instrument="violin", weights=weights).values).sum(axis=0)
            levels.append(10 * np.log10(power.mean()))
        agreement.append(np.corrcoef(velocities, levels)[0, 1])
    assert agreement[0] > 0.85 > agreement[1] + 0.1  # with gains, and without


def test_gains_for_other_velocities_than_those_learnt_are_refused(tmp_path: Path) -> None:
    weights = without("violin", "velocities", folder=tmp_path / "other")
    with pytest.raises(InputError, match="51 gains for the velocities 1 to 127"):
        deep_performer.predict(played((0.0, 0.4, 62, 80)), instrument="violin", weights=weights)


def test_measured_gains_even_what_a_network_plays() -> None:
    torch.manual_seed(0)
    learnt, rng = (60, 80), np.random.default_rng(1)
    network = DeepPerformer(Config(width=16, encoder_layers=1, decoder_layers=1, inner=32, velocities=learnt)).eval()
    gains = gains_db(network, (55, 85), 8)
    assert gains.shape == (21,)
    assert np.median(gains) == 0
    wanted = velocity_db(np.arange(60, 81))
    played_db = np.mean([levels_db(network, phrase(rng, (55, 85), learnt), 0) for _ in range(8)], axis=0)
    assert np.std(played_db + gains - wanted) < 0.5 * np.std(played_db - wanted)
