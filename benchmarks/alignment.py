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
from pathlib import Path

import numpy as np
from alignment_truth import RATE
from alignment_variants import VARIANTS, Case

from perfsynth import formats
from perfsynth.align.core import align, summary_of
from perfsynth.errors import InputError
from perfsynth.types import Alignment, Audio

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
        (round((float(note["score_onset_beat"]) - first) * 48), int(note["pitch"])): (note["onset_s"], note["offset_s"])
        for note in found.notes
        if note["score_duration_beat"] > 0
    }
    notes = score.notes
    keys = [(round(float(note["onset_beat"]) * 48), int(note["pitch"])) for note in notes]
    known = np.array([times.get(key, (np.nan, np.nan)) for key in keys], float)
    return Case(audio.samples[:, 0].astype(float), score, [known[:, 0]], known[:, 1])


def variant_table(variant: str, folders: list[Path]) -> None:
    """A row for each piece and one for all."""
    print(
        f"\n## {variant}\n\n| piece | median ms | <=20 | <=50 | <=100 | offsets | sure | of these <=50 | CPU s | said |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    pooled, right_ends, sureness = [], [], []
    for folder in folders:
        case = VARIANTS[variant](load(folder))
        began = time.process_time()
        try:
            found = align(Audio(case.audio[:, None].astype(np.float32), RATE), case.score)
        except InputError as error:
            print(f"| {folder.name} | refused: {error} |")
            pooled.append(np.full(len(case.score.notes), np.inf))
            continue
        seconds = time.process_time() - began
        error, ends = scored(found, case)
        known = np.isfinite(error) | np.isinf(error)
        sure = found.notes["confidence"][known] >= 0.5
        pooled.append(error[known])
        right_ends.append(ends[known])
        sureness.append(sure)
        summary = summary_of(found)
        assert summary is not None
        print(
            f"| {folder.name[:28]} | {row(error[known], ends[known], sure)} | {seconds:.1f} |",
            f"{'; '.join(summary.decisions)} |",
            flush=True,
        )
    everything = np.concatenate(pooled)
    if right_ends:
        figures = row(everything, np.concatenate(right_ends), np.concatenate(sureness))
        print(f"| all, {len(everything)} notes | {figures} | | |")


def scored(found: Alignment, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Error in s of each note for the answer that fits best (inf where it is missed, nan where nothing is known), and
    whether its offset is right."""
    place = {str(note["note_id"]): index for index, note in enumerate(case.score.notes)}
    order = np.array([place[str(note["note_id"])] for note in found.notes])
    best: np.ndarray | None = None
    for answer in case.answers:
        true = answer[order]
        error = np.where(np.isfinite(true) & np.isnan(found.notes["onset_s"]), np.inf, found.notes["onset_s"] - true)
        known = ~np.isnan(error)
        if best is None or np.mean(np.abs(error[known]) < 0.1) > np.mean(np.abs(best[~np.isnan(best)]) < 0.1):
            best = error
    assert best is not None
    true_end = case.offset_s[order]
    allowed = np.maximum(0.05, 0.2 * (true_end - case.answers[0][order]))
    return best, np.abs(found.notes["offset_s"] - true_end) <= allowed


def row(error: np.ndarray, ends: np.ndarray, sure: np.ndarray) -> str:
    """The figures of a row of the table."""
    size_ms = 1000 * np.abs(error)
    shares = " | ".join(f"{100 * np.mean(size_ms <= window):.1f}" for window in WINDOWS_MS)
    certain = f"{100 * np.mean(size_ms[: len(sure)][sure] <= 50):.2f}" if len(sure) == len(size_ms) else "-"
    return f"{np.median(size_ms):.1f} | {shares} | {100 * ends.mean():.1f} | {100 * sure.mean():.1f} | {certain}"


def refusals(folders: list[Path]) -> None:
    """Align every recording to every score."""
    cases = [load(folder) for folder in folders]
    kept = {True: [], False: []}  # by whether the pair is right
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
