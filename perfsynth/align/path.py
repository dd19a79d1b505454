"""When each note of a score is played: a coarse path that may jump, a fine one within a band around it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from perfsynth.align.band import band_around
from perfsynth.align.bands import Bands
from perfsynth.align.dtw import Backend, warp
from perfsynth.align.features import FRAME_S, Written, capped, prolonged, written_levels
from perfsynth.align.structure import Stretch, Structure, follow
from perfsynth.dsp.semitones import N_BANDS

COARSEST = 8  # frames to a coarse one, 46 ms, in recordings up to nine minutes
MOST_FRAMES = 12000  # coarse ones: their moves take a byte each for any two
FINE = 2  # frames to a fine one, 12 ms
NOISE, TONES = 0.055, 0.085  # of the levels that stand out: in applause, and at least in music
SOFT, TONE_WINDOW_S = 3.0, 1.0  # the least sum of levels that counts; over which the share is taken
CONTRAST = 6.0  # semitones, standard deviation of the neighbourhood a band stands out from
RISE_SHARE, RISE_DECAY_S = 0.3, 0.1  # of the coarse distance
FINE_RISE_SHARE, FINE_DECAY_S = 0.5, 0.06
STEP_WEIGHTS = (1.5, 1.0, 1.0)
RADIUS_S = 1.0  # of the band around the coarse path
PIECE_S, OVERLAP_S = 180.0, 6.0  # of the fine path at once
SHIFTS = (0, -1, 1, -2, 2)  # semitones
SHIFT_FRAMES = 1500  # that a shift is judged on
SHIFT_GAIN = 0.02  # of distance that another shift than 0 must save
TEMPO_RATIO = 1.25  # beyond which the score is brought to the tempo of the recording, and followed again

log = logging.getLogger("perfsynth")


@dataclass(frozen=True)
class Course:
    """The coarse path.

    Attributes
    ----------
    structure
        The stretches, in coarse frames of `factor` frames.
    written
        The score at the tempo it was followed at.
    factor
        Frames to a coarse one.
    semitones
        By which the recording sounds higher than written.
    marks : (k,) int
        Coarse frames at which measures begin.
    n_written
        Coarse frames of the score.
    """

    structure: Structure
    written: Written
    factor: int
    semitones: int
    marks: np.ndarray
    n_written: int


def features(levels: np.ndarray, risen: np.ndarray, frame_s: float, *, share: float, decay_s: float) -> np.ndarray:
    """(n, 176) frames of at most unit length out of levels and rises, the latter with `share` of the weight."""
    rising = prolonged(risen, frame_s, decay_s)
    rising -= rising.mean(axis=1, keepdims=True)
    parts = [capped(standing_out(levels)) * np.sqrt(1 - share), capped(rising) * np.sqrt(share)]
    return np.concatenate(parts, axis=1).astype(np.float32)


def musical(levels: np.ndarray, frame_s: float) -> np.ndarray:
    """How much each of (n, 88) compressed levels sounds of tones, (n,), 0 to 1: unlike noise."""
    from scipy.ndimage import uniform_filter1d

    share = standing_out(levels).sum(axis=1) / np.maximum(levels.sum(axis=1), SOFT)
    around = uniform_filter1d(share, 2 * round(TONE_WINDOW_S / 2 / frame_s) + 1, mode="nearest")
    return np.asarray(np.clip((around - NOISE) / (TONES - NOISE), 0, 1))


def standing_out(levels: np.ndarray) -> np.ndarray:
    """How far each band of (n, 88) levels lies above its neighbourhood."""
    from scipy.ndimage import gaussian_filter1d

    return np.maximum(levels - gaussian_filter1d(levels, CONTRAST, axis=1, mode="nearest"), 0)


def course(bands: Bands, written: Written, boundaries_s: np.ndarray, *, jumps: bool) -> Course:
    """Follow the score coarsely, in the key it is played in.

    Parameters
    ----------
    bands
        The recording.
    written
        The notes that are not grace notes, at any steady tempo.
    boundaries_s
        Beginnings of measures at that tempo.
    jumps
        Whether the recording may leave out measures or play them again.
    """
    factor = COARSEST
    while len(bands.levels) // factor > MOST_FRAMES:
        factor *= 2
    frame_s = factor * FRAME_S
    heard, risen = bands.coarse(factor)
    recorded = features(heard, risen, frame_s, share=RISE_SHARE, decay_s=RISE_DECAY_S)
    music = musical(heard, frame_s)
    end_s = float(written.end_s.max())
    tempo = len(recorded) * frame_s / end_s
    shift = _shift(recorded, _slower(written, tempo), frame_s)
    for attempt in range(3):
        notes = _slower(_shifted(written, shift), tempo)
        n = max(2, int(notes.end_s.max() / frame_s) + 1)
        side = features(*written_levels(notes, n, frame_s), frame_s, share=RISE_SHARE, decay_s=RISE_DECAY_S)
        marks = np.rint(boundaries_s * tempo / frame_s).astype(int)
        structure = follow(recorded, side, frame_s, boundaries=marks, jumps=jumps, music=music, parts=2)
        ratio = _pace(structure)
        if attempt == 2 or 1 / TEMPO_RATIO < ratio < TEMPO_RATIO:
            break
        tempo /= ratio
    return Course(structure, notes, factor, shift, marks, len(side))


def _pace(structure: Structure) -> float:
    """Written frames to a recorded one."""
    paths = [stretch.path for stretch in structure.stretches if len(stretch.path) > 1]
    recorded = sum(len(path) for path in paths)
    passed = sum(int(path[-1, 1] - path[0, 1]) for path in paths)
    return min(max(passed / recorded, 0.25), 4.0) if recorded > 1 else 1.0


def _slower(written: Written, factor: float) -> Written:
    return Written(written.pitch, written.onset_s * factor, written.end_s * factor)


def _shifted(written: Written, semitones: int) -> Written:
    return Written(written.pitch + semitones, written.onset_s, written.end_s)


def _shift(recorded: np.ndarray, written: Written, frame_s: float) -> int:
    """Semitones by which the recording sounds higher than the score, judged on fewer frames."""
    thin = max(1, -(-len(recorded) // SHIFT_FRAMES))
    n = max(2, int(written.end_s.max() / frame_s) + 1)
    margin = max(SHIFTS)
    wide, costs = written_levels(written, n, frame_s, margin=margin), []
    for shift in SHIFTS:
        levels, risen = (side[:, margin - shift : margin - shift + N_BANDS] for side in wide)
        side = features(levels, risen, frame_s, share=RISE_SHARE, decay_s=RISE_DECAY_S)
        found = follow(_thinned(recorded, thin), _thinned(side, thin), frame_s * thin, boundaries=[], jumps=False)
        costs.append(found.price + (SHIFT_GAIN if shift else 0.0))
    return SHIFTS[int(np.argmin(costs))]


def _thinned(frames: np.ndarray, factor: int) -> np.ndarray:
    n = len(frames) // factor
    return np.ascontiguousarray(capped(frames[: n * factor].reshape(n, factor, -1).mean(axis=1)), np.float32)


def fine(bands: Bands, along: Course, *, backend: Backend, device: str | None) -> np.ndarray:
    """Times in s of the notes of ``along.written``, nan for those of stretches that are not played."""
    onset_s = along.written.onset_s
    times = np.full(len(onset_s), np.nan)
    frame_s = along.factor * FRAME_S
    for stretch in along.structure.stretches:
        first, last = stretch.path[0, 1], stretch.path[-1, 1]
        inside = (onset_s >= (first - 0.5) * frame_s) & (onset_s < (last + 0.5) * frame_s) & np.isnan(times)
        if inside.any():
            times[inside] = _times(bands, along, stretch, onset_s[inside], backend, device)
    return times


def _times(
    bands: Bands, along: Course, stretch: Stretch, onset_s: np.ndarray, backend: Backend, device: str | None
) -> np.ndarray:
    """When written times of one stretch are played, a piece of the path after another."""
    path, frame_s = stretch.path, along.factor * FRAME_S
    size, overlap = round(PIECE_S / frame_s), round(OVERLAP_S / frame_s)
    times = np.full(len(onset_s), np.nan)
    for first in range(0, len(path), size):
        begin, end = max(0, first - overlap), min(first + size + overlap, len(path))
        if len(path) - end < overlap:
            end = len(path)
        piece = path[begin:end]
        low = -np.inf if first == 0 else path[first, 1] * frame_s
        asked = onset_s >= low
        times[asked] = _piece(bands, along, piece, onset_s[asked], backend, device)
        if end == len(path):
            break
    return times


def _piece(
    bands: Bands, along: Course, path: np.ndarray, onset_s: np.ndarray, backend: Backend, device: str | None
) -> np.ndarray:
    ratio = along.factor // FINE
    frame_s = FINE * FRAME_S
    begin, end = path[0, 0] * along.factor, (path[-1, 0] + 1) * along.factor
    first, last = path[0, 1] * ratio, (path[-1, 1] + 1) * ratio
    recorded = features(*bands.part(begin, end, FINE), frame_s, share=FINE_RISE_SHARE, decay_s=FINE_DECAY_S)
    notes = along.written
    near = (notes.end_s > first * frame_s - 1) & (notes.onset_s < last * frame_s)
    shown = Written(notes.pitch[near], notes.onset_s[near] - first * frame_s, notes.end_s[near] - first * frame_s)
    cut = Written(shown.pitch, np.maximum(shown.onset_s, 0), np.maximum(shown.end_s, 0))
    side = features(*written_levels(cut, last - first, frame_s), frame_s, share=FINE_RISE_SHARE, decay_s=FINE_DECAY_S)
    coarse = (path - path[0])[:, ::-1]
    radius = round(RADIUS_S / frame_s) + ratio
    for _ in range(4):
        band = band_around(coarse, len(side), len(recorded), radius=radius, scale=(ratio, ratio))
        found = warp(side, recorded, band=band, step_weights=STEP_WEIGHTS, backend=backend, device=device)
        if not found.touches_band:
            break
        radius *= 2
    reached = np.zeros(len(side))
    reached[found.path[::-1, 0]] = found.path[::-1, 1]
    places = onset_s / frame_s - first
    return np.asarray((np.interp(places, np.arange(len(side)), reached)) * frame_s + begin * FRAME_S)
