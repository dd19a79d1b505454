"""The scores as a picture: one panel a question, a point and its interval for each system."""

from __future__ import annotations

import math
from typing import Any

from perfsynth.evaluate.canvas import figure
from perfsynth.evaluate.listening.analysis import Analysis
from perfsynth.evaluate.listening.questions import Question

PANEL_INCH, SYSTEM_INCH, EDGES_INCH = 3.2, 0.45, 1.2
COLOURS = {"reference": "#555555", "system": "#0b57a4", "anchor": "#b06000"}


def scores_figure(analysis: Analysis) -> Any:
    """A matplotlib figure of the table of scores.

    Raises
    ------
    MissingError
        When matplotlib is not installed.
    """
    width = max(4.5, PANEL_INCH * len(analysis.questions))
    drawn = figure(width, SYSTEM_INCH * len(analysis.systems) + EDGES_INCH)
    panels = drawn.subplots(1, len(analysis.questions), sharey=True, squeeze=False)[0]
    for panel, question in zip(panels, analysis.questions, strict=True):
        _draw(panel, analysis, question)
    return drawn


def _draw(panel: Any, analysis: Analysis, question: Question) -> None:
    systems = analysis.systems[::-1]  # matplotlib counts upwards
    for score in analysis.scores:
        if score.question == question.id:
            margin = 0.0 if math.isnan(score.estimate.margin) else score.estimate.margin
            row, colour = systems.index(score.system), COLOURS[score.role]
            panel.errorbar(score.estimate.mean, row, xerr=margin, fmt="o", capsize=4, color=colour)
    panel.set_yticks(range(len(systems)), systems)
    panel.set_ylim(-0.6, len(systems) - 0.4)
    panel.set_xlim(question.minimum, question.maximum)
    panel.grid(axis="x", alpha=0.3)
    panel.set_title(question.id, fontsize="medium")
    panel.set_xlabel("share preferred, 95 % interval" if analysis.method == "ab" else "mean, 95 % interval")
