"""The order of a score's notes, the same whatever file they came from."""

from __future__ import annotations

import numpy as np

from perfsynth.errors import InputError
from perfsynth.tempo import beats_to_seconds, tempo_map

MAX_HOURS = 24  # a longer score is a broken one


def arranged(notes: np.ndarray) -> tuple[np.ndarray, dict[str, str]]:
    """Sort notes by onset, grace notes first in their written order, then by pitch; merge unison doublings.

    Parameters
    ----------
    notes
        (n,) `SCORE_NOTE`, in the order of the file.

    Returns
    -------
    notes
        At most n. Notes of one part with the same onset and pitch, neither of them a grace note, are one key on a
        keyboard: the longest stays, with the marks of all and the highest velocity.
    doubled
        For the id of each note that is gone, that of the one which stays for it.
    """
    is_main = notes["grace"] == 0
    rank = np.where(is_main, notes["pitch"], np.arange(len(notes)))
    order = np.lexsort([-notes["duration_beat"], notes["part"], rank, is_main, np.round(notes["onset_beat"], 6)])
    notes = notes[order]
    same = (
        (np.abs(np.diff(notes["onset_beat"])) < 1e-6)
        & (np.diff(notes["pitch"]) == 0)
        & (np.diff(notes["part"]) == 0)
        & (notes["grace"][1:] == 0)
        & (notes["grace"][:-1] == 0)
    )
    first = np.flatnonzero(np.append(True, ~same)) if len(notes) else np.zeros(0, int)
    merged = notes[first].copy()
    if len(first) < len(notes):
        merged["marks"] = np.bitwise_or.reduceat(notes["marks"], first)
        merged["velocity"] = np.maximum.reduceat(notes["velocity"], first)
    stays = np.repeat(merged["note_id"], np.diff(np.append(first, len(notes))))
    gone = np.ones(len(notes), bool)
    gone[first] = False
    return merged, dict(zip(notes["note_id"][gone].tolist(), stays[gone].tolist(), strict=True))


def check_length(end_beat: float, tempos: np.ndarray, name: str) -> None:
    """Refuse what lasts longer than a day.

    Raises
    ------
    InputError
        When `end_beat` lies later than `MAX_HOURS` under these tempos (n,) `TEMPO`.
    """
    hours = beats_to_seconds(np.array([end_beat]), tempo_map(tempos))[0] / 3600
    if hours > MAX_HOURS:
        raise InputError(f"{name}: lasts {hours:.0f} hours; at most {MAX_HOURS} are read, so check its tempo")
