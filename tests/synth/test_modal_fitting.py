"""The analysis behind the modal piano finds what is in recordings made here."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.synth.modal.envelopes import refined, shared
from perfsynth.synth.modal.grid import RATE, TIMES_S
from perfsynth.synth.modal.noise import ramp_of
from perfsynth.synth.modal.tracking import others, track
from tests.synth.modal_instrument import DECAY, LAYERS, LENGTH_S, B, note, partials


def test_partials_are_found_where_they_are() -> None:
    layers = [note(60, amplitude, noise=0.003) for amplitude in LAYERS]
    found = track(layers, 60)
    assert np.abs(1200 * np.log2(found.hz[:8] / partials(60))).max() < 1.0  # cents
    assert np.abs(1200 * np.log2(refined(layers, found.hz[:8], 0.015) / partials(60))).max() < 0.05
    assert found.inharmonicity == pytest.approx(B, rel=0.2)


def test_modes_beside_the_partials_are_found() -> None:
    t = np.arange(round(LENGTH_S * RATE)) / RATE
    bells = sum(0.002 * np.exp(-t) * np.sin(2 * np.pi * hz * t) for hz in (611.0, 1711.5))
    layers = [note(60, amplitude, noise=0.003) + bells[:, None].astype(np.float32) for amplitude in LAYERS]
    assert np.sort(others(layers, partials(60))[:2]) == pytest.approx([611.0, 1711.5], abs=0.1)
    hum = (0.002 * np.sin(2 * np.pi * 50 * t))[:, None].astype(np.float32)
    assert len(others([note(60, amplitude, noise=0.003) + hum for amplitude in LAYERS], partials(60))) == 0


def test_envelopes_are_those_of_the_string() -> None:
    layers = [note(60, amplitude) for amplitude in LAYERS]
    modes = shared(layers, partials(60), 0.015)
    at = np.arange(5, 34)  # 20 ms to 2 s on the grid
    k = np.arange(1, 9)[:, None]
    expected = np.log(1 / k) - DECAY * np.sqrt(k) * TIMES_S[at]
    for layer, amplitude in enumerate(LAYERS):
        for channel, side in enumerate((1.0, 0.5)):
            gain = modes.gain[layer, :, channel, None]
            found = modes.ln_amplitude[:, channel, at] + np.log(np.abs(gain))
            assert np.abs(found - expected - np.log(amplitude * side)).max() < 0.05
            turned = modes.phase[:, channel, at] + np.angle(gain) - k
            assert np.abs(np.angle(np.exp(1j * turned))).max() < 0.05
    assert ramp_of(layers[1], partials(60), modes.ln_amplitude, modes.phase) <= 192
