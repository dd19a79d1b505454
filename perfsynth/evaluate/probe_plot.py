"""A probe for the eye: velocity response, decay, pedals, and one attack seen closely."""

from __future__ import annotations

from typing import Any

import numpy as np

from perfsynth.dsp.mixing import mixed
from perfsynth.evaluate import probe_notes as plan
from perfsynth.evaluate.canvas import TICKS_HZ, close_up, draw, figure, hertz_labels
from perfsynth.evaluate.decay import FRAME_S, STEP_S, energy_decay_db, envelope_db
from perfsynth.evaluate.probe import Probe, Recording, held_notes
from perfsynth.evaluate.probe_table import GRAND

ATTACK_S = (-0.05, 0.15)
WIDE_S = 0.9
TICKS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
CONTEXT_S = 0.2  # beside what is shown
POINTS = 400  # of a decay curve


def probe_figure(sound: Recording, found: Probe, name: str) -> Any:
    """A picture of a probe.

    Parameters
    ----------
    sound
        Its recording.
    found
        What `measure` found in it.
    name
        What was probed, for the title.

    Returns
    -------
    matplotlib.figure.Figure
    """
    canvas = figure(14, 19)
    canvas.suptitle(name)
    grid = canvas.subplots(4, 2)
    _velocity(grid[0], found)
    _decay(grid[1, 0], sound)
    _times(grid[1, 1], found)
    _damper(grid[2, 0], sound)
    _pedal(grid[2, 1], found)
    _attack(grid[3, 0], sound, hop=32, n_fft=512, until_s=ATTACK_S[1])
    _attack(grid[3, 1], sound, hop=64, n_fft=1024, until_s=WIDE_S)
    return canvas


def _velocity(row: Any, found: Probe) -> None:
    for key, levels, centroids in zip(plan.VELOCITY_KEYS, found.levels_db, found.centroids_hz, strict=True):
        row[0].plot(plan.VELOCITIES, levels - levels[-1], ".-", label=f"key {key}")
        row[1].plot(plan.VELOCITIES, centroids, ".-", label=f"key {key}")
    row[0].set(title="level against the loudest", xlabel="velocity", ylabel="dB")
    row[1].set(title="spectral centroid", xlabel="velocity", ylabel="Hz", yscale="log")
    low, high = found.centroids_hz.min() / 1.3, found.centroids_hz.max() * 1.3
    row[1].set_yticks(TICKS_HZ, hertz_labels(TICKS_HZ))
    row[1].set_yticks([], minor=True)
    row[1].set_ylim(low, high)
    for axes in row:
        axes.grid(alpha=0.3)
        axes.legend()


def _decay(axes: Any, sound: Recording) -> None:
    """Energy decay curves, and the level itself thin behind them."""
    for i, (key, piece) in enumerate(zip(plan.DECAY_KEYS, held_notes(sound), strict=True)):
        picked = np.linspace(0, len(piece) - 1, POINTS).astype(int)
        axes.plot(picked / sound.sample_rate, energy_decay_db(piece)[picked], color=f"C{i}", label=f"key {key}")
        levels = envelope_db(piece, sound.sample_rate)
        axes.plot(
            np.arange(len(levels)) * STEP_S + FRAME_S / 2, levels - levels.max(), color=f"C{i}", lw=0.4, alpha=0.6
        )
    axes.set(title="held notes: energy left (thick), level (thin)", xlabel="s", ylabel="dB", ylim=(-70, 3))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)


def _times(axes: Any, found: Probe) -> None:
    """Times of every key, those of the sampled grand grey behind them."""
    rows = (
        ("edt_s", "o-", plan.DECAY_KEYS, "early decay time"),
        ("t60_s", "s-", plan.DECAY_KEYS, "decay time, -5 to -25 dB"),
        ("damped_s", "^-", plan.DAMPER_KEYS, "damped by 40 dB"),
    )
    for name, line, keys, _ in rows:
        axes.plot(keys, GRAND[name], line, color="0.75", lw=3, label="sampled grand" if name == "edt_s" else None)
    for name, line, keys, label in rows:
        axes.plot(keys, getattr(found, name), line, label=label)
    axes.set(title="times over the keyboard", xlabel="key", ylabel="s", yscale="log")
    axes.set_yticks(TICKS_S, [str(tick) for tick in TICKS_S])
    axes.set_yticks([], minor=True)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)


def _damper(axes: Any, sound: Recording) -> None:
    start = plan.DAMPER_HOLD_S - 0.2
    for key, onset in zip(plan.DAMPER_KEYS, plan.schedule().damper_s, strict=True):
        levels = envelope_db(sound.cut(onset, start, plan.DAMPER_STEP_S - 0.05), sound.sample_rate)
        times = np.arange(len(levels)) * STEP_S + FRAME_S - 0.2
        axes.plot(times, levels - levels[0], label=f"key {key}")
    axes.axvline(0.0, color="k", lw=0.5)
    axes.set(title="level after the key comes up", xlabel="s", ylabel="dB", xlim=(-0.2, 2.0), ylim=(-100, 5))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)


def _pedal(axes: Any, found: Probe) -> None:
    axes.plot(plan.PEDAL_VALUES, found.pedal_levels_db, "o-")
    axes.axhline(found.sostenuto_db, color="C1", lw=0.8, ls="--", label="sostenuto pedal")
    axes.set(title="held by the sustain pedal, against by the finger", xlabel="value", ylabel="dB", ylim=(-100, 6))
    axes.grid(alpha=0.3)
    axes.legend()


def _attack(axes: Any, sound: Recording, *, hop: int, n_fft: int, until_s: float) -> None:
    """Middle C out of silence."""
    onset = plan.schedule().decay_s[plan.DECAY_KEYS.index(plan.PEDAL_KEY)]
    around = mixed(sound.cut(onset, -CONTEXT_S, until_s + CONTEXT_S))
    loudest = max(float(np.abs(around).max()), 1e-9)  # or a soft engine would lie below the floor of spectrograms
    span = (ATTACK_S[0], until_s)
    draw(axes, close_up(around / loudest, sound.sample_rate, CONTEXT_S, span, n_fft=n_fft, hop=hop))
    axes.set_title(f"middle C, velocity {plan.DECAY_VELOCITY}, until {1000 * until_s:.0f} ms")
