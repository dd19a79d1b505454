"""Whether recordings of other pieces are refused, and no others: the test of the floor of likeness.

    python benchmarks/alignment_refusal.py CORPUS [CORPUS ...] --samples SALAMANDER [--number 320] [--dry]

CORPUS is what ``perfsynth data nasap prepare`` and ``perfsynth data batik prepare`` make. Excerpts of 60 to 100 s of
human performances of pieces that are in neither truth set, of the training split or of the Batik corpus, played by the
sampler, one in eight by the modal engine, one in three degraded as in ``benchmarks/alignment_truth.py``. Each is
compared with its score, at the score's own tempo, and with those of two excerpts of other pieces, one of the same
composer. With ``--dry`` all are played without pedals. Interrupt it, and what is done is summed up.
"""

from __future__ import annotations

import argparse
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from alignment_truth import RATE, degrade, tuning

from perfsynth.align.bands import Bands, bands, mono
from perfsynth.align.confidence import likeness
from perfsynth.align.onsets import FLOOR, in_seconds, measure_beats
from perfsynth.align.path import course
from perfsynth.align.repeats import measures, settled
from perfsynth.data import pieces
from perfsynth.expression import played_notes
from perfsynth.synth.core import synthesize
from perfsynth.types import Audio, Performance, Score

LENGTH_S = (60.0, 100.0)
FEWEST_NOTES = 60
OUTLIERS = (0.5, 99.5)  # percentiles of the beats played, beyond which a note was joined to a wrong place
SURE = 0.95  # of the intervals
VERSION = r"(_extra|_no|_no_2)?_(repeat|trio)$"  # of a piece


@dataclass(frozen=True)
class Excerpt:
    """A part of a performance, from 0 s, and the score to it."""

    piece: str
    composer: str
    performance: Performance
    score: Score


def main() -> None:
    """Print a line for each excerpt, then the two rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("--samples", required=True)
    parser.add_argument("--number", type=int, default=320)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--dry", action="store_true")
    asked = parser.parse_args()
    random = np.random.default_rng(asked.seed)
    chosen = excerpts(asked.corpus, asked.number, random)
    right: list[float] = []
    wrong: list[float] = []
    with suppress(KeyboardInterrupt):
        for number, excerpt in enumerate(chosen):
            heard = recorded(without_pedals(excerpt) if asked.dry else excerpt, asked.samples, number)
            own = fit(heard, excerpt.score)
            others = [other for other in chosen if not same(other, excerpt)]
            related = [other for other in others if other.composer == excerpt.composer] or others
            partners = [others[random.integers(len(others))], related[random.integers(len(related))]]
            found = [fit(heard, partner.score) for partner in partners]
            right.append(own)
            wrong += found
            told = "  ".join(f"{o.piece[:30]} {value:.3f}" for o, value in zip(partners, found, strict=True))
            print(f"{excerpt.piece[:44]:44} {own:7.3f}  {told}", flush=True)
    print(f"\n| pairs | number | refused | % | {100 * SURE:.0f} % interval | likeness nearest the floor of {FLOOR} |")
    print("|---|---|---|---|---|---|")
    print(line("right", np.array(right), float(np.min(right))))
    print(line("wrong", np.array(wrong), float(np.max(wrong))))


def excerpts(corpora: list[Path], number: int, random: np.random.Generator) -> list[Excerpt]:
    """Parts of performances of different pieces, then other parts of the same pieces."""
    entries = []
    for corpus in corpora:
        known = [entry for entry in pieces.read_manifest(corpus) if entry.path]
        nasap = any("/" in entry.piece for entry in known)
        tuned = {entry.piece for entry in tuning(corpus)} if nasap else set()
        allowed = ("train",) if nasap else ("train", "valid", "test")  # all of Batik: nothing here was fitted to it
        entries += [corpus / entry.path for entry in known if entry.split in allowed and entry.piece not in tuned]
    made: list[Excerpt] = []
    while entries and len(made) < number:
        for path in [entries[place] for place in random.permutation(len(entries))]:
            piece = pieces.load(path)
            names = sorted(piece.performances)
            performance = piece.performances[names[random.integers(len(names))]]
            found = excerpt(piece, performance, random)
            if found is None:
                entries.remove(path)
            elif len(made) < number:
                made.append(found)
    return made


def excerpt(piece: pieces.Piece, performance: Performance, random: np.random.Generator) -> Excerpt | None:
    """A part of a performance at a random place; None where it is too short or holds too few notes."""
    notes, controls = performance.notes, performance.controls
    length_s = random.uniform(*LENGTH_S)
    begin_s = random.uniform(0, max(0.0, float(notes["onset_s"].max()) - length_s))
    inside = (notes["onset_s"] >= begin_s) & (notes["onset_s"] < begin_s + length_s)
    if inside.sum() < FEWEST_NOTES or np.ptp(notes["onset_s"][inside]) < LENGTH_S[0] / 2:
        return None
    score = next(iter(piece.scores.values()))
    row = played_notes(score, replace(performance, notes=notes[inside]))
    if (row >= 0).sum() < FEWEST_NOTES:
        return None
    low, high = np.percentile(score.notes["onset_beat"][row >= 0], OUTLIERS)
    written = score.notes[(score.notes["onset_beat"] >= low - 1e-6) & (score.notes["onset_beat"] <= high + 1e-6)]
    part, held = notes[inside].copy(), controls[np.abs(controls["time_s"] - begin_s - length_s / 2) < length_s / 2]
    held = held.copy()
    part["onset_s"] -= begin_s
    held["time_s"] -= begin_s
    bare = replace(score, notes=written)
    return Excerpt(piece.name, piece.composer, replace(performance, notes=part, controls=held), bare)


def same(one: Excerpt, other: Excerpt) -> bool:
    """Whether two excerpts may be of one piece: corpora name Mozart's sonatas differently."""
    names = [re.sub(VERSION, "", excerpt.piece) for excerpt in (one, other)]
    if one.composer == other.composer == "Mozart":
        return ("/" in names[0]) != ("/" in names[1]) or names[0] == names[1]
    return names[0] == names[1]


