"""What a recording decided about repeats and cuts, placed and named as a musician would.

Where a passage is written out twice and played once, a path may leave the first copy anywhere and go on at the same
place of the second, at the same price. Such a jump is moved on, measure by measure, to the end of the first copy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from perfsynth.align.features import FRAME_S
from perfsynth.align.path import Course
from perfsynth.align.structure import Stretch

ALIKE = 0.7  # of the measures of a repeat are those that it repeats
TICKS = 48  # of a quarter note: onsets closer than that are the same


@dataclass(frozen=True)
class Measures:
    """What is written in each measure of a score.

    Attributes
    ----------
    beats : (k,)
        Where they begin.
    contents
        Of each measure, its notes as (ticks from its beginning, pitch).
    """

    beats: np.ndarray
    contents: list[tuple[tuple[int, int], ...]]


def measures(beats: np.ndarray, onset_beat: np.ndarray, pitch: np.ndarray) -> Measures:
    """Sort notes (n,) into the measures that begin at `beats` (k,), ascending; earlier notes belong to none."""
    place = np.searchsorted(beats, onset_beat + 0.5 / TICKS) - 1
    found: list[list[tuple[int, int]]] = [[] for _ in beats]
    for measure, onset, key in zip(place.tolist(), onset_beat.tolist(), pitch.tolist(), strict=True):
        if measure >= 0:
            found[measure].append((round((onset - beats[measure]) * TICKS), key))
    return Measures(np.asarray(beats, float), [tuple(sorted(content)) for content in found])


def settled(along: Course, written: Measures) -> Course:
    """The course with each jump moved on as long as what follows on both sides of it is the same."""
    stretches = list(along.structure.stretches)
    for index in range(len(stretches) - 1):
        left, landed = _ends(along, stretches[index], stretches[index + 1])
        moved = 0
        while (
            max(left, landed) + moved < len(written.contents)
            and landed != left
            and written.contents[left + moved] == written.contents[landed + moved]
            and (landed < left or left + moved < landed)
        ):
            moved += 1
        if moved:
            stretches[index : index + 2] = _moved(along, stretches[index], stretches[index + 1], landed + moved)
    kept = [stretch for stretch in stretches if len(stretch.path)]
    return replace(along, structure=replace(along.structure, stretches=kept))


def _ends(along: Course, before: Stretch, after: Stretch) -> tuple[int, int]:
    """The measures that a jump leaves undone and lands on, by index."""
    ends = np.append(along.marks, along.n_written)
    left = int(np.argmin(np.abs(ends - (before.path[-1, 1] + 1))))
    return left, int(np.argmin(np.abs(along.marks - after.path[0, 1])))


def _moved(along: Course, before: Stretch, after: Stretch, measure: int) -> list[Stretch]:
    """Two stretches with the first going on to where the second then begins, at `measure`."""
    shift = int(after.path[0, 1] - before.path[-1, 1] - 1)
    place = int(along.marks[measure]) if measure < len(along.marks) else int(after.path[-1, 1]) + 1
    passed = after.path[:, 1] < place
    going_on = after.path[passed] - np.array([0, shift], np.int32)
    return [Stretch(np.concatenate([before.path, going_on])), Stretch(after.path[~passed])]


def decisions(along: Course, written: Measures) -> list[str]:
    """A sentence for each jump, and for a beginning or an end that is not played."""
    stretches, frame_s = along.structure.stretches, along.factor * FRAME_S
    told = []
    for before, after in pairwise(stretches):
        left, landed = _ends(along, before, after)
        at = f"at {after.path[0, 0] * frame_s:.1f} s"
        if landed > left:
            skipped = written.contents[left:landed]
            earlier = written.contents[max(0, left - len(skipped)) : left]
            alike = sum(a == b for a, b in zip(skipped, earlier, strict=False))
            where = f"{_span(left + 1, landed)} of the unfolded score"
            told.append(f"{at}: {f'the repeat, {where},' if alike > ALIKE * len(skipped) else where} left out")
        else:
            told.append(f"{at}: {_span(landed + 1, left)} played again, which the score does not ask for")
    marks = along.marks
    first, last = int(stretches[0].path[0, 1]), int(stretches[-1].path[-1, 1])
    begun, ended = np.searchsorted(marks, first + 1) - 1, np.searchsorted(marks, last + 1)
    if begun > 0:
        told.insert(0, f"{_span(1, int(begun))} not played: the recording begins later")
    if ended < len(marks) and marks[ended] + 1 < along.n_written:
        told.append(f"{_span(int(ended) + 1, len(marks))} not played: the recording ends before")
    return told


def _span(first: int, last: int) -> str:
    return f"measures {first} to {last}" if last > first else f"measure {first}"
