"""The distances of sound as a table: what each is called, its unit, in which order it is read."""

from __future__ import annotations

import math
from collections.abc import Mapping

LABELS = {
    "gain_db": "gain to match [dB]",
    "lag_s": "lag to match [ms]",
    "log_mel_16k": "log-mel, 16 kHz [neper²]",
    "log_mel_44k": "log-mel, 44.1 kHz [neper²]",
    "absolute_db": "absolute error, 60 dB range [dB]",
    "spectral_convergence": "spectral convergence, 512-8192",
    "log_magnitude": "log magnitude, 512-8192 [neper]",
    "chroma": "chroma, by reference",
    "chroma_as_released": "chroma, as released",
    "spectrogram": "spectrogram, by reference",
    "spectrogram_as_released": "spectrogram, as released",
    "tonality": "tonality per Bark band",
    "flatness_db": "flatness per Bark band [dB]",
    "frechet": "Fréchet, mel modulations",
    "onset_f1": "onset F1, 25 ms of reference",
}
SCALES = {"lag_s": 1000.0}
DECIMALS = {"gain_db": 2, "lag_s": 1, "absolute_db": 2, "flatness_db": 2}


def number(value: float, decimals: int) -> str:
    """A number as it is printed: a dash for none, and no minus before zero."""
    return "-" if math.isnan(value) else f"{round(value, decimals) + 0.0:.{decimals}f}"


def cell(name: str, value: float, interval: tuple[float, float] | None = None) -> str:
    """One figure as it is printed, an interval behind it."""
    scale, decimals = SCALES.get(name, 1.0), DECIMALS.get(name, 3)
    shown = number(value * scale, decimals)
    if interval is not None:
        shown += f" ({interval[0] * scale:.{decimals}f}..{interval[1] * scale:.{decimals}f})"
    return shown


def by_measure(
    columns: Mapping[str, Mapping[str, float]], intervals: Mapping[str, tuple[float, float]] | None = None
) -> list[list[str]]:
    """A row for each measure, a column for each recording, the head first.

    Parameters
    ----------
    columns
        Figures by measure, by the recording's name.
    intervals
        Confidence intervals of the first recording.
    """
    first = next(iter(columns))
    rows = [["measure", *columns]]
    for name, label in LABELS.items():
        cells = [
            cell(name, values[name], (intervals or {}).get(name) if column == first else None)
            for column, values in columns.items()
        ]
        rows.append([label, *cells])
    return rows


def by_recording(columns: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """The same with a row for each recording."""
    names = list(LABELS)
    rows = [["", *("lag_ms" if name == "lag_s" else name for name in names)]]
    rows += [[column, *(cell(name, values[name]) for name in names)] for column, values in columns.items()]
    return rows


def markdown(rows: list[list[str]]) -> str:
    """A Markdown table, its columns aligned for the eye; the first row is its head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "| "
        + " | ".join(
            text.ljust(w) if not i else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (w + 2) if not i else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
