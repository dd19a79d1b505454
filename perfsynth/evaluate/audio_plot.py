"""Two recordings side by side, for the eye: averages hide what lasts ten milliseconds.

Top to bottom: both spectrograms; where they differ, and the tonality and flatness per critical band; the attack that
stands out most, once for 0.15 s and once for 0.9 s, in which a recorded attack hands over to its model; its waveform,
and its level in four bands, where a seam shows as a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from perfsynth.dsp.mixing import mixed
from perfsynth.evaluate.audio import Comparison
from perfsynth.evaluate.canvas import TICKS_HZ, close_up, draw, figure, hertz_labels
from perfsynth.evaluate.matching import RATE, matched
from perfsynth.evaluate.onsets import detected_s
from perfsynth.evaluate.side_by_side import Around
from perfsynth.evaluate.tonality import BARK_HZ

CLOSE_S = (-0.03, 0.15)
WIDE_S = (-0.05, 0.9)
BESIDE_S = 0.1  # before and after an onset, to find the one that stands out
BANDS_HZ = ((50, 500), (500, 2000), (2000, 6000), (6000, 16000))
SIDES = ("generated", "reference")
BARK_CENTRES_HZ = np.sqrt(np.maximum(BARK_HZ[:-1], 50.0) * np.array(BARK_HZ[1:]))
TONALITY, FLATNESS = "tab:blue", "tab:red"


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
    sounds = dict(zip(SIDES, map(mixed, (pair.generated, pair.reference)), strict=True))
    onset = standing_out_s(sounds["reference"])
    canvas = figure(14, 19)
    canvas.suptitle(_summary(found))
    grid = canvas.subplots(5, 2)
    _whole(grid[0], grid[1, 0], sounds, onset, canvas)
    _bark(grid[1, 1], found)
    for side, sound, axes in zip(SIDES, sounds.values(), grid[2], strict=True):
        draw(axes, close_up(sound, RATE, onset, CLOSE_S, n_fft=512, hop=32))
        axes.set_title(f"{side}: the attack at {onset:.2f} s")
    for side, sound, axes in zip(SIDES, sounds.values(), grid[3], strict=True):
        draw(axes, close_up(sound, RATE, onset, WIDE_S, n_fft=1024, hop=64))
        axes.set_title(f"{side}: the same, longer")
    _waveform(grid[4, 0], sounds, onset)
    _levels(grid[4, 1], sounds, onset)
    return canvas


def _summary(found: Comparison) -> str:
    mean = found.mean()
    return (
        f"generated against reference, matched by {found.gain_db + 0.0:.2f} dB and {1000 * found.lag_s + 0.0:.1f} ms: "
        f"log-mel {mean['log_mel_44k']:.3f} neper², {mean['absolute_db']:.2f} dB, onset F1 {mean['onset_f1']:.3f}"
    )


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


def _whole(row: Any, below: Any, sounds: dict[str, np.ndarray], onset_s: float, canvas: Any) -> None:
    """Both spectrograms around the attack, which is marked, and their difference."""
    around = Around.of(sounds, onset_s)
    for side, axes in zip(around.mels, row, strict=True):
        image = around.draw(axes, side)
        axes.set(title=f"{side}: mel spectrogram [dB]", xlabel="s")
        axes.plot([onset_s], [1.02], "v", color="tab:red", transform=axes.get_xaxis_transform(), clip_on=False)
    _scale(canvas, axes, image)
    image = around.draw_difference(below)
    below.set(title="generated - reference [dB], where the reference sounds", xlabel="s")
    _scale(canvas, below, image)


def _scale(canvas: Any, axes: Any, image: Any) -> None:
    """A colour bar beside the axes that leaves them their width."""
    canvas.colorbar(image, cax=axes.inset_axes((1.015, 0.0, 0.025, 1.0)))


def _bark(axes: Any, found: Comparison) -> None:
    """Tonality and flatness of both per critical band."""
    flat = axes.twinx()
    for side, line in zip(SIDES, ("-", "--"), strict=True):
        axes.plot(BARK_CENTRES_HZ, found.bark[f"tonality_{side}"], line, color=TONALITY)
        flat.plot(BARK_CENTRES_HZ, found.bark[f"flatness_db_{side}"], line, color=FLATNESS)
        axes.plot([], [], line, color="k", label=side)
    axes.set(xscale="log", title="tonality and flatness in Bark bands", xlabel="Hz", ylim=(0, 1))
    axes.set_xticks(TICKS_HZ[1:-1], hertz_labels(TICKS_HZ[1:-1]))
    axes.set_ylabel("tonality", color=TONALITY)
    flat.set_ylabel("flatness [dB]", color=FLATNESS)
    axes.legend(loc="lower left")


def _waveform(axes: Any, sounds: dict[str, np.ndarray], onset_s: float) -> None:
    """Both waveforms of the attack, and beneath them what is left of one without the other."""
    first, last = (max(round((onset_s + t) * RATE), 0) for t in CLOSE_S)
    generated, reference = (sound[first:last] for sound in sounds.values())
    ms = 1000 * (np.arange(first, first + len(reference)) / RATE - onset_s)
    below = 1.6 * max(float(np.abs(reference).max()), float(np.abs(generated).max()))
    axes.plot(ms, reference, color="0.75", linewidth=2.0, label="reference")
    axes.plot(ms, generated, linewidth=0.7, label="generated")
    axes.plot(ms, generated - reference - below, color="k", linewidth=0.6, label="generated - reference")
    axes.set(title="waveform of the attack", xlabel="ms", yticks=[0.0, -below], yticklabels=["0", "0"])
    axes.legend(loc="upper left", fontsize=7)


def draw_levels(axes: Any, sounds: Mapping[str, np.ndarray], onset_s: float) -> None:
    """Draw the levels of four bands in both over the longer span around an attack."""
    for (side, sound), line in zip(sounds.items(), ("-", "--"), strict=True):
        cells = close_up(sound, RATE, onset_s, WIDE_S, n_fft=1024, hop=128)
        for i, (low, high) in enumerate(BANDS_HZ):
            power = (10 ** (cells.decibels[(cells.hertz >= low) & (cells.hertz < high)] / 10)).sum(axis=0)
            label = f"{low}-{high} Hz" if side == "generated" else None
            axes.plot(1000 * cells.seconds, 10 * np.log10(power), line, color=f"C{i}", linewidth=1.0, label=label)
        axes.plot([], [], line, color="k", label=side)
    axes.set(xlabel="ms", ylabel="dB")


def _levels(axes: Any, sounds: dict[str, np.ndarray], onset_s: float) -> None:
    draw_levels(axes, sounds, onset_s)
    axes.set_title("level in four bands")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=6, fontsize=7)
