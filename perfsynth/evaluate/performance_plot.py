"""A generated performance among humans, for the eye: tempo, dynamics and pedal along the score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from perfsynth.evaluate.canvas import figure
from perfsynth.evaluate.performance import LEFT_OUT_BEATS, PEDAL_SAMPLES, Traits, traits
from perfsynth.expression import chords, quarters
from perfsynth.types import Performance, Score

GENERATED, HUMAN = "#c4322f", "0.55"
WIDTH_BEATS = 2.0  # within which curves are averaged: single beats would hide the line
POINTS = 1200  # of a curve; more cannot be seen
TICKS = 16


def performance_figure(score: Score, generated: Performance, references: Sequence[Performance]) -> Any:
    """Draw a performance in colour over the humans, grey, that it is compared with (at least one).

    All are joined to the score by ``note_id``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    sides = [traits(score, one) for one in (generated, *references)]
    _, beat = chords(score.notes)
    grid = quarters(beat)
    canvas = figure(12, 8)
    tempo, velocity, pedal = canvas.subplots(3, 1, sharex=True, height_ratios=(4, 4, 1.4))
    _tempo(tempo, grid, sides)
    _velocity(velocity, score, sides)
    _pedal(pedal, grid, sides)
    _bars(pedal, score, float(beat[0]), float(beat[-1]))
    named = velocity.get_legend_handles_labels()
    tempo.legend(*named, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    for axes in (tempo, velocity, pedal):
        axes.spines[["top", "right"]].set_visible(False)
    return canvas


def _lines(axes: Any, beat: np.ndarray, rows: list[np.ndarray]) -> None:
    """The generated first in `rows`, drawn last; nan is a gap."""
    at = np.linspace(beat[0], beat[-1], POINTS)
    for number, row in list(enumerate(rows))[::-1]:
        style: dict[str, Any] = {
            "color": HUMAN,
            "linewidth": 0.9,
            "alpha": max(0.8 - 0.03 * len(rows), 0.3),
            "label": f"human ({len(rows) - 1})",
        }
        if number == 0:
            style = {"color": GENERATED, "linewidth": 1.8, "label": "generated"}
        elif number > 1:
            style["label"] = "_"
        axes.plot(at, _smooth(at, beat, row), **style)


def _smooth(at: np.ndarray, beat: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The mean of what lies within half a width on either side; where nothing does, on a line, or nan if it is far."""
    known = np.isfinite(values)
    beat, total = beat[known], np.concatenate([[0.0], np.cumsum(values[known])])
    low, high = (np.searchsorted(beat, at + side * WIDTH_BEATS / 2 + 1e-6 * side) for side in (-1, 1))
    count = high - low
    mean = (total[high] - total[low]) / np.maximum(count, 1)
    if len(beat) == 0:
        return np.full(len(at), np.nan)
    gap = np.diff(beat, prepend=-np.inf, append=np.inf)[np.searchsorted(beat, at)]
    between = np.where(gap <= LEFT_OUT_BEATS, np.interp(at, beat, values[known]), np.nan)
    return np.where(count > 0, mean, between)


def _tempo(axes: Any, grid: np.ndarray, sides: list[Traits]) -> None:
    if len(grid) > 1:
        _lines(axes, (grid[:-1] + grid[1:]) / 2, [60.0 / np.exp(side.log_beat_period) for side in sides])
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    steps = np.array([10, 15, 20, 30, 40, 60, 80, 120, 160, 240, 320, 480])
    shown = steps[(steps >= low) & (steps <= high)]
    axes.set_yticks(shown, [str(step) for step in shown])
    axes.minorticks_off()
    axes.set_ylabel("quarter notes a minute")


def _velocity(axes: Any, score: Score, sides: list[Traits]) -> None:
    order = np.argsort(score.notes["onset_beat"], kind="stable")
    _lines(axes, score.notes["onset_beat"][order], [side.velocity[order] for side in sides])
    axes.set_ylabel("velocity")


def _pedal(axes: Any, grid: np.ndarray, sides: list[Traits]) -> None:
    """Above, where the generated one has the pedal down; below, in how many of the humans it is."""
    if len(grid) > 1:
        edges = np.linspace(grid[0], grid[-1], PEDAL_SAMPLES * (len(grid) - 1) + 1)
        humans = np.stack([side.pedal for side in sides[1:]])
        known = np.isfinite(humans)
        share = np.where(known, humans, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        for row, values, palette in ((1, sides[0].pedal, "Reds"), (0, share, "Greys")):
            axes.pcolormesh(
                edges,
                [row + 0.08, row + 0.92],
                np.ma.masked_equal(values[None, :], 0),
                cmap=palette,
                vmin=0,
                vmax=1.25,
                rasterized=True,
            )
    axes.set_yticks([0.5, 1.5], ["humans", "generated"])
    axes.set(ylim=(0, 2), ylabel="pedal")


def _bars(axes: Any, score: Score, first: float, last: float) -> None:
    """Bar numbers below; quarter notes where the score has no bars."""
    lines = score.measures[(score.measures["onset_beat"] >= first - 1e-6) & (score.measures["onset_beat"] <= last)]
    axes.set_xlim(first, max(last, first + 1))
    if len(lines) < 2:
        axes.set_xlabel("quarter note")
        return
    every = next(step for step in (1, 2, 4, 5, 10, 20, 25, 50, 100, 200, 500, 10**9) if len(lines) / step <= TICKS)
    shown = lines[lines["number"] % every == 0]
    axes.set_xticks(shown["onset_beat"], [str(number) for number in shown["number"]])
    axes.set_xlabel("bar, as numbered in the score")
