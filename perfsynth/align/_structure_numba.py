"""The recurrence of `perfsynth.align.structure`: rows of recorded frames, columns of written ones."""

from __future__ import annotations

import numba  # noqa: TID253  a kernel: imported only from inside functions
import numpy as np

STAY, ONE, TWO, THREE, JUMP, ENTER = range(6)


@numba.njit(cache=True, nogil=True, fastmath=False)
def sweep(
    distance: np.ndarray,
    cost: np.ndarray,
    before: float,
    after: float,
    steps: np.ndarray,
    entry: np.ndarray,
    leave: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    idle: float,
    jump: float,
    again: float,
    both: float,
    passed: np.ndarray,
    left: np.ndarray,
    back: np.ndarray,
    came_from: np.ndarray,
    left_at: np.ndarray,
) -> tuple[float, float]:
    """Take the rows of `distance` (r, m) into `cost` (m,), noting each move in `back` (r, m) int8.

    A jump on costs `jump`, one back `again`. `both` is what it costs, a frame, to leave out music on both sides before
    the beginning or after the end: the recording has `passed` (r,) frames of it before a row, `left` (r,) from it on.

    `before` and `after` are the costs of not having begun and of having ended; both come back. `entry` (m,) and
    `leave` (m,) are what it costs to begin at and to end after a column; `came_from` (r,) and `left_at` (r,) note
    where the jump of a row comes from and after which column the music ended (-1: it had ended before).
    """
    m = len(cost)
    new = np.empty_like(cost)
    for row in range(distance.shape[0]):
        source = -1
        least = np.inf
        for k in range(len(ends)):
            if cost[ends[k]] < least:
                least = cost[ends[k]]
                source = ends[k]
        came_from[row] = source
        left_at[row] = -1
        ended = after
        for j in range(m):
            best, move = cost[j] + steps[0], STAY
            if j > 0 and cost[j - 1] + steps[1] < best:
                best, move = cost[j - 1] + steps[1], ONE
            if j > 1 and cost[j - 2] + steps[2] < best:
                best, move = cost[j - 2] + steps[2], TWO
            if j > 2 and cost[j - 3] + steps[3] < best:
                best, move = cost[j - 3] + steps[3], THREE
            begun = before + entry[j] + both * min(passed[row], j)
            if begun < best:
                best, move = begun, ENTER
            stopped = cost[j] + leave[j] + both * min(left[row], m - 1 - j)
            if stopped < ended:
                ended = stopped
                left_at[row] = j
            new[j] = best
            back[row, j] = move
        for k in range(len(starts)):
            j = starts[k]
            landed = least + (jump if source < j else again)
            if landed < new[j]:
                new[j] = landed
                back[row, j] = JUMP
        for j in range(m):
            cost[j] = new[j] + distance[row, j]
        before += idle
        after = ended + idle
    return before, after
