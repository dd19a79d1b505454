"""Velocities beyond those learnt: bands as loud as the notes are written, by the networks that ship."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from perfsynth.synth import deep_performer
from perfsynth.synth.deep_performer import FLOOR_LN, FRAME_S, PRESET
from perfsynth.synth.roll import sounding
from perfsynth.synth.velocities import levelled, nearest
from perfsynth.synth.voicing import velocity_db
from tests.synth.modal_instrument import played


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


@pytest.mark.parametrize("name", ["deep-performer", "violin"])
def test_velocities_that_were_learnt_sound_as_the_network_says(name: str, tmp_path: Path) -> None:
    instrument = "violin" if name == "violin" else None
    weights = Path(str(files("perfsynth") / "pretrained" / name))
    lines = (weights / "config.toml").read_text().splitlines(keepends=True)
    (tmp_path / "config.toml").write_text("".join(line for line in lines if not line.startswith("velocities")))
    (tmp_path / "model.safetensors").write_bytes((weights / "model.safetensors").read_bytes())
    for velocity, alike in ((52, True), (120, False)):
        music = played((0.0, 0.4, 62, velocity), (0.5, 0.4, 69, 73), (1.0, 0.4, 74, 64))
        made, plain = (
            deep_performer.predict(music, instrument=instrument, weights=of).values for of in (None, str(tmp_path))
        )
        assert np.array_equal(made, plain) == alike
