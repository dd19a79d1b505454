"""The targets of a batch of crops, in the layout in which ``cantabile`` answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor  # noqa: TID253

from perfsynth.evaluate.performance import SEGMENT_NOTES, WINDOW_BEATS
from perfsynth.expression import quarters
from perfsynth.perform.cantabile.crops import PEDAL_SAMPLES, Crop, pedal_grid
from perfsynth.perform.cantabile.network import STATISTICS, VELOCITY, VELOCITY_SPREAD_LN, VELOCITY_STEPS
from perfsynth.train.cantabile_examples import Example


@dataclass(frozen=True)
class Target:
    """The targets of a batch, in the layout of `Shape`."""

    velocity: Tensor
    articulation: Tensor
    asynchrony: Tensor
    duration_s: Tensor
    notated_beat: Tensor
    crop_of_note: Tensor  # (N,)
    segment_of_note: Tensor  # (N,)
    n_segments: int
    pedal: Tensor  # (P,) nan where unknown
    lift: Tensor  # (B, T) nan where unknown
    step_beat: Tensor  # (B, T) beats to the next chord
    written_tempo: Tensor  # (B, T) ln, relative
    log_step: Tensor  # (B, T) human ln beat period of each step, nan where unknown
    grid_low: Tensor  # (G,) index into B * T: the chord before each quarter note
    grid_share: Tensor  # (G,) how far towards the next chord
    grid_pair: Tensor  # (Q,) index into G of the earlier quarter note of each neighbouring pair
    grid_log: Tensor  # (Q,) human ln beat period, nan where unknown
    grid_crop: Tensor  # (Q,)
    grid_window: Tensor  # (Q,)
    n_windows: int
    statistics: Tensor  # (B, len(STATISTICS)) nan where unknown


def targets(chosen: list[tuple[Crop, Example, int]], longest: int) -> Target:
    """Stack the targets of the crops."""
    columns: dict[str, list[np.ndarray]] = {}

    def put(name: str, values: np.ndarray) -> None:
        columns.setdefault(name, []).append(values)

    n_segments = n_windows = n_grid = 0
    for index, (crop, whole, first) in enumerate(chosen):
        last = first + len(crop.beat)
        inside = (whole.reading.chord >= first) & (whole.reading.chord < last)
        for name in ("velocity", "articulation", "asynchrony", "duration_s", "notated_beat"):
            put(name, getattr(whole, name)[inside])
        put("crop_of_note", np.full(len(crop.notes), index))
        segment = np.arange(len(crop.notes)) // SEGMENT_NOTES
        put("segment_of_note", n_segments + segment)
        n_segments += int(segment.max(initial=0)) + 1
        put("pedal", _pedal_target(crop, whole))
        time_s, timed = whole.time_s[first:last], whole.timed[first:last]
        step_beat = np.diff(crop.beat, append=crop.beat[-1] + 1.0)
        human = np.where(timed[:-1] & timed[1:], np.diff(time_s), np.nan)
        log_step = np.append(np.log(np.clip(human / step_beat[:-1], 0.02, 20.0)), np.nan)
        put("step_beat", _padded(step_beat, longest, 0.0))
        put("written_tempo", _padded(crop.written_tempo, longest, 0.0))
        put("log_step", _padded(log_step, longest, np.nan))
        put("lift", _padded(whole.lift[first:last], longest, np.nan))
        low, share, log_period = _grid(crop.beat, time_s, timed)
        pairs = np.arange(len(log_period))
        put("grid_low", index * longest + low)
        put("grid_share", share)
        put("grid_pair", n_grid + pairs)
        put("grid_log", log_period)
        put("grid_crop", np.full(len(pairs), index))
        put("grid_window", n_windows + pairs // WINDOW_BEATS)
        n_grid, n_windows = n_grid + len(low), n_windows + -(-len(pairs) // WINDOW_BEATS)
        put("statistics", _statistics(whole, inside, log_step, crop, step_beat))
    joined = {name: np.concatenate(values) for name, values in columns.items()}
    for name in ("step_beat", "written_tempo", "log_step", "lift", "statistics"):
        joined[name] = np.stack(columns[name])
    tensors = {
        name: torch.from_numpy(values.astype(np.float32 if values.dtype.kind == "f" else np.int64))
        for name, values in joined.items()
    }
    return Target(**tensors, n_segments=n_segments, n_windows=n_windows)


def _padded(values: np.ndarray, length: int, fill: float) -> np.ndarray:
    return np.pad(values, (0, length - len(values)), constant_values=fill)


def _pedal_target(crop: Crop, whole: Example) -> np.ndarray:
    grid = pedal_grid(whole.reading.chord_beat)
    index = np.rint((crop.pedal_beat - grid[0]) * PEDAL_SAMPLES).astype(int)
    values = whole.pedal[index]
    chord = np.clip(np.searchsorted(whole.reading.chord_beat, crop.pedal_beat + 1e-6) - 1, 0, len(whole.timed) - 1)
    return np.where(whole.timed[chord], values, np.nan)


def _grid(beat: np.ndarray, time_s: np.ndarray, timed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the k quarter notes of a crop lie, and the human beat periods between them.

    Returns
    -------
    low, share
        (k,) the chord before each quarter note, and how far that lies towards the next chord; none where k is 1.
    log_period
        (k - 1,) ln of the seconds from each to the next, nan where unknown.
    """
    grid = quarters(beat)
    if len(grid) < 2:
        return np.zeros(0, int), np.zeros(0), np.zeros(0)
    low = np.clip(np.searchsorted(beat, grid + 1e-6, side="right") - 1, 0, max(len(beat) - 2, 0))
    high = np.minimum(low + 1, len(beat) - 1)
    share = np.clip((grid - beat[low]) / np.maximum(beat[high] - beat[low], 1e-6), 0, 1)
    at_s = time_s[low] * (1 - share) + time_s[high] * share
    known = timed[low] & timed[high]
    log_period = np.log(np.maximum(np.diff(at_s), 0.01))
    log_period = np.where(known[1:] & known[:-1], log_period, np.nan)
    middle = np.nanmedian(log_period) if np.isfinite(log_period).any() else 0.0
    return low, share, np.clip(log_period, middle - 1.5, middle + 1.5)


