"""How far an interpretation goes: from the network's relative curves to the ones that are played."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.perform.cantabile.columns import Reading
from perfsynth.perform.cantabile.interpretation import Interpretation, standard
from perfsynth.perform.cantabile.network import ASYNCHRONY_S, VELOCITY, VELOCITY_SPREAD_LN, VELOCITY_STEPS
from perfsynth.perform.cantabile.playing import Curves
from perfsynth.perform.cantabile.variation import drift

LEAST_PEDAL = 0.04  # of a piece: with less, none
SURE_PEDAL = 0.8  # likely enough that it stays down through a rest of all parts
SHORTEST_BEAT = 1 / 16  # of what is written
FURTHEST = 3.0  # octaves from the mean length, beyond which a note's articulation varies no more and no less
FEW_CHORDS = 20  # with as few, tempo strays half as far: nearly all of its spread would go into the ending
COMMON_LEAD = 0.3  # as far as the networks say do outer notes of all chords of a piece lead or follow inner ones
MOST_NOTES = 4  # of a chord: those with more are alike in who leads
ACCENTED = 0.6  # as far as the networks say are accented notes louder than those around
AROUND_BEATS = 2.0  # before and after one
LAST_VOICED = 0.5  # as far as the networks say are the notes of the last chord below its loudest
FASTEST_S, SLOWEST_S = 0.12, 4.0  # of a quarter note, on the average over a piece
SPARSEST = 1.0  # chords a second of a whole performance, of those learned from
UNHURRIED_S = 0.6  # of a quarter note: for the sake of that many chords none is shorter


@dataclass(frozen=True)
class Manner:
    """How to play: 0 is deadpan, 1 as learned, up to 2."""

    rubato: float = 1.0
    dynamics: float = 1.0
    articulation: float = 1.0
    pedal: bool = True
    bpm: float | None = None  # mean tempo; else what was learned
    variation: int = 0  # 0 plays what is most likely; every other number is another interpretation
    temperature: float = 1.0  # how far variations stray
    seed: int = 0


@dataclass(frozen=True)
class Calibration:
    """What stands between the network's curves and those played.

    The factors bring curves to the spread of human ones on the validation split; what is said of long notes was chosen.
    """

    tempo: float = 1.0
    velocity: float = 1.0
    articulation: float = 1.0
    asynchrony: float = 1.0
    long_notes: float = 0.0  # log2 that a note is held longer for each doubling of what is written
    steady_notes: float = 0.0  # log2 that its articulation varies less for each doubling
    pedal_share: float = 0.8  # of how long it is likely to be down in a piece
    lift_threshold: float = 0.5


def curves(reading: Reading, heard: Interpretation, manner: Manner, calibration: Calibration) -> Curves:
    """The curves to play for an interpretation of a score."""
    says = heard.statistics
    beat = reading.chord_beat
    strays = drift(beat, manner.variation, manner.seed, manner.temperature) if manner.variation else None
    tempo, articulation = heard.log_beat_period, heard.articulation
    velocity = _less_accented(heard.velocity, beat[reading.chord], reading.accented)
    if strays is not None:
        tempo = tempo + strays.tempo
        velocity = velocity + strays.velocity[reading.chord]
        articulation = articulation + strays.articulation[reading.chord]
    spread = np.exp(says["tempo_spread"]) * calibration.tempo * manner.rubato * len(beat) / (len(beat) + FEW_CHORDS)
    level = VELOCITY + VELOCITY_STEPS * says["velocity"] * min(manner.dynamics, 1.0)
    velocity_spread = np.exp(says["velocity_spread"] + VELOCITY_SPREAD_LN) * calibration.velocity * manner.dynamics
    articulation_spread = np.exp(says["articulation_spread"]) * calibration.articulation
    octaves = _length(reading)
    varied = articulation_spread * np.exp2(-calibration.steady_notes * np.clip(octaves, -FURTHEST, FURTHEST))
    held = says["articulation"] + varied * articulation + calibration.long_notes * octaves
    possible = _sounding(reading, heard.pedal_beat) | (heard.pedal > SURE_PEDAL)
    asynchrony_spread = np.exp(says["asynchrony_spread"]) * calibration.asynchrony * manner.rubato
    return Curves(
        reading.chord,
        beat,
        beat_period_s=60.0 / manner.bpm if manner.bpm is not None else _learned_period_s(says["log_beat_period"], beat),
        log_beat_period=tempo * spread - heard.written_tempo,
        velocity=_last_chord_together(level + velocity_spread * velocity, reading.chord),
        articulation=held * manner.articulation + _through_changes(reading, heard.written_tempo),
        asynchrony_s=ASYNCHRONY_S * asynchrony_spread * _less_led(heard.asynchrony, reading.chord),
        pedal_beat=heard.pedal_beat,
        pedal_down=manner.pedal & _likeliest(heard.pedal, possible, calibration.pedal_share),
        pedal_lift=heard.lift > calibration.lift_threshold,
        freedom=min(manner.rubato, 1.0),
    )


def _less_led(asynchrony: np.ndarray, chord: np.ndarray) -> np.ndarray:
    """(n,) asynchronies as far apart, but less by what the lowest, the highest or the inner notes of chords share.

    Only what is uncertain has to be enlarged to the spread of people. That the melody leads is certain: enlarged with
    the rest, it led too often and by too much.
    """
    size, place = np.bincount(chord), np.arange(len(chord)) - np.searchsorted(chord, chord)
    outer = np.where(place == 0, 0, np.where(place == size[chord] - 1, 1, 2))
    apart = asynchrony - _means(asynchrony, chord)
    shared = _means(apart, 3 * np.minimum(size[chord], MOST_NOTES) + outer)
    less = apart - (1 - COMMON_LEAD) * (shared - _means(shared, chord))
    as_far = np.abs(apart).sum() / max(np.abs(less).sum(), 1e-9)
    return asynchrony - apart + as_far * less


def _less_accented(velocity: np.ndarray, beat: np.ndarray, accented: np.ndarray) -> np.ndarray:
    """(n,) standard velocities, those of accented notes less far above the other notes around: an accent is certain."""
    others = np.flatnonzero(~accented)[np.argsort(beat[~accented], kind="stable")]
    total = np.append(0.0, np.cumsum(velocity[others]))
    first, end = (np.searchsorted(beat[others], beat[accented] + away) for away in (-AROUND_BEATS, AROUND_BEATS))
    amid = end > first
    if not amid.any():
        return velocity
    around = (total[end] - total[first])[amid] / (end - first)[amid]
    louder = float(np.mean(velocity[accented][amid] - around))
    return standard(velocity - (1 - ACCENTED) * max(louder, 0.0) * accented)


def _means(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """(n,) the mean of each value's group."""
    return np.asarray((np.bincount(group, values) / np.maximum(np.bincount(group), 1))[group])


