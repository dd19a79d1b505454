"""An alignment as other programs read it: comma-separated values, a match file, a performance."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np

from perfsynth.types import PERFORMED_NOTE, SOFT, SUSTAIN, Alignment, Performance, Score

VELOCITY = 64  # where the score has none
SHORTEST_S = 0.01  # of a key press
TICKS_S = 0.001  # of a match file's clock: 500 units to a beat of 500000 us
STEPS = (("C", "n"), ("C", "#"), ("D", "n"), ("E", "b"), ("E", "n"), ("F", "n"), ("F", "#"), ("G", "n"),
         ("A", "b"), ("A", "n"), ("B", "b"), ("B", "n"))  # fmt: skip
PEDALS = {SUSTAIN: "sustain", SOFT: "soft"}

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


def as_performance(alignment: Alignment, score: Score, recording: Performance | None = None) -> Performance:
    """The score's notes when they are played, in its parts and with its velocities.

    Of a `recording` of notes they have its velocities, and its pedals: those of a single part are for every part.
    """
    of = {str(note["note_id"]): note for note in score.notes}
    played = alignment.notes[alignment.notes["status"] == "matched"]
    notes = np.zeros(len(played), PERFORMED_NOTE)
    notes["note_id"], notes["onset_s"], notes["pitch"] = played["note_id"], played["onset_s"], played["pitch"]
    notes["duration_s"] = np.maximum(played["offset_s"] - played["onset_s"], SHORTEST_S)
    for row, note_id in enumerate(played["note_id"].tolist()):
        notes["velocity"][row] = int(of[note_id]["velocity"]) or VELOCITY
        notes["part"][row] = of[note_id]["part"]
    notes = notes[np.argsort(notes["onset_s"], kind="stable")]
    made = Performance(notes, parts=score.parts, history=alignment.history, sha256=alignment.sha256)
    if recording is None:
        return made
    struck = _struck(recording)
    notes["velocity"] = [recording.notes["velocity"][struck[_press(note)]] for note in notes]
    n_parts = len(score.parts)
    controls = np.repeat(recording.controls, n_parts if len(recording.parts) == 1 else 1)
    if len(recording.parts) == 1:
        controls["part"] = np.tile(np.arange(n_parts), len(recording.controls))
    return replace(made, controls=controls[controls["part"] < n_parts])


def _press(note: np.void) -> tuple[int, float]:
    return int(note["pitch"]), float(note["onset_s"])


def _struck(recording: Performance) -> dict[tuple[int, float], int]:
    """The row of each key press of a recording of notes."""
    return {_press(note): row for row, note in enumerate(recording.notes)}


def as_match(alignment: Alignment, score: Score, recording: Performance | None = None) -> bytes:
    """A match file (Foscarin et al. 2022), version 1.0.0, of 1 ms to a tick.

    Of a `recording` of notes it has the velocities, what plays no note of the score, and the pedals. Else velocities
    are the score's.

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
    struck = {} if recording is None else _struck(recording)
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
        row = struck.pop(_press(note), None)
        loud = velocity[str(note["note_id"])] if recording is None or row is None else recording.notes["velocity"][row]
        lines.append(f"{written}-{_played(index, note, float(note['offset_s']), int(loud))}")
    if recording is not None:
        for row in struck.values():
            note = recording.notes[row]
            off_s = float(note["onset_s"] + note["duration_s"])
            lines.append(f"insertion-{_played(len(alignment.notes) + row, note, off_s, int(note['velocity']))}")
        for time_s, number, value, _ in recording.controls.tolist():
            if number in PEDALS:
                lines.append(f"{PEDALS[number]}({round(time_s / TICKS_S)},{value}).")
    return ("\n".join(lines) + "\n").encode()


def _played(number: int, note: np.void, off_s: float, velocity: int) -> str:
    """The performed side of a line."""
    on, off = round(float(note["onset_s"]) / TICKS_S), round(off_s / TICKS_S)
    return f"note(n{number},{note['pitch']},{on},{max(off, on + 1)},{velocity},0,0)."


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
