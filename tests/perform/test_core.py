"""What holds for every performance model: what may be asked of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from perfsynth import formats, registry
from perfsynth.errors import UsageError
from perfsynth.perform.core import perform
from perfsynth.seeds import LARGEST
from perfsynth.types import Score

NAN = float("nan")


@pytest.fixture(scope="module")
def score(example: bytes) -> Score:
    return formats.read_score(example)


@pytest.mark.parametrize("model", registry.names("render-performance"))
@pytest.mark.parametrize("bpm", [0.0, -60.0, 1001.0, float("inf"), NAN])
def test_a_tempo_that_nobody_can_play_is_refused(score: Score, model: str, bpm: float) -> None:
    with pytest.raises(UsageError, match=rf"^bpm {bpm:g}: a tempo lies between 1 and 1000 quarter notes a minute$"):
        perform(score, model=model, bpm=bpm)


@pytest.mark.parametrize("model", registry.names("render-performance"))
@pytest.mark.parametrize("seed", [-1, LARGEST + 1])
def test_a_seed_that_no_generator_takes_is_refused(score: Score, model: str, seed: int) -> None:
    with pytest.raises(UsageError, match=rf"^seed {seed}: it is a whole number from 0 to {LARGEST}$"):
        perform(score, model=model, seed=seed)


def test_the_largest_seed_is_taken(score: Score) -> None:
    assert len(perform(score, model="m2m", seed=LARGEST).notes) == len(score.notes)


@pytest.mark.parametrize("model", ["m2m", "cantabile"])
@pytest.mark.parametrize("temperature", [-1.0, 2.5, NAN])
def test_a_temperature_out_of_range_is_refused(score: Score, model: str, temperature: float) -> None:
    options: dict[str, Any] = {"temperature": temperature}
    with pytest.raises(UsageError, match=f"^temperature {temperature:g}: it lies between 0 and 2"):
        perform(score, model=model, **options)


@pytest.mark.parametrize("model", registry.names("render-performance"))
def test_the_rest_that_a_score_begins_with_is_played(score: Score, model: str) -> None:
    notes = score.notes.copy()
    notes["onset_beat"] += 6.0
    played = perform(replace(score, notes=notes), model=model, bpm=60).notes
    assert played["onset_s"].min() == pytest.approx(6.0, abs=0.5)  # a player is not a clock
