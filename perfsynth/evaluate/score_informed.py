"""What a recording tells of the performance that it plays: its onsets, its pitches, notes that stand still.

All figures have a ceiling below perfection that depends on the music, so the reference's own is reported beside them:
detectors miss soft notes and confuse octaves in every recording, and notes that sound together disturb each other's
partials.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from perfsynth.dsp.mixing import mixed
from perfsynth.errors import InputError
from perfsynth.evaluate.matching import RATE
from perfsynth.evaluate.onsets import SCORE_INFORMED_S, detected_s, onset_scores, written_s
from perfsynth.evaluate.partials import held_wander_cents
from perfsynth.evaluate.pitch import pitch_recall


@dataclass(frozen=True)
class ScoreInformed:
    """What `score_informed` finds."""

    onset_precision: float
    onset_recall: float
    onset_f1: float  # within 50 ms of the onsets of the performance
    pitch_recall: float  # 0..1: struck keys that a fixed pitch detector hears
    wander_cents: float  # of the partials of held notes, median; nan where no note is held for a second

    def to_json(self) -> dict[str, float]:
        """The numbers by name."""
        return asdict(self)


def score_informed(audio: np.ndarray, notes: np.ndarray) -> ScoreInformed:
    """Judge a recording by the notes that it plays.

    Parameters
    ----------
    audio
        (n, n_channels) float at 44.1 kHz; its time 0 is that of the notes.
    notes
        PERFORMED_NOTE table.

    Raises
    ------
    InputError
        When no note begins while the recording lasts.
    """
    middle = mixed(audio)
    written = written_s(notes["onset_s"], duration_s=len(audio) / RATE)
    if len(written) == 0:
        raise InputError(f"no note begins in the {len(audio) / RATE:.1f} s of the recording; is it this performance?")
    found = onset_scores(detected_s(middle), written, SCORE_INFORMED_S)
    return ScoreInformed(
        found.precision, found.recall, found.f1, pitch_recall(middle, notes), held_wander_cents(middle, notes)
    )
