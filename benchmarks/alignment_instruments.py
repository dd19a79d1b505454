"""How well recordings of other instruments than pianos are aligned, one General MIDI program after another.

    python benchmarks/alignment_instruments.py CORPUS [--played keys|score|short] [--only NAME,...] [--dry]
        [--soundfont FILE]

CORPUS is what ``perfsynth data nasap prepare`` makes. The first 30 s of pieces of the training split, sounded by
FluidSynth and the soundfont that is found by default: the keys of human performances without the pedal, or the score
at a tempo that wavers smoothly, all notes held for 0.9 of what is written (``score``) or 0.3 (``short``). Where a row
has several programs, notes go to them from the highest to the lowest that sound together. ``--dry`` leaves out the
reverberation.
Besides the shares there are the median of the errors with their sign (bias, late above 0), and how many right pairs
and how many of the wrong ones, each recording with the score of the next piece, are refused.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from alignment import WINDOWS_MS, Scored
from alignment_truth import RATE, cut
from alignment_variants import Case

from perfsynth.align.core import align
from perfsynth.data import pieces
from perfsynth.errors import InputError
from perfsynth.synth.core import synthesize
from perfsynth.types import PERFORMED_NOTE, Audio, Part, Performance

PIECES = (
    *("Bach/Fugue/bwv_848", "Bach/Fugue/bwv_867", "Bach/Prelude/bwv_865", "Bach/Prelude/bwv_889"),
    *("Haydn/Keyboard_Sonatas/39-1", "Mozart/Piano_Sonatas/11-3", "Beethoven/Piano_Sonatas/8-2"),
    *("Schubert/Piano_Sonatas/664-2",),
)
PROGRAMS = {
    "piano": (0,),
    "harpsichord": (6,),
    "church organ": (19,),
    "nylon guitar": (24,),
    "harp": (46,),
    "marimba": (12,),
    "violin": (40,),
    "strings": (48,),
    "slow strings": (49,),
    "string quartet": (40, 40, 41, 42),
    "choir": (52,),
    "brass": (61,),
    "clarinet": (71,),
    "flute": (73,),
    "flute over piano": (73, 0),
    "wind quartet": (73, 71, 60, 70),
}
LENGTH_S = 30.0
BEAT_S, SWING, SWING_BEATS = 0.55, 0.2, 8.0  # of the wavering tempo: a quarter note, by how much, of the natural log
HELD = {"score": 0.9, "short": 0.3}


def main() -> None:
    """Print a row for each instrument."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--played", choices=("keys", *HELD), default="score")
    parser.add_argument("--only", default=",".join(PROGRAMS))
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--soundfont")
    asked = parser.parse_args()
    found = {entry.piece: entry for entry in pieces.read_manifest(asked.corpus) if entry.path}
    chosen = [pieces.load(asked.corpus / found[name].path) for name in PIECES]
    print("| played by | refused | wrong ones | median ms | bias |", *(f"<={ms} |" for ms in WINDOWS_MS), end=" ")
    print(f"ends | sure | of these <=50 |\n|{'---|' * 11}")
    for name in asked.only.split(","):
        made = [performed(piece, asked.played, np.random.default_rng(n)) for n, piece in enumerate(chosen)]
        cases = [
            sounded(piece, assigned(performance, PROGRAMS[name]), asked.soundfont, reverb=not asked.dry)
            for piece, performance in zip(chosen, made, strict=True)
        ]
        print(f"| {name} | {row(cases)} |", flush=True)


