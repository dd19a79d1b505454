"""How well ``cantabile`` plays the validation split, and the factors that give its curves a human size."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from perfsynth.data.pieces import pieces
from perfsynth.evaluate.performance import Agreement, Traits, compare, mean_agreement, traits
from perfsynth.perform.cantabile.columns import UNSTATED, Reading
from perfsynth.perform.cantabile.interpretation import Interpretation, Players, interpret
from perfsynth.perform.cantabile.playing import play
from perfsynth.perform.cantabile.reading import read
from perfsynth.perform.cantabile.shaping import Calibration, Manner, curves
from perfsynth.types import Performance, Score

VIEWS = ("flat", "midi", "musicxml")  # notes and metre alone; the score MIDI as exported; everything
MOST_REFERENCES = 4  # performances a piece
LONG_NOTES = 0.1  # chosen among .05, .1, .15 for durations without a loss in articulation
ARTICULATION_SPREAD = 0.93  # of people's: what is cut from overlaps is not made up for; chosen among 1, .93, .89, .86
STEADY_NOTES = 0.2  # chosen among 0, .1, .2, .3: the most that leaves the distributions from MusicXML alone
SCORED = ("velocity_r", "tempo_r", "articulation_r", "asynchrony_r", "pedal_r", "sounding_r")


@dataclass(frozen=True)
class Case:
    """A score in one view, and humans who played it."""

    piece: str
    view: str
    score: Score
    reading: Reading
    references: tuple[Traits, ...]


def cases(corpus: Path) -> list[Case]:
    """The held-out pieces in every view they have."""
    found = []
    for piece in pieces(corpus, "valid"):
        for notation, score in piece.scores.items():
            reading = read(score)
            references = tuple(traits(score, p) for p in list(piece.performances.values())[:MOST_REFERENCES])
            found.append(Case(piece.name, notation, score, reading, references))
            if notation == "musicxml":
                found.append(Case(piece.name, "flat", score, flattened(reading), references))
    return found


def flattened(reading: Reading) -> Reading:
    """A reading without staves, markings, dynamics and tempo: what flat MIDI says."""
    return replace(reading, present=dict(reading.present) | dict.fromkeys(UNSTATED, False), composer="")


def interpretations(players: Players, found: list[Case]) -> list[Interpretation]:
    """What is said of every case."""
    return [interpret(players, case.reading) for case in found]


def played(case: Case, heard: Interpretation, calibration: Calibration) -> Performance:
    """The default performance of a case."""
    return play(case.score, curves(case.reading, heard, Manner(), calibration))


def _traits(found: list[Case], heard: list[Interpretation], calibration: Calibration) -> list[Traits]:
    """What each case does when it is played so."""
    return [traits(case.score, played(case, one, calibration)) for case, one in zip(found, heard, strict=True)]


def _agreement(case: Case, made: Traits) -> Agreement:
    return mean_agreement([compare(made, human) for human in case.references])


def figures(found: list[Case], heard: list[Interpretation], calibration: Calibration) -> dict[str, float]:
    """Means over pieces, named ``view_measure``, and ``score``: the mean of what is scored over all views."""
    out: dict[str, float] = {}
    rows: dict[str, list[Agreement]] = {view: [] for view in VIEWS}
    for case, made in zip(found, _traits(found, heard, calibration), strict=True):
        rows[case.view].append(_agreement(case, made))
    for view, agreements in rows.items():
        if agreements:
            mean = mean_agreement(agreements)
            out |= {f"{view}_{field.name}": getattr(mean, field.name) for field in fields(Agreement)}
    out["score"] = float(np.mean([value for name, value in out.items() if name.split("_", 1)[1] in SCORED]))
    return out


def calibrated(found: list[Case], heard: list[Interpretation]) -> Calibration:
    """Factors under which spreads are human and the pedal agrees best, chosen on these cases."""
    calibration = Calibration(long_notes=LONG_NOTES, steady_notes=STEADY_NOTES)
    for _ in range(2):  # asynchrony and articulation depend a little on tempo
        made = _traits(found, heard, calibration)
        agreements = [_agreement(case, one) for case, one in zip(found, made, strict=True)]
        ratio = {
            name: float(np.nanmean([getattr(row, f"{name}_spread") for row in agreements]))
            for name in ("tempo", "velocity", "articulation")
        }
        ratio["articulation"] /= ARTICULATION_SPREAD
        ratio["asynchrony"] = float(np.nanmean([_apart(case, one) for case, one in zip(found, made, strict=True)]))
        changed = {name: float(np.clip(getattr(calibration, name) / r, 0.3, 3.0)) for name, r in ratio.items() if r > 0}
        calibration = replace(calibration, **changed)

    def pedalling(choice: Calibration) -> float:
        made = _traits(found, heard, choice)
        mean = mean_agreement([_agreement(case, one) for case, one in zip(found, made, strict=True)])
        return mean.pedal_r + mean.sounding_r

    grid = [(share, lift) for share in (0.8, 0.9, 1.0, 1.1, 1.2) for lift in (0.25, 0.35, 0.45, 0.55)]
    choices = [replace(calibration, pedal_share=share, lift_threshold=lift) for share, lift in grid]
    return max(choices, key=pedalling)


def _apart(case: Case, made: Traits) -> float:
    """How far the notes of a chord lie from its mean, as a share of people's.

    Mean absolute values: the spread of people is made by few chords, which they roll.
    """
    shares = []
    for human in case.references:
        both = np.isfinite(made.asynchrony_s) & np.isfinite(human.asynchrony_s)
        far = float(np.abs(human.asynchrony_s[both]).sum())
        if far > 0:
            shares.append(float(np.abs(made.asynchrony_s[both]).sum()) / far)
    return float(np.mean(shares)) if shares else np.nan
