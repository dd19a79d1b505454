"""An alignment beside the truth: its errors over time and as a distribution, and what its confidence is worth."""

from __future__ import annotations

from typing import Any

import numpy as np

from perfsynth.evaluate.alignment import RIGHT_S, Paired, calibration, onset_errors_s
from perfsynth.evaluate.canvas import figure as canvas

SHOWN_MS = 150.0
BINS = 75


def figure(pairs: Paired) -> Any:
    """A matplotlib figure of three panels."""
    error_ms = 1000 * onset_errors_s(pairs)
    played = pairs.true["status"] == "matched"
    confidence = pairs.predicted["confidence"][played]
    shown = np.clip(error_ms, -SHOWN_MS, SHOWN_MS)
    made = canvas(11, 7)
    over_time, spread, sure = made.subplot_mosaic([["time", "time"], ["spread", "sure"]]).values()
    dots = over_time.scatter(pairs.true["onset_s"][played], shown, c=confidence, s=6, cmap="viridis", vmin=0, vmax=1)
    made.colorbar(dots, ax=over_time, label="confidence")
    over_time.axhline(0, color="0.6", lw=0.8)
    over_time.set(xlabel="true onset [s]", ylabel="error [ms]", ylim=(-1.05 * SHOWN_MS, 1.05 * SHOWN_MS))
    spread.hist(shown, np.linspace(-SHOWN_MS, SHOWN_MS, BINS))
    spread.set(xlabel="error [ms]", ylabel="notes")
    rows = calibration(confidence, np.abs(error_ms) <= 1000 * RIGHT_S)
    sure.plot([0, 1], [0, 1], color="0.6", lw=0.8)
    sure.plot([row[0] for row in rows], [row[1] for row in rows], "o-")
    sure.set(xlabel="confidence", ylabel="share within 50 ms", xlim=(0, 1), ylim=(0, 1.02))
    return made
