"""What the network is told about each note of a score."""

from __future__ import annotations

import numpy as np

from perfsynth.perform.cantabile.columns import Columns, log2_beats
from perfsynth.perform.cantabile.context import arcs, near
from perfsynth.types import Mark, Score

MOST_NOTES = 12  # of a chord that the search for neighbouring pitches looks at
MARKS = tuple(mark for mark in Mark if mark < Mark.INVERTED)  # what was learned
FAR = 99.0  # semitones or beats; where there is no neighbour


def note_columns(
    score: Score,
    notes: np.ndarray,
    chord: np.ndarray,
    chord_beat: np.ndarray,
    level: np.ndarray,
    accent: np.ndarray,
    tonic: np.ndarray,
) -> Columns:
    """The columns of `notes`.

    Parameters
    ----------
    score
        Where slurs, articulations and fermatas are looked up.
    notes
        (n,) `SCORE_NOTE`, by onset then pitch.
    chord, chord_beat
        Chord of each note, beat of each chord.
    level
        (n,) velocity that the score states or implies, 0..127.
    accent
        (n,) what accents add to it.
    tonic
        (m,) local tonic at each chord, 0..11.
    """
    columns = Columns(len(notes))
    pitch = notes["pitch"].astype(float)
    columns.add("pitch", (pitch - 64) / 16)
    columns.add_each("degree", np.eye(12)[(notes["pitch"] - tonic[chord]) % 12])
    _durations(columns, notes, chord, chord_beat)
    _place_in_chord(columns, notes, pitch, chord, len(chord_beat))
    _neighbours(columns, pitch, chord, chord_beat)
    _repeated_keys(columns, notes)
    _layout(columns, notes)
    _marks(columns, score, notes)
    mean = level.mean()
    columns.add("level", (level - mean) / 20, "dynamics")
    chord_level = np.bincount(chord, level, len(chord_beat)) / np.maximum(
        np.bincount(chord, minlength=len(chord_beat)), 1
    )
    columns.add("level_in_chord", (level - chord_level[chord]) / 20, "dynamics")
    columns.add("accent_gain", accent / 20, "dynamics")
    return columns


def _durations(columns: Columns, notes: np.ndarray, chord: np.ndarray, chord_beat: np.ndarray) -> None:
    step = np.diff(chord_beat, append=chord_beat[-1] + 1.0)[chord]
    duration = notes["duration_beat"]
    columns.add("duration", log2_beats(duration) / 2)
    columns.add("duration_to_step", log2_beats(duration) - log2_beats(step))
    columns.add("is_grace", notes["grace"] > 0)
    columns.add("is_appoggiatura", notes["grace"] == 2)


def _place_in_chord(columns: Columns, notes: np.ndarray, pitch: np.ndarray, chord: np.ndarray, n_chords: int) -> None:
    top, bottom = np.full(n_chords, -np.inf), np.full(n_chords, np.inf)
    np.maximum.at(top, chord, pitch)
    np.minimum.at(bottom, chord, pitch)
    size = np.bincount(chord, minlength=n_chords)
    columns.add("from_top", (top[chord] - pitch) / 12)
    columns.add("from_bottom", (pitch - bottom[chord]) / 12)
    columns.add("is_top", pitch == top[chord])
    columns.add("is_bottom", pitch == bottom[chord])
    columns.add("chord_size", np.log2(size[chord]))
    span = np.maximum(top - bottom, 1)[chord]
    columns.add("height", (pitch - bottom[chord]) / span * 2 - 1)
    sky_high, sky_low = _skyline(notes, pitch)
    columns.add("is_skyline", sky_high)
    columns.add("is_bass_line", sky_low)


