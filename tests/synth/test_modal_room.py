"""Rooms: their echoes fall as they should, and convolving in parts is convolving."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from perfsynth.errors import UsageError
from perfsynth.synth.modal import room

RATE = 24000
ROOMS = tuple(room.ROOMS)


def played_in(name: str, audio: np.ndarray, block: int) -> np.ndarray:
    blocks = (audio[start : start + block] for start in range(0, len(audio), block))
    return np.concatenate(list(room.in_room(blocks, name, rate=RATE)))  # type: ignore[arg-type]


def noise(n: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(n, 2)).astype(np.float32) * 0.1


def test_a_dry_room_changes_nothing() -> None:
    audio = noise(5000)
    assert np.array_equal(played_in("dry", audio, 999), audio)


@pytest.mark.parametrize("name", ROOMS)
def test_the_sound_is_the_direct_one_and_its_echoes(name: str) -> None:
    from scipy.signal import fftconvolve

    audio = noise(30000)
    responses = room.echoes(name, RATE)
    expected = audio.astype(float)
    for microphone in range(2):
        for source in range(2):
            expected[:, microphone] += fftconvolve(audio[:, source], responses[source, microphone])[: len(audio)]
    assert np.abs(played_in(name, audio, 7001) - expected).max() < 1e-5


def test_blocks_of_any_length_are_the_whole() -> None:
    audio = noise(25001)
    whole = played_in("hall", audio, 25001)
    for block in (1000, room.PART, 20000):
        assert np.array_equal(played_in("hall", audio, block), whole)
    assert len(whole) == len(audio)


@pytest.mark.parametrize("name", ROOMS)
def test_echoes_fall_as_sabine_says(name: str) -> None:
    """The slope of the backward integral (Schroeder 1965) around 1 kHz."""
    from scipy.signal import butter, sosfilt

    expected = room.ROOMS[name].reverberation_s()[3]
    octave = butter(4, [710, 1410], "bandpass", fs=RATE, output="sos")
    response = sosfilt(octave, room.echoes(name, RATE)[0, 0])
    left = np.cumsum(response[::-1] ** 2)[::-1]
    level = 10 * np.log10(left / left[0])
    start, stop = np.argmax(level < -8), np.argmax(level < -28)
    assert 3 * (stop - start) / RATE == pytest.approx(expected, rel=0.12)


@pytest.mark.parametrize("name", ROOMS)
def test_images_give_way_to_noise_of_the_same_power(name: str) -> None:
    responses = room.echoes(name, RATE).astype(float)
    crossing = room.ROOMS[name].images_s
    before, after = (
        10 * np.log10((responses[..., round(a * RATE) : round(b * RATE)] ** 2).sum())
        for a, b in ((0.35 * crossing, 0.65 * crossing), (crossing, 1.3 * crossing))
    )
    fall = 0.65 * crossing * 60 / room.ROOMS[name].reverberation_s()[3]
    assert before - after == pytest.approx(fall, abs=3.0)


@pytest.mark.parametrize("name", ROOMS)
def test_echoes_come_after_the_direct_sound_and_differ_left_and_right(name: str) -> None:
    responses = room.echoes(name, RATE).astype(float)
    early = responses[..., : round(0.0025 * RATE)]
    assert (early**2).sum() < 1e-3 * (responses**2).sum()
    alike = (responses[0, 0] * responses[0, 1]).sum() / np.sqrt(
        (responses[0, 0] ** 2).sum() * (responses[0, 1] ** 2).sum()
    )
    assert abs(alike) < 0.2


def test_the_tail_lasts_as_long_as_the_echoes() -> None:
    assert room.tail_s("dry") == 0
    for name in ROOMS:
        assert room.tail_s(name) == pytest.approx(room.echoes(name, RATE).shape[2] / RATE, abs=0.01)  # type: ignore[arg-type]
    assert set(get_args(room.RoomName)) == {"dry", *ROOMS}


def test_an_unknown_room_is_refused() -> None:
    with pytest.raises(UsageError, match="room cellar: choose one of dry, studio, hall"):
        room.tail_s("cellar")  # type: ignore[arg-type]
