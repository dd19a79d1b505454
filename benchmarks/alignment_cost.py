"""What it takes to align 100 s, 10 minutes and an hour: CPU seconds, peak memory, and whether length costs accuracy.

    python benchmarks/alignment_cost.py SCRATCH TRUTH [TRUTH ...]

The recordings of the truth sets of ``benchmarks/alignment_truth.py``, one after another, as a 16-bit stereo WAV at
44.1 kHz; their scores one after another, each at its own tempo. An hour takes 36 of them: where there are fewer, they
begin again. Each length is a run of ``perfsynth align`` of its own.
"""

from __future__ import annotations

import argparse
import os
import sys
from itertools import cycle, islice
from pathlib import Path

import mido
import numpy as np
import soundfile
from alignment import load, row
from alignment_truth import RATE

from perfsynth import formats
from perfsynth.types import Alignment

PIECES = (1, 6, 36)  # of 100 s
TICKS = 480  # of a quarter note
PAUSE_S, PAUSE_BEATS = 2.0, 4


def main() -> None:
    """Print a row for each length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("truth", type=Path, nargs="+")
    asked = parser.parse_args()
    folders = [path.parent for top in asked.truth for path in sorted(top.glob("*/truth.jsonl"))]
    asked.scratch.mkdir(parents=True, exist_ok=True)
    print(
        "| recording | notes | CPU s | peak MB | median ms | <=20 | <=50 | <=100 |\n|---|---|---|---|---|---|---|---|"
    )
    for number in PIECES:
        times = build(list(islice(cycle(folders), number)), asked.scratch)
        seconds, peak_mb = run(asked.scratch)
        found = formats.read_notes((asked.scratch / "notes.jsonl").read_bytes())
        assert isinstance(found, Alignment)
        length_s = soundfile.info(asked.scratch / "long.wav").duration
        error = np.array([
            note["onset_s"] - times.get((round(note["score_onset_beat"] * 48), int(note["pitch"])), np.nan)
            for note in found.notes
        ])  # fmt: skip
        known = np.isin(found.notes["status"], "unplayed") | np.isfinite(error)
        error = np.where(np.isfinite(error), error, np.inf)[known]
        figures = " | ".join(row(error, error < 0, error < 0).split(" | ")[:4])
        print(f"| {length_s:.0f} s | {len(found.notes)} | {seconds:.1f} | {peak_mb:.0f} | {figures} |", flush=True)


def build(folders: list[Path], scratch: Path) -> dict[tuple[int, int], float]:
    """Write ``long.wav`` and ``long.mid``; the true onset in s of each (48th of a quarter note, pitch)."""
    times: dict[tuple[int, int], float] = {}
    events: list[tuple[int, int, mido.Message | mido.MetaMessage]] = []
    first_s, first_beat = 0.0, 0
    with soundfile.SoundFile(scratch / "long.wav", "w", RATE, 2, "PCM_16") as out:
        for folder in folders:
            case = load(folder)
            notes = case.score.notes
            tempo = round(60e6 / float(case.score.tempos["quarter_bpm"][0]))
            events.append((first_beat * TICKS, 0, mido.MetaMessage("set_tempo", tempo=tempo)))
            for note, onset_s in zip(notes, case.answers[0], strict=True):
                begin = first_beat + float(note["onset_beat"])
                tick, pitch = round(begin * TICKS), int(note["pitch"])
                length = max(1, round(float(note["duration_beat"]) * TICKS) - 1)
                events.append((tick, 2, mido.Message("note_on", note=pitch, velocity=64)))
                events.append((tick + length, 1, mido.Message("note_off", note=pitch)))
                times[round(begin * 48), pitch] = first_s + float(onset_s)
            sound = np.concatenate([case.audio, np.zeros(round(PAUSE_S * RATE))])
            out.write(np.repeat(sound[:, None], 2, axis=1))
            first_s += len(sound) / RATE
            first_beat += int(np.ceil((notes["onset_beat"] + notes["duration_beat"]).max())) + PAUSE_BEATS
    track, now = mido.MidiTrack(), 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    mido.MidiFile(ticks_per_beat=TICKS, tracks=[track]).save(scratch / "long.mid")
    return times


def run(scratch: Path) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of the command, its start included."""
    line = [sys.executable, "-m", "perfsynth", "align", "long.wav", "long.mid", "-q", "-f", "-o", "notes.jsonl"]
    child = os.fork()
    if child == 0:
        os.chdir(scratch)
        os.execv(sys.executable, line)
    _, status, used = os.wait4(child, 0)
    if status:
        raise SystemExit(f"perfsynth align failed: {status}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
