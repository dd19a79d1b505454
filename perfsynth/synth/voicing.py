"""How loud a piano answers: from velocity and soft pedal to the gains of its recorded layers.

Recorded layers are neither evenly spaced nor even between keys; here they get one curve over velocity and levels
that change smoothly over the keyboard, and neighbouring layers are cross-faded without a dip.
"""

from __future__ import annotations

import numpy as np

HEADROOM = 0.25  # of full scale: chords add up
RANGE_DB = 26.0  # between velocity 1 and 127; recordings alone have 14 to 22, in the treble up to 38
VOICING_KEYS = 6.0  # semitones over which the levels of keys are evened out
VOICED_KEYS = 4  # fewer are left as they are
SOFT_VELOCITY = 0.2  # the soft pedal takes that share of the velocity, and with it brightness and level
SOFT_DB = -1.0  # and one string of three is hardly struck
RELEASE_GAIN = 0.02  # of the noise of a key that comes up at once, -34 dB
LEAST_SHARE = 0.02  # a layer that contributes less is left out


def velocity_db(velocity: np.ndarray) -> np.ndarray:
    """Level of a velocity 1..127 in dB, 0 at 127: amplitude is the square of a line (Dannenberg, ICMC 2006)."""
    softest = 10 ** (-RANGE_DB / 40)
    return 40 * np.log10(softest + (1 - softest) * (np.maximum(velocity, 1.0) - 1) / 126)


def key_levels(keys: np.ndarray, layer_velocity: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Level of each key at velocity 127: what fits its layers, evened out over its neighbours.

    Parameters
    ----------
    keys
        (n_keys,) MIDI note numbers.
    layer_velocity
        (n_layers,) the velocity that each layer is for.
    level
        (n_keys, n_layers) rms of the recordings, linear.

    Returns
    -------
    ndarray
        (n_keys,) rms, linear.
    """
    excess = 20 * np.log10(level) - velocity_db(layer_velocity)
    upper = excess[:, len(layer_velocity) // 4 :].mean(axis=1)
    if len(keys) >= VOICED_KEYS:
        weights = np.exp(-0.5 * ((keys[:, None] - keys[None, :]) / VOICING_KEYS) ** 2)
        # A local line rather than a local mean, which would flatten the ends of the keyboard.
        fits = [np.polynomial.Polynomial.fit(keys, upper, 1, w=np.sqrt(weight)) for weight in weights]
        upper = np.array([fit(key) for fit, key in zip(fits, keys, strict=True)])
    return 10 ** (upper / 20)


def layer_gains(
    velocity: np.ndarray,
    soft: np.ndarray,
    *,
    layer_velocity: np.ndarray,
    level: np.ndarray,
    likeness: np.ndarray,
    key_level: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The two layers of each strike, and what each is multiplied by.

    Parameters
    ----------
    velocity, soft
        (n,) velocity 1..127 and depth of the soft pedal 0..1 of each strike.
    layer_velocity
        (n_layers,) the velocity that each layer is for.
    level, likeness
        (n, n_layers) and (n, n_layers - 1): of the key of each strike, as `SampleSet` has them.
    key_level
        (n,) as `key_levels` gives it, of the key of each strike.

    Returns
    -------
    tuple of ndarray
        (n, 2) layers and (n, 2) gains, 0 where a layer does not sound.
    """
    velocity = velocity * (1 - SOFT_VELOCITY * soft)
    n_layers = len(layer_velocity)
    position = np.interp(velocity, layer_velocity, np.arange(n_layers))
    lower = np.minimum(position.astype(np.int64), max(n_layers - 2, 0))
    layers = np.stack([lower, np.minimum(lower + 1, n_layers - 1)], axis=1)
    share = position - lower
    share = np.where(share < LEAST_SHARE, 0.0, np.where(share > 1 - LEAST_SHARE, 1.0, share))
    target = key_level * 10 ** ((velocity_db(velocity) + SOFT_DB * soft) / 20)
    # Two waves of unit power in these shares have this power: no dip between the layers.
    alike = np.take_along_axis(likeness, layers[:, :1], axis=1)[:, 0] if n_layers > 1 else np.ones(len(share))
    power = (1 - share) ** 2 + share**2 + 2 * alike * share * (1 - share)
    each = target / np.sqrt(np.maximum(power, 0.1))
    gains = np.stack([(1 - share), share], axis=1) * each[:, None] / np.take_along_axis(level, layers, axis=1)
    return layers, gains
