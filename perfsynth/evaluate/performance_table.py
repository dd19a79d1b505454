"""The measures of performances as tables: what each is called, in which order they are read."""

from __future__ import annotations

import math
from collections.abc import Mapping

from perfsynth.evaluate.performance_corpus import Summary
from perfsynth.evaluate.performance_tokens import FEATURES, MEASURES, SCOPES

LABELS = {
    "velocity_r": "velocity r",
    "velocity_r_segments": "velocity r, 256-note segments",
    "tempo_r": "tempo r, beats",
    "tempo_r_windows": "tempo r, 32-beat windows",
    "ioi_r": "note IOI r",
    "duration_r": "duration r, key",
    "sounding_r": "duration r, with pedal",
    "articulation_r": "articulation r",
    "asynchrony_r": "asynchrony r",
    "pedal_r": "pedal r",
    "velocity_spread": "spread of velocity",
    "tempo_spread": "spread of tempo",
    "articulation_spread": "spread of articulation",
    "asynchrony_spread": "spread of asynchrony",
    "velocity_jsd": "JSD of velocity [bit]",
    "ioi_jsd": "JSD of IOI [bit]",
    "duration_jsd": "JSD of duration [bit]",
    "articulation_jsd": "JSD of articulation [bit]",
    "tempo_jsd": "JSD of tempo [bit]",
}
TOKEN_LABELS = {"correlation": "r", "kld": "KLD", "dtwd": "DTWD"}
TOKEN_DECIMALS = {"correlation": 3, "kld": 5, "dtwd": 4}
PADDING_LABELS = {"none": "notes alone", "as-released": "padding kept, as released"}


def number(value: float, *, signed: bool = False) -> str:
    """A figure as it is printed; a dash for none."""
    if not math.isfinite(value):
        return "-"
    return f"{value + 0.0:+.3f}" if signed else f"{value + 0.0:.3f}"


def by_measure(columns: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """A row for each measure, a column for each performance, the head first."""
    rows = [["measure", *columns]]
    rows += [[label, *(number(column[name]) for column in columns.values())] for name, label in LABELS.items()]
    return rows


def with_intervals(summaries: Mapping[str, Summary], *, signed: bool = False) -> list[list[str]]:
    """The same over pieces, each figure with its interval, and how many pieces it stands on."""
    rows = [["measure", *summaries], ["pieces", *(str(one.n_pieces) for one in summaries.values())]]
    for name, label in LABELS.items():
        cells = []
        for one in summaries.values():
            ends = "..".join(number(end, signed=signed) for end in one.interval.get(name, ()))
            cells.append(number(one.mean[name], signed=signed) + (f" ({ends})" if ends else ""))
        rows.append([label, *cells])
    return rows


def token_table(columns: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """Table II of one padding: a row for each performance and scope, nine columns."""
    heads = [f"{feature} {TOKEN_LABELS[measure]}" for feature in FEATURES for measure in MEASURES]
    rows = [["", "over", *heads]]
    for scope in SCOPES:
        for name, figures in columns.items():
            cells = (
                f"{figures[f'{scope}/{feature}/{measure}'] + 0.0:.{TOKEN_DECIMALS[measure]}f}"
                for feature in FEATURES
                for measure in MEASURES
            )
            rows.append([name, scope, *cells])
    return rows
