"""Rooms around a dry piano: shoeboxes whose echoes are computed, not recorded.

Left and right of the dry sound are two sources on the floor of the room, two microphones listen. The first echoes
come from image sources (Allen and Berkley 1979), the rest is noise that falls as Sabine's formula says. Where the
one gives way to the other both have the same power. The direct sound stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from perfsynth.errors import UsageError

RoomName = Literal["dry", "studio", "hall"]
BANDS_HZ = np.array([125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0])
AIR = np.array([0.1, 0.3, 0.6, 1.1, 2.6, 8.0, 28.0, 90.0]) * 1e-3  # 1/m of power, 20 degrees C (ISO 9613-1)
SPEED = 343.0  # m/s
PART = 8192  # samples of the input that are convolved at once
SILENT_DB = -70.0  # below the loudest: there an echo ends


@dataclass(frozen=True)
class Room:
    """A shoebox: metres, shares of power that its walls swallow in `BANDS_HZ`, where it is played and heard."""

    size: tuple[float, float, float]
    absorption: tuple[float, ...]
    sources: tuple[tuple[float, float, float], ...]
    microphones: tuple[tuple[float, float, float], ...]
    images_s: float  # how long image sources are followed
    level_db: float = 0.0  # of the echoes beside what physics gives: microphones hear the stage better

    @property
    def volume(self) -> float:
        """Cubic metres."""
        return float(np.prod(self.size))

    def decay(self) -> np.ndarray:
        """(n_bands,) nepers of amplitude a second (Sabine 1922, with the air)."""
        x, y, z = self.size
        area = 2 * (x * y + y * z + z * x) * np.array(self.absorption) + 4 * AIR * self.volume
        return np.asarray(SPEED * area / (8 * self.volume))

    def reverberation_s(self) -> np.ndarray:
        """(n_bands,) seconds in which echoes fall by 60 dB."""
        return np.log(1000) / self.decay()


ROOMS: dict[str, Room] = {
    # Wood, curtains, diffusers: 0.4 s. Microphones 2 m away.
    "studio": Room(
        (7.3, 5.9, 3.4), (0.22, 0.26, 0.3, 0.32, 0.33, 0.33, 0.33, 0.33),
        ((3.1, 2.1, 0.9), (4.1, 2.1, 0.9)), ((3.2, 4.0, 1.7), (3.95, 4.1, 1.7)), 0.05, -8.0,
    ),
    # A small concert hall with its audience: 1.7 s. Microphones above the first row.
    "hall": Room(
        (31.0, 19.0, 13.0), (0.22, 0.25, 0.27, 0.28, 0.29, 0.3, 0.3, 0.3),
        ((6.1, 8.9, 1.9), (6.3, 10.1, 1.9)), ((10.6, 9.1, 3.4), (10.4, 10.4, 3.4)), 0.09, -4.0,
    ),
}  # fmt: skip


@lru_cache(maxsize=2)
def echoes(name: str, rate: int, seed: int = 0) -> np.ndarray:
    """(2, 2, n) impulse responses of a room from each source to each microphone, without the direct sound.

    The direct sound has amplitude 1 on its own side, and time 0 is its arrival there.
    """
    room = ROOMS[name]
    n_samples = int(np.ceil(-SILENT_DB / 60 * room.reverberation_s().max() * rate))
    rng = np.random.Generator(np.random.Philox(seed % 2**64))
    responses = np.empty((2, 2, n_samples), np.float32)
    decay = room.decay()
    for s, source in enumerate(room.sources):
        for m, microphone in enumerate(room.microphones):
            own = float(np.linalg.norm(np.subtract(source, room.microphones[s])))
            trains = _images(room, source, microphone, own, rate, n_samples)
            t = np.arange(n_samples) / rate
            # Diffuse power against direct power: 16 pi r^2 / A, falling as e^(-2 decay t).
            power = 4 * np.pi * own**2 * SPEED / (room.volume * rate)
            crossing = np.clip((t - 0.4 * room.images_s) / (0.6 * room.images_s), 0, 1)
            envelope = np.sqrt(power) * np.exp(-decay[:, None] * (t + own / SPEED)) * np.sin(np.pi / 2 * crossing)
            trains *= np.cos(np.pi / 2 * crossing)
            responses[s, m] = _joined(trains + envelope * rng.standard_normal(n_samples), rate)
    return responses * np.float32(10 ** (room.level_db / 20))


def _images(
    room: Room,
    source: tuple[float, float, float],
    microphone: tuple[float, float, float],
    own: float,
    rate: int,
    n_samples: int,
) -> np.ndarray:
    """(n_bands, n_samples) the echoes of the walls in each band, beside a direct sound of amplitude 1."""
    reach = SPEED * room.images_s + own
    axes = []
    for length, here, there in zip(room.size, source, microphone, strict=True):
        order = np.arange(-int(reach / length) - 1, int(reach / length) + 2)
        at = np.where(order % 2 == 0, order * length + here, (order + 1) * length - here)
        axes.append((at - there, np.abs(order)))
    dx, dy, dz = np.meshgrid(*(offset for offset, _ in axes), indexing="ij")
    bounces = np.sum(np.meshgrid(*(count for _, count in axes), indexing="ij"), axis=0)
    distance = np.sqrt(dx**2 + dy**2 + dz**2).ravel()
    at = (distance - own) / SPEED * rate
    # The floor just below is part of the recorded sound, and nothing comes before the direct sound.
    kept = (bounces.ravel() > 0) & (at >= 0.003 * rate) & (at < n_samples - 1) & (distance < reach)
    distance, at, count = distance[kept], at[kept], bounces.ravel()[kept]
    reflection = np.sqrt(1 - np.array(room.absorption))
    trains = np.zeros((len(BANDS_HZ), n_samples))
    low = at.astype(np.int64)
    for band, row in enumerate(trains):
        gain = own / distance * reflection[band] ** count * np.exp(-AIR[band] / 2 * distance)
        np.add.at(row, low, gain * (1 - (at - low)))
        np.add.at(row, low + 1, gain * (at - low))
    return trains


def _joined(trains: np.ndarray, rate: int) -> np.ndarray:
    """(n,) the sum of signals, each in its own octave: triangles over the logarithm of frequency."""
    n_samples = trains.shape[1]
    size = 2 * n_samples
    hz = np.maximum(np.fft.rfftfreq(size, 1 / rate), 1.0)
    position = np.interp(np.log2(hz), np.log2(BANDS_HZ), np.arange(len(BANDS_HZ)))
    total = np.zeros(size // 2 + 1, complex)
    for band, train in enumerate(trains):
        total += np.fft.rfft(train, size) * np.clip(1 - np.abs(position - band), 0, 1)
    total *= hz**2 / (hz**2 + 60.0**2)  # rooms do not build up below their first modes
    return np.fft.irfft(total, size)[:n_samples]


def tail_s(name: RoomName) -> float:
    """How long a room sounds on after the last sound.

    Raises
    ------
    UsageError
        When there is no such room.
    """
    if name != "dry" and name not in ROOMS:
        raise UsageError(f"room {name}: choose one of dry, {', '.join(ROOMS)}")
    return 0.0 if name == "dry" else float(-SILENT_DB / 60 * ROOMS[name].reverberation_s().max())


def followed(blocks: Iterable[np.ndarray], n_samples: int, n_channels: int) -> Iterator[np.ndarray]:
    """The blocks, and some silence for a room to sound on in."""
    yield from blocks
    for start in range(0, n_samples, PART):
        yield np.zeros((min(PART, n_samples - start), n_channels), np.float32)


def in_room(blocks: Iterable[np.ndarray], name: RoomName, *, rate: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Blocks of (n, 2) float32 with the echoes of a room; as many samples come out as go in.

    Parameters
    ----------
    blocks
        Of any length; the result does not depend on how the sound is cut into them.
    name
        ``dry`` gives the blocks back as they are.
    rate
        In Hz.
    seed
        Of the late echoes.
    """
    if name == "dry":
        yield from blocks
        return
    convolver = _Convolver(echoes(name, rate, seed))
    waiting: list[np.ndarray] = []
    n_waiting = 0
    for block in blocks:
        waiting.append(block)
        n_waiting += len(block)
        if n_waiting < PART:
            continue
        joined = np.concatenate(waiting)
        for start in range(0, n_waiting // PART * PART, PART):
            yield convolver.push(joined[start : start + PART])
        waiting = [joined[n_waiting // PART * PART :]]
        n_waiting = len(waiting[0])
    if n_waiting:
        rest = np.concatenate(waiting)
        yield convolver.push(np.pad(rest, ((0, PART - n_waiting), (0, 0))))[:n_waiting]


class _Convolver:
    """Uniformly partitioned overlap-save convolution (Wefers 2015), two channels in, two out."""

    def __init__(self, responses: np.ndarray) -> None:
        from scipy import fft

        n_parts = -(-responses.shape[2] // PART)
        padded = np.pad(responses, ((0, 0), (0, 0), (0, n_parts * PART - responses.shape[2])))
        parts = padded.reshape(2, 2, n_parts, PART)
        self._responses = fft.rfft(parts, 2 * PART, axis=-1)  # source, microphone, part, bin
        self._past = np.zeros((2, n_parts, PART + 1), self._responses.dtype)  # spectra, the newest first
        self._last = np.zeros((PART, 2), np.float32)

    def push(self, block: np.ndarray) -> np.ndarray:
        """(PART, 2) the next part with its echoes."""
        from scipy import fft

        self._past = np.roll(self._past, 1, axis=1)
        self._past[:, 0] = fft.rfft(np.concatenate([self._last, block]).T, axis=-1)
        self._last = block
        spectrum = np.einsum("spf,smpf->mf", self._past, self._responses)
        echo = fft.irfft(spectrum, 2 * PART, axis=-1)[:, PART:]
        return (block + echo.T).astype(np.float32)
