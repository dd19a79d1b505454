"""A small score, and ways to play it, for the tests of what judges performances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perfsynth.types import CONTROL, MEASURE, METER, PERFORMED_NOTE, SCORE_NOTE, SUSTAIN, Performance, Score


def score(n_beats: int = 64, *, seed: int = 0) -> Score:
    """A bass note on every beat, a melody in eighths, three-part chords on every bar line, 4/4."""
    generator = np.random.default_rng(seed)
    rows = []
    for beat in range(n_beats):
        rows.append((beat, 1.0, 36 + int(generator.integers(12))))
        rows += [(beat + half / 2, 0.5, 72 + int(generator.integers(12))) for half in range(2)]
        if beat % 4 == 0:
            rows += [(beat, 2.0, pitch + int(generator.integers(4))) for pitch in (50, 57, 64)]
    rows.sort()
    notes = np.zeros(len(rows), SCORE_NOTE)
    notes["note_id"] = [f"n{index}" for index in range(len(rows))]
    for field, column in zip(("onset_beat", "duration_beat", "pitch"), zip(*rows, strict=True), strict=True):
        notes[field] = column
    bars = np.arange(0, n_beats, 4)
    return Score(
        notes,
        meters=np.array([(0.0, 4, 4)], METER),
        measures=np.array([(bar, number + 1) for number, bar in enumerate(bars)], MEASURE),
    )


def human(of: Score, seed: int, *, swing: float = 0.15) -> Performance:
    """Somebody's performance: tempo, loudness and touch drift, notes scatter, the pedal changes every two beats."""
    generator = np.random.default_rng(seed)
    notes = of.notes
    beats = np.arange(np.ceil(notes["onset_beat"].max()) + 2)
    period_s = 0.5 * np.exp(swing * np.sin(beats / 5 + 0.3 * seed) + 0.03 * generator.standard_normal(len(beats)))
    time_s = 1.0 + np.concatenate([[0.0], np.cumsum(period_s[:-1])])
    onset_s, end_s = (np.interp(at, beats, time_s) for at in (notes["onset_beat"], notes["onset_beat"] + 1))
    made = np.zeros(len(notes), PERFORMED_NOTE)
    for field in ("note_id", "pitch", "part"):
        made[field] = notes[field]
    made["onset_s"] = onset_s + 0.01 * generator.standard_normal(len(notes))
    touch = np.exp(0.3 * np.sin(notes["onset_beat"] / 3) + 0.1 * generator.standard_normal(len(notes)))
    made["duration_s"] = notes["duration_beat"] * (end_s - onset_s) * 0.8 * touch
    loud = 64 + 15 * np.sin(notes["onset_beat"] / 7) + 5 * generator.standard_normal(len(notes))
    made["velocity"] = np.clip(np.rint(loud), 1, 127)
    return Performance(made, pedals(time_s[::2]))


def pedals(change_s: np.ndarray) -> np.ndarray:
    """A pedal that is lifted at each of `change_s` and goes down 0.2 s later."""
    rows = [row for time_s in change_s for row in ((time_s, SUSTAIN, 0, 0), (time_s + 0.2, SUSTAIN, 127, 0))]
    return np.array(rows, CONTROL)


def without_ids(performance: Performance) -> Performance:
    """The same as any MIDI file tells it: sorted by onset, nothing said of a score."""
    notes = performance.notes.copy()
    notes["note_id"] = ""
    return replace(performance, notes=notes[np.argsort(notes["onset_s"], kind="stable")])


def slower(performance: Performance, factor: float) -> Performance:
    """The same stretched in time."""
    notes, controls = performance.notes.copy(), performance.controls.copy()
    notes["onset_s"] *= factor
    notes["duration_s"] *= factor
    controls["time_s"] *= factor
    return replace(performance, notes=notes, controls=controls)
