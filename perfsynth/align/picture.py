"""An alignment drawn: the recording with its notes, the tempo, and how sure each time is (Dong et al. 2022, Fig. 3)."""

from __future__ import annotations

from typing import Any

import numpy as np

from perfsynth.align.bands import bands, mono
from perfsynth.align.features import FRAME_S
from perfsynth.dsp.semitones import LOWEST, N_BANDS
from perfsynth.errors import MissingError
from perfsynth.types import Alignment, Audio, AudioStream

MOST_COLUMNS = 4000  # of the picture's spectrogram
SECONDS_PER_INCH, WIDTHS = 4.0, (10.0, 40.0)
DPI = 110


def picture(audio: Audio | AudioStream, alignment: Alignment) -> Any:
    """A matplotlib figure of three panels over the time of the recording.

    Raises
    ------
    MissingError
        When matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingError("plots need matplotlib, which is not installed: pip install matplotlib") from error
    heard = bands(mono(audio))
    width = float(np.clip(heard.length_s / SECONDS_PER_INCH, *WIDTHS))
    figure = Figure(figsize=(width, 9), dpi=DPI, layout="constrained")
    top, tempo, sure = figure.subplots(3, 1, sharex=True, height_ratios=(5, 1.3, 1.3))
    factor = max(1, len(heard.levels) // MOST_COLUMNS)
    extent = (0.0, heard.length_s, LOWEST - 0.5, LOWEST + N_BANDS - 0.5)
    levels = heard.coarse(factor)[0]
    top.imshow(levels.T, origin="lower", aspect="auto", extent=extent, cmap="magma", interpolation="nearest")
    notes = alignment.notes[alignment.notes["status"] == "matched"]
    top.hlines(notes["pitch"], notes["onset_s"], notes["offset_s"], color="cyan", lw=0.8)
    top.plot(notes["onset_s"], notes["pitch"], ".", color="white", ms=3)
    top.set(ylabel="MIDI note")
    edges_s, bpm = tempo_curve(notes)
    if len(bpm):
        tempo.stairs(bpm, edges_s, baseline=None, lw=0.9)
    else:
        tempo.set(yticks=[])
        tempo.text(0.5, 0.5, "too few notes for a tempo", ha="center", va="center", transform=tempo.transAxes)
    tempo.set(ylabel="quarters a minute")
    sure.plot(notes["onset_s"], notes["confidence"], ".", ms=2, clip_on=False)
    sure.set(ylabel="confidence", ylim=(-0.02, 1.02), xlabel=f"s (a frame is {1000 * FRAME_S:.1f} ms)")
    return figure


def tempo_curve(notes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """When each quarter note begins and the last one ends, (k + 1,) s, and how fast each is, (k,) quarters a minute.

    `ALIGNED_NOTE` in; nothing where no whole quarter lies between two notes.
    """
    main = notes[notes["score_duration_beat"] > 0]
    if not len(main):
        return np.zeros(0), np.zeros(0)
    beats, first = np.unique(main["score_onset_beat"], return_index=True)
    times = np.maximum.accumulate(main["onset_s"][first])
    grid = np.arange(np.ceil(beats[0]), np.floor(beats[-1]) + 1)
    at_s = np.interp(grid, beats, times)
    return at_s, 60 / np.maximum(np.diff(at_s), 0.05)