def _last_chord_together(velocity: np.ndarray, chord: np.ndarray) -> np.ndarray:
    """(n,) velocities, those of the last chord nearer its loudest note: people voice it no more than other chords."""
    last = chord == chord.max()
    loudest = velocity[last].max()
    return np.where(last, loudest - LAST_VOICED * (loudest - velocity), velocity)


def _length(reading: Reading) -> np.ndarray:
    """(n,) octaves by which each note is written longer than the mean; 0 for grace notes."""
    main = reading.held_beat > 0
    octave = np.log2(np.maximum(reading.held_beat, SHORTEST_BEAT))
    return np.where(main, octave - octave[main].mean(), 0.0) if main.any() else np.zeros(len(octave))


def _through_changes(reading: Reading, written_tempo: np.ndarray) -> np.ndarray:
    """(n,) octaves by which changes of the written tempo lengthen a note, against the tempo at its onset."""
    beat, period = reading.chord_beat, np.exp(-written_tempo)
    time = np.append(0.0, np.cumsum(np.diff(beat) * period[:-1]))

    def at(place: np.ndarray) -> np.ndarray:
        return np.asarray(np.interp(place, beat, time) + np.maximum(place - beat[-1], 0.0) * period[-1])

    begin = beat[reading.chord]
    as_begun = reading.held_beat * period[reading.chord]
    longer = at(begin + reading.held_beat) - at(begin)
    return np.log2(np.divide(longer, as_begun, out=np.ones(len(begin)), where=as_begun > 0))


def _sounding(reading: Reading, beat: np.ndarray) -> np.ndarray:
    """Whether any note is written to sound at each of (p,) beats."""
    begin = reading.chord_beat[reading.chord]
    begun, over = (np.searchsorted(np.sort(at), beat + 1e-6, side="right") for at in (begin, begin + reading.held_beat))
    return np.asarray(begun > over)


def _likeliest(down: np.ndarray, possible: np.ndarray, share: float) -> np.ndarray:
    """Where the pedal is down: in the likeliest of the possible places, as many of them as it is likely to be down in.

    People differ in how much pedal they take far more than in where; a fixed threshold would leave whole pieces dry
    and drown others.
    """
    places = float(down[possible].mean()) * share if possible.any() else 0.0
    if places <= LEAST_PEDAL:
        return np.zeros(len(down), bool)
    return possible & (down > np.quantile(down[possible], max(1 - places, 0.0)))


def _learned_period_s(log_beat_period: float, chord_beat: np.ndarray) -> float:
    """Seconds a quarter note, on the average over the piece; plain chords no more sparse than any music."""
    chords_a_beat = (len(chord_beat) - 1) / max(float(np.ptp(chord_beat)), SHORTEST_BEAT)
    slowest_s = min(SLOWEST_S, max(chords_a_beat / SPARSEST, UNHURRIED_S))
    return float(np.clip(np.exp(log_beat_period), FASTEST_S, slowest_s))
