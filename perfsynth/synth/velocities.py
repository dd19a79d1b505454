"""Velocities that a network has not learnt, or unevenly: its bands are made louder or softer.

Beyond those that it has learnt it plays the nearest; those between it plays as they are, evened by a gain of each.
"""

from __future__ import annotations

import numpy as np

from perfsynth.dsp.mel import Preset
from perfsynth.synth.voicing import velocity_db

FALL_DB = 10.0  # a second: so much less a note that began earlier tells of how loud a frame is
LN_10 = float(np.log(10))


def nearest(table: np.ndarray, lowest: int, highest: int) -> np.ndarray:
    """The notes, `perfsynth.synth.roll.SOUNDING`, each with the nearest velocity of a range."""
    table = table.copy()
    table["velocity"] = np.clip(table["velocity"], lowest, highest)
    return table


def levelled(
    values: np.ndarray, table: np.ndarray, lowest: int, highest: int, preset: Preset, evened_db: tuple[float, ...] = ()
) -> np.ndarray:
    """Bands of notes that were played within a range of velocities, as loud as they are written.

    Parameters
    ----------
    values
        (n_bands, n_frames) natural logarithms of mel bands, of `nearest` notes.
    table
        The notes as they are written, `perfsynth.synth.roll.SOUNDING`.
    lowest, highest
        Velocities of the range.
    preset
        Of the values.
    evened_db
        (highest - lowest + 1,) gain in dB of each velocity of the range; without, none.

    Returns
    -------
    ndarray
        (n_bands, n_frames) float32: each frame raised by what its notes lack by `voicing.velocity_db` and by the gains
        of the velocities that were played, their mean by power; one without notes as the one before it. Silent bands
        stay silent.
    """
    given = np.clip(table["velocity"], lowest, highest)
    lacking = velocity_db(table["velocity"]) - velocity_db(given)
    if evened_db:
        lacking += np.asarray(evened_db)[given - lowest]
    if not lacking.any():
        return values
    n_frames, frame_s = values.shape[1], preset.hop / preset.sample_rate
    power, raised = np.zeros(n_frames), np.zeros(n_frames)
    for note, by_db in zip(table, lacking, strict=True):
        first = min(int(note["begin_s"] / frame_s), n_frames - 1)
        frames = slice(first, max(int(np.ceil(note["end_s"] / frame_s)), first + 1))
        level_db = velocity_db(note["velocity"]) - FALL_DB * frame_s * np.arange(len(power[frames]))
        power[frames] += 10 ** (level_db / 10)
        raised[frames] += 10 ** (level_db / 10) * by_db
    sounds = np.flatnonzero(power)
    last = sounds[np.maximum(np.searchsorted(sounds, np.arange(n_frames), side="right") - 1, 0)]
    floor = np.float32(np.log(preset.floor))
    louder = values + raised[last] / power[last] * LN_10 / 20
    return np.asarray(np.where(values > floor, np.maximum(louder, floor), floor), np.float32)
