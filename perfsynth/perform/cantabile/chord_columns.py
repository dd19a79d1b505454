"""What the network is told about each chord of a score, a chord being all that begins together."""

from __future__ import annotations

import numpy as np

from perfsynth.perform.cantabile.columns import Columns, log2_beats
from perfsynth.perform.cantabile.context import Vicinity, arcs, bars, chroma, harmonic_change, keys, near, repetition
from perfsynth.perform.cantabile.written import Written
from perfsynth.types import Mark, Score

WINDOWS = (2.0, 8.0, 32.0)  # beats
WRITTEN_TEMPO, TEMPO_SCALE = "tempo", 2.0  # a column and its unit, ln of the tempo relative to the piece's mean
HYPERMETRES = (2, 4, 8)  # bars


def chord_columns(
    score: Score, notes: np.ndarray, chord: np.ndarray, beat: np.ndarray, written: Written
) -> tuple[Columns, np.ndarray]:
    """The columns of the chords, and the local tonic (0..11) at each; arguments as in `note_columns`."""
    columns = Columns(len(beat))
    vicinity = Vicinity(beat)
    classes = chroma(notes, chord, len(beat))
    texture = _texture(columns, notes, chord, beat)
    _time(columns, beat)
    lines, bar_of = bars(score.measures, score.meters, beat)
    _metre(columns, score, beat, lines, bar_of)
    columns.add("second_time", _second_time(notes, chord, len(beat)), "marks")
    columns.add_each("bar", repetition(notes, chord, bar_of, lines)[bar_of], "meter")
    _contours(columns, vicinity, texture)
    tonic = _harmony(columns, vicinity, classes, notes, chord)
    _rests(columns, notes, chord, beat)
    _signs(columns, notes, chord, beat)
    for name, values in zip(("slur_share", "slur_length"), arcs(score.slurs, beat), strict=True):
        columns.add(name, values, "marks")
    _dynamics(columns, vicinity, written, beat)
    _tempo(columns, vicinity, written, beat)
    return columns, tonic


def _texture(columns: Columns, notes: np.ndarray, chord: np.ndarray, beat: np.ndarray) -> dict[str, np.ndarray]:
    size = np.bincount(chord, minlength=len(beat)).astype(float)
    top, bottom = np.full(len(beat), 0.0), np.full(len(beat), 127.0)
    np.maximum.at(top, chord, notes["pitch"])
    np.minimum.at(bottom, chord, notes["pitch"])
    mean = np.bincount(chord, notes["pitch"], len(beat)) / np.maximum(size, 1)
    ends = np.sort(notes["onset_beat"] + notes["duration_beat"])
    sounding = np.searchsorted(np.sort(notes["onset_beat"]), beat + 1e-3) - np.searchsorted(ends, beat + 1e-3)
    longest = np.zeros(len(beat))
    np.maximum.at(longest, chord, notes["duration_beat"])
    step = np.diff(beat, append=beat[-1] + max(longest[-1], 0.25))
    columns.add("n_notes", np.log2(np.maximum(size, 1)))
    columns.add("n_sounding", np.log2(np.maximum(sounding, 1)))
    for name, values in (("top", top), ("bottom", bottom), ("mean", mean)):
        columns.add(name, (values - 64) / 16)
    columns.add("span", (top - bottom) / 24)
    columns.add("longest", log2_beats(longest) / 2)
    columns.add("top_moves", np.clip(np.diff(top, prepend=top[0]), -24, 24) / 6)
    columns.add("bottom_moves", np.clip(np.diff(bottom, prepend=bottom[0]), -24, 24) / 6)
    rate = -log2_beats(step)
    return {"top": top / 12, "bottom": bottom / 12, "size": size / 2, "rate": rate, "longest": log2_beats(longest)}


def _time(columns: Columns, beat: np.ndarray) -> None:
    step = np.diff(beat)
    before, after = np.append(1.0, step), np.append(step, 1.0)
    columns.add("step_before", log2_beats(before))
    columns.add("step_after", log2_beats(after))
    columns.add("step_ratio", log2_beats(after) - log2_beats(before))
    columns.add("step_after_next", log2_beats(np.append(after[1:], 1.0)))
    since, until = beat - beat[0], beat[-1] - beat
    for reach in (2.0, 8.0, 32.0):
        columns.add(f"near_start_{reach:g}", np.exp(-since / reach))
        columns.add(f"near_end_{reach:g}", np.exp(-until / reach))
    columns.add("share_done", since / max(beat[-1] - beat[0], 1.0) * 2 - 1)
    columns.add("length", np.full(len(beat), np.log2(max(beat[-1] - beat[0], 1.0)) - 8))


