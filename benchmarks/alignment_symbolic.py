"""How well performed notes are joined to their score, against the ``.match`` files of (n)ASAP.

    python benchmarks/alignment_symbolic.py CORPUS [--performances 20]

CORPUS is what ``perfsynth data nasap prepare`` makes; each piece of its validation split gives its first performance.
Precision is the share of the notes said to be matched that are matched to the right key press, recall the share of
the matches in the file that are found. Every performance is aligned to the next piece too, to be refused.
"""

from __future__ import annotations

import argparse
import time
from itertools import islice
from pathlib import Path

import numpy as np

from perfsynth.align.symbolic import aligned, match
from perfsynth.data import pieces
from perfsynth.errors import InputError
from perfsynth.expression import played_notes
from perfsynth.types import Performance, Score


def main() -> None:
    """Print a row for each performance and one for all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--performances", type=int, default=20)
    parser.add_argument("--split", default="valid")
    asked = parser.parse_args()
    print("| piece | notes | precision | recall | CPU s |\n|---|---|---|---|---|")
    pairs, counts = [], []
    for piece in islice(pieces.pieces(asked.corpus, asked.split), asked.performances):
        score, performance = piece.scores["musicxml"], next(iter(piece.performances.values()))
        pairs.append((piece.name.removesuffix("_no_repeat"), score, performance))
        began = time.process_time()
        row = match(score.notes, performance.notes)
        seconds = time.process_time() - began
        counts.append(counted(row, played_notes(score, performance)))
        print(f"| {piece.name} | {len(row)} | {shares(counts[-1])} | {seconds:.1f} |", flush=True)
    total = np.sum(counts, axis=0)
    print(f"| all | {total[2]} matched in the files | {shares(total)} | |")
    wrong = [refused(pairs[index - 1][2], of[1]) for index, of in enumerate(pairs) if pairs[index - 1][0] != of[0]]
    right = [refused(performance, score) for _, score, performance in pairs]
    print(f"\nright pairs refused: {sum(right)} of {len(right)}; wrong pairs refused: {sum(wrong)} of {len(wrong)}")


def counted(row: np.ndarray, true: np.ndarray) -> tuple[int, int, int]:
    """Pairs that are right, that were found, and that the file has."""
    return int(((row == true) & (true >= 0)).sum()), int((row >= 0).sum()), int((true >= 0).sum())


def shares(count: tuple[int, int, int] | np.ndarray) -> str:
    """Precision and recall in percent."""
    right, found, there = count
    return f"{100 * right / max(found, 1):.2f} | {100 * right / max(there, 1):.2f}"


def refused(performance: Performance, score: Score) -> bool:
    """Whether the two are taken for different pieces."""
    try:
        aligned(performance, score)
    except InputError:
        return True
    return False


if __name__ == "__main__":
    main()