def performed(piece: pieces.Piece, how: str, random: np.random.Generator) -> Performance:
    """The beginning of a piece, without pedal."""
    if how == "keys":
        performance = next(iter(piece.performances.values()))
        notes = performance.notes[performance.notes["onset_s"] < LENGTH_S]
        return replace(performance, notes=notes, controls=performance.controls[:0])
    written = piece.scores["musicxml"].notes
    written = written[written["duration_beat"] > 0]
    time_s = wavering(float(written["onset_beat"].max()) + 64, random)
    notes = np.zeros(len(written), PERFORMED_NOTE)
    notes["note_id"], notes["pitch"] = written["note_id"], written["pitch"]
    notes["onset_s"] = time_s(written["onset_beat"])
    held_beat = HELD[how] * written["duration_beat"]
    notes["duration_s"] = time_s(written["onset_beat"] + held_beat) - notes["onset_s"]
    notes["onset_s"] += 0.5 - notes["onset_s"].min() + np.abs(random.normal(0, 0.008, len(notes)))
    notes["velocity"] = random.integers(50, 90, len(notes))
    return Performance(np.sort(notes[notes["onset_s"] < LENGTH_S], order="onset_s"))


def wavering(n_beats: float, random: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """A clock from beats to seconds whose tempo is another every few beats, and goes smoothly between."""
    from scipy.interpolate import PchipInterpolator

    knots = np.arange(-SWING_BEATS, n_beats + 2 * SWING_BEATS, SWING_BEATS)
    period_s = BEAT_S * np.exp(random.uniform(-SWING, SWING, len(knots)))
    return PchipInterpolator(knots, period_s).antiderivative()


def assigned(performance: Performance, programs: tuple[int, ...]) -> Performance:
    """Each note with the program of its rank from above among those that sound when it begins."""
    notes = performance.notes.copy()
    onset_s, end_s, pitch = notes["onset_s"], notes["onset_s"] + notes["duration_s"], notes["pitch"]
    for index in range(len(notes)):
        sounding = (onset_s <= onset_s[index] + 0.03) & (end_s > onset_s[index] + 0.03)
        notes["part"][index] = min(int(np.sum(sounding & (pitch > pitch[index]))), len(programs) - 1)
    return replace(performance, notes=notes, parts=tuple(Part("", program) for program in programs))


def sounded(piece: pieces.Piece, performance: Performance, soundfont: str | None, *, reverb: bool) -> Case:
    """The recording of a performance and what is known of it."""
    score, truth = cut(piece.scores["musicxml"], performance)
    stream = synthesize(performance, engine="fluidsynth", sample_rate=RATE, reverb=reverb, soundfont=soundfont)
    audio = np.concatenate(list(stream.blocks)).mean(axis=1)
    onset_s, off_s, sound_off_s = (truth.notes[field].copy() for field in ("onset_s", "offset_s", "sound_off_s"))
    onset_s[score.notes["duration_beat"] <= 0] = np.nan  # graces are only guessed at
    length_s, sounding_s = off_s - onset_s, sound_off_s - onset_s
    return Case(audio, score, [onset_s], length_s, np.zeros(len(onset_s), bool), sounding_s)


def row(cases: list[Case]) -> str:
    """The cells of an instrument: shares are of the notes of the recordings that are not refused."""
    scored, refused, wrong = [], 0, 0
    for number, case in enumerate(cases):
        audio = Audio(case.audio[:, None].astype(np.float32), RATE)
        try:
            scored.append(Scored.of(align(audio, case.score), case))
        except InputError:
            refused += 1
        try:
            align(audio, cases[(number + 1) % len(cases)].score)
        except InputError:
            wrong += 1
    if not scored:
        return f"{refused} | {wrong} of {len(cases)} |" + " |" * 7
    together = Scored.of_all(scored)
    known = together.known
    error_s = together.error_s[known]
    size_ms, sure = 1000 * np.abs(error_s), together.sure[known]
    shares = " | ".join(f"{100 * np.mean(size_ms <= ms):.1f}" for ms in WINDOWS_MS)
    heard = error_s[np.isfinite(error_s)]
    right = 100 * np.mean(size_ms[sure] <= 50) if sure.any() else np.nan
    return (
        f"{refused} | {wrong} of {len(cases)} | {np.median(size_ms):.1f} | {1000 * np.median(heard):+.1f} | {shares} |"
        f" {100 * together.ends[known].mean():.1f} | {100 * sure.mean():.1f} | {right:.1f}"
    )


if __name__ == "__main__":
    main()
