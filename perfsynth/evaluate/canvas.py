"""A figure to draw on, without any window or global state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from perfsynth.errors import MissingError

PALETTE = "magma"
DPI = 110
LOWEST_HZ = 30.0
TICKS_HZ = (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000)


def figure(width_inch: float, height_inch: float) -> Any:
    """A new matplotlib figure.

    Raises
    ------
    MissingError
        When matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingError("plots need matplotlib, which is not installed: pip install matplotlib") from error
    return Figure(figsize=(width_inch, height_inch), dpi=DPI, layout="constrained")


@dataclass(frozen=True)
class Cells:
    """A spectrogram in dB and its axes."""

    decibels: np.ndarray  # (n_bins, n_frames)
    hertz: np.ndarray  # (n_bins,)
    seconds: np.ndarray  # (n_frames,) from the moment looked at


def close_up(
    audio: np.ndarray, sample_rate: int, at_s: float, span_s: tuple[float, float], *, n_fft: int, hop: int
) -> Cells:
    """The spectrogram around a moment of one channel, (n,), computed with what is beside it, so that no edge shows."""
    from perfsynth.dsp.mel import Preset, spectrogram

    preset = Preset("plot", sample_rate, n_fft, n_fft, hop, "linear", n_fft // 2 + 1)
    frames = n_fft // hop  # of context on either side
    first, last = (round((at_s + side) * sample_rate) for side in span_s)
    begin, end = first - frames * hop, last + frames * hop
    piece = np.pad(audio[max(begin, 0) : max(end, 0)], (max(-begin, 0), max(end - len(audio), 0)))
    decibels = spectrogram(piece, preset)[:, frames:-frames] * (20 / np.log(10))
    seconds = np.arange(decibels.shape[1]) * hop / sample_rate + span_s[0]
    return Cells(decibels, np.arange(n_fft // 2 + 1) * sample_rate / n_fft, seconds)


def hertz_labels(frequencies: Iterable[int]) -> list[str]:
    """Frequencies as an axis is labelled with them: 500, 1k, 2k."""
    return [f"{hertz // 1000}k" if hertz >= 1000 else str(hertz) for hertz in frequencies]


def draw(axes: Any, cells: Cells, *, range_db: float = 80.0) -> None:
    """Draw cells over milliseconds and a logarithmic frequency axis."""
    shown = cells.hertz >= LOWEST_HZ
    top = float(cells.decibels.max())
    axes.pcolormesh(
        1000 * cells.seconds, cells.hertz[shown], cells.decibels[shown], cmap=PALETTE, vmin=top - range_db, vmax=top,
        shading="nearest", rasterized=True,
    )  # fmt: skip
    axes.set_yscale("log")
    axes.set_yticks(TICKS_HZ, hertz_labels(TICKS_HZ))
    axes.set_ylim(cells.hertz[shown][0], cells.hertz[-1])
    axes.set(xlabel="ms", ylabel="Hz")
