"""What the networks of sound that ship do with notes that no pianist plays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perfsynth.errors import InputError
from perfsynth.synth.core import synthesize
from perfsynth.types import AudioStream, Part
from tests.synth.modal_instrument import played

ENGINES = ("neural", "deep-performer", "violin")
ODD = {
    "500 notes at once": [(0.1, 0.3, 21 + index % 88, 60 + index % 60) for index in range(500)],
    "outside the keyboard": [(0.1, 0.3, 3, 80), (0.2, 0.3, 126, 80)],
    "overlapping on one key": [(0.1, 0.8, 60, 80), (0.3, 0.1, 60, 90), (0.3, 0.9, 60, 70)],
    "of no length": [(0.1, 0.0, 60, 80), (0.2, 0.0, 64, 80)],
}


def heard(stream: AudioStream) -> np.ndarray:
    return np.concatenate(list(stream.blocks))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("notes", ODD.values(), ids=ODD.keys())
def test_odd_notes_are_sounded(engine: str, notes: list[tuple[float, float, int, int]]) -> None:
    made = heard(synthesize(played(*notes), engine=engine))
    assert np.isfinite(made).all()
    assert np.abs(made).max() > 1e-4


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_to_play_is_one_line(engine: str) -> None:
    empty = played((0.1, 0.3, 60, 80))
    with pytest.raises(InputError, match="no notes"):
        synthesize(replace(empty, notes=empty.notes[:0]), engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_drums_alone_are_refused_and_others_left_out_with_one_warning(
    engine: str, caplog: pytest.LogCaptureFixture
) -> None:
    music = played((0.1, 0.2, 60, 80), (0.4, 0.2, 38, 80))
    with pytest.raises(InputError, match="drums only"):
        synthesize(replace(music, parts=(Part(is_drum=True),)), engine=engine)
    music.notes["part"][1] = 1
    heard(synthesize(replace(music, parts=(Part(), Part(is_drum=True))), engine=engine))
    assert len([record for record in caplog.records if "left out" in record.getMessage()]) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_long_rest_is_silent(engine: str) -> None:
    stream = synthesize(played((0.1, 0.2, 60, 80), (40.0, 0.2, 60, 80)), engine=engine)
    made, rate = heard(stream), stream.sample_rate
    assert np.abs(made[20 * rate : 38 * rate]).max() < 10 ** (-70 / 20)
    assert np.abs(made[round(40.05 * rate) : round(40.2 * rate)]).max() > 1e-3
