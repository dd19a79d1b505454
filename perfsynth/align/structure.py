"""Which stretches of a score a recording plays, and when: a path that may jump, begin late and end early.

Fremerey, Müller and Clausen, "Handling repeats and jumps in score-performance synchronization", ISMIR 2010: time
warping whose path may go on at the beginning of another measure. Here a recorded frame counts once whatever the
path does, so that a frame of applause or silence has a price of its own (`IDLE`): before the first note and after
the last the music is left out wherever that is cheaper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BLOCK = 512  # recorded frames at once
# Cosine distances lie at 0.2 to 0.5 where a recording plays what is written and at 0.7 to 1 where it does not.
IDLE = 0.66  # of a frame without music, before and after
# Of a recorded frame without sound amid the music, where keys are let go early: above `IDLE`, so that silence before
# and after is left out, but by less than music that fits lies below it.
SILENT = 0.7
STEPS = np.array([0.03, 0.0, 0.03, 0.09])  # of 0, 1, 2 and 3 written frames to a recorded one
JUMP_S = 0.8  # of mismatch that it costs to leave out measures
AGAIN_S = 1.6  # and to play some again: what differs from its score may be like another place of it for a while
LEAVE_S = 0.8  # of mismatch that it costs to begin or end elsewhere than the score does
# Of a frame of music, where both sides go on without each other before or after: what is played otherwise than it is
# written, a trill or a run, looks so. A score that is cut has no music beside it.
BOTH = 0.4
SPARE_S = 2.0  # of music before and after that costs nothing: the last chord dies away
CORNER_S = 0.5  # that the score's first and last frames are wide


@dataclass(frozen=True)
class Stretch:
    """What is played without a jump.

    Attributes
    ----------
    path : (n, 2) int32
        Recorded and written frames, one row for each recorded frame.
    """

    path: np.ndarray


@dataclass(frozen=True)
class Structure:
    """The stretches in the order of the recording, and what they cost."""

    stretches: list[Stretch]
    distance: float  # mean cosine distance along the path
    comparable: float  # mean likeness along the path, were the two sides alike: lower where one is silent or soft
    n_recorded: int
    price: float  # of the whole recording, a frame: frames without music and jumps too; silence amid the music is 1


def follow(
    recorded: np.ndarray,
    written: np.ndarray,
    frame_s: float,
    *,
    boundaries: np.ndarray | list[int],
    jumps: bool,
    music: np.ndarray | None = None,
    parts: int = 1,
) -> Structure:
    """The cheapest way through the score.

    Parameters
    ----------
    recorded, written : (n, d), (m, d) float32
        Frames of at most unit length; their inner product is the likeness.
    frame_s
        Between frames, in seconds.
    boundaries : (k,) int
        Written frames at which a jump may land; it may leave just before each.
    jumps
        Whether there may be any.
    music : (n,)
        How much each recorded frame sounds of music, 0 to 1: where it does, to begin late on both sides costs `BOTH`.
    parts
        Of equal width that a frame is made of, any of which may be silent while another is not.
    """
    from perfsynth.align import _structure_numba as kernel

    n, m = len(recorded), len(written)
    back = np.empty((n, m), np.int8)
    came_from, left_at = np.empty(n, np.int32), np.empty(n, np.int32)
    corner = round(CORNER_S / frame_s)
    late = np.minimum(np.arange(m) / max(corner, 1), 1.0) ** 2 * LEAVE_S / frame_s
    entry, leave = late.astype(np.float64), late[::-1].astype(np.float64)
    marks = np.asarray(boundaries, np.int64)
    places = np.unique(marks[(marks > 0) & (marks < m)])
    starts = np.append(0, places) if jumps else np.zeros(0, np.int64)
    ends = np.append(places - 1, m - 1) if jumps else np.zeros(0, np.int64)
    heard = np.zeros(n + 1) if music is None else np.concatenate([[0.0], np.cumsum(music)])
    passed, left = (np.maximum(of[:-1] - SPARE_S / frame_s, 0) for of in (heard, heard[-1] - heard))
    spared = ((1 - SILENT) * np.maximum(1 - np.linalg.norm(recorded, axis=1), 0)).astype(recorded.dtype)
    cost, before, after = np.full(m, np.inf), 0.0, np.inf
    for first in range(0, n, BLOCK):
        rows = slice(first, min(first + BLOCK, n))
        distance = 1 - spared[rows, None] - recorded[rows] @ written.T
        before, after = kernel.sweep(
            distance, cost, before, after, STEPS, entry, leave, starts, ends, IDLE, JUMP_S / frame_s,
            AGAIN_S / frame_s, BOTH, passed[rows], left[rows], back[rows], came_from[rows], left_at[rows],
        )  # fmt: skip
    return _traced(recorded, written, back, came_from, left_at, cost + leave, after, spared, parts)


def _traced(
    recorded: np.ndarray,
    written: np.ndarray,
    back: np.ndarray,
    came_from: np.ndarray,
    left_at: np.ndarray,
    cost: np.ndarray,
    after: float,
    spared: np.ndarray,
    parts: int,
) -> Structure:
    from perfsynth.align._structure_numba import ENTER, JUMP

    i, j = len(recorded) - 1, int(np.argmin(cost))
    total = min(after, float(cost[j]))
    if after < cost[j]:
        while i > 0 and left_at[i] < 0:
            i -= 1
        i, j = i - 1, int(left_at[i])
    stretches: list[Stretch] = []
    cells: list[tuple[int, int]] = []
    while i >= 0:
        cells.append((i, j))
        move = back[i, j]
        if move in (ENTER, JUMP) or i == 0:
            stretches.insert(0, Stretch(np.array(cells[::-1], np.int32)))
            cells = []
            if move != JUMP or i == 0:
                break
            j = int(came_from[i])
        else:
            j -= int(move)
        i -= 1
    along = np.concatenate([stretch.path for stretch in stretches]) if stretches else np.zeros((0, 2), np.int32)
    price = (total + float(spared[along[:, 0]].sum())) / len(recorded)
    if not len(along):
        return Structure(stretches, 1.0, 0.0, len(recorded), price)
    heard, read = (side.reshape(len(along), parts, -1) for side in (recorded[along[:, 0]], written[along[:, 1]]))
    distance = 1 - np.einsum("ijk,ijk->i", heard, read).mean()
    comparable = np.sum(np.linalg.norm(heard, axis=2) * np.linalg.norm(read, axis=2), axis=1).mean()
    return Structure(stretches, float(distance), float(comparable), len(recorded), price)
