"""Notes beyond the range that a network has learnt: it plays them octaves away, and their bands are moved back."""

from __future__ import annotations

import logging

import numpy as np

from perfsynth.dsp.mel import Preset, filterbank

log = logging.getLogger("perfsynth")


def apart(table: np.ndarray, lowest: int, highest: int) -> list[tuple[int, np.ndarray]]:
    """The notes by how far they lie outside a range.

    Parameters
    ----------
    table
        `perfsynth.synth.roll.SOUNDING`.
    lowest, highest
        Keys that are within it, at least an octave apart.

    Returns
    -------
    list of tuple
        The octaves that some notes are to be moved up to sound as written, and those notes within the range; one
        entry at least.
    """
    octaves = np.ceil(np.maximum(table["pitch"] - highest, 0) / 12) - np.ceil(
        np.maximum(lowest - table["pitch"], 0) / 12
    )
    octaves = octaves.astype(int)
    if octaves.any():
        told = (
            "%d notes lie outside the keys %d..%d that were learnt: they sound as those some octaves away, moved back"
        )
        log.warning(told, np.count_nonzero(octaves), lowest, highest)
    parts = []
    for up in np.unique(octaves) if len(table) else (0,):
        part = table[octaves == up].copy()
        part["pitch"] -= 12 * up
        parts.append((int(up), part))
    return parts


def moved(values: np.ndarray, octaves: float, preset: Preset) -> np.ndarray:
    """(n_bands, n_frames) natural logarithms of mel bands, moved up; the outermost go on beyond those that were known.

    A partial keeps its magnitude, whatever the widths of the bands that hold it; silent frames stay silent.
    """
    if octaves == 0:
        return values
    bank = filterbank(preset)
    hz, gain = bank.argmax(axis=1) * preset.sample_rate / preset.n_fft, np.log(bank.max(axis=1))[:, None]
    position = np.interp(hz / 2.0**octaves, hz, np.arange(len(hz)))
    below = np.minimum(position.astype(int), len(hz) - 2)
    share, flat = (position - below)[:, None], values - gain
    made = (1 - share) * flat[below] + share * flat[below + 1] + gain
    floor = np.float32(np.log(preset.floor))
    return np.asarray(np.where((values > floor).any(axis=0), np.maximum(made, floor), floor), np.float32)
