"""How well recordings are aligned whose times are known: the table of docs/alignment.md.

    python benchmarks/alignment.py TRUTH [--variants plain,applause,...] [--wrong] [--peers PYTHON]

TRUTH is what ``benchmarks/alignment_truth.py`` builds. ``--wrong`` aligns each recording to the score of every other
piece too, and says how many were refused. ``--peers`` is the Python of an environment that holds synctoolbox and
librosa, which are scored beside.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from alignment_truth import RATE
from alignment_variants import VARIANTS, Case

from perfsynth import formats
from perfsynth.align.core import align, summary_of
from perfsynth.errors import InputError
from perfsynth.evaluate.alignment import tolerance_s
from perfsynth.types import Alignment, Audio

TIMES = ("onset_s", "offset_s", "sound_off_s")
WINDOWS_MS = (20, 50, 100)
HERE = Path(__file__).resolve().parent


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--peers", help="Python of another environment")
    asked = parser.parse_args()
    folders = sorted(folder.parent for folder in asked.truth.glob("*/truth.jsonl"))
    for variant in asked.variants.split(","):
        variant_table(variant, folders)
    if asked.wrong:
        refusals(folders)
    if asked.peers:
        subprocess.run([asked.peers, HERE / "alignment_peers.py", asked.truth], check=True)


def load(folder: Path) -> Case:
    """A piece of the truth set, with the truth of each note of its score MIDI."""
    score = formats.read_score((folder / "score.mid").read_bytes(), name=str(folder))
    audio = formats.read_audio((folder / "recording.flac").read_bytes(), name=str(folder))
    found = formats.read_notes((folder / "truth.jsonl").read_bytes(), name=str(folder))
    assert isinstance(found, Alignment)
    first = min(0.0, float(found.notes["score_onset_beat"].min()))
    times = {
        (round((float(note["score_onset_beat"]) - first) * 48), int(note["pitch"])): tuple(
            note[field] for field in TIMES
        )
        for note in found.notes
        if note["score_duration_beat"] > 0
    }
    notes = score.notes
    keys = [(round(float(note["onset_beat"]) * 48), int(note["pitch"])) for note in notes]
    onset_s, off_s, sound_off_s = np.array([times.get(key, (np.nan,) * 3) for key in keys], float).T
    passage = np.zeros(len(notes), bool)
    return Case(audio.samples[:, 0].astype(float), score, [onset_s], off_s - onset_s, passage, sound_off_s - onset_s)


def variant_table(variant: str, folders: list[Path]) -> None:
    """A row for each piece and one for all."""
    print(
        f"\n## {variant}\n\n| piece | median ms | <=20 | <=50 | <=100 | offsets | sure | of these <=50 | sound-offs |"
        f" by keys | first chord ms | passage <=100 | not played | CPU s | said |\n{'|---' * 15}|"
    )
    pieces = []
    for folder in folders:
        case = VARIANTS[variant](load(folder))
        began = time.process_time()
        try:
            found = align(Audio(case.audio[:, None].astype(np.float32), RATE), case.score)
        except InputError as error:
            print(f"| {folder.name} | refused: {error} |")
            pieces.append(Scored.of_nothing(case))
            continue
        seconds = time.process_time() - began
        pieces.append(Scored.of(found, case))
        summary = summary_of(found)
        assert summary is not None
        said = "; ".join(summary.decisions)
        print(f"| {folder.name[:28]} | {pieces[-1].row()} | {seconds:.1f} | {said} |", flush=True)
    together = Scored.of_all(pieces)
    near = sum(piece.first_chord_ms() <= 100 for piece in pieces)
    print(f"| all, {np.sum(together.known)} notes | {together.row()} | | {near} of {len(pieces)} first chords <=100 |")


@dataclass(frozen=True)
class Scored:
    """Of each note that the score has, (n,): how far it was put from the answer that fits best.

    Attributes
    ----------
    error_s
        inf where it was missed, nan where it is not played.
    ends, sound_ends, key_ends
        Whether its offset is right, the end of its sound, and that of its sound if it were its offset.
    sure
        Whether its confidence is 0.5 or more.
    first
        Whether it is in the first chord that is played.
    passage
        Whether it is in the passage that one side repeats.
    unplayed
        Whether it was said not to be played.
    """

    error_s: np.ndarray
    ends: np.ndarray
    sound_ends: np.ndarray
    key_ends: np.ndarray
    sure: np.ndarray
    first: np.ndarray
    passage: np.ndarray
    unplayed: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """The notes that are played."""
        return ~np.isnan(self.error_s)

    @classmethod
    def of(cls, found: Alignment, case: Case) -> Scored:
        """An alignment beside the truth, in score order."""
        place = {str(note["note_id"]): index for index, note in enumerate(case.score.notes)}
        order = np.array([place[str(note["note_id"])] for note in found.notes])
        notes, best, true = found.notes, np.zeros(0), np.zeros(0)
        for answer in case.answers:
            onset = answer[order]
            error = np.where(np.isfinite(onset) & np.isnan(notes["onset_s"]), np.inf, notes["onset_s"] - onset)
            if not len(best) or _share(error) > _share(best):
                best, true = error, onset
        asked = (("offset_s", case.length_s), ("sound_off_s", case.sounding_s), ("offset_s", case.sounding_s))
        ends = [np.abs(notes[field] - true - length[order]) <= tolerance_s(length[order]) for field, length in asked]
        first = _first(notes["score_onset_beat"], best)
        sure, unplayed = notes["confidence"] >= 0.5, notes["status"] == "unplayed"
        return cls(best, *ends, sure, first, case.passage[order], unplayed)

    @classmethod
    def of_nothing(cls, case: Case) -> Scored:
        """All notes missed."""
        no = np.zeros(len(case.score.notes), bool)
        error = np.where(np.isfinite(case.answers[0]), np.inf, np.nan)
        return cls(error, no, no, no, no, _first(case.score.notes["onset_beat"], error), case.passage, ~no)

    @classmethod
    def of_all(cls, pieces: list[Scored]) -> Scored:
        """The notes of all pieces as if they were one."""
        return cls(*(np.concatenate([getattr(piece, field.name) for piece in pieces]) for field in fields(cls)))

    def first_chord_ms(self) -> float:
        """The error in the middle of the first chord that is played."""
        return float(1000 * np.median(np.abs(self.error_s[self.first])))

    def row(self) -> str:
        """The figures of a row of the table."""
        known, size_s = self.known, np.abs(self.error_s)
        inside, gone = known & self.passage, ~known & self.passage
        passage = f"{100 * np.mean(size_s[inside] <= 0.1):.1f}" if inside.any() else ""
        other = f"{100 * np.mean(self.unplayed[gone]):.1f}" if gone.any() else ""
        first = f"{self.first_chord_ms():.0f}"
        heard, naive = (100 * ends[known].mean() for ends in (self.sound_ends, self.key_ends))
        shares = row(size_s[known], self.ends[known], self.sure[known])
        return f"{shares} | {heard:.1f} | {naive:.1f} | {first} | {passage} | {other}"


def _first(beats: np.ndarray, error_s: np.ndarray) -> np.ndarray:
    known = ~np.isnan(error_s)
    return known & (np.abs(beats - beats[known].min()) < 0.02)


def _share(error: np.ndarray) -> float:
    return float(np.mean(np.abs(error[~np.isnan(error)]) < 0.1))


def row(error: np.ndarray, ends: np.ndarray, sure: np.ndarray) -> str:
    """The figures of a row of the table."""
    size_ms = 1000 * np.abs(error)
    shares = " | ".join(f"{100 * np.mean(size_ms <= window):.1f}" for window in WINDOWS_MS)
    certain = f"{100 * np.mean(size_ms[: len(sure)][sure] <= 50):.2f}" if len(sure) == len(size_ms) else "-"
    return f"{np.median(size_ms):.1f} | {shares} | {100 * ends.mean():.1f} | {100 * sure.mean():.1f} | {certain}"


def refusals(folders: list[Path]) -> None:
    """Align every recording to every score."""
    cases = [load(folder) for folder in folders]
    kept: dict[bool, list[bool]] = {True: [], False: []}  # by whether the pair is right
    for i, recorded in enumerate(cases):
        for j, written in enumerate(cases):
            try:
                align(Audio(recorded.audio[:, None].astype(np.float32), RATE), written.score)
                kept[i == j].append(True)
            except InputError:
                kept[i == j].append(False)
    print(f"\nright pairs refused: {kept[True].count(False)} of {len(kept[True])}")
    print(f"wrong pairs refused: {kept[False].count(False)} of {len(kept[False])}")


if __name__ == "__main__":
    main()
