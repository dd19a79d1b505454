"""From recordings to the tables of a modal piano."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from perfsynth.synth.modal.envelopes import analyse, refined, voiced
from perfsynth.synth.modal.grid import N_TIMES, RATE
from perfsynth.synth.modal.model import ATTACK, ModalPiano, coded, quantised
from perfsynth.synth.modal.tracking import track
from perfsynth.synth.samples import SampleSet
from perfsynth.synth.voicing import key_levels

ALTERNATIONS = 6
RELEASE_S = 0.6  # of the noise of a key coming up
Report = Callable[[str, float], None]


@dataclass(frozen=True)
class _Key:
    """The tables of one key."""

    hz: np.ndarray
    phase: np.ndarray  # (n_layers, k, 2)
    ramp: int
    envelope: np.ndarray  # (k, 2, N_TIMES)
    layer_gain: np.ndarray  # (n_layers, k, 2)
    change: np.ndarray  # (k, 2, N_TIMES)
    change_share: np.ndarray  # (n_layers, 2)
    noise: np.ndarray  # (2, n_bands, N_TIMES)
    noise_gain: np.ndarray  # (n_layers, 2, n_bands)


def fit(samples: SampleSet, *, report: Report = lambda _step, _fraction: None) -> ModalPiano:
    """Fit a modal piano to a sampled one.

    Parameters
    ----------
    samples
        At 48 kHz, as `perfsynth.synth.samples.load_samples` gives them.
    report
        Called with the step and the fraction done.
    """
    keys = []
    for index, key in enumerate(samples.keys):
        report("analysing", 0.9 * index / len(samples.keys))
        layers = [samples.note(index, layer) for layer in range(len(samples.layer_velocity))]
        keys.append(_fit_key(layers, int(key)))
    piano = quantised(_joined(samples, keys))
    report("attacks", 0.9)
    return _with_recordings(piano, samples)


def _fit_key(layers: list[np.ndarray], key: int) -> _Key:
    hz = refined(layers[len(layers) // 2 :], track(layers, key).hz)
    found = [analyse(samples, hz) for samples in layers]
    ln = np.stack([envelopes.ln_amplitude for envelopes in found]).transpose(0, 2, 1, 3)  # layer, k, channel, time
    envelope, gain = _rank_1(ln, np.clip((ln + 13) / 3, 0.02, 1))
    change, share = _component(ln - envelope - gain[..., None], np.clip((ln + 13) / 3, 0.02, 1))
    noise = np.stack([envelopes.ln_noise for envelopes in found]) / 2
    noise_envelope, noise_gain = _rank_1(noise, np.clip((noise + 12) / 3, 0.02, 1))
    ramp = int(np.median([envelopes.ramp for envelopes in found]))
    return _Key(
        hz,
        np.stack([envelopes.phase.T for envelopes in found]),
        ramp,
        envelope,
        gain,
        change,
        share,
        2 * noise_envelope,
        2 * noise_gain,
    )


def _rank_1(ln: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ln[l, ..., i] as gain[l, ...] + envelope[..., i] by alternating weighted means; the gains average 0."""
    envelope = (weight * ln).sum(axis=0) / weight.sum(axis=0)
    gain = np.zeros(ln.shape[:-1])
    for _ in range(ALTERNATIONS):
        gain = (weight * (ln - envelope)).sum(axis=-1) / weight.sum(axis=-1)
        gain -= gain.mean(axis=0)
        envelope = (weight * (ln - gain[..., None])).sum(axis=0) / weight.sum(axis=0)
    return envelope, gain


def _component(rest: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first singular component over layers of what rank 1 leaves, for each channel.

    Weights damp what is near the floor; what a component says there is divided out again as far as it counts.
    """
    n_layers, n_partials, n_channels, _ = rest.shape
    change = np.zeros((n_partials, n_channels, N_TIMES))
    share = np.zeros((n_layers, n_channels))
    root = np.sqrt(weight)
    for channel in range(n_channels):
        flat = (rest * root)[:, :, channel].reshape(n_layers, -1)
        u, _, _ = np.linalg.svd(flat, full_matrices=False)
        share[:, channel] = u[:, 0] * np.sqrt(n_layers)
        w, r, s = weight[:, :, channel], rest[:, :, channel], share[:, channel, None, None]
        change[:, channel] = (w * r * s).sum(axis=0) / np.maximum((w * s * s).sum(axis=0), 1e-9)
    return change, share


def _joined(samples: SampleSet, keys: list[_Key]) -> ModalPiano:
    return ModalPiano(
        keys=samples.keys.astype(np.int64),
        layer_velocity=samples.layer_velocity,
        level=samples.level,
        likeness=samples.likeness,
        key_level=key_levels(samples.keys, samples.layer_velocity, samples.level),
        offset=np.concatenate([[0], np.cumsum([len(key.hz) for key in keys])]).astype(np.int64),
        hz=np.concatenate([key.hz for key in keys]),
        phase=np.concatenate([key.phase for key in keys], axis=1),
        ramp=np.array([key.ramp for key in keys], np.int64),
        envelope=np.concatenate([key.envelope for key in keys]),
        layer_gain=np.concatenate([key.layer_gain for key in keys], axis=1),
        change=np.concatenate([key.change for key in keys]),
        change_share=np.stack([key.change_share for key in keys], axis=1),
        noise=np.stack([key.noise for key in keys]),
        noise_gain=np.stack([key.noise_gain for key in keys], axis=1),
    )


def _with_recordings(piano: ModalPiano, samples: SampleSet) -> ModalPiano:
    """Add what the partials miss of every attack, and the noises of keys coming up."""
    attacks = []
    for key in range(len(piano.keys)):
        for layer in range(len(piano.layer_velocity)):
            recorded = np.zeros((ATTACK, 2), np.float32)
            note = samples.note(key, layer)[:ATTACK]
            recorded[: len(note)] = note
            rows, ramp = piano.partials(key), int(piano.ramp[key])
            tonal = voiced(piano.hz[rows], piano.ln_amplitude(key, layer), piano.phase[layer, rows], ramp, ATTACK)
            attacks.append(recorded - tonal)
    raised, scale = coded(attacks)
    shape = (len(piano.keys), len(piano.layer_velocity))
    n_release = round(RELEASE_S * RATE)
    noises, release_scale = coded([samples.release(i)[:n_release] for i in range(len(samples.release_keys))])
    return replace(
        piano,
        attacks=np.stack(raised).reshape(*shape, ATTACK, 2),
        attack_scale=scale.reshape(shape),
        releases=tuple(noises),
        release_keys=samples.release_keys,
        release_scale=release_scale,
    )
