"""Fit the confidence of the aligner: the weights and the bias in perfsynth/align/confidence.py.

    python benchmarks/alignment_confidence.py TRUTH [TRUTH ...]

TRUTH is what ``benchmarks/alignment_truth.py`` builds; only tuning sets are to be fitted on. Prints the weights of a
logistic regression of whether an onset is within 50 ms, and for several numbers of notes together the share of notes
with a confidence of one half or more, and the share of these that are right: by weights fitted on the other pieces.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from alignment import load
from alignment_truth import RATE
from alignment_variants import Case

from perfsynth.align import onsets
from perfsynth.align.bands import Bands, bands, mono
from perfsynth.align.confidence import described
from perfsynth.align.path import course, fine
from perfsynth.align.repeats import measures, settled
from perfsynth.evaluate.alignment import RIGHT_S
from perfsynth.types import Audio

TOGETHER = (8, 10, 12, 15, 20, 25)
FOLDS = 4


def main() -> None:
    """Print weights and shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=Path, nargs="+")
    folders = sorted(folder.parent for truth in parser.parse_args().truth for folder in truth.glob("*/truth.jsonl"))
    cases = [load(folder) for folder in folders]
    told([known(bands(mono(Audio(case.audio[:, None].astype(np.float32), RATE))), case) for case in cases])


def known(heard: Bands, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """What is known of each note that is played and found, (n, 5), and whether its onset is right, (n,)."""
    order = np.lexsort([case.score.notes["pitch"], case.score.notes["onset_beat"]])
    order = order[case.score.notes["duration_beat"][order] > 0]
    notes, true_s = case.score.notes[order], case.answers[0][order]
    written, marks_s = onsets.in_seconds(case.score, notes)
    pages = measures(onsets.measure_beats(case.score, notes), notes["onset_beat"], notes["pitch"])
    along = settled(course(heard, written, marks_s, jumps=True), pages)
    path_s = fine(heard, along, backend="auto", device=None)
    where = np.isfinite(path_s)
    chord = onsets.chord_of(notes["onset_beat"][where])
    pitch = notes["pitch"][where].astype(int) + along.semitones
    found = onsets.refined(heard, pitch, path_s[where], along.written.onset_s[where], chord)
    played = np.isfinite(true_s[where])
    right = np.abs(found.onset_s - true_s[where]) <= RIGHT_S
    return described(found, path_s[where], chord)[played], right[played]


def told(pieces: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Print what main promises."""
    single, right = [], []
    for fold in range(FOLDS):
        weights = fitted([piece for row, piece in enumerate(pieces) if row % FOLDS != fold])
        for x, y in pieces[fold::FOLDS]:
            single.append(1 / (1 + np.exp(-(x @ weights[:-1] + weights[-1]))))
            right.append(y)
    each, good = np.concatenate(single), np.concatenate(right)
    print("weights and bias", fitted(pieces).round(3).tolist())
    for together in TOGETHER:
        sure = each**together >= 0.5
        print(f"{together} together: {100 * sure.mean():.1f} % sure, of these {100 * good[sure].mean():.2f} % right")


def fitted(pieces: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """(6,) weights of a logistic regression, the last one the bias."""
    from scipy.optimize import minimize

    x, y = (np.concatenate(part) for part in zip(*pieces, strict=True))
    inputs, sign = np.column_stack([x, np.ones(len(x))]), np.where(y, 1.0, -1.0)
    found = minimize(
        lambda w: np.logaddexp(0, -sign * (inputs @ w)).mean(),
        np.zeros(inputs.shape[1]),
        jac=lambda w: -(inputs * (sign / (1 + np.exp(sign * (inputs @ w))))[:, None]).mean(axis=0),
    )
    return np.asarray(found.x)


if __name__ == "__main__":
    main()
