"""Measuring the recording of a probe: what kind of piano plays, without any reference.

Every figure of `Probe` belongs to one section of `probe_notes`, which says what is struck there and when; the files
`velocity`, `decay`, `pedal`, `partials` and `condition` say what is computed. First the delay is found at which notes
come out, as everything is cut by the clock: it is reported, and a recording that was started late still measures
right, within 0.25 s.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from perfsynth.dsp.mixing import mixed
from perfsynth.errors import InputError
from perfsynth.evaluate import probe_notes as plan
from perfsynth.evaluate.condition import Condition, condition, level_dbfs
from perfsynth.evaluate.decay import EARLY_DB, LATE_DB, damped_s, decay_time_s, without_rumble
from perfsynth.evaluate.partials import Steadiness, steadiness
from perfsynth.evaluate.pedal import PedalResponse, pedal_response
from perfsynth.evaluate.velocity import VelocityResponse, level_and_centroid, velocity_response

LEVEL_WINDOW_S = 0.5
STEADY_WINDOW_S = (0.2, 3.0)
STEADY_KEYS = plan.DECAY_KEYS[1:-1]  # where a partial is neither too low nor too short to be followed
ONSET_LEVEL = 0.1  # of a note's peak: where it begins
MAX_DELAY_S = 0.25
BEFORE_DAMPER_S = 0.2
MIN_RATE = 8000  # Hz
BARELY_S = 0.05  # how much of the end a recording may lack


@dataclass(frozen=True)
class Probe:
    """What a probe found; lists are in the order of the constants of `probe_notes`."""

    delay_ms: float
    velocity: tuple[VelocityResponse, ...]  # of each key
    edt_s: tuple[float, ...]  # early decay time of each key
    t60_s: tuple[float, ...]
    damped_s: tuple[float, ...]  # time of each key to fall by 40 dB once let go
    steadiness: tuple[Steadiness, ...]  # of each of STEADY_KEYS
    pedal: PedalResponse
    sostenuto_db: float  # as PedalResponse.sustained_db
    soft_db: float  # level under the soft pedal against without
    soft_centroid: float  # ratio of the spectral centroids
    rest_dbfs: float  # a stretch of silence after a damped note
    rest_below_note_db: float  # the same against the note
    condition: Condition  # of the loudest: the clusters
    levels_db: np.ndarray = field(repr=False)  # (n_keys, n_velocities)
    centroids_hz: np.ndarray = field(repr=False)
    pedal_levels_db: np.ndarray = field(repr=False)  # (n_values,)

    def to_json(self) -> dict[str, Any]:
        """Numbers and lists by name, the schedule's keys and values beside them."""
        found = asdict(self)
        for name in ("levels_db", "centroids_hz", "pedal_levels_db"):
            found[name] = found[name].tolist()
        return {
            **found,
            "velocity_keys": plan.VELOCITY_KEYS,
            "velocities": plan.VELOCITIES,
            "decay_keys": plan.DECAY_KEYS,
            "damper_keys": plan.DAMPER_KEYS,
            "steadiness_keys": STEADY_KEYS,
            "pedal_values": plan.PEDAL_VALUES,
        }


@dataclass(frozen=True)
class Recording:
    """The sound of a probe, cut by the clock of its schedule."""

    audio: np.ndarray  # (n, n_channels) float
    sample_rate: int  # Hz
    delay_s: float = 0.0

    def cut(self, onset_s: float, begin_s: float, end_s: float) -> np.ndarray:
        """From `begin_s` to `end_s` after an onset, (n, n_channels)."""
        first, last = (round((onset_s + self.delay_s + t) * self.sample_rate) for t in (begin_s, end_s))
        return self.audio[max(first, 0) : max(last, 1)]


