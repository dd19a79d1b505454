"""The report of ``perfsynth evaluate alignment``: found times beside the true ones, where they differ, and how far."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import PurePath

import numpy as np

from perfsynth.evaluate.alignment import Paired, onset_errors_s
from perfsynth.evaluate.alignment_intervals import STRETCH_S
from perfsynth.evaluate.averages import NEVER
from perfsynth.evaluate.report.comparison import files_table
from perfsynth.evaluate.report.page import Picture, Section, Table, page
from perfsynth.types import Artifact

WORST = 20  # notes shown one by one
WIDTH_INCH, HEIGHT_INCH = 9.0, 7.0
FIGURES = (
    "Behind a figure stands its 95 % interval, over stretches of ten seconds drawn again; short music has none. Notes "
    "that are not found count as wrong. An offset is right within 50 ms or a fifth of its note. A confidence means "
    "something if of the notes that share one, that share is within 50 ms."
)


def alignment_page(
    name: str,
    pairs: Paired,
    figures: Mapping[str, float],
    ends: Mapping[str, tuple[float, float]],
    tables: Sequence[Table],
    files: Mapping[str, Artifact],
) -> bytes:
    """The page about one alignment.

    Parameters
    ----------
    name
        Of the alignment.
    pairs
        Its notes and their true times.
    figures
        Of `perfsynth.evaluate.alignment.evaluate`.
    ends
        Of `perfsynth.evaluate.alignment_intervals.intervals`.
    tables
        The figures as text.
    files
        What was read, by name.
    """
    worst = Table(f"The {WORST} notes furthest off", worst_notes(pairs))
    stretches = Table(f"Every {STRETCH_S:.0f} s", by_stretch(pairs), folded=True)
    sections = [
        Section("Figures", FIGURES, tables),
        Section("Where it is off", "", [errors(pairs), worst, stretches]),
        Section("Files", "", [files_table(files)]),
    ]
    return page(f"{PurePath(name).name} against true times", _summary(figures, ends), sections)


def _summary(figures: Mapping[str, float], ends: Mapping[str, tuple[float, float]]) -> str:
    def told(name: str, unit: str) -> str:
        if not np.isfinite(figures[name]):
            return NEVER
        behind = f" ({ends[name][0]:.1f} to {ends[name][1]:.1f})" if name in ends else ""
        return f"{figures[name]:.1f}{behind} {unit}"

    return (
        f"Of {figures['notes']:.0f} notes that are played, {figures['found']:.1f} % are found. The onset error is "
        f"{told('median_ms', 'ms')} in the median; {told('within_50_ms', '%')} of the onsets are within 50 ms."
    )


def errors(pairs: Paired) -> Picture:
    """Errors over time, their distribution, and what confidence is worth."""
    from perfsynth.evaluate.alignment_plot import figure

    canvas = figure(pairs)
    canvas.set_size_inches(WIDTH_INCH, HEIGHT_INCH)
    made = io.BytesIO()
    canvas.savefig(made, format="png")
    late = 1000 * onset_errors_s(pairs)
    found = late[np.isfinite(late)]
    spread = f"half of them lie between {_quarters(found)} ms" if len(found) else "no note is found"
    return Picture(
        "The error of every onset over time, late above zero; how errors are spread; the share that is right at each "
        "confidence. What is off by more than 150 ms stands at the edge.",
        f"Three plots. Errors of {len(late)} onsets along the recording: {spread}. A histogram of the same errors. The "
        "share of notes within 50 ms over their confidence, beside the diagonal that perfect confidences would follow.",
        made.getvalue(),
        "png",
    )


def _quarters(found: np.ndarray) -> str:
    low, high = np.quantile(found, [0.25, 0.75])
    return f"{low:.1f} and {high:.1f}"


def worst_notes(pairs: Paired) -> list[list[str]]:
    """The notes furthest off as text, the head first: those that are not found, then by the size of the error."""
    played = pairs.true["status"] == "matched"
    true, predicted, error = pairs.true[played], pairs.predicted[played], onset_errors_s(pairs)
    head = ["note", "late [ms]", "confidence", "found [s]", "true [s]", "score [quarters]", "pitch"]
    rows = [head]
    for index in np.argsort(-np.abs(error), kind="stable")[:WORST]:
        here, there = predicted[index], true[index]
        is_found = np.isfinite(error[index])
        late = f"{1000 * error[index] + 0.0:.1f}" if is_found else "not found"
        times = (f"{here['onset_s']:.2f}" if is_found else "-", f"{there['onset_s']:.2f}")
        place = (f"{here['score_onset_beat']:.2f}", str(here["pitch"]))
        rows.append([str(here["note_id"]), late, f"{here['confidence']:.2f}", *times, *place])
    return rows


def by_stretch(pairs: Paired) -> list[list[str]]:
    """Notes, median error and share within 50 ms of every ten seconds that have notes, as text, the head first."""
    begin_s = pairs.true["onset_s"][pairs.true["status"] == "matched"]
    size_ms = 1000 * np.abs(onset_errors_s(pairs))
    rows = [["from [s]", "median error [ms]", "within 50 ms [%]", "notes"]]
    for stretch in np.unique(np.floor(begin_s / STRETCH_S)):
        inside = size_ms[np.floor(begin_s / STRETCH_S) == stretch]
        median = float(np.median(inside))
        shown = f"{median:.1f}" if np.isfinite(median) else "not found"
        right = f"{100 * np.mean(inside <= 50):.1f}"
        rows.append([f"{STRETCH_S * stretch:.0f}", shown, right, str(len(inside))])
    return rows