def _statistics(
    whole: Example, inside: np.ndarray, log_step: np.ndarray, crop: Crop, step_beat: np.ndarray
) -> np.ndarray:
    """The human values of `STATISTICS` over a crop, about unit size."""

    def mean(values: np.ndarray) -> float:
        return float(np.nanmean(values)) if np.isfinite(values).any() else np.nan

    def spread(values: np.ndarray) -> float:
        return float(np.nanstd(values)) if np.isfinite(values).sum() > 8 else np.nan

    known = np.isfinite(log_step)
    weights = step_beat[known]
    if weights.sum() > 0:
        tempo = np.log(np.average(np.exp(log_step[known]), weights=weights))
        strays = log_step[known] + crop.written_tempo[known]
        strays -= np.average(strays, weights=weights)
        tempo_spread = np.sqrt(np.average(np.clip(strays, -1.5, 1.5) ** 2, weights=weights))
    else:
        tempo = tempo_spread = np.nan
    values = {
        "log_beat_period": tempo,
        "tempo_spread": np.log(max(tempo_spread, 1e-2)) if np.isfinite(tempo_spread) else np.nan,
        "velocity": (mean(whole.velocity[inside]) - VELOCITY) / VELOCITY_STEPS,
        "velocity_spread": np.log(max(spread(whole.velocity[inside]), 1.0)) - VELOCITY_SPREAD_LN,
        "articulation": mean(whole.articulation[inside]),
        "articulation_spread": np.log(max(spread(whole.articulation[inside]), 1e-2)),
        "asynchrony_spread": np.log(max(spread(whole.asynchrony[inside]), 1e-2)),
        "pedal": mean(_pedal_target(crop, whole)) * 2 - 1,
    }
    return np.array([values[name] for name in STATISTICS])
