"""Datasets made here: a score, and match files of performances of it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from perfsynth import formats
from perfsynth.data.pieces import split_of
from perfsynth.types import Score

COLUMNS = (
    "composer", "folder", "xml_score", "midi_score", "midi_performance", "match_file", "robust_note_alignment",
)  # fmt: skip
BPM = 100


def match_file(score: Score, rng: np.random.Generator, *, share: float = 1.0, jitter_s: float = 0.01) -> str:
    """A performance of a score that plays a share of its notes."""
    lines = ["info(matchFileVersion,1.0.0).", "info(midiClockUnits,480).", "info(midiClockRate,500000)."]
    for index, note in enumerate(score.notes):
        side = f"snote({note['note_id']},[C,n],4,1:1,0,1/8,0.0,1.0,[staff1])"
        if rng.random() >= share:
            lines.append(f"{side}-deletion.")
            continue
        on = round(960 * (0.5 + note["onset_beat"] * 60 / BPM + rng.normal(0, jitter_s)))
        length = max(round(800 * note["duration_beat"] * 60 / BPM), 10)
        velocity = int(np.clip(64 + rng.normal(0, 12), 1, 127))
        lines.append(f"{side}-note(n{index},{note['pitch']},{max(on, 0)},{max(on, 0) + length},{velocity},0,0).")
    return "\n".join([*lines, "sustain(480,127).", "sustain(960,0)."]) + "\n"


def folder_in(split: str, number: int = 0) -> str:
    """A folder whose piece belongs to a split."""
    names = (f"Bach/Minuet/number_{index}" for index in range(1000))
    return [name for name, _ in zip((n for n in names if split_of(n) == split), range(number + 1), strict=False)][-1]


def nasap(root: Path, example: bytes, folders: dict[str, dict[str, tuple[str, bool]]]) -> Path:
    """A tree like that of the dataset: folder -> performance -> (match file, whether it is robust)."""
    rows = []
    for folder, performances in folders.items():
        (root / folder).mkdir(parents=True)
        (root / folder / "xml_score.musicxml").write_bytes(example)
        for name, (text, robust) in performances.items():
            (root / folder / f"{name}.match").write_text(text)
            cells = ("Bach", folder, f"{folder}/xml_score.musicxml", f"{folder}/midi_score.mid")
            rows.append((*cells, f"{folder}/{name}.mid", f"{folder}/{name}.match", "1.0" if robust else "0.0"))
    with (root / "metadata.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return root


def score_midi(example: bytes, *, delay_beat: int = 0) -> bytes:
    """The example as a score MIDI, quarter notes as quarter notes, perhaps after a rest."""
    import io

    import mido

    score = formats.read_score(example)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=600000)])
    events = []
    for note in score.notes[score.notes["grace"] == 0]:
        on = round((note["onset_beat"] + delay_beat) * 480)
        events += [
            (on, 1, int(note["pitch"])),
            (on + max(round(note["duration_beat"] * 480) - 1, 1), 0, int(note["pitch"])),
        ]
    now = 0
    for tick, down, pitch in sorted(events):
        track.append(mido.Message("note_on" if down else "note_off", note=pitch, velocity=70 * down, time=tick - now))
        now = tick
    buffer = io.BytesIO()
    mido.MidiFile(type=0, ticks_per_beat=480, tracks=[track]).save(file=buffer)
    return buffer.getvalue()
