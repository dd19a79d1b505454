"""How far the times of an alignment are from the true ones.

Onsets: the error of each note that was played, and the share within 20, 50, 100 and 300 ms; a note that was played
and is not found counts as an error without bound. Offsets are right within 50 ms or a fifth of the note, whichever
is more (the rule of the MIREX note transcription task): keys that go up, and notes that stop sounding, where the
truth has them. A confidence means something when of the notes that share
one, that share is within 50 ms.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from perfsynth.errors import InputError

log = logging.getLogger("perfsynth")

WINDOWS_MS = (20, 50, 100, 300)
RIGHT_S = 0.05  # of an onset, for confidences
OFFSET_S, OFFSET_SHARE = 0.05, 0.2
ENDS = {"offsets": "offset_s", "sound_offs": "sound_off_s"}  # of keys and of sounds
SURE = 0.5
BINS = 10  # of confidence
TICKS = 48  # of a quarter note: onsets closer than that are the same


@dataclass(frozen=True)
class Paired:
    """Notes of an alignment beside the true ones: arrays (n,)."""

    predicted: np.ndarray  # ALIGNED_NOTE
    true: np.ndarray  # ALIGNED_NOTE


def paired(predicted: np.ndarray, true: np.ndarray) -> Paired:
    """Notes that both lists have, joined by ``note_id``; where ids differ, by position in the score and pitch.

    Parameters
    ----------
    predicted, true : `ALIGNED_NOTE`
        Positions may differ by a constant, as the first measure of a MIDI file begins at 0.

    Raises
    ------
    InputError
        When less than half of the notes of the shorter list are in both.
    """
    if not len(predicted) or not len(true):
        raise InputError(f"{len(predicted)} aligned and {len(true)} true notes: at least one of each is needed")
    place = {(str(note["note_id"]), int(note["pitch"])): index for index, note in enumerate(true)}
    rows = [place.get((str(note["note_id"]), int(note["pitch"])), -1) for note in predicted]
    if sum(row >= 0 for row in rows) < min(len(predicted), len(true)) / 2:
        rows = _by_position(predicted, true)
    found = np.array(rows)
    n_both = int((found >= 0).sum())
    if n_both < min(len(predicted), len(true)) / 2:
        raise InputError(
            f"{n_both} notes are in both lists, of {len(predicted)} aligned and {len(true)} true ones: "
            "are they of the same score?"
        )
    lacking = true["status"] == "matched"
    lacking[found[found >= 0]] = False
    if lacking.any():
        log.warning("%d notes that are truly played are not in the alignment; they are not counted", lacking.sum())
    return Paired(predicted[found >= 0], true[found[found >= 0]])


def _by_position(predicted: np.ndarray, true: np.ndarray) -> list[int]:
    firsts = [
        float(side["score_onset_beat"][side["score_duration_beat"] > 0].min(initial=np.inf))
        for side in (predicted, true)
    ]
    keys = [
        [
            (
                round((float(note["score_onset_beat"]) - first) * TICKS),
                int(note["pitch"]),
                note["score_duration_beat"] > 0,
            )
            for note in side
        ]
        for side, first in zip((predicted, true), firsts, strict=True)
    ]
    place = {key: index for index, key in reversed(list(enumerate(keys[1])))}
    return [place.get(key, -1) for key in keys[0]]


def onset_errors_s(pairs: Paired) -> np.ndarray:
    """Predicted less true onset of each note that was played, (n,); inf where it was not found."""
    played = pairs.true["status"] == "matched"
    error = pairs.predicted["onset_s"][played] - pairs.true["onset_s"][played]
    return np.where(pairs.predicted["status"][played] == "matched", error, np.inf)


def evaluate(pairs: Paired) -> dict[str, float]:
    """All figures, by name; times in ms, shares in percent, nan where there is nothing to measure."""
    error = onset_errors_s(pairs)
    if not len(error):
        raise InputError("no note of the true alignment is played: there is nothing to measure")
    found = error[np.isfinite(error)]
    size_ms = 1000 * np.abs(error)
    figures = {
        "notes": float(len(error)),
        "found": 100 * len(found) / len(error),
        "median_ms": float(np.median(size_ms)),
        "mean_ms": float(1000 * np.abs(found).mean()) if len(found) else np.nan,
        "bias_ms": float(1000 * np.median(found)) if len(found) else np.nan,
    }
    figures |= {f"within_{window}_ms": float(100 * np.mean(size_ms <= window)) for window in WINDOWS_MS}
    for name, field in ENDS.items():
        right, known = right_ends(pairs, field)
        figures[name] = float(100 * right[known].mean()) if known.any() else np.nan
    figures["first_chord_ms"] = _first_chord_ms(pairs)
    unplayed = pairs.true["status"] == "unplayed"
    figures["unplayed_found"] = (
        float(100 * np.mean(pairs.predicted["status"][unplayed] == "unplayed")) if unplayed.any() else np.nan
    )
    return figures | _confidence(pairs, error)


def tolerance_s(length_s: np.ndarray) -> np.ndarray:
    """How far the end of a note of a length, in s, may lie from the true one: 50 ms or a fifth, whichever is more."""
    return np.maximum(OFFSET_S, OFFSET_SHARE * length_s)


def right_ends(pairs: Paired, field: str) -> tuple[np.ndarray, np.ndarray]:
    """Of each note that was played, (n,): whether its end is within 50 ms or a fifth, and whether that can be said.

    Parameters
    ----------
    pairs
        Notes and their true times.
    field
        A value of `ENDS`. An end that was not found is wrong where the truth has it, unless no end was sought at all.
    """
    played = pairs.true["status"] == "matched"
    true = pairs.true[played]
    found = pairs.predicted[field][played]
    right = np.abs(found - true[field]) <= tolerance_s(true[field] - true["onset_s"])
    return right, np.isfinite(true[field]) & np.isfinite(found).any()


def _first_chord_ms(pairs: Paired) -> float:
    """Largest error in the first chord that was played."""
    played = pairs.true["status"] == "matched"
    beats = pairs.true["score_onset_beat"][played]
    return float(1000 * np.abs(onset_errors_s(pairs)[beats == beats.min()]).max())


def _confidence(pairs: Paired, error: np.ndarray) -> dict[str, float]:
    confidence = pairs.predicted["confidence"][pairs.true["status"] == "matched"]
    right = np.abs(error) <= RIGHT_S
    sure = confidence >= SURE
    shares = calibration(confidence, right)
    return {
        "sure": float(100 * sure.mean()),
        "sure_and_right": float(100 * right[sure].mean()) if sure.any() else np.nan,
        "calibration_error": float(sum(n * abs(mean - share) for mean, share, n in shares) / len(error)),
    }


def calibration(confidence: np.ndarray, right: np.ndarray) -> list[tuple[float, float, int]]:
    """Mean confidence, share that is right and number of notes of each of ten bins that holds any."""
    rows = np.clip((confidence * BINS).astype(int), 0, BINS - 1)
    return [
        (float(confidence[rows == row].mean()), float(right[rows == row].mean()), int(np.sum(rows == row)))
        for row in range(BINS)
        if (rows == row).any()
    ]
