"""An alignment as other programs read it: comma-separated values, a match file, a performance."""

from __future__ import annotations

import csv
import io

import numpy as np

from perfsynth.types import PERFORMED_NOTE, Alignment, Performance, Score

VELOCITY = 64  # where the score has none
SHORTEST_S = 0.01  # of a key press
TICKS_S = 0.001  # of a match file's clock: 500 units to a beat of 500000 us
STEPS = (("C", "n"), ("C", "#"), ("D", "n"), ("E", "b"), ("E", "n"), ("F", "n"), ("F", "#"), ("G", "n"),
         ("A", "b"), ("A", "n"), ("B", "b"), ("B", "n"))  # fmt: skip

# Major keys of 7 flats to 7 sharps.
MAJOR = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")


def as_csv(alignment: Alignment) -> bytes:
    """A header and a row per note; unplayed notes have no times."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(alignment.notes.dtype.names or ())
    for row in alignment.notes.tolist():
        writer.writerow(["" if value != value else value for value in row])
    return out.getvalue().encode()


def as_performance(alignment: Alignment, score: Score) -> Performance:
    """The score's notes when they are played, in the parts and with the velocities that the score gives them."""
    of = {str(note["note_id"]): note for note in score.notes}
    played = alignment.notes[alignment.notes["status"] == "matched"]
    notes = np.zeros(len(played), PERFORMED_NOTE)
    notes["note_id"], notes["onset_s"], notes["pitch"] = played["note_id"], played["onset_s"], played["pitch"]
    notes["duration_s"] = np.maximum(played["offset_s"] - played["onset_s"], SHORTEST_S)
    for row, note_id in enumerate(played["note_id"].tolist()):
        notes["velocity"][row] = int(of[note_id]["velocity"]) or VELOCITY
        notes["part"][row] = of[note_id]["part"]
    played_in_order = notes[np.argsort(notes["onset_s"], kind="stable")]
    return Performance(played_in_order, parts=score.parts, history=alignment.history, sha256=alignment.sha256)


def as_match(alignment: Alignment, score: Score) -> bytes:
    """A match file (Foscarin et al. 2022), version 1.0.0, of 1 ms to a tick.

    Differs: pitches are spelled in sharps and flats by the key of no sharps, as a MIDI file has no spelling, and keys
    are named as if they were major.
    """
    head = {
        "matchFileVersion": "1.0.0", "piece": score.title or "-", "scoreFileName": "-", "midiFileName": "-",
        "composer": score.composer or "-", "performer": "-", "midiClockUnits": round(0.5 / TICKS_S),
        "midiClockRate": 500000,
    }  # fmt: skip
    lines = [f"info({key},{str(value).replace(',', ' ').replace(')', ' ')})." for key, value in head.items()]
    velocity = {str(note["note_id"]): int(note["velocity"]) or VELOCITY for note in score.notes}
    starts, numbers, units = _measures(score)
    for beat, fifths in score.keys[["onset_beat", "fifths"]].tolist():
        place = _place(beat, starts, numbers, units)
        lines.append(
            f"scoreprop(keySignature,{MAJOR[min(max(int(fifths), -7), 7) + 7]} Maj,{place[0]},{place[1]:.4f})."
        )
    meters = score.meters[["onset_beat", "numerator", "denominator"]].tolist() or [(float(starts[0]), 4, 4)]
    for beat, numerator, denominator in meters:
        place = _place(beat, starts, numbers, units)
        lines.append(f"scoreprop(timeSignature,{numerator}/{denominator},{place[0]},{place[1]:.4f}).")
    for index, note in enumerate(alignment.notes):
        written = _written(note, starts, numbers, units)
        if note["status"] != "matched":
            lines.append(f"{written}-deletion.")
            continue
        on, off = (round(float(note[field]) / TICKS_S) for field in ("onset_s", "offset_s"))
        struck = velocity[str(note["note_id"])]
        lines.append(f"{written}-note(n{index},{note['pitch']},{on},{max(off, on + 1)},{struck},0,0).")
    return ("\n".join(lines) + "\n").encode()


def _measures(score: Score) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Beats at which measures begin, their numbers and the note value of a beat there in quarter notes."""
    starts, numbers = score.measures["onset_beat"], score.measures["number"]
    if not len(starts):
        starts, numbers = np.array([float(score.notes["onset_beat"].min())]), np.array([1])
    units = np.ones(len(starts))
    for meter in score.meters:
        units[starts >= meter["onset_beat"] - 1e-6] = 4 / meter["denominator"]
    return np.asarray(starts), np.asarray(numbers), units


def _written(note: np.void, starts: np.ndarray, numbers: np.ndarray, units: np.ndarray) -> str:
    """The score side of a line: id, pitch, measure:beat, offset in the beat and duration in whole notes, beats."""
    from fractions import Fraction

    onset, duration = float(note["score_onset_beat"]), float(note["score_duration_beat"])
    place, begin, unit = _place(onset, starts, numbers, units)
    step, alter = STEPS[int(note["pitch"]) % 12]
    length = Fraction(duration / 4).limit_denominator(96)
    return (
        f"snote({note['note_id']},[{step},{alter}],{int(note['pitch']) // 12 - 1},{place},{length},"
        f"{begin:.4f},{begin + duration / unit:.4f},[])"
    )


def _place(onset: float, starts: np.ndarray, numbers: np.ndarray, units: np.ndarray) -> tuple[str, float, float]:
    """Measure:beat and offset in the beat (whole notes), the same in beats, and a beat in quarter notes."""
    from fractions import Fraction

    index = max(int(np.searchsorted(starts, onset + 1e-6)) - 1, 0)
    unit = float(units[index])
    beat, rest = divmod(max(onset - float(starts[index]), 0.0) + 1e-9, unit)
    return f"{numbers[index]}:{int(beat) + 1},{Fraction(rest / 4).limit_denominator(96)}", onset / unit, unit