def _metre(columns: Columns, score: Score, beat: np.ndarray, lines: np.ndarray, bar_of: np.ndarray) -> None:
    length = np.append(np.diff(lines), 4.0)
    if len(score.meters):
        row = np.clip(np.searchsorted(score.meters["onset_beat"], beat + 1e-6, side="right") - 1, 0, None)
        nominal = 4.0 * score.meters["numerator"][row] / score.meters["denominator"][row]
        compound = (score.meters["numerator"][row] % 3 == 0) & (score.meters["numerator"][row] > 3)
        length = np.where(np.arange(len(lines)) == len(lines) - 1, nominal[-1], length)
    else:
        compound = np.zeros(len(beat), bool)
    inside = beat - lines[bar_of]
    phase = inside / np.maximum(length[bar_of], 0.25)
    for k in (1, 2, 3, 4):
        columns.add(f"bar_sin_{k}", np.sin(2 * np.pi * k * phase), "meter")
        columns.add(f"bar_cos_{k}", np.cos(2 * np.pi * k * phase), "meter")
    columns.add("downbeat", inside < 1e-3, "meter")
    columns.add("on_beat", np.abs(inside - np.rint(inside)) < 1e-3, "meter")
    columns.add("on_eighth", np.abs(2 * inside - np.rint(2 * inside)) < 1e-3, "meter")
    columns.add("on_triplet", np.abs(3 * inside - np.rint(3 * inside)) < 1e-3, "meter")
    columns.add("bar_length", np.log2(np.maximum(length[bar_of], 0.25)) - 1.5, "meter")
    columns.add("compound", compound, "meter")
    for size in HYPERMETRES:
        columns.add(f"hyper_sin_{size}", np.sin(2 * np.pi * (bar_of + phase) / size), "meter")
        columns.add(f"hyper_cos_{size}", np.cos(2 * np.pi * (bar_of + phase) / size), "meter")


def _second_time(notes: np.ndarray, chord: np.ndarray, n_chords: int) -> np.ndarray:
    """Whether a chord is played again: unfolded ids end in the number of the pass."""
    again = np.array([str(i).rpartition("-")[2] not in ("", "1") and "-" in str(i) for i in notes["note_id"]])
    return np.bincount(chord, again, n_chords) > 0


def _contours(columns: Columns, vicinity: Vicinity, texture: dict[str, np.ndarray]) -> None:
    for name, values in texture.items():
        for beats in WINDOWS:
            past, future = vicinity.past(values, beats), vicinity.future(values, beats)
            past[0] = future[0]
            columns.add(f"{name}_change_{beats:g}", future - past)
            if name in ("top", "rate", "size"):
                columns.add(f"{name}_here_{beats:g}", values - vicinity.around(values, beats))
    for beats in WINDOWS:
        columns.add(f"top_rank_{beats:g}", vicinity.rank(texture["top"], beats))


def _harmony(
    columns: Columns, vicinity: Vicinity, classes: np.ndarray, notes: np.ndarray, chord: np.ndarray
) -> np.ndarray:
    for beats in (1.0, 4.0, 16.0):
        columns.add(f"harmony_changes_{beats:g}", harmonic_change(vicinity, classes, beats))
    tonic, minor, clear = keys(vicinity.around(classes, 8.0))
    home, home_minor, _ = keys(classes.sum(axis=0, keepdims=True))
    columns.add("minor", minor)
    columns.add("clear_key", clear)
    fifths = ((tonic - home[0]) * 7) % 12
    columns.add("fifths_sin", np.sin(2 * np.pi * fifths / 12))
    columns.add("fifths_cos", np.cos(2 * np.pi * fifths / 12))
    columns.add("home_minor", np.full(len(tonic), home_minor[0]))
    first = np.searchsorted(chord, np.arange(len(tonic)))
    bass = (notes["pitch"][np.minimum(first, len(notes) - 1)] - tonic) % 12
    columns.add_each("bass_degree", np.eye(12)[bass])
    here = vicinity.around(classes, 0.0)
    weight = here / np.maximum(here.sum(axis=1, keepdims=True), 1e-9)
    for name, interval in (("seconds", 1), ("tritones", 6), ("fifths", 7), ("thirds", 4)):
        columns.add(name, 4 * (weight * np.roll(weight, interval, axis=1)).sum(axis=1))
    return tonic


