"""How well the ends of slow notes are found where no pedal hides them, beside where they are written.

    python benchmarks/alignment_legato.py CORPUS [--performed PIECE] [--steady PIECE]

CORPUS is what ``perfsynth data nasap prepare`` makes. The first 40 s of a performance by the engine modal, as they are
and without the pedal; then 64 beats at five tempos by FluidSynth, every key held for 0.9 of what is written, without
pedal. ``as written`` takes the time at which the position is played where a note ends in the score for its end.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from alignment_offsets import right
from alignment_truth import RATE, as_played, cut, dry, steadily

from perfsynth.align.core import align
from perfsynth.align.offsets import written_end_s
from perfsynth.data import pieces
from perfsynth.synth.core import synthesize
from perfsynth.types import Audio, Performance, Score

PERFORMED, STEADY = "Bach/Fugue/bwv_846", "Bach/Prelude/bwv_875"
PERFORMED_S = 40.0
BEATS, HELD, QUARTER_BPM = 64.0, 0.9, (220, 160, 100, 60, 40)


def main() -> None:
    """Print a row for each recording."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--performed", default=PERFORMED)
    parser.add_argument("--steady", default=STEADY)
    asked = parser.parse_args()
    found = {entry.piece: entry for entry in pieces.read_manifest(asked.corpus) if entry.path}
    performed, steady = (pieces.load(asked.corpus / found[name].path) for name in (asked.performed, asked.steady))
    print("| | notes | ends | bias ms | as written | bias ms |\n|---|---|---|---|---|---|")
    random = np.random.default_rng(0)
    for what, played in (("as played", as_played(performed, random)), ("no pedal", dry(performed, random))):
        notes = played.notes[played.notes["onset_s"] < PERFORMED_S]
        print(row(what, performed.scores["musicxml"], replace(played, notes=notes), "modal"), flush=True)
    score = steady.scores["musicxml"]
    for quarter_bpm in QUARTER_BPM:
        played = steadily(score, 60 / quarter_bpm, HELD, random)
        notes = played.notes[played.notes["onset_s"] < played.notes["onset_s"].min() + BEATS * 60 / quarter_bpm]
        print(row(f"{quarter_bpm} a minute", score, replace(played, notes=notes), "fluidsynth"), flush=True)


def row(what: str, score: Score, performance: Performance, engine: str) -> str:
    """Shares of the ends that are right, and median errors, of the notes whose onsets are within 0.1 s."""
    score, truth = cut(score, performance)
    audio = synthesize(performance, engine=engine, sample_rate=RATE).audio().samples.mean(axis=1, keepdims=True)
    found = align(Audio(audio.astype(np.float32), RATE), score).notes
    place = {str(note["note_id"]): number for number, note in enumerate(truth.notes)}
    true = truth.notes[[place[str(note["note_id"])] for note in found]]
    known = (np.abs(found["onset_s"] - true["onset_s"]) < 0.1) & (found["score_duration_beat"] > 0)
    found, true = found[known], true[known]
    written = score.notes[[place[str(note["note_id"])] for note in found]]
    cells = [what, str(len(found))]
    for ended_s in (found["offset_s"], written_end_s(written, found["onset_s"])):
        after_s, true_s = ended_s - true["onset_s"], true["offset_s"] - true["onset_s"]
        cells += [f"{100 * right(after_s, true_s).mean():.1f}", f"{1000 * np.median(after_s - true_s):+.0f}"]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
