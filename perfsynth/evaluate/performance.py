"""How close a generated performance comes to human performances of the same score.

Compared are the notes that score, generated and reference performance share, in score order. ``r`` is Pearson's
correlation, 0 where one side is constant: a mechanical performance scores 0, not "undefined".

- velocity, over the piece and as the mean over segments of 256 notes;
- tempo: ln beat period between neighbouring quarter notes, over the piece and in windows of 32 beats;
- IOI: onset differences between neighbouring notes; duration of the key, and prolonged by the pedal;
- articulation and asynchrony, as `perfsynth.expression` defines them, asynchrony within chords of two or more;
- pedal: Matthews' r of "down", sampled four times a quarter note;
- spread: standard deviation generated over reference.

Where a player leaves out a passage (a repeat), there is neither tempo nor pedal: it is left out of them too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

import numpy as np

from perfsynth.errors import InputError
from perfsynth.evaluate.correlation import mean_pearson, pearson, spread
from perfsynth.expression import Expression, measure, played_notes, sounding_s
from perfsynth.pedals import pedal_at
from perfsynth.types import Performance, Score

SEGMENT_NOTES = 256  # Tang et al. 2025: their models see 256 notes at a time
WINDOW_BEATS = 32
PEDAL_SAMPLES = 4  # a quarter note
FEWEST_NOTES = 8
MIN_OVERLAP = 0.2  # share of the score's notes that both sides must play
LEFT_OUT_BEATS = 8.0  # a longer stretch of which nothing is played was left out rather than missed
# What rounding to the ticks of a MIDI file alone can make of a mechanical performance, as standard deviations.
TEMPO_RESOLUTION = 2e-3  # ln beat period
ARTICULATION_RESOLUTION = 1e-2  # log2
ASYNCHRONY_RESOLUTION_S = 5e-4


@dataclass(frozen=True)
class Agreement:
    """How well one performance agrees with another; see the module's head."""

    velocity_r: float
    velocity_r_segments: float
    tempo_r: float
    tempo_r_windows: float
    ioi_r: float
    duration_r: float
    sounding_r: float
    articulation_r: float
    asynchrony_r: float
    pedal_r: float
    velocity_spread: float
    tempo_spread: float
    articulation_spread: float
    asynchrony_spread: float

    def to_json(self) -> dict[str, float]:
        """The numbers by name."""
        return asdict(self)


@dataclass(frozen=True)
class Traits:
    """The sequences that are compared; nan where a note was not played."""

    onset_s: np.ndarray  # (n,)
    velocity: np.ndarray  # (n,)
    duration_s: np.ndarray  # (n,)
    sounding_s: np.ndarray  # (n,)
    articulation: np.ndarray  # (n,)
    asynchrony_s: np.ndarray  # (n,), nan also for notes that are alone at their onset
    log_beat_period: np.ndarray  # (k - 1,), nan where the player left out a passage
    pedal: np.ndarray  # (4 (k - 1),) 0. or 1., nan likewise
    filled_onset_s: np.ndarray  # (n,) onset_s, and where a note was missed the time of its chord; nan likewise


def traits(score: Score, performance: Performance, *, among: np.ndarray | None = None) -> Traits:
    """The sequences of a performance over the notes of its score.

    Parameters
    ----------
    score, performance
        Joined by ``note_id``.
    among
        (n,) bool: which notes of the score to look at; the others count as not played.

    Raises
    ------
    InputError
        When too few notes are shared.
    """
    row = played_notes(score, performance)
    if among is not None:
        row = np.where(among, row, -1)
    if np.count_nonzero((row >= 0) & (score.notes["grace"] == 0)) < FEWEST_NOTES:
        raise InputError(f"the performance shares fewer than {FEWEST_NOTES} notes with its score; is it one of it?")
    expression = measure(score.notes, performance.notes, row)
    onset_s, sounding = (np.full(len(row), np.nan) for _ in range(2))
    rows = performance.notes[row[row >= 0]]
    onset_s[row >= 0] = rows["onset_s"]
    sounding[row >= 0] = sounding_s(rows["onset_s"], rows["duration_s"], performance.controls)
    grid = expression.grid_beat
    tempo_there = _reached(expression, grid[:-1]) & _reached(expression, grid[1:])
    beat = score.notes["onset_beat"]
    missed_s = np.where(_reached(expression, beat), expression.time_s(beat), np.nan)
    return Traits(
        onset_s,
        expression.velocity,
        expression.duration_s,
        sounding,
        expression.articulation,
        np.where(_in_chords(expression, row >= 0), expression.asynchrony_s, np.nan),
        np.where(tempo_there, expression.log_beat_period, np.nan),
        np.where(np.repeat(tempo_there, PEDAL_SAMPLES), _pedal(expression, performance), np.nan),
        np.where(row >= 0, onset_s, missed_s),
    )


def _reached(expression: Expression, beat: np.ndarray) -> np.ndarray:
    """Which score positions lie where the player played, rather than in a passage left out or outside of it all."""
    played_beat = expression.chord_beat[expression.chord_played]
    number = np.flatnonzero(expression.chord_played)
    left_out = (np.diff(played_beat) > LEFT_OUT_BEATS) & (np.diff(number) > 1)
    after = np.searchsorted(played_beat, beat - 1e-6)
    gap = np.concatenate([[True], left_out, [True]])[after]
    on_chord = np.abs(played_beat[np.minimum(after, len(played_beat) - 1)] - beat) < 1e-3
    reached: np.ndarray = ~gap | on_chord
    return reached


