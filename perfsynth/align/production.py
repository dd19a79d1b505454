"""The aligner that ships: when each note begins, when its key goes up and when it stops sounding."""

from __future__ import annotations

import logging

import numpy as np

from perfsynth.align.core import UNSURE, Summary, rows
from perfsynth.align.dtw import Backend
from perfsynth.align.features import FRAME_S
from perfsynth.align.offsets import key_up_s
from perfsynth.align.onsets import Onsets, onsets
from perfsynth.align.path import Course
from perfsynth.align.repeats import decisions
from perfsynth.align.sound_offs import sound_off_s
from perfsynth.types import Audio, AudioStream, Score

log = logging.getLogger("perfsynth")

DOUBTFUL = 0.6  # of the notes below one half of confidence


def aligned(
    audio: Audio | AudioStream, score: Score, *, jumps: bool, backend: Backend, device: str | None
) -> tuple[np.ndarray, Summary]:
    """`ALIGNED_NOTE` rows and what is to be said about the recording; see `perfsynth.align.core.align`."""
    found = onsets(audio, score, jumps=jumps, backend=backend, device=device)
    offset_s = key_up_s(found.heard, found.notes, found.onset_s, found.along.semitones)
    ends_s = sound_off_s(found.heard, found.pitch, found.onset_s, offset_s)
    onset_s = np.clip(found.onset_s, 0, found.heard.length_s)
    table = rows(found.notes, onset_s, offset_s, found.sure, sound_off_s=ends_s)
    summary = _summary(found, onset_s, offset_s)
    if summary.unsure > DOUBTFUL:
        log.warning(
            "%.0f %% of the notes are hardly heard to begin, as in a wrong piece or of instruments that begin softly: "
            "check that this is the right piece",
            100 * summary.unsure,
        )
    return table, summary


def _summary(found: Onsets, onset_s: np.ndarray, offset_s: np.ndarray) -> Summary:
    played = np.isfinite(onset_s)
    return Summary(
        tuning_cents=found.heard.tuning_cents,
        semitones=found.along.semitones,
        lead_in_s=float(np.nanmin(onset_s)),
        tail_s=max(0.0, found.heard.length_s - _ended_s(found.along, offset_s)),
        decisions=tuple(decisions(found.along, found.pages)),
        unsure=float(np.mean(found.sure[played] < UNSURE)),
        likeness=found.likeness,
    )


def _ended_s(along: Course, offset_s: np.ndarray) -> float:
    """When the music ends; where its last stretch was played before, no note has the time of its end."""
    *before, last = (stretch.path for stretch in along.structure.stretches)
    last_key_up_s = float(np.nanmax(offset_s))
    if all(path[-1, 1] < last[-1, 1] for path in before):
        return last_key_up_s
    return max(last_key_up_s, float(last[-1, 0] + 1) * along.factor * FRAME_S)
