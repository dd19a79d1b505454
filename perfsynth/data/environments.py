"""Environments: the rooms, microphones, tunings and touches under which one instrument is recorded.

A network that is told which of them it hears can tell the instrument from its surroundings, and be asked for either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perfsynth.dsp.resample import resample
from perfsynth.synth.core import synthesize
from perfsynth.synth.modal.room import RoomName, in_room
from perfsynth.types import Audio, Performance

RATE = 44100
MOST_TILT_DB = 12.0  # anywhere in the spectrum
PIVOT_HZ = 1000.0  # that a tilt leaves alone


@dataclass(frozen=True)
class Environment:
    """How an instrument is recorded; the one without a name changes nothing."""

    name: str = ""
    room: RoomName = "dry"
    tilt_db: float = 0.0  # an octave, around `PIVOT_HZ`
    cents: float = 0.0  # sharp of what it is tuned to
    noise_db: float = -np.inf  # level of white noise beside full scale
    touch: float = 1.0  # power of velocities between 0 and 1: above 1 the action is heavy


PLAIN = Environment()


def environments(number: int, *, seed: int = 0) -> list[Environment]:
    """`PLAIN` and `number` drawn ones, named ``e1`` and so on; the same each time."""
    drawn = [PLAIN]
    for index in range(1, number + 1):
        rng = np.random.default_rng([seed, index])
        drawn.append(
            Environment(
                f"e{index}",
                room=rng.choice(["dry", "studio", "hall"]),
                tilt_db=float(rng.uniform(-1.5, 1.0)),
                cents=float(rng.normal(0, 8)),
                noise_db=float(rng.uniform(-85, -55)),
                touch=float(np.exp(rng.normal(0, 0.15))),
            )
        )
    return drawn


def record(
    performance: Performance, engine: str, options: Mapping[str, Any], environment: Environment, *, length_s: float,
    seed: int = 0,
) -> Audio:  # fmt: skip
    """The first `length_s` seconds of a performance, recorded in an environment: stereo at 44.1 kHz."""
    sharp = 2.0 ** (environment.cents / 1200)
    played = _touched(_slower(performance, sharp), environment.touch)
    stream = synthesize(played, engine=engine, sample_rate=RATE, seed=seed, **options)
    if sharp != 1.0:  # played slower, it is heard faster and higher
        stream = resample(replace(stream, sample_rate=round(RATE * sharp)), RATE)
    n_samples = round(length_s * RATE)
    dry = first(np.concatenate([*stream.blocks, np.zeros((0, stream.n_channels), np.float32)]), n_samples)
    heard = np.concatenate(list(in_room([dry], environment.room, rate=RATE, seed=seed)))
    heard = _tilted(heard, environment.tilt_db)
    if np.isfinite(environment.noise_db):
        noise = np.random.default_rng([seed, 1]).standard_normal(heard.shape)
        heard = heard + 10 ** (environment.noise_db / 20) * noise
    return Audio(heard.astype(np.float32), RATE)


def first(samples: np.ndarray, n_samples: int) -> np.ndarray:
    """(n_samples, channels) cut, or with silence behind."""
    cut = samples[:n_samples]
    return np.pad(cut, ((0, n_samples - len(cut)), (0, 0)))


def _slower(performance: Performance, factor: float) -> Performance:
    notes, controls = performance.notes.copy(), performance.controls.copy()
    notes["onset_s"] *= factor
    notes["duration_s"] *= factor
    controls["time_s"] *= factor
    return replace(performance, notes=notes, controls=controls)


def _touched(performance: Performance, touch: float) -> Performance:
    notes = performance.notes.copy()
    notes["velocity"] = np.clip(np.rint(127 * (notes["velocity"] / 127) ** touch), 1, 127)
    return replace(performance, notes=notes)


def _tilted(samples: np.ndarray, tilt_db: float) -> np.ndarray:
    """A straight line over octaves added to the spectrum; of short recordings, since it takes all at once."""
    if tilt_db == 0:
        return samples
    size = 2 * len(samples)
    octave = np.log2(np.maximum(np.fft.rfftfreq(size, 1 / RATE), 1.0) / PIVOT_HZ)
    gain = 10 ** (np.clip(tilt_db * octave, -MOST_TILT_DB, MOST_TILT_DB) / 20)
    tilted: np.ndarray = np.fft.irfft(np.fft.rfft(samples, size, axis=0) * gain[:, None], axis=0)[: len(samples)]
    return tilted