def recording(audio: np.ndarray, sample_rate: int) -> Recording:
    """The recording of a probe, its delay found.

    Parameters
    ----------
    audio
        (n, n_channels) float, of the whole probe; time 0 is that of the MIDI file, within 0.25 s.
    sample_rate
        In Hz.

    Raises
    ------
    InputError
        When it is too short, of too low a rate, silent where notes are struck, not finite or of another shape.
    """
    needed = plan.schedule().end_s - BARELY_S
    if audio.ndim != 2 or not np.isfinite(audio).all():
        raise InputError(f"probe audio of shape {audio.shape}: (n, channels), all finite, is needed")
    if sample_rate < MIN_RATE:
        raise InputError(f"probe audio at {sample_rate} Hz; at least {MIN_RATE} Hz is needed to hear its highest key")
    if len(audio) < needed * sample_rate:
        raise InputError(
            f"the audio lasts {len(audio) / sample_rate:.1f} s and the probe {needed:.1f} s; record the whole of it"
        )
    plain = Recording(audio, sample_rate)
    starts = [_start_s(plain, onset) for onset in plan.schedule().velocity_s[:, len(plan.VELOCITIES) // 2 :].ravel()]
    return Recording(audio, sample_rate, float(np.median(starts)))


def _start_s(sound: Recording, onset_s: float) -> float:
    """When a note is heard to begin, from its onset as written."""
    heard = np.abs(sound.cut(onset_s, -MAX_DELAY_S, MAX_DELAY_S)).max(axis=1)
    if heard.max() < 1e-6:
        raise InputError(f"nothing sounds at {onset_s:.1f} s, where the probe strikes a key; is this its recording?")
    return float(np.argmax(heard >= ONSET_LEVEL * heard.max()) / sound.sample_rate - MAX_DELAY_S)


def measure(sound: Recording) -> Probe:
    """Everything about a piano that its probe tells.

    Raises
    ------
    InputError
        When a section is silent.
    """
    notes = plan.schedule()
    spoken = [[_spoken(sound, onset) for onset in row] for row in notes.velocity_s]
    levels, centroids = (np.array([[pair[i] for pair in row] for row in spoken]) for i in (0, 1))
    decays = held_notes(sound)
    held = _late_db(sound, notes.held_s)
    pedal = np.array([_late_db(sound, onset) - held for onset in notes.sustain_s])
    plain, soft = _spoken(sound, notes.held_s), _spoken(sound, notes.soft_s)
    rest = level_dbfs(np.sqrt((np.asarray(sound.cut(notes.rest_s, *plan.REST_WINDOW_S), np.float64) ** 2).mean()))
    return Probe(
        delay_ms=1000 * sound.delay_s,
        velocity=tuple(
            velocity_response(np.array(plan.VELOCITIES), level, centroid)
            for level, centroid in zip(levels, centroids, strict=True)
        ),
        edt_s=tuple(decay_time_s(piece, sound.sample_rate, EARLY_DB) for piece in decays),
        t60_s=tuple(decay_time_s(piece, sound.sample_rate, LATE_DB) for piece in decays),
        damped_s=tuple(_damped(sound, onset) for onset in notes.damper_s),
        steadiness=tuple(_steadiness(sound, key) for key in STEADY_KEYS),
        pedal=pedal_response(np.array(plan.PEDAL_VALUES), pedal),
        sostenuto_db=_late_db(sound, notes.sostenuto_s) - held,
        soft_db=soft[0] - plain[0],
        soft_centroid=soft[1] / plain[1],
        rest_dbfs=rest,
        rest_below_note_db=rest - plain[0],
        condition=condition(
            sound.cut(notes.cluster_s[0], 0.0, plan.CLUSTER_STEP_S + plan.CLUSTER_HOLD_S), sound.sample_rate
        ),
        levels_db=levels,
        centroids_hz=centroids,
        pedal_levels_db=pedal,
    )


def held_notes(sound: Recording) -> list[np.ndarray]:
    """The note of each of DECAY_KEYS while it is held, without rumble, each (n, n_channels)."""
    rows = zip(plan.DECAY_KEYS, plan.schedule().decay_s, plan.DECAY_HOLD_S, strict=True)
    return [without_rumble(sound.cut(onset, 0.0, hold), sound.sample_rate, key) for key, onset, hold in rows]


def _spoken(sound: Recording, onset_s: float) -> tuple[float, float]:
    """Level and centroid of the first half second of a note."""
    return level_and_centroid(sound.cut(onset_s, 0.0, LEVEL_WINDOW_S), sound.sample_rate)


def _late_db(sound: Recording, onset_s: float) -> float:
    """Level of middle C half a second after its key came up, where it did."""
    piece = np.asarray(sound.cut(onset_s, *plan.PEDAL_WINDOW_S), np.float64)
    return level_dbfs(np.sqrt((piece**2).mean()))


def _damped(sound: Recording, onset_s: float) -> float:
    start = plan.DAMPER_HOLD_S - BEFORE_DAMPER_S
    return damped_s(sound.cut(onset_s, start, plan.DAMPER_STEP_S - 0.05), sound.sample_rate, BEFORE_DAMPER_S)


def _steadiness(sound: Recording, key: int) -> Steadiness:
    onset = plan.schedule().decay_s[plan.DECAY_KEYS.index(key)]
    return steadiness(mixed(sound.cut(onset, *STEADY_WINDOW_S)), sound.sample_rate, key)