def _in_chords(expression: Expression, played: np.ndarray) -> np.ndarray:
    """Which notes sound with another one at their onset."""
    timed = played & (expression.chord >= 0)
    size = np.bincount(expression.chord[timed], minlength=len(expression.chord_beat))
    together: np.ndarray = timed & (size[expression.chord] > 1)
    return together


def _pedal(expression: Expression, performance: Performance) -> np.ndarray:
    grid = expression.grid_beat[:-1]
    beats = (grid[:, None] + np.arange(PEDAL_SAMPLES) / PEDAL_SAMPLES).ravel()
    return pedal_at(performance.controls, expression.time_s(beats)).astype(float)


def agreement(score: Score, generated: Performance, reference: Performance) -> Agreement:
    """Compare two performances of one score.

    Raises
    ------
    InputError
        When they share less than a fifth of the score's notes.
    """
    return compare(*shared_traits(score, generated, reference))


def shared_traits(score: Score, generated: Performance, reference: Performance) -> tuple[Traits, Traits]:
    """The sequences of two performances over the notes that both play.

    Raises
    ------
    InputError
        When they share less than a fifth of the score's notes.
    """
    common = (played_notes(score, generated) >= 0) & (played_notes(score, reference) >= 0)
    share = common.mean() if len(common) else 0.0
    if share < MIN_OVERLAP:
        raise InputError(
            f"generated and reference share {share:.0%} of the score's notes; "
            f"at least {MIN_OVERLAP:.0%} are needed, are both performances of this score?"
        )
    return traits(score, generated, among=common), traits(score, reference, among=common)


def compare(generated: Traits, reference: Traits) -> Agreement:
    """Compare two sets of sequences over the same notes.

    Raises
    ------
    InputError
        When they are not of the same length.
    """
    if len(generated.onset_s) != len(reference.onset_s):
        raise InputError(f"{len(generated.onset_s)} notes against {len(reference.onset_s)}: take both of one score")
    both = np.isfinite(generated.onset_s) & np.isfinite(reference.onset_s)
    ioi = [np.diff(side.onset_s[both]) for side in (generated, reference)]
    velocity = generated.velocity[both], reference.velocity[both]
    tempo = generated.log_beat_period, reference.log_beat_period
    articulation = generated.articulation, reference.articulation
    asynchrony = generated.asynchrony_s, reference.asynchrony_s
    return Agreement(
        velocity_r=pearson(*velocity),
        velocity_r_segments=mean_pearson(*velocity, SEGMENT_NOTES),
        tempo_r=pearson(*tempo, resolution=TEMPO_RESOLUTION),
        tempo_r_windows=mean_pearson(*tempo, WINDOW_BEATS, resolution=TEMPO_RESOLUTION),
        ioi_r=pearson(*ioi),
        duration_r=pearson(generated.duration_s, reference.duration_s),
        sounding_r=pearson(generated.sounding_s, reference.sounding_s),
        articulation_r=pearson(*articulation, resolution=ARTICULATION_RESOLUTION),
        asynchrony_r=pearson(*asynchrony, resolution=ASYNCHRONY_RESOLUTION_S),
        pedal_r=pearson(generated.pedal, reference.pedal),  # of two binary sequences this is Matthews' r
        velocity_spread=spread(*velocity),
        tempo_spread=spread(*tempo, resolution=TEMPO_RESOLUTION),
        articulation_spread=spread(*articulation, resolution=ARTICULATION_RESOLUTION),
        asynchrony_spread=spread(*asynchrony, resolution=ASYNCHRONY_RESOLUTION_S),
    )


def mean_agreement(agreements: list[Agreement]) -> Agreement:
    """The mean of each number over the references of a piece, or over pieces; nan entries are left out."""
    means = {}
    for field in fields(Agreement):
        values = np.array([getattr(one, field.name) for one in agreements])
        means[field.name] = float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
    return Agreement(**means)


def mean_traits(group: list[Traits]) -> Traits:
    """The consensus of several performances: each sequence averaged over those who play it.

    Players miss different notes and leave out different repeats, so onsets are not averaged as such: the steps
    from each note to the next are (a note that was missed stands at the time of its chord), and added up again.

    Raises
    ------
    InputError
        When the group is empty.
    """
    if not group:
        raise InputError("no performances: a consensus needs at least one")
    names = [field.name for field in fields(Traits) if field.name not in ("onset_s", "filled_onset_s")]
    averaged = {name: _mean([getattr(one, name) for one in group]) for name in names}
    averaged["pedal"] = np.where(np.isfinite(averaged["pedal"]), averaged["pedal"] >= 0.5, np.nan)
    steps_s = _mean([np.diff(one.filled_onset_s) for one in group])
    filled_s = np.concatenate([[0.0], np.cumsum(np.nan_to_num(steps_s))])
    played = np.any([np.isfinite(one.onset_s) for one in group], axis=0)
    return Traits(onset_s=np.where(played, filled_s, np.nan), filled_onset_s=filled_s, **averaged)


def _mean(rows: list[np.ndarray]) -> np.ndarray:
    """The mean of each column over its finite entries, nan where there are none."""
    stacked = np.stack(rows)
    finite = np.isfinite(stacked)
    count, total = finite.sum(axis=0), np.where(finite, stacked, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
