"""When each key is released: a small network over moments between the onset and well past the written end.

A damper is heard as a fall of the note's partials where no pedal holds them; elsewhere it is a guess from how such
notes are played. The network weighs both; it was fitted to played piano pieces whose keys are known.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

import numpy as np

from perfsynth.align.bands import Bands
from perfsynth.align.evidence import OnsetModel
from perfsynth.align.features import FRAME_S
from perfsynth.dsp.semitones import LOWEST, N_BANDS

RATIOS = np.exp(np.linspace(np.log(0.12), np.log(1.8), 32))  # of the written duration, as played
NEAR_S, NEAR = 0.05, 0.2  # s, of the length: candidates that close to the true one are right
SHORTEST_S = 0.03
AFTER_LAST_BEATS = 16.0  # over which the tempo is taken to go on
NEIGHBOUR_S = 0.3  # beyond which the next onset does not matter
BLOCK_NOTES = 1024
WEIGHTS = Path(__file__).parent.parent / "pretrained" / "align-offsets" / "model.safetensors"


@cache
def offset_model() -> OnsetModel:
    """The network that ships."""
    from safetensors.numpy import load_file

    return OnsetModel(**load_file(WEIGHTS))


def key_up_s(heard: Bands, notes: np.ndarray, onset_s: np.ndarray, semitones: int) -> np.ndarray:
    """Times in s at which keys go up, (n,), nan for notes that are not played.

    Parameters
    ----------
    heard
        The recording.
    notes : (n,) `SCORE_NOTE`
        Sorted by onset.
    onset_s : (n,)
        nan for notes that are not played.
    semitones
        By which the recording sounds higher than written.
    """
    end_s = onset_s + SHORTEST_S
    rows = np.flatnonzero(np.isfinite(onset_s) & (notes["duration_beat"] > 0))
    onsets = np.unique(onset_s[rows])
    written_s = _written_end_s(notes[rows], onset_s[rows])
    for first in range(0, len(rows), BLOCK_NOTES):
        part = slice(first, first + BLOCK_NOTES)
        block = rows[part]
        pitch = notes["pitch"][block].astype(int) + semitones
        seen, times = _seen(heard.levels, pitch, onset_s[block], written_s[part], onsets)
        best = likeliest(offset_model()(seen), times - onset_s[block, None])
        end_s[block] = times[np.arange(len(block)), best]
    return np.where(np.isfinite(onset_s), np.maximum(np.minimum(end_s, heard.length_s), onset_s), np.nan)


def likeliest(score: np.ndarray, after_s: np.ndarray) -> np.ndarray:
    """Which candidate is most probably right within 50 ms or a fifth, (n,).

    Parameters
    ----------
    score : (n, w)
        Log-probabilities of the candidates, up to a constant.
    after_s : (n, w)
        Times of the candidates after the onset.
    """
    share = np.exp(score - score.max(axis=1, keepdims=True))
    allowed = np.maximum(NEAR_S, NEAR * after_s)[:, None]
    close = np.abs(after_s[:, :, None] - after_s[:, None]) <= allowed  # of each candidate to each that may be true
    return np.asarray(np.einsum("nij,nj->ni", close, share).argmax(axis=1))


def _written_end_s(notes: np.ndarray, onset_s: np.ndarray) -> np.ndarray:
    """When the position at which each note ends in the score is played; past the end at the median tempo."""
    beats, first = np.unique(notes["onset_beat"], return_index=True)
    times = np.maximum.accumulate(onset_s[first])
    period_s = float(np.median(np.diff(times) / np.diff(beats))) if len(beats) > 1 else 0.5
    knots = np.append(beats, beats[-1] + AFTER_LAST_BEATS)
    end_beat = notes["onset_beat"] + notes["duration_beat"]
    return np.asarray(np.interp(end_beat, knots, np.append(times, times[-1] + AFTER_LAST_BEATS * period_s)))


def gaps(times: np.ndarray, onsets_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From each of some times to the next of sorted onsets, and since the one before, in seconds."""
    following = np.searchsorted(onsets_s, times)
    until = onsets_s[np.clip(following, 0, len(onsets_s) - 1)] - times
    return until, times - onsets_s[np.clip(following - 1, 0, len(onsets_s) - 1)]


def level_at(levels: np.ndarray, at_s: np.ndarray, band: np.ndarray) -> np.ndarray:
    """What is heard in a band at a time, at the ends what is heard there."""
    frames = np.clip(np.rint(at_s / FRAME_S).astype(int), 0, len(levels) - 1)
    return np.asarray(levels[frames, band])


def _seen(
    levels: np.ndarray, pitch: np.ndarray, onset_s: np.ndarray, written_s: np.ndarray, onsets_s: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What is known of each candidate, (n, 32, 13) float32, and its time, (n, 32)."""
    length_s = np.maximum(written_s - onset_s, SHORTEST_S)[:, None]
    start_s = onset_s[:, None]
    times = start_s + length_s * RATIOS
    own, octave = (np.clip(pitch - LOWEST + above, 0, N_BANDS - 1)[:, None] for above in (0, 12))

    level = partial(level_at, levels)
    struck = np.maximum(level(start_s + 0.05, own), level(start_s + 0.1, own))
    now = level(times, own)
    until, since = gaps(times, onsets_s)
    columns = (
        now - struck,
        level(times - 0.06, own) - now,
        now - level(times + 0.06, own),
        level(times - 0.15, own) - level(times + 0.15, own),
        level(times, octave) - np.maximum(level(start_s + 0.05, octave), 1e-3),
        level(times - 0.06, octave) - level(times + 0.06, octave),
        np.log(RATIOS)[None],
        np.log(length_s),
        np.log(RATIOS) + np.log(length_s),
        ((pitch - 60) / 24)[:, None],
        now,
        3 * np.clip(until, -NEIGHBOUR_S, NEIGHBOUR_S),
        3 * np.clip(since, -NEIGHBOUR_S, NEIGHBOUR_S),
    )
    return np.stack([np.broadcast_to(column, times.shape) for column in columns], axis=-1).astype(np.float32), times
