"""How a piano answers to velocity: the same key struck ever harder.

A key struck harder must sound louder and brighter, in steps that the hand can play on. What goes wrong: too small a
range (everything sounds mezzo forte), an inversion (louder velocity, softer note, where one sample layer takes over
from another), a jump between layers, a timbre that does not change at all.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from perfsynth.errors import InputError
from perfsynth.evaluate.condition import level_dbfs

INVERSION_DB = 0.1
MIN_STEPS = 5
MAX_CENTROID_HZ = 12000.0


@dataclass(frozen=True)
class VelocityResponse:
    """What `velocity_response` finds for one key."""

    range_db: float  # from the softest to the loudest velocity
    slope_db: float  # per 10 velocity steps, least squares
    inversions: int  # steps that lose more than 0.1 dB
    largest_step_db: float
    roughness_db: float  # rms distance of the levels from the cubic that fits them best
    centroid_ratio: float  # spectral centroid of the loudest over that of the softest
    largest_centroid_step: float  # largest ratio of neighbouring centroids, either way

    def to_json(self) -> dict[str, float]:
        """The numbers by name."""
        return asdict(self)


def velocity_response(velocity: np.ndarray, level_db: np.ndarray, centroid_hz: np.ndarray) -> VelocityResponse:
    """Sum up how one key answers.

    Parameters
    ----------
    velocity
        (n,) ascending, at least five.
    level_db
        (n,) level of each note.
    centroid_hz
        (n,) spectral centroid of each note.

    Raises
    ------
    InputError
        When lengths differ, velocities do not ascend, or a number is not finite.
    """
    shapes = {len(velocity), len(level_db), len(centroid_hz)}
    if shapes != {len(velocity)} or len(velocity) < MIN_STEPS or (np.diff(velocity) <= 0).any():
        raise InputError(f"{sorted(shapes)} notes: {MIN_STEPS} ascending velocities, each with a level and a centroid")
    if not (np.isfinite(level_db).all() and np.isfinite(centroid_hz).all() and (centroid_hz > 0).all()):
        raise InputError("a level or centroid of the velocity response is not finite; the audio is broken or silent")
    scaled = np.asarray(velocity, np.float64) / 127
    smooth = np.polyval(np.polyfit(scaled, level_db, 3), scaled)
    steps = np.diff(level_db)
    turns = np.abs(np.diff(np.log(centroid_hz)))
    return VelocityResponse(
        range_db=float(level_db[-1] - level_db[0]),
        slope_db=float(np.polyfit(velocity, level_db, 1)[0] * 10),
        inversions=int((steps < -INVERSION_DB).sum()),
        largest_step_db=float(np.abs(steps).max()),
        roughness_db=float(np.sqrt(((level_db - smooth) ** 2).mean())),
        centroid_ratio=float(centroid_hz[-1] / centroid_hz[0]),
        largest_centroid_step=float(np.exp(turns.max())),
    )


def level_and_centroid(audio: np.ndarray, sample_rate: int) -> tuple[float, float]:
    """Root mean square in dBFS and power-weighted mean frequency up to 12 kHz, of (n, n_channels)."""
    level = level_dbfs(np.sqrt((np.asarray(audio, np.float64) ** 2).mean()))
    power = (np.abs(np.fft.rfft(audio * np.hanning(len(audio))[:, None], axis=0)) ** 2).sum(axis=1)
    hertz = np.fft.rfftfreq(len(audio), 1 / sample_rate)
    used = hertz <= MAX_CENTROID_HZ
    return level, float((hertz * power)[used].sum() / max(power[used].sum(), 1e-30))