def _skyline(notes: np.ndarray, pitch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether a note is the highest, the lowest of all that sounds when it begins."""
    onset, end = notes["onset_beat"], notes["onset_beat"] + notes["duration_beat"]
    high, low = np.ones(len(notes), bool), np.ones(len(notes), bool)
    for back in range(1, 40):  # the notes that still sound are among the last few that began
        if back >= len(notes):
            break
        earlier, later = slice(0, len(notes) - back), slice(back, None)
        sounds = end[earlier] > onset[later] + 1e-3
        high[later] &= ~(sounds & (pitch[earlier] > pitch[later]))
        low[later] &= ~(sounds & (pitch[earlier] < pitch[later]))
        together = np.abs(onset[earlier] - onset[later]) < 1e-3
        high[earlier] &= ~(together & (pitch[later] > pitch[earlier]))
        low[earlier] &= ~(together & (pitch[later] < pitch[earlier]))
    return high, low


def _neighbours(columns: Columns, pitch: np.ndarray, chord: np.ndarray, chord_beat: np.ndarray) -> None:
    """Interval to the nearest note of the chord before and after, and of the two chords around those."""
    table = np.full((len(chord_beat), MOST_NOTES), np.nan)
    first = np.searchsorted(chord, np.arange(len(chord_beat)))
    rank = np.minimum(np.arange(len(chord)) - first[chord], MOST_NOTES - 1)
    table[chord, rank] = pitch
    for name, shift in (("before", -1), ("before2", -2), ("after", 1), ("after2", 2)):
        other = chord + shift
        exists = (other >= 0) & (other < len(chord_beat))
        rows = table[np.clip(other, 0, len(chord_beat) - 1)]
        distance = np.where(np.isnan(rows), FAR, rows - pitch[:, None])
        nearest = distance[np.arange(len(pitch)), np.argmin(np.abs(distance), axis=1)]
        known = exists & (np.abs(nearest) < FAR)
        columns.add(f"interval_{name}", np.where(known, np.clip(nearest, -24, 24) / 6, 0.0))
        columns.add(f"step_{name}", known & (np.abs(nearest) <= 2) & (nearest != 0))


def _repeated_keys(columns: Columns, notes: np.ndarray) -> None:
    """Beats to the previous and next stroke of the same key."""
    order = np.lexsort([notes["onset_beat"], notes["pitch"]])
    onset, pitch = notes["onset_beat"][order], notes["pitch"][order]
    same = np.diff(pitch) == 0
    gap = np.where(same, np.diff(onset), FAR)
    previous, following = np.full(len(notes), FAR), np.full(len(notes), FAR)
    previous[order[1:]], following[order[:-1]] = gap, gap
    columns.add("since_same_key", log2_beats(previous, 1 / 16, 16) / 2)
    columns.add("until_same_key", log2_beats(following, 1 / 16, 16) / 2)
    columns.add("restrikes", following <= notes["duration_beat"] + 1e-3)


def _layout(columns: Columns, notes: np.ndarray) -> None:
    """Staves and voices: the place within one's own line."""
    staff = np.where(notes["part"] > 0, 3, notes["staff"])
    columns.add("upper_staff", staff == 1, "staff")
    columns.add("lower_staff", staff == 2, "staff")
    for name, key in (("staff", [staff, notes["part"]]), ("voice", [notes["voice"], notes["part"]])):
        order = np.lexsort([notes["pitch"], notes["onset_beat"], *key])
        onset, end = notes["onset_beat"][order], (notes["onset_beat"] + notes["duration_beat"])[order]
        line = np.any([np.diff(column[order], prepend=-9) != 0 for column in key], axis=0)
        new = line | (np.diff(onset, prepend=-FAR) > 1e-3)
        group = np.cumsum(new) - 1
        starts = onset[new]
        following = np.append(starts[1:], FAR)
        following = np.where(np.append(line[new][1:], True), np.inf, following)  # the line ends here
        gap = np.full(len(notes), 0.0)
        gap[order] = np.where(np.isfinite(following[group]), np.clip(following[group] - end, -4, 4), 0.0)
        columns.add(f"gap_after_in_{name}", gap, "staff")
        size = np.bincount(group)[group]
        position = np.arange(len(group)) - np.searchsorted(group, group)
        top = np.zeros(len(notes))
        top[order] = position == size - 1
        columns.add(f"top_of_{name}", top, "staff")


def _marks(columns: Columns, score: Score, notes: np.ndarray) -> None:
    for mark in MARKS:
        columns.add(str(mark.name).lower(), notes["marks"] & mark != 0, "marks")
    inside, starts, ends, share, length = (np.zeros(len(notes)) for _ in range(5))
    onset = notes["onset_beat"]
    for key in np.unique(score.slurs[["part", "voice"]]) if len(score.slurs) else ():
        rows = score.slurs[(score.slurs["part"] == key["part"]) & (score.slurs["voice"] == key["voice"])]
        here = np.flatnonzero((notes["part"] == key["part"]) & (notes["voice"] == key["voice"]))
        begin = np.sort(rows["onset_beat"])
        finish = np.sort(rows["end_beat"])
        open_ = np.searchsorted(begin, onset[here] + 1e-3) - np.searchsorted(finish, onset[here] - 1e-3)
        inside[here] = open_ > 0
        starts[here] = near(begin, onset[here], 1e-3)[0]
        ends[here] = near(finish, onset[here], 1e-3)[0]
        share[here], length[here] = arcs(rows, onset[here])
    columns.add("in_slur", inside, "marks")
    columns.add("slur_starts", starts, "marks")
    columns.add("slur_ends", ends, "marks")
    columns.add("slur_share", share, "marks")
    columns.add("slur_length", length, "marks")
