"""The pictures of a report, each narrow enough to be read on a phone: PNG for spectrograms, SVG for curves."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from perfsynth.evaluate.audio import Comparison
from perfsynth.evaluate.audio_plot import BARK_CENTRES_HZ, WIDE_S, draw_levels
from perfsynth.evaluate.canvas import TICKS_HZ, close_up, draw, figure, hertz_labels
from perfsynth.evaluate.matching import RATE
from perfsynth.evaluate.report.page import Picture
from perfsynth.evaluate.side_by_side import Around
from perfsynth.types import Performance, Score

WIDTH_INCH = 9.0


def spectrograms(sounds: Mapping[str, np.ndarray], onset_s: float) -> Picture:
    """Both mel spectrograms, at most 30 s around a moment, and beneath them their difference.

    Parameters
    ----------
    sounds
        ``generated`` and ``reference``, (n,) each, matched, at 44.1 kHz.
    onset_s
        What to show the surroundings of.
    """
    around = Around.of(sounds, onset_s)
    size_db = np.abs(around.difference[around.heard]).mean()
    canvas = figure(WIDTH_INCH, 9)
    rows = canvas.subplots(3, 1, sharex=True)
    drawn = [around.draw(axes, side) for axes, side in zip(rows[:2], around.mels, strict=True)]
    drawn.append(around.draw_difference(rows[2]))
    for axes, image in zip(rows, drawn, strict=True):
        canvas.colorbar(image, ax=axes, pad=0.01, aspect=12)
    for axes, side in zip(rows[:2], around.mels, strict=True):
        axes.set_title(f"{side} [dB]", loc="left")
    rows[2].set_title("generated less reference [dB], where the reference sounds", loc="left")
    rows[2].set_xlabel("s")
    return Picture(
        "Mel spectrograms of both, and their difference: red is too loud, blue too soft, white right.",
        f"Mel spectrograms of the generated and the reference recording from {around.start_s:.1f} s on, and their "
        f"difference, whose mean size where the reference sounds is {size_db:.1f} dB.",
        _png(canvas),
        "png",
    )


def attack(sounds: Mapping[str, np.ndarray], onset_s: float) -> Picture:
    """Close-ups of one attack in both recordings, and the level of four bands after it."""
    canvas = figure(WIDTH_INCH, 6.5)
    grid = canvas.subplots(2, 2)
    for (side, sound), axes in zip(sounds.items(), grid[0], strict=True):
        draw(axes, close_up(sound, RATE, onset_s, WIDE_S, n_fft=1024, hop=64))
        axes.set_title(side, loc="left")
    place = grid[1, 0].get_gridspec()
    for axes in grid[1]:
        axes.remove()
    axes = canvas.add_subplot(place[1, :])
    draw_levels(axes, sounds, onset_s)
    axes.set_title("level in four bands", loc="left")
    axes.legend(fontsize=8, ncols=2, loc="upper right")
    return Picture(
        f"The attack that stands out most, at {onset_s:.2f} s.",
        "Spectrograms of 0.95 s around one attack in both recordings, and the level of four frequency bands in both.",
        _png(canvas),
        "png",
    )


def bark(found: Comparison) -> Picture:
    """Tonality and flatness of both per critical band."""
    canvas = figure(WIDTH_INCH, 5)
    rows = canvas.subplots(2, 1, sharex=True)
    for axes, measure, label in zip(rows, ("tonality", "flatness_db"), ("tonality", "flatness [dB]"), strict=True):
        for side, line in (("generated", "-"), ("reference", "--")):
            axes.plot(BARK_CENTRES_HZ, found.bark[f"{measure}_{side}"], line, label=side)
        axes.set_ylabel(label)
    rows[0].set(xscale="log", ylim=(0, 1))
    rows[0].legend(loc="lower left")
    rows[1].set_xticks(TICKS_HZ[1:-1], hertz_labels(TICKS_HZ[1:-1]))
    rows[1].set_xlabel("Hz")
    return Picture(
        "Character of the sound per critical band: tones (1) or noise (0), and how flat the spectrum is.",
        "Two plots over frequency: tonality and spectral flatness of the generated and of the reference recording.",
        _svg(canvas),
        "svg",
    )


def curves(score: Score, generated: Performance, references: Sequence[Performance]) -> Picture:
    """Tempo, velocity and pedal along the score, the generated performance among the references."""
    from perfsynth.evaluate.performance_plot import performance_figure

    canvas = performance_figure(score, generated, references)
    canvas.set_size_inches(WIDTH_INCH, 7.5)
    return Picture(
        "Tempo, velocity and pedal along the score: generated in red, people in grey, averaged over two quarter notes.",
        f"Curves of tempo and velocity along the score for the generated performance and {len(references)} references, "
        "and bars where the sustain pedal is down. The table below holds the same as numbers, bar by bar.",
        _svg(canvas),
        "svg",
    )


def _png(canvas: Any) -> bytes:
    return _saved(canvas, "png", {})


def _svg(canvas: Any) -> bytes:
    return _saved(canvas, "svg", {"Date": None})


def _saved(canvas: Any, kind: Literal["png", "svg"], metadata: dict[str, Any]) -> bytes:
    """The file; the names in an SVG are random without a salt."""
    import matplotlib

    made = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "perfsynth"}):
        canvas.savefig(made, format=kind, metadata=metadata)
    return made.getvalue()
