"""``violin``: what ``deep-performer`` has learnt from recordings of violins, sounded by a bowed string; 16 kHz.

The recordings are of three players, each an instrument of the network: ``--instrument violin`` is the first of them.
A violin has no pedal: that of the performance is left aside.
"""

from __future__ import annotations

import math

import numpy as np

from perfsynth.dsp.colouring import coloured
from perfsynth.dsp.pitches import A4_HZ
from perfsynth.errors import UsageError
from perfsynth.known import VIOLIN, kind_of
from perfsynth.synth import deep_performer
from perfsynth.synth.bowed import CHANNELS, colour, strings
from perfsynth.synth.concert_pitch import check_a4
from perfsynth.synth.deep_performer import PRESET
from perfsynth.synth.octaves import moved
from perfsynth.synth.roll import pitched, sounding, without_pedal
from perfsynth.types import AudioStream, Performance

SYSTEM = VIOLIN
LEARNT_A4_HZ = (440.0, 446.0)  # of the recordings, which are 7 to 23 cents above 440: between them no band is moved


def stream(
    performance: Performance, *, instrument: str = SYSTEM, weights: str | None = None, a4: float = A4_HZ,
    device: str = "cpu", seed: int = 0,
) -> AudioStream:  # fmt: skip
    """Sound a performance; see `perfsynth.synth.core.synthesize`.

    Parameters
    ----------
    performance
        Played on one violin, whatever its parts; drums and notes without a finite time are left out.
    instrument
        A violin that the network has learnt, or what its name begins with.
    weights
        A folder with model.safetensors and config.toml of ``deep-performer``; else the network that ships.
    a4
        Concert pitch in Hz.
    device
        Where the network computes.
    seed
        Of vibrato, room and noise.

    Raises
    ------
    MissingError
        When no network ships.
    InputError
        When the folder holds no such network, or there are drums only.
    UsageError
        When the network has no such instrument, or it is no violin, or no violin is tuned to that pitch.
    """
    check_a4(a4)
    if kind_of(instrument) != VIOLIN:
        raise UsageError(f"instrument {instrument!r}: this engine bows a violin alone; name one, or leave --engine out")
    played = without_pedal(pitched(performance))
    made = deep_performer.predict(played, instrument=instrument, weights=weights, device=device)
    stamp = performance.made_by(
        "synth-audio", SYSTEM, seed=seed, instrument=instrument, a4=a4, weights=weights or "shipped"
    )
    source = strings(sounding(played), rate=PRESET.sample_rate, a4=a4, seed=seed)
    tuned = moved(made.values, math.log2(a4 / float(np.clip(a4, *LEARNT_A4_HZ))), PRESET)
    blocks = coloured(source, tuned, PRESET, colour=colour(PRESET), seed=seed)
    duration_s = PRESET.n_samples(made.values.shape[1]) / PRESET.sample_rate
    return AudioStream(blocks, PRESET.sample_rate, CHANNELS, duration_s, **stamp)
