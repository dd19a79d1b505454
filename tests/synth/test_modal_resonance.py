"""Free strings answer, pedals are heard and colour the sound: each by itself, against the same without it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from perfsynth.errors import UsageError
from perfsynth.synth.modal import engine
from perfsynth.synth.modal.ending import FADE
from perfsynth.synth.modal.grid import RATE
from perfsynth.types import SOFT, SUSTAIN
from tests.synth.modal_instrument import partials, piano, played, rms, sound

PEDAL_DOWN = [(0.0, SUSTAIN, 127, 0)]
DRY = {"resonance": 0.0, "pedal_noise": 0.0, "una_corda": 0.0}


def added(performance: Any, **options: float) -> np.ndarray:
    """What an option adds to the sound, until the first of the two fades out."""
    with_it, without = (sound(engine.stream(performance, piano=piano(), **o)) for o in ({**DRY, **options}, DRY))
    n_samples = min(len(with_it), len(without)) - FADE
    return with_it[:n_samples] - without[:n_samples]


def test_strings_that_the_pedal_frees_answer() -> None:
    note = (0.5, 0.2, 60, 110)
    free, damped = (added(played(note, controls=pedal), resonance=1.0) for pedal in (PEDAL_DOWN, []))
    at = slice(round(0.8 * RATE), round(1.3 * RATE))
    assert rms(free[at]) > 1e-5
    assert rms(damped[at]) < 0.03 * rms(free[at])


def test_answers_are_soft_beside_what_is_played() -> None:
    performance = played((0.5, 1.0, 60, 110), controls=PEDAL_DOWN)
    loud = sound(engine.stream(performance, piano=piano(), **DRY))
    at = slice(round(0.5 * RATE), RATE)
    assert 1e-4 < rms(added(performance, resonance=1.0)[at]) / rms(loud[at]) < 0.2


def test_a_held_string_answers_at_the_partials_that_it_shares() -> None:
    answer = added(played((0.0, 4.0, 60, 1), (1.0, 0.2, 72, 110)), resonance=1.0)
    piece = answer[round(1.6 * RATE) : round(3.1 * RATE), 0]
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece))))
    assert spectrum.argmax() / 1.5 == pytest.approx(partials(60)[1], abs=1.5)  # that is the octave


def test_resonance_is_proportional() -> None:
    performance = played((0.5, 0.2, 60, 110), (0.7, 0.2, 72, 90), controls=PEDAL_DOWN)
    half, whole = (added(performance, resonance=amount) for amount in (0.5, 1.0))
    n_samples = min(len(half), len(whole))
    assert np.abs(2 * half[:n_samples] - whole[:n_samples]).max() < 1e-3 * np.abs(whole).max()


def test_the_pedal_is_heard_when_it_moves_and_as_loud_as_asked() -> None:
    moves = [(0.5, SUSTAIN, 127, 0), (1.5, SUSTAIN, 0, 0)]
    performance = played((3.0, 0.1, 60, 60), controls=moves)
    whole, half = (added(performance, pedal_noise=amount)[: 3 * RATE] for amount in (1.0, 0.5))
    assert rms(half) == pytest.approx(0.5 * rms(whole), rel=1e-3)
    assert rms(whole[: round(0.45 * RATE)]) < 1e-12
    for moment in (0.5, 1.5):
        assert rms(whole[round(moment * RATE) :][: RATE // 10]) > 10 * rms(whole[round((moment + 0.7) * RATE) :][:4800])


def test_una_corda_dulls_and_feeds_the_aftersound() -> None:
    soft = [(0.0, SOFT, 127, 0)]
    shades = [
        sound(engine.stream(played((0.0, 2.0, 60, 90), controls=soft), piano=piano(), **{**DRY, "una_corda": amount}))
        for amount in (0.0, 1.0)
    ]
    early, late = slice(RATE // 20, RATE // 5), slice(RATE, 3 * RATE // 2)

    def share(audio: np.ndarray, partial: int) -> float:
        spectrum = np.abs(np.fft.rfft(audio[early, 0] * np.hanning(early.stop - early.start), 2**16))
        at = round(partials(60)[partial] / RATE * 2**16)
        return float(spectrum[at - 20 : at + 20].max())

    assert share(shades[1], 7) / share(shades[1], 0) < 0.9 * share(shades[0], 7) / share(shades[0], 0)
    assert rms(shades[1][late]) > 1.05 * rms(shades[0][late])


@pytest.mark.parametrize("option", ["resonance", "pedal_noise", "una_corda"])
@pytest.mark.parametrize("amount", [-0.1, 1.1, float("nan")])
def test_strengths_lie_between_none_and_natural(option: str, amount: float) -> None:
    with pytest.raises(UsageError, match=f"{option.replace('_', ' ')} .*: it lies between 0"):
        engine.stream(played((0.0, 1.0, 60, 60)), piano=piano(), **{option: amount})  # type: ignore[arg-type]
