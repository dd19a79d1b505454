"""Two recordings side by side, for the eye: averages hide what lasts ten milliseconds.

Top to bottom: both spectrograms; where they differ, and the tonality and flatness per critical band; the attack that
stands out most, once for 0.15 s and once for 0.9 s, in which a recorded attack hands over to its model; its waveform,
and its level in four bands, where a seam shows as a step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from perfsynth.dsp.mel import PRESETS, spectrogram
from perfsynth.evaluate.audio import Comparison
from perfsynth.evaluate.canvas import PALETTE, close_up, draw, figure
from perfsynth.evaluate.matching import RATE, matched
from perfsynth.evaluate.onsets import detected_s
from perfsynth.evaluate.tonality import BARK_HZ

SHOWN_S = 30.0  # of the spectrograms: more cannot be seen
MAX_DIFFERENCE_DB = 12.0
CLOSE_S = (-0.03, 0.15)
WIDE_S = (-0.05, 0.9)
BESIDE_S = 0.1  # before and after an onset, to find the one that stands out
BANDS_HZ = ((50, 500), (500, 2000), (2000, 6000), (6000, 16000))
SIDES = ("generated", "reference")


def comparison_figure(generated: np.ndarray, reference: np.ndarray, found: Comparison) -> Any:
    """A figure of two recordings.

    Parameters
    ----------
    generated, reference
        (n, n_channels) float at 44.1 kHz; matched here, and mixed to one channel.
    found
        Their `distances`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    pair = matched(generated, reference)
    sounds = dict(zip(SIDES, (pair.generated.mean(axis=1), pair.reference.mean(axis=1)), strict=True))
    canvas = figure(14, 19)
    grid = canvas.subplots(5, 2)
    _whole(grid[0], grid[1, 0], sounds, canvas)
    _bark(grid[1, 1], found)
    onset = standing_out_s(sounds["reference"])
    for side, sound, axes in zip(SIDES, sounds.values(), grid[2], strict=True):
        _attack(axes, sound, onset, CLOSE_S, n_fft=512, hop=32, title=f"{side}: attack at {onset:.2f} s")
    for side, sound, axes in zip(SIDES, sounds.values(), grid[3], strict=True):
        _attack(axes, sound, onset, WIDE_S, n_fft=1024, hop=64, title=f"{side}: the same, longer")
    _waveform(grid[4, 0], sounds, onset)
    _levels(grid[4, 1], sounds, onset)
    return canvas


def standing_out_s(audio: np.ndarray) -> float:
    """The onset in one channel whose level rises most from the 0.1 s before to those after."""
    width = round(BESIDE_S * RATE)
    best, most = 0.0, -np.inf
    for time in detected_s(audio):
        at = round(time * RATE)
        if at < width or at + round(WIDE_S[1] * RATE) > len(audio):
            continue
        before, after = (
            np.mean(np.asarray(part, np.float64) ** 2) for part in (audio[at - width : at], audio[at:][:width])
        )
        # What is loud and what rises: an onset out of silence that nobody hears is of no interest.
        score = np.log(after / (before + 1e-7) + 1e-12) + np.log(after + 1e-12)
        if score > most:
            best, most = float(time), score
    return best


def _whole(row: Any, axes: Any, sounds: dict[str, np.ndarray], canvas: Any) -> None:
    """Both spectrograms, and their difference."""
    preset = PRESETS["perfsynth-44k"]
    mels = {
        side: spectrogram(sound[: round(SHOWN_S * RATE)], preset) * (20 / np.log(10)) for side, sound in sounds.items()
    }
    top = max(float(mel.max()) for mel in mels.values())
    seconds = preset.frame_times_s(mels["reference"].shape[1])
    for (side, mel), own in zip(mels.items(), row, strict=True):
        image = own.pcolormesh(
            seconds, np.arange(len(mel)), mel, cmap=PALETTE, vmin=top - 80, vmax=top, rasterized=True
        )
        own.set(title=f"{side}, mel bands [dB]", xlabel="s", ylabel="mel band")
        canvas.colorbar(image, ax=own)
    difference = np.where(mels["reference"] > top - 80, mels["generated"] - mels["reference"], 0.0)
    image = axes.pcolormesh(
        seconds, np.arange(len(difference)), difference, cmap="RdBu_r", vmin=-MAX_DIFFERENCE_DB, vmax=MAX_DIFFERENCE_DB,
        rasterized=True,
    )  # fmt: skip
    axes.set(title="generated - reference [dB], where the reference sounds", xlabel="s", ylabel="mel band")
    canvas.colorbar(image, ax=axes)


def _bark(axes: Any, found: Comparison) -> None:
    """Tonality and flatness of both per critical band."""
    centres = np.sqrt(np.maximum(BARK_HZ[:-1], 50.0) * np.array(BARK_HZ[1:]))
    flat = axes.twinx()
    for side, line in zip(SIDES, ("-", "--"), strict=True):
        axes.plot(centres, found.bark[f"tonality_{side}"], line, color="tab:blue", label=f"tonality, {side}")
        flat.plot(centres, found.bark[f"flatness_db_{side}"], line, color="tab:red")
    axes.set(
        xscale="log",
        title="per Bark band: tonality (blue), flatness (red)",
        xlabel="Hz",
        ylabel="tonality",
        ylim=(0, 1),
    )
    flat.set_ylabel("flatness [dB]")
    axes.legend(loc="lower left")


def _attack(
    axes: Any, sound: np.ndarray, onset_s: float, span_s: tuple[float, float], *, n_fft: int, hop: int, title: str
) -> None:
    draw(axes, close_up(sound, RATE, onset_s, span_s, n_fft, hop))
    axes.set_title(title)


def _waveform(axes: Any, sounds: dict[str, np.ndarray], onset_s: float) -> None:
    for side, sound in sounds.items():
        first, last = (max(round((onset_s + t) * RATE), 0) for t in CLOSE_S)
        piece = sound[first:last]
        seconds = np.arange(first, first + len(piece)) / RATE - onset_s
        axes.plot(1000 * seconds, piece, linewidth=0.7, alpha=0.8, label=side)
    axes.set(title="waveform of the attack", xlabel="ms")
    axes.legend()


def _levels(axes: Any, sounds: dict[str, np.ndarray], onset_s: float) -> None:
    """Levels of four bands over the longer span."""
    for (side, sound), line in zip(sounds.items(), ("-", "--"), strict=True):
        cells = close_up(sound, RATE, onset_s, WIDE_S, 1024, 128)
        for i, (low, high) in enumerate(BANDS_HZ):
            power = (10 ** (cells.decibels[(cells.hertz >= low) & (cells.hertz < high)] / 10)).sum(axis=0)
            label = f"{low}-{high} Hz, {side}"
            axes.plot(1000 * cells.seconds, 10 * np.log10(power), line, color=f"C{i}", linewidth=1.0, label=label)
    axes.set(title="level in four bands [dB]", xlabel="ms")
    axes.legend(fontsize=7, ncols=2)
