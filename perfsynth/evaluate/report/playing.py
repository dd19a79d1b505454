"""The report of ``perfsynth evaluate performance``: one piece among people, or models over many pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perfsynth.evaluate.performance import traits
from perfsynth.evaluate.performance_ceilings import Judged
from perfsynth.evaluate.report import pictures
from perfsynth.evaluate.report.comparison import files_table
from perfsynth.evaluate.report.page import Section, Sound, Sounds, Table, page
from perfsynth.expression import chords, measure, played_notes, quarters
from perfsynth.types import CONTROL, Artifact, Performance, Score

LIFTED_S = 1.0  # after the last chord, when all pedals come up
HEARD_S = 30.0  # of the generated performance; the others play as far in the score
CEILINGS = (
    "Beside the generated performance stand deadpan, which costs nothing; human, each of the references against each "
    "other one; and consensus, the mean of all others against each. r is a correlation with the references, spread the "
    "standard deviation over that of the references (1 is human), JSD a divergence of distributions (0 is equal)."
)
PIECES = (
    "Means over pieces with 95 % bootstrap intervals. Deadpan costs nothing; human is each reference against each "
    "other one; consensus the mean of all others against each."
)


@dataclass(frozen=True)
class Excerpt:
    """The beginning of a performance, from its first note on, and when it plays the bar lines."""

    performance: Performance
    marks_s: tuple[float, ...]


def excerpts(
    score: Score, performances: Mapping[str, Performance], *, longest_s: float = HEARD_S
) -> dict[str, Excerpt]:
    """The same passage of several performances: as far in the score as the first one comes in `longest_s`.

    Parameters
    ----------
    score
        With the note ids that all performances have.
    performances
        By name; at least one, each with a note.
    longest_s
        Seconds of the first performance.
    """
    first = next(iter(performances.values()))
    played = _expression(score, first)
    begin_s = float(first.notes["onset_s"].min())
    inside = played.chord_beat[played.chord_time_s < begin_s + longest_s]
    until = float(inside[-1]) if len(inside) else np.inf
    return {name: _excerpt(score, one, until) for name, one in performances.items()}


def _expression(score: Score, performance: Performance) -> Any:
    return measure(score.notes, performance.notes, played_notes(score, performance))


def _excerpt(score: Score, performance: Performance, until_beat: float) -> Excerpt:
    """Up to and with the chord at a beat; what is not in the score stays where it is played in between."""
    notes, controls = performance.notes, performance.controls
    times = _expression(score, performance)
    begin_s = float(notes["onset_s"].min())
    end_s = float(times.time_s(np.array([until_beat]))[0]) if np.isfinite(until_beat) else performance.end_s
    kept = notes[notes["onset_s"] <= end_s + 0.05].copy()
    kept["onset_s"] -= begin_s
    pedals = controls[controls["time_s"] <= end_s].copy()
    pedals["time_s"] = np.maximum(pedals["time_s"] - begin_s, 0.0)
    lifts = np.unique(pedals[["number", "part"]])  # a pedal that stays down would ring on for a minute
    lifted = [(end_s - begin_s + LIFTED_S, number, 0, part) for number, part in lifts]
    pedals = np.concatenate([pedals, np.array(lifted, CONTROL)])
    bars = score.measures["onset_beat"]
    marks = times.time_s(bars[bars <= until_beat]) - begin_s
    return Excerpt(replace(performance, notes=kept, controls=pedals), tuple(np.maximum(marks, 0.0).tolist()))


def bar_table(score: Score, generated: Performance, references: Sequence[Performance]) -> list[list[str]]:
    """Tempo and velocity of each bar as text: the generated performance's, the mean, lowest and highest of people.

    Returns
    -------
    list of list of str
        The head first; nothing else where the score has no bars.
    """
    head = ["bar", "generated [quarters/min]", "people", "lowest", "highest"]
    head += ["generated [velocity]", "people", "lowest", "highest"]
    edges = np.append(score.measures["onset_beat"], np.inf)
    _, beat = chords(score.notes)
    grid = quarters(beat)
    sides = [traits(score, one) for one in (generated, *references)]
    tempo = _over_bars(edges, grid[:-1], np.stack([side.log_beat_period for side in sides]))
    loud = _over_bars(edges, score.notes["onset_beat"], np.stack([side.velocity for side in sides]))
    rows = [head]
    for index, bar in enumerate(score.measures):
        rows.append([str(bar["number"]), *_cells(60 / np.exp(tempo[:, index])), *_cells(loud[:, index])])
    return rows


def _over_bars(edges: np.ndarray, beat: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The mean of (n_sides, n) values in each bar, (n_sides, n_bars); nan where there are none."""
    bar = np.searchsorted(edges, beat + 1e-6, side="right") - 1
    found = np.full((len(values), len(edges) - 1), np.nan)
    for index in range(found.shape[1]):
        inside = values[:, bar == index]
        count = np.isfinite(inside).sum(axis=1)
        found[:, index] = np.where(count > 0, np.nansum(inside, axis=1) / np.maximum(count, 1), np.nan)
    return found


def _cells(values: np.ndarray) -> list[str]:
    """The first value, and the mean, least and most of the finite others."""
    people = values[1:][np.isfinite(values[1:])]
    shown = [values[0], *((people.mean(), people.min(), people.max()) if len(people) else (np.nan,) * 3)]
    return [f"{value:.0f}" if np.isfinite(value) else "-" for value in shown]


def playing_page(
    name: str,
    score: Score,
    players: Mapping[str, Performance],
    rows: Mapping[str, Judged],
    sounds: Sequence[Sound],
    tables: Sequence[Table],
    files: Mapping[str, Artifact],
) -> bytes:
    """The page about one piece.

    Parameters
    ----------
    name
        Of the piece.
    score
        With the note ids that all performances have.
    players
        The generated performance first, then the references.
    rows
        Of `perfsynth.evaluate.performance_ceilings.judge`.
    sounds
        What to hear of them.
    tables
        Their figures.
    files
        What was read, by name.
    """
    generated, *references = players.values()
    bars = bar_table(score, generated, references)
    curves: list[Any] = [pictures.curves(score, generated, references)]
    if len(bars) > 1:
        curves.append(Table("The curves as numbers, bar by bar", bars, folded=True))
    hint = "The same passage, played by one instrument. Start one while another plays, and it goes on at the same bar."
    sections = [
        Section("Listen", hint, [Sounds(sounds)] if sounds else []),
        Section("Curves", "", curves),
        Section("Agreement with people", CEILINGS, tables),
        Section("Files", "", [files_table(files)]),
    ]
    return page(name, _summary(rows, len(references)), sections)


def _summary(rows: Mapping[str, Judged], n_references: int) -> str:
    """Three figures of each row."""
    told = [
        f"{name} {one.agreement.velocity_r:.2f}, {one.agreement.tempo_r:.2f}, {one.agreement.articulation_r:.2f}"
        for name, one in rows.items()
    ]
    people = "one reference" if n_references == 1 else f"{n_references} references"
    return f"Against {people}, r of velocity, tempo and articulation: {'; '.join(told)}."


def corpus_page(title: str, summary: str, tables: Sequence[Table], by_piece: Sequence[Table]) -> bytes:
    """The page about models over many pieces."""
    sections = [Section("Agreement with people", PIECES, tables), Section("Piece by piece", "", by_piece)]
    return page(title, summary, sections)
