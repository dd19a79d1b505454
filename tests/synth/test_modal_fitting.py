"""The analysis behind the modal piano finds what is in recordings made here."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.synth.modal.envelopes import Shared, refined, shared
from perfsynth.synth.modal.grid import EDGES_HZ, N_BANDS, N_TIMES, NOISE_FLOOR_LN, RATE, TIMES_S
from perfsynth.synth.modal.noise import FINE, band_ln_power, between, lifted, ramp_of
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


def test_noise_is_measured_between_what_the_modes_leave() -> None:
    """White noise of one level in all bands, under leftovers of harmonics that are 40 dB stronger."""
    rng = np.random.default_rng(3)
    white = 1e-3 * rng.standard_normal(3 * RATE)
    t = np.arange(len(white)) / RATE
    left = sum(np.cos(2 * np.pi * 262 * k * t + k) for k in range(1, 60)) * 5e-3
    truth = np.log(1e-6 * 256)  # of a bin of 512 samples under a square root Hann window
    heard = np.flatnonzero(EDGES_HZ[:-1] > 2000)  # bands wide enough to have several harmonics
    at = np.arange(22, 36)  # 50 ms to 2 s
    assert between(white, white)[heard[:, None], at].mean(axis=1) == pytest.approx(truth, abs=0.2)
    assert between(white + left, white + left)[heard[:, None], at].mean(axis=1) == pytest.approx(truth, abs=1.3)
    assert band_ln_power(white + left, FINE)[:, heard].mean() > truth + 1.5  # a mean takes the leftovers for noise


def test_hum_is_not_made_louder_by_loud_layers() -> None:
    hz, gains, hum = np.array([1000.0]), (0.05, 0.25), 1e-3
    t = np.arange(2 * RATE) / RATE
    rest = [np.repeat(hum * np.cos(2 * np.pi * hz * t + phase)[:, None], 2, axis=1) for phase in (0.0, 2.0)]
    gain = np.array(gains)[:, None, None] * np.ones((2, 1, 2), complex)
    modes = Shared(np.full((1, 2, N_TIMES), -12.0), np.zeros((1, 2, N_TIMES)), gain)
    above = lifted(modes, rest, hz, 0.12, np.full((2, 2, N_BANDS, N_TIMES), NOISE_FLOOR_LN))
    loud = above.ln_amplitude[0, 0, 25] + np.log(gains[1])
    assert -3 < 20 * np.log10(np.exp(loud) / hum) < 4  # of the loud layer; by the soft one it would be 9 dB
