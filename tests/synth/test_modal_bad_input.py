"""What no pianist plays sounds all the same: finite, not clipped, in bounded time."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsynth.errors import InputError
from perfsynth.pipeline import sound as through_the_pipeline
from perfsynth.synth.core import synthesize
from perfsynth.synth.modal import engine
from perfsynth.synth.modal.grid import RATE
from perfsynth.types import SOFT, SOSTENUTO, SUSTAIN, Performance
from tests.synth.modal_instrument import piano, played, rms, sound

VARIANTS = pytest.mark.parametrize("variant", ["E2", "A"])


def finished(performance: Performance, variant: str = "E2", **options: object) -> np.ndarray:
    """As a command writes it."""
    stream = through_the_pipeline(performance, engine="modal", piano=piano(), variant=variant, **options)  # type: ignore[arg-type]
    audio = np.concatenate(list(stream.blocks))
    assert np.isfinite(audio).all()
    assert np.abs(audio).max() <= 1.0
    return audio


@VARIANTS
def test_500_notes_at_once_neither_clip_nor_break(variant: str) -> None:
    rng = np.random.default_rng(1)
    rows = [(0.0, 0.3, int(key), int(velocity)) for key, velocity in rng.integers((21, 1), (109, 128), (500, 2))]
    assert rms(finished(played(*rows), variant)) > 0.01
    assert rms(finished(played(*rows), variant, loudness_lufs=None)) > 0.01


def test_notes_outside_the_keyboard_move_by_octaves(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "perfsynth"):
        outside = finished(played((0.0, 0.3, 0, 90), (0.0, 0.3, 127, 90)))
    assert "2 notes lie outside A0..C8" in caplog.text
    assert np.array_equal(outside, finished(played((0.0, 0.3, 24, 90), (0.0, 0.3, 103, 90))))


def test_overlapping_notes_of_one_pitch_hold_it_together() -> None:
    overlapping = finished(played((0.0, 0.4, 60, 90), (0.2, 1.0, 60, 70), (0.3, 0.1, 60, 70)))
    assert rms(overlapping[round(0.8 * RATE) : RATE]) > 1e-3  # the short one does not damp the long one
    doubled = finished(played((0.0, 0.4, 60, 90), (0.0, 0.4, 60, 80)))
    assert np.array_equal(doubled, finished(played((0.0, 0.4, 60, 90))))


def test_notes_of_no_length_are_staccato() -> None:
    assert rms(finished(played((0.0, 0.0, 60, 90)))[: RATE // 20]) > 1e-3


def test_no_notes_are_one_line() -> None:
    for performance in (played(), played(controls=[(0.0, SUSTAIN, 127, 0)])):
        with pytest.raises(InputError, match=r"no notes; there is nothing to sound"):
            synthesize(performance, engine="modal", piano=piano())


def test_times_that_are_none_are_left_out() -> None:
    rows = [(0.0, 0.3, 60, 90), (float("nan"), 0.3, 64, 90), (0.0, float("inf"), 67, 90)]
    assert np.array_equal(finished(played(*rows)), finished(played(rows[0])))


@VARIANTS
def test_storms_of_pedals(variant: str) -> None:
    storm = [(0.0005 * i, pedal, (i * 37) % 128, 0) for i in range(2000) for pedal in (SUSTAIN, SOSTENUTO, SOFT)]
    audio = finished(played((0.0, 0.3, 60, 90), (0.3, 0.5, 72, 90), controls=storm), variant)
    assert rms(audio) > 1e-3


NOTES = st.lists(
    st.tuples(st.floats(-1, 1.5), st.floats(-1, 3), st.integers(0, 127), st.integers(0, 127)), min_size=1, max_size=12
)
CONTROLS = st.lists(
    st.tuples(st.floats(-1, 3), st.sampled_from([SUSTAIN, SOSTENUTO, SOFT, 1]), st.integers(0, 127), st.just(0)),
    max_size=8,
)


@settings(max_examples=15, deadline=None)
@given(NOTES, CONTROLS, st.sampled_from(engine.VARIANTS))
def test_whatever_is_played_is_finite(notes: list[tuple], controls: list[tuple], variant: str) -> None:
    stream = engine.stream(played(*notes, controls=controls), piano=piano(), variant=variant)  # type: ignore[arg-type]
    audio = sound(stream)
    assert np.isfinite(audio).all()
    assert len(audio) >= int(np.ceil(stream.duration_s * RATE))  # strings that are not damped ring on
