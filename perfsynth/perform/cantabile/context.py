"""What surrounds a chord: windowed means, harmony, repetition. Vectorised over the whole score."""

from __future__ import annotations

import numpy as np

# Krumhansl and Kessler 1982: how well each pitch class fits a major and a minor key.
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])


class Vicinity:
    """What lies within so many beats before, after or around each chord."""

    def __init__(self, chord_beat: np.ndarray) -> None:
        self.beat = chord_beat

    def past(self, values: np.ndarray, beats: float) -> np.ndarray:
        """Mean of `values` over the chords in [b - beats, b)."""
        first = np.searchsorted(self.beat, self.beat - beats - 1e-6)
        return self._mean(values, first, np.arange(len(self.beat)))

    def future(self, values: np.ndarray, beats: float) -> np.ndarray:
        """Mean over the chords in [b, b + beats)."""
        last = np.searchsorted(self.beat, self.beat + beats - 1e-6)
        return self._mean(values, np.arange(len(self.beat)), np.maximum(last, np.arange(len(self.beat)) + 1))

    def around(self, values: np.ndarray, beats: float) -> np.ndarray:
        """Mean over the chords within +-beats."""
        first = np.searchsorted(self.beat, self.beat - beats - 1e-6)
        last = np.searchsorted(self.beat, self.beat + beats + 1e-6)
        return self._mean(values, first, last)

    def rank(self, values: np.ndarray, beats: float) -> np.ndarray:
        """Where each value lies between the least (-1) and the greatest (1) within +-beats; 0 where they are equal."""
        first = np.searchsorted(self.beat, self.beat - beats - 1e-6)
        last = np.searchsorted(self.beat, self.beat + beats + 1e-6)
        windows = np.stack([first, last], axis=1).ravel()
        padded = np.append(values, values[-1])
        low, high = np.minimum.reduceat(padded, windows)[::2], np.maximum.reduceat(padded, windows)[::2]
        return np.where(high > low, 2 * (values - low) / np.maximum(high - low, 1e-9) - 1, 0.0)

    @staticmethod
    def _mean(values: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0, dtype=float)])
        count = np.maximum(last - first, 1).reshape(-1, *[1] * (values.ndim - 1))
        return (total[last] - total[first]) / count


def chroma(notes: np.ndarray, chord: np.ndarray, n_chords: int) -> np.ndarray:
    """Duration (at most 4 quarter notes, at least a 16th) of each pitch class begun at each chord, (m, 12)."""
    weight = np.clip(notes["duration_beat"], 0.25, 4.0)
    flat = np.bincount(chord * 12 + notes["pitch"] % 12, weights=weight, minlength=12 * n_chords)
    return flat.reshape(n_chords, 12)


def keys(profile: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tonic (0..11), whether minor, and how clearly, of chroma profiles (m, 12)."""
    templates = np.stack([np.roll(shape, tonic) for shape in (MAJOR, MINOR) for tonic in range(12)])
    templates = templates - templates.mean(axis=1, keepdims=True)
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    centred = profile - profile.mean(axis=1, keepdims=True)
    fit = centred @ templates.T / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    best = np.argmax(fit, axis=1)
    return best % 12, best >= 12, fit[np.arange(len(fit)), best]


def harmonic_change(vicinity: Vicinity, classes: np.ndarray, beats: float) -> np.ndarray:
    """Cosine distance (0..1) of the pitch classes before and after each chord."""
    before, after = vicinity.past(classes, beats), vicinity.future(classes, beats)
    scale = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    return np.where(scale > 1e-9, 1 - (before * after).sum(axis=1) / np.maximum(scale, 1e-9), 0.0)


def bars(measures: np.ndarray, meters: np.ndarray, chord_beat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bar lines of a score, always covering its chords, and the bar of each chord."""
    lines = np.unique(measures["onset_beat"])
    if len(lines) == 0:
        length = 4.0 * meters["numerator"][0] / meters["denominator"][0] if len(meters) else 4.0
        lines = np.arange(min(0.0, chord_beat[0]), chord_beat[-1] + length, length)
    if lines[0] > chord_beat[0]:
        lines = np.concatenate([[chord_beat[0]], lines])
    return lines, np.searchsorted(lines, chord_beat + 1e-6, side="right") - 1


def repetition(notes: np.ndarray, chord: np.ndarray, bar_of: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """For each bar: had before (0, 1), bars since then (log2), same as last bar, rhythm as last bar, (bars, 4)."""
    where = bar_of[chord]
    place = np.rint((notes["onset_beat"] - lines[where]) * 48).astype(np.int64)
    rhythm = _hashed(where, place * 7919 + np.rint(notes["duration_beat"] * 48).astype(np.int64), len(lines))
    content = _hashed(where, place * 131 + notes["pitch"].astype(np.int64), len(lines))
    out = np.zeros((len(lines), 4))
    seen: dict[int, int] = {}
    for bar, code in enumerate(content.tolist()):
        if code in seen:
            out[bar, :2] = 1.0, np.log2(bar - seen[code])
        if bar and code:
            out[bar, 2:] = code == content[bar - 1], rhythm[bar] == rhythm[bar - 1]
        if code:
            seen[code] = bar
    return out


def _hashed(where: np.ndarray, value: np.ndarray, length: int) -> np.ndarray:
    """An order-free hash of the values of each bar; 0 for an empty one."""
    mixed = (value.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    codes = np.zeros(length, np.uint64)
    np.add.at(codes, where, mixed ^ (mixed >> np.uint64(32)))
    return codes


def arcs(slurs: np.ndarray, beat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far (-1 to 1) each beat lies along the longest slur over it, and log2 of that slur's length; 0 outside."""
    share, length = np.zeros(len(beat)), np.zeros(len(beat))
    for begin, end in zip(slurs["onset_beat"].tolist(), slurs["end_beat"].tolist(), strict=True):
        here = slice(*np.searchsorted(beat, [begin - 1e-3, end + 1e-3]))
        longer = np.log2(1 + end - begin) > length[here]
        share[here] = np.where(longer, 2 * (beat[here] - begin) / (end - begin) - 1, share[here])
        length[here] = np.where(longer, np.log2(1 + end - begin), length[here])
    return share, length


def near(positions: np.ndarray, beat: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """exp(-distance / reach) to the next of `positions` (sorted) at or after each beat, and to the last before it."""
    if len(positions) == 0:
        return np.zeros(len(beat)), np.zeros(len(beat))
    after = np.searchsorted(positions, beat - 1e-6)
    ahead = np.where(after < len(positions), positions[np.minimum(after, len(positions) - 1)] - beat, np.inf)
    behind = np.where(after > 0, beat - positions[np.maximum(after - 1, 0)], np.inf)
    return np.exp(-ahead / reach), np.exp(-behind / reach)
