"""Mel spectrograms of two recordings on one scale, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from perfsynth.dsp.mel import PRESETS, spectrogram
from perfsynth.evaluate.canvas import PALETTE, TICKS_HZ, hertz_labels
from perfsynth.evaluate.matching import RATE

SHOWN_S = 30.0  # more cannot be seen
RANGE_DB = 80.0
MAX_DIFFERENCE_DB = 12.0


@dataclass(frozen=True)
class Around:
    """Mel spectrograms of both sides, at most 30 s around a moment; b bands, t frames, in dB."""

    start_s: float
    seconds: np.ndarray  # (t,)
    mels: dict[str, np.ndarray]  # (b, t) each
    heard: np.ndarray  # (b, t) bool: where the reference sounds

    @classmethod
    def of(cls, sounds: Mapping[str, np.ndarray], moment_s: float) -> Around:
        """Those of ``generated`` and ``reference``, (n,) each, matched, at 44.1 kHz."""
        preset = PRESETS["perfsynth-44k"]
        start_s = max(0.0, min(moment_s - SHOWN_S / 2, len(sounds["reference"]) / RATE - SHOWN_S))
        shown = slice(round(start_s * RATE), round((start_s + SHOWN_S) * RATE))
        mels = {side: spectrogram(sound[shown], preset) * (20 / np.log(10)) for side, sound in sounds.items()}
        seconds = start_s + preset.frame_times_s(mels["reference"].shape[1])
        top = max(float(mel.max()) for mel in mels.values())
        return cls(start_s, seconds, mels, mels["reference"] > top - RANGE_DB)

    @property
    def difference(self) -> np.ndarray:
        """(b, t) generated less reference, 0 where the reference is silent."""
        return np.where(self.heard, self.mels["generated"] - self.mels["reference"], 0.0)

    def draw(self, axes: Any, side: str) -> Any:
        """Draw the spectrogram of a side, on the scale of both."""
        top = max(float(mel.max()) for mel in self.mels.values())
        return _mel_cells(axes, self.seconds, self.mels[side], cmap=PALETTE, vmin=top - RANGE_DB, vmax=top)

    def draw_difference(self, axes: Any) -> Any:
        """Draw red where the generated side is too loud, blue where it is too soft."""
        most = MAX_DIFFERENCE_DB
        return _mel_cells(axes, self.seconds, self.difference, cmap="RdBu_r", vmin=-most, vmax=most)


def _mel_cells(axes: Any, seconds: np.ndarray, cells: np.ndarray, **colours: Any) -> Any:
    """Draw (n_bands, n_frames) of the preset perfsynth-44k over seconds and Hz."""
    from librosa import mel_frequencies

    image = axes.pcolormesh(seconds, np.arange(len(cells)), cells, rasterized=True, **colours)
    bands_hz = mel_frequencies(len(cells) + 2, fmin=0, fmax=RATE / 2)[1:-1]
    axes.set_yticks(np.interp(TICKS_HZ[2:], bands_hz, np.arange(len(cells))), hertz_labels(TICKS_HZ[2:]))
    axes.set_ylabel("Hz")
    return image