def without_pedals(excerpt: Excerpt) -> Excerpt:
    """The same, the keys alone."""
    performance = excerpt.performance
    return replace(excerpt, performance=replace(performance, controls=performance.controls[:0]))


def recorded(excerpt: Excerpt, samples: str, number: int) -> Bands:
    """The excerpt as it is heard: sampled or modelled, clean or degraded."""
    engine = "modal" if number % 8 == 7 else "sampler"
    options = {"samples": samples} if engine == "sampler" else {}
    audio = synthesize(excerpt.performance, engine=engine, sample_rate=RATE, **options).audio().samples.mean(axis=1)
    if number % 3 == 2:
        audio = degrade(audio, seed=number)
    return bands(mono(Audio(audio[:, None].astype(np.float32), RATE)))


def fit(heard: Bands, score: Score) -> float:
    """How well a recording fits a score, as the aligner judges it."""
    notes = score.notes[np.lexsort([score.notes["pitch"], score.notes["onset_beat"]])]
    main = notes["duration_beat"] > 0
    written, marks_s = in_seconds(score, notes[main])
    pages = measures(measure_beats(score, notes), notes["onset_beat"][main], notes["pitch"][main])
    return likeness(settled(course(heard, written, marks_s, jumps=True), pages))


def line(name: str, values: np.ndarray, nearest: float) -> str:
    """A row of the table: how many lie below the floor, with the Clopper-Pearson interval."""
    from scipy.stats import binomtest

    refused = int((values < FLOOR).sum())
    interval = binomtest(refused, len(values)).proportion_ci(SURE, method="exact")
    bounds = f"{100 * interval.low:.2f} to {100 * interval.high:.2f}"
    return f"| {name} | {len(values)} | {refused} | {100 * refused / len(values):.2f} | {bounds} | {nearest:.3f} |"


if __name__ == "__main__":
    main()
