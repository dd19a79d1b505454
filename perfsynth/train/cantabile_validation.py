"""How well ``cantabile`` plays the validation split, and the factors that give its curves a human size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from perfsynth.data.pieces import pieces
from perfsynth.evaluate.performance import Agreement, Traits, compare, mean_agreement, traits
from perfsynth.perform.cantabile.columns import Reading
from perfsynth.perform.cantabile.interpretation import Interpretation, Players, interpret
from perfsynth.perform.cantabile.playing import play
from perfsynth.perform.cantabile.reading import read
from perfsynth.perform.cantabile.shaping import Calibration, Manner, curves
from perfsynth.types import Performance, Score

VIEWS = ("flat", "midi", "musicxml")  # notes and metre alone; the score MIDI as exported; everything
MOST_REFERENCES = 4  # performances a piece
LONG_NOTES = 0.1  # chosen among .05, .1, .15 for durations without a loss in articulation
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


def cases(corpus: Path, split: str) -> list[Case]:
    """The pieces of a split in every view they have."""
    found = []
    for piece in pieces(corpus, split):
        for notation, score in piece.scores.items():
            reading = read(score)
            references = tuple(traits(score, p) for p in list(piece.performances.values())[:MOST_REFERENCES])
            found.append(Case(piece.name, notation, score, reading, references))
            if notation == "musicxml":
                found.append(Case(piece.name, "flat", score, flattened(reading), references))
    return found


def flattened(reading: Reading) -> Reading:
    """A reading without staves, markings, dynamics and tempo: what flat MIDI says."""
    absent = dict.fromkeys(("marks", "dynamics", "tempo", "staff"), False)
    return replace(reading, present=dict(reading.present) | absent, composer="")


def interpretations(players: Players, found: list[Case]) -> list[Interpretation]:
    """What is said of every case."""
    return [interpret(players, case.reading) for case in found]


def played(case: Case, heard: Interpretation, calibration: Calibration) -> Performance:
    """The default performance of a case."""
    return play(case.score, curves(case.reading, heard, Manner(), calibration))


def by_view(
    found: list[Case], heard: list[Interpretation], calibration: Calibration
) -> Iterator[tuple[str, dict[str, Agreement]]]:
    """For each view, how each piece agrees with its humans."""
    rows: dict[str, dict[str, Agreement]] = {view: {} for view in VIEWS}
    for case, one in zip(found, heard, strict=True):
        made = traits(case.score, played(case, one, calibration))
        rows[case.view][case.piece] = mean_agreement([compare(made, human) for human in case.references])
    yield from rows.items()


def figures(found: list[Case], heard: list[Interpretation], calibration: Calibration) -> dict[str, float]:
    """Means over pieces, named ``view_measure``, and ``score``: the mean of what is scored over all views."""
    out: dict[str, float] = {}
    for view, rows in by_view(found, heard, calibration):
        if rows:
            mean = mean_agreement(list(rows.values()))
            out |= {f"{view}_{field.name}": getattr(mean, field.name) for field in fields(Agreement)}
    out["score"] = float(np.mean([value for name, value in out.items() if name.split("_", 1)[1] in SCORED]))
    return out


def calibrated(found: list[Case], heard: list[Interpretation]) -> Calibration:
    """Factors under which spreads are human and the pedal agrees best, chosen on these cases."""
    calibration = Calibration(long_notes=LONG_NOTES, steady_notes=STEADY_NOTES)
    for _ in range(2):  # asynchrony and articulation depend a little on tempo
        agreements = [row for _, rows in by_view(found, heard, calibration) for row in rows.values()]
        ratio = {
            name: float(np.nanmean([getattr(row, f"{name}_spread") for row in agreements]))
            for name in ("tempo", "velocity", "articulation", "asynchrony")
        }
        changed = {name: float(np.clip(getattr(calibration, name) / r, 0.3, 3.0)) for name, r in ratio.items() if r > 0}
        calibration = replace(calibration, **changed)

    def pedalling(choice: Calibration) -> float:
        agreements = [row for _, rows in by_view(found, heard, choice) for row in rows.values()]
        mean = mean_agreement(agreements)
        return mean.pedal_r + mean.sounding_r

    grid = [(share, lift) for share in (0.7, 0.8, 0.9, 1.0) for lift in (0.25, 0.35, 0.45, 0.55)]
    choices = [replace(calibration, pedal_share=share, lift_threshold=lift) for share, lift in grid]
    return max(choices, key=pedalling)
