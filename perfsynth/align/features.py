"""What of a recording and of a score can be compared: 88 semitone bands over time, and where they rise.

The score side is made from the notes: partials that decay, no render. Both sides are compressed alike and scaled so
that silence stays near zero, which a division by the norm of each frame would blow up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.dsp.semitones import HOP, LOWEST, N_BANDS, RATE

FRAME_S = HOP / RATE  # 5.8 ms
# Of a struck string as the bands hear it: semitones above the fundamental, amplitude.
PARTIALS = ((0, 1.0), (12, 0.6), (19, 0.35), (24, 0.25), (28, 0.15), (31, 0.12), (34, 0.08), (36, 0.08))
DECAY_S, RELEASE_S = 0.8, 0.05
RECORDED_GAIN, WRITTEN_GAIN = 1000.0, 100.0  # of the logarithms
NORM_FLOOR = 0.3  # of the loud frames' norm: softer frames are not raised to full length
RISE_S = 0.023  # over which a rise is measured
RISE_WINDOW_S = 1.0  # rises are scaled by the largest around
RISE_FLOOR = 0.1


@dataclass(frozen=True)
class Written:
    """The notes of a score in seconds at some tempo: arrays (n,), ascending in `onset_s`."""

    pitch: np.ndarray
    onset_s: np.ndarray
    end_s: np.ndarray


def loudness(magnitudes: np.ndarray) -> float:
    """What a tenth of the frames of (n, 88) magnitudes exceed."""
    return float(np.quantile(magnitudes.max(axis=1), 0.9))


def compressed(magnitudes: np.ndarray, loud: float) -> np.ndarray:
    """(n, 88) magnitudes of a recording on a logarithmic scale from 0 to about 1, which is at `loud`."""
    scaled = magnitudes * np.float32(RECORDED_GAIN / max(loud, 1e-9))
    return np.asarray(np.log1p(scaled, out=scaled) / np.float32(np.log1p(RECORDED_GAIN)))


def rises(levels: np.ndarray, frame_s: float) -> np.ndarray:
    """How much each band of (n, 88) compressed levels rises within 23 ms; falls are 0."""
    lag = max(1, round(RISE_S / frame_s))
    risen = levels.copy()
    risen[lag:] -= levels[:-lag]
    risen[:lag] = 0
    return np.maximum(risen, 0, out=risen)


def written_levels(
    written: Written, n_frames: int, frame_s: float, *, margin: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Compressed levels and rises, (n_frames, 88 + 2 margin) each, of the notes as partials that decay.

    `margin` is how many more semitones there are below and above the keyboard.
    """
    from perfsynth.align import _features_numba as kernel

    levels, risen = (np.zeros((n_frames, N_BANDS + 2 * margin), np.float32) for _ in range(2))
    first = np.clip(np.rint(written.onset_s / frame_s).astype(int), 0, n_frames - 1)
    last = np.clip(np.rint(written.end_s / frame_s).astype(int), first + 1, n_frames + 1)
    tail = int(3 * RELEASE_S / frame_s) + 1
    time_s = np.arange(n_frames + tail + 2) * frame_s
    held, released = np.exp(-time_s / DECAY_S).astype(np.float32), np.exp(-time_s / RELEASE_S).astype(np.float32)
    above, amplitude = (np.array(column) for column in zip(*PARTIALS, strict=True))
    band = written.pitch.astype(np.int64) - LOWEST + margin
    kernel.draw(levels, risen, band, first, last, above, amplitude.astype(np.float32), held, released[:tail])
    return np.log1p(WRITTEN_GAIN * levels) / np.float32(np.log1p(WRITTEN_GAIN)), risen


def capped(levels: np.ndarray) -> np.ndarray:
    """Frames of unit length where they are loud, shorter ones where they are soft."""
    norm = np.linalg.norm(levels, axis=1)
    floor = NORM_FLOOR * np.quantile(norm, 0.9) if len(norm) else 1.0
    return np.asarray(levels / np.maximum(norm, max(floor, 1e-9))[:, None])


def prolonged(risen: np.ndarray, frame_s: float, decay_s: float) -> np.ndarray:
    """Rises scaled by the largest within a second, each fading away with a time constant."""
    from scipy.ndimage import maximum_filter1d

    from perfsynth.align import _features_numba as kernel

    norm = np.linalg.norm(risen, axis=1)
    around = maximum_filter1d(norm, 2 * round(RISE_WINDOW_S / 2 / frame_s) + 1)
    fading = (risen / np.maximum(around, max(RISE_FLOOR * norm.max(initial=0), 1e-9))[:, None]).astype(np.float32)
    kernel.fade(fading, np.float32(np.exp(-frame_s / decay_s)))
    return fading