def _rests(columns: Columns, notes: np.ndarray, chord: np.ndarray, beat: np.ndarray) -> None:
    """Silence before and after each chord, and how long the longest notes are held over."""
    latest = np.full(len(beat), -np.inf)
    np.maximum.at(latest, chord, notes["onset_beat"] + notes["duration_beat"])
    latest = np.maximum.accumulate(latest)
    silence = np.append(np.maximum(beat[1:] - latest[:-1], 0.0), 1.0)
    columns.add("rest_after", np.clip(silence, 0, 4))
    columns.add("rest_before", np.clip(np.append(1.0, silence[:-1]), 0, 4))
    places = beat[1:][silence[:-1] > 0.2] if len(beat) > 1 else beat[:0]
    ahead, behind = near(places, beat, 2.0)
    columns.add("rest_ahead", ahead)
    columns.add("rest_behind", behind)


def _signs(columns: Columns, notes: np.ndarray, chord: np.ndarray, beat: np.ndarray) -> None:
    for name, mark in (("fermata", Mark.FERMATA), ("breath", Mark.BREATH), ("arpeggio", Mark.ARPEGGIO)):
        has = np.bincount(chord, notes["marks"] & mark != 0, len(beat)) > 0
        columns.add(f"has_{name}", has, "marks")
        if name != "arpeggio":
            ahead, behind = near(beat[has], beat, 2.0)
            columns.add(f"{name}_ahead", ahead, "marks")
            columns.add(f"{name}_behind", behind, "marks")
    ornament = Mark.TRILL | Mark.TURN | Mark.MORDENT
    columns.add("has_ornament", np.bincount(chord, notes["marks"] & ornament != 0, len(beat)) > 0, "marks")
    columns.add("n_graces", np.minimum(np.bincount(chord, notes["grace"] > 0, len(beat)), 4))


def _dynamics(columns: Columns, vicinity: Vicinity, written: Written, beat: np.ndarray) -> None:
    level = written.chord_level
    columns.add("level", (level - level.mean()) / 20, "dynamics")
    for beats in (2.0, 8.0):
        columns.add(f"level_to_come_{beats:g}", (vicinity.future(level, beats) - level) / 20, "dynamics")
        columns.add(f"level_been_{beats:g}", (vicinity.past(level, beats) - level) / 20, "dynamics")
    columns.add("accent_gain", written.chord_accent / 20, "dynamics")
    ahead, behind = near(written.signs_beat, beat, 4.0)
    columns.add("sign_ahead", ahead, "dynamics")
    columns.add("sign_behind", behind, "dynamics")
    columns.add("crescendo", written.crescendo, "dynamics")
    columns.add("diminuendo", written.diminuendo, "dynamics")
    columns.add("level_spread", np.full(len(level), level.std() / 20), "dynamics")


def _tempo(columns: Columns, vicinity: Vicinity, written: Written, beat: np.ndarray) -> None:
    tempo = written.log_bpm
    mean = np.average(tempo, weights=np.diff(beat, append=beat[-1] + 1.0))
    columns.add(WRITTEN_TEMPO, TEMPO_SCALE * (tempo - mean), "tempo")
    columns.add("mean_tempo", np.full(len(beat), mean - np.log(100)), "tempo")
    for beats in (2.0, 8.0):
        columns.add(f"tempo_to_come_{beats:g}", 4 * (vicinity.future(tempo, beats) - tempo), "tempo")
        columns.add(f"tempo_been_{beats:g}", 4 * (vicinity.past(tempo, beats) - tempo), "tempo")
    columns.add("ritardando", written.ritardando, "tempo")
    columns.add("accelerando", written.accelerando, "tempo")
    ahead, behind = near(written.tempo_changes_beat, beat, 4.0)
    columns.add("tempo_change_ahead", ahead, "tempo")
    columns.add("tempo_change_behind", behind, "tempo")
    columns.add("pedal_written", written.pedal, "marks")
