"""Whether a recording plays the score beside it: other music, and the same music with other repeats.

Two ways, as there is data for them: from an alignment of the recording (`perfsynth align`), which has confidences and
says what is left out or played again; or from performed notes, which are joined to those of the score.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perfsynth.types import Alignment, Performance, Score

MOST_UNSURE = 0.95  # share of the played notes with a confidence below one half; up to 0.87 on violins, rightly aligned
LEAST_LIKENESS = 0.0  # see `perfsynth.align.confidence`: -0.01 is refused, most right pairs have 0.04 to 0.14
LEAST_MATCHED = 0.75  # of the notes of either side, outside passages that one of them lacks
LEFT_OUT = 0.1  # of a measure's notes are played at most where it counts as left out
FEWEST_MEASURES, FEWEST_NOTES = 2, 8  # of a passage that is left out
WINDOW = 24  # performed notes: of a passage that the score lacks
LEAST_S = 5.0  # of one: what is shorter is an ornament


@dataclass(frozen=True)
class Verdict:
    """Faults as (kind, words), and the figures that they rest on."""

    faults: tuple[tuple[str, str], ...]
    figures: dict[str, float]


def of_alignment(noted: Alignment) -> Verdict:
    """Judge by an alignment that `perfsynth align` made of a recording."""
    from perfsynth.align.core import UNSURE, summary_of

    played = noted.notes["status"] == "matched"
    if not played.any():
        return Verdict((("mismatch", "no note of this score is played"),), {"played": 0.0})
    confidence = noted.notes["confidence"][played]
    figures = {"confidence": float(confidence.mean()), "played": float(played.mean())}
    unsure = float((confidence < UNSURE).mean())
    faults = []
    if unsure > MOST_UNSURE:
        faults.append(("mismatch", f"{100 * unsure:.0f} % of the played notes are below {UNSURE} confidence"))
    if (summary := summary_of(noted)) is not None:
        figures["likeness"] = summary.likeness
        if summary.likeness < LEAST_LIKENESS:
            faults.append(("mismatch", f"likeness {summary.likeness:.2f}: recordings of this score reach 0.04"))
        faults += [("repeats", decision) for decision in summary.decisions]
    return Verdict(tuple(faults), figures)


def of_notes(played: Performance, score: Score) -> Verdict:
    """Judge by the notes that were performed; neither side is empty."""
    from perfsynth.align.symbolic import FLOOR, match

    order = np.argsort(played.notes["onset_s"], kind="stable")
    row = match(score.notes, played.notes[order])
    found = row >= 0
    share = found.sum() / min(len(found), len(order))
    if share < FLOOR:
        words = f"{100 * share:.0f} % of the notes are found in the other: it plays something else"
        return Verdict((("mismatch", words),), {"matched": float(share)})
    hit = np.zeros(len(order), bool)
    hit[row[found]] = True
    measure = np.searchsorted(score.measures["onset_beat"], score.notes["onset_beat"] + 1e-6, side="right") - 1
    left_out, extra = list(passages(measure, found)), strange(hit, played.notes["onset_s"][order])
    kept = np.ones(len(measure), bool)
    for first, last in left_out:
        kept[(measure >= first) & (measure <= last)] = False
    outside = np.ones(len(hit), bool)
    for first, end in extra:
        outside[first:end] = False
    matched = min(float(side.mean()) for side in (found[kept], hit[outside]) if len(side))
    faults = []
    if matched < LEAST_MATCHED:
        faults.append(("mismatch", f"{100 * matched:.0f} % of the notes are found in the other, too few"))
    for first, last in left_out:
        faults.append(("repeats", f"measures {first + 1} to {last + 1} of the unfolded score are not played"))
    onset_s = played.notes["onset_s"][order]
    for first, end in extra:
        words = f"{end - first} notes from {onset_s[first]:.1f} to {onset_s[end - 1]:.1f} s are not in the score"
        faults.append(("repeats", words))
    return Verdict(tuple(faults), {"matched": matched, "played": float(found.mean())})


def passages(measure: np.ndarray, found: np.ndarray) -> Iterator[tuple[int, int]]:
    """Passages of which next to nothing is played, as first and last measure, by index.

    Parameters
    ----------
    measure, found
        (n,) of each note of the score: its measure, and whether it is played.
    """
    if not len(measure):
        return
    measure = np.maximum(measure, 0)
    total = np.bincount(measure)
    missing = (np.bincount(measure, found) <= LEFT_OUT * total) & (total > 0)
    silent = total == 0
    start = None
    for index in range(len(total) + 1):
        if index < len(total) and (missing[index] or (silent[index] and start is not None)):
            start = index if start is None else start
        elif start is not None:
            here = total[start:index]
            if np.count_nonzero(here) >= FEWEST_MEASURES and here.sum() >= FEWEST_NOTES:
                yield start, start + int(np.flatnonzero(here)[-1])
            start = None


def strange(hit: np.ndarray, onset_s: np.ndarray) -> list[tuple[int, int]]:
    """Passages of performed notes of which next to none is in the score, as half-open ranges.

    Parameters
    ----------
    hit, onset_s
        (k,) of each performed note, in order of time: whether the score has it, and when it begins.
    """
    if len(hit) < WINDOW:
        return []
    share = np.convolve(hit, np.ones(WINDOW), "valid") / WINDOW
    low = np.concatenate([[False], share <= LEFT_OUT, [False]])
    edges = np.flatnonzero(np.diff(low.astype(int)))
    found: list[tuple[int, int]] = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        joined = found.pop()[0] if found and found[-1][1] >= first else first
        found.append((joined, last + WINDOW - 1))
    return [(first, end) for first, end in found if onset_s[end - 1] - onset_s[first] >= LEAST_S]
