"""From recordings to the tables of a modal piano."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perfsynth.progress import Report, silent
from perfsynth.synth.modal import envelopes, noise
from perfsynth.synth.modal.grid import RATE
from perfsynth.synth.modal.model import ATTACK, ModalPiano, coded, quantised
from perfsynth.synth.modal.tracking import others, track
from perfsynth.synth.samples import LEVEL_S, SampleSet
from perfsynth.synth.voicing import key_levels

ALTERNATIONS = 6
RELEASE_S = 0.6  # of the noise of a key coming up
PARTIAL_WIDTHS_S = (0.014, 0.120)  # of the window through which partials are followed: four periods
OTHERS_WIDTH_S = 0.12  # the same for modes beside them


@dataclass(frozen=True)
class _Key:
    """The tables of one key."""

    hz: np.ndarray
    n_partials: int
    ramp: int
    modes: envelopes.Shared
    noise: np.ndarray  # (2, n_bands, N_TIMES)
    noise_gain: np.ndarray  # (n_layers, 2, n_bands)


def fit(samples: SampleSet, *, report: Report = silent) -> ModalPiano:
    """Fit a modal piano to a sampled one.

    Parameters
    ----------
    samples
        As `perfsynth.synth.samples.load_samples` gives them, at any rate.
    report
        Called with the step and the fraction done.
    """
    keys = []
    for index in range(len(samples.keys)):
        report("analysing", 0.9 * index / len(samples.keys))
        keys.append(fit_key(samples, index))
    report("attacks", 0.9)
    return finished(quantised(joined(samples, keys)), samples)


def fit_key(samples: SampleSet, index: int) -> _Key:
    """The tables of one key."""
    layers = [_recorded(samples, index, layer) for layer in range(len(samples.layer_velocity))]
    loud = slice(len(layers) // 2, None)
    hz = track(layers, int(samples.keys[index])).hz
    width_s = float(np.clip(4 / hz[0], *PARTIAL_WIDTHS_S))
    hz = envelopes.refined(layers[loud], hz, width_s)
    modes = envelopes.shared(layers, hz, width_s)
    rest = _rests(layers, hz, modes, noise.RAMPS[2])
    beside = envelopes.refined(rest[loud], others(rest, hz), OTHERS_WIDTH_S)
    if len(beside):
        modes = modes.and_also(envelopes.shared(rest, beside, OTHERS_WIDTH_S))
        hz = np.concatenate([hz, beside])
    ramps = [noise.ramp_of(samples, hz, *modes.layer(layer)) for layer, samples in enumerate(layers)]
    ramp = int(np.median(ramps))
    rest = _rests(layers, hz, modes, ramp)
    between = np.array([
        [noise.between(samples[:, channel], left[:, channel]) for channel in range(2)]
        for samples, left in zip(layers, rest, strict=True)
    ])  # fmt: skip
    modes = noise.lifted(modes, rest, hz, OTHERS_WIDTH_S, between)
    noise_envelope, noise_gain = _rank_1(between / 2, np.clip((between / 2 + 12) / 3, 0.02, 1))
    return _Key(hz, len(hz) - len(beside), ramp, modes, 2 * noise_envelope, 2 * noise_gain)


def _recorded(samples: SampleSet, index: int, layer: int) -> np.ndarray:
    return _at_rate(samples.note(index, layer), samples)


def _at_rate(recording: np.ndarray, samples: SampleSet) -> np.ndarray:
    """A recording at `RATE`."""
    if samples.sample_rate == RATE:
        return recording
    import soxr

    return np.asarray(soxr.resample(recording, samples.sample_rate, RATE), np.float32)


def _rests(layers: list[np.ndarray], hz: np.ndarray, modes: envelopes.Shared, ramp: float) -> list[np.ndarray]:
    """What the modes leave of each layer."""
    return [
        samples - envelopes.voiced(hz, *modes.layer(layer), ramp, len(samples)) for layer, samples in enumerate(layers)
    ]


def _rank_1(ln: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ln[l, ..., i] as gain[l, ...] + envelope[..., i] by alternating weighted means; the gains average 0."""
    envelope = (weight * ln).sum(axis=0) / weight.sum(axis=0)
    gain = np.zeros(ln.shape[:-1])
    for _ in range(ALTERNATIONS):
        gain = (weight * (ln - envelope)).sum(axis=-1) / weight.sum(axis=-1)
        gain -= gain.mean(axis=0)
        envelope = (weight * (ln - gain[..., None])).sum(axis=0) / weight.sum(axis=0)
    return envelope, gain


def joined(samples: SampleSet, keys: list[_Key]) -> ModalPiano:
    """The tables of all keys as one piano."""
    gain = np.concatenate([key.modes.gain for key in keys], axis=1)
    ln = np.log(np.abs(gain) + 1e-9)
    mean = ln.mean(axis=0)
    reference = np.angle(gain[-1])
    return ModalPiano(
        keys=samples.keys.astype(np.int64),
        layer_velocity=samples.layer_velocity,
        level=samples.level,
        smooth_level=samples.level,  # until `finished` knows better
        likeness=samples.likeness,
        key_level=key_levels(samples.keys, samples.layer_velocity, samples.level),
        offset=np.concatenate([[0], np.cumsum([len(key.hz) for key in keys])]).astype(np.int64),
        n_partials=np.array([key.n_partials for key in keys], np.int64),
        hz=np.concatenate([key.hz for key in keys]),
        ramp=np.array([key.ramp for key in keys], np.int64),
        envelope=np.concatenate([key.modes.ln_amplitude for key in keys]) + mean[:, :, None],
        phase=np.concatenate([key.modes.phase for key in keys]) + reference[:, :, None],
        layer_gain=ln - mean,
        layer_phase=np.angle(gain * np.exp(-1j * reference)),
        noise=np.stack([key.noise for key in keys]),
        noise_gain=np.stack([key.noise_gain for key in keys], axis=1),
    )


def finished(piano: ModalPiano, samples: SampleSet) -> ModalPiano:
    """Add what the modes miss of every attack, how loud they are without it, and the noises of keys coming up."""
    attacks, smooth = [], []
    n_level = round(LEVEL_S * RATE)
    for key in range(len(piano.keys)):
        rows, ramp = piano.modes(key), int(piano.ramp[key])
        for layer in range(len(piano.layer_velocity)):
            recorded = np.zeros((ATTACK, 2), np.float32)
            note = _recorded(samples, key, layer)[:ATTACK]
            recorded[: len(note)] = note
            waves = piano.waves(key, piano.gain(key, layer))
            tonal = envelopes.voiced(piano.hz[rows], *waves, ramp, max(ATTACK, n_level))
            attacks.append(recorded - tonal[:ATTACK])
            power = np.square(tonal[:n_level], dtype=np.float64).mean()
            smooth.append(np.sqrt(power + noise.mean_power(piano.ln_noise(key, layer), LEVEL_S)))
    raised, scale = coded(attacks)
    shape = (len(piano.keys), len(piano.layer_velocity))
    n_release = round(RELEASE_S * RATE)
    released = [_at_rate(samples.release(i), samples)[:n_release] for i in range(len(samples.release_keys))]
    noises, release_scale = coded(released)
    return replace(
        piano,
        smooth_level=np.reshape(smooth, shape),
        attacks=np.stack(raised).reshape(*shape, ATTACK, 2),
        attack_scale=scale.reshape(shape),
        releases=tuple(noises),
        release_keys=samples.release_keys,
        release_scale=release_scale,
    )
