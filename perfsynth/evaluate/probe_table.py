"""A probe as a table, the sampled grand beside it.

The sampled grand is the Salamander, a Yamaha C5 in 16 layers, played by this project's sampler: what the measures
give for recordings of a real piano, and so the ladder of the probe. It is no ideal: its samples end, and its strings
do not answer each other. ``perfsynth evaluate audio --probe --engine sampler --json`` measures it anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from perfsynth.evaluate import probe_notes as plan
from perfsynth.evaluate.audio_table import number
from perfsynth.evaluate.probe import STEADY_KEYS

# By name: what it is called, its keys where it is a list, decimals.
FIGURES: dict[str, tuple[str, tuple[int, ...], int]] = {
    "delay_ms": ("delay of the attack [ms]", (), 1),
    "range_db": ("velocity: range [dB]", plan.VELOCITY_KEYS, 1),
    "slope_db": ("velocity: slope [dB per 10]", plan.VELOCITY_KEYS, 2),
    "inversions": ("velocity: inversions", plan.VELOCITY_KEYS, 0),
    "largest_step_db": ("velocity: largest step [dB]", plan.VELOCITY_KEYS, 2),
    "roughness_db": ("velocity: roughness [dB]", plan.VELOCITY_KEYS, 2),
    "centroid_ratio": ("velocity: centroid, loudest / softest", plan.VELOCITY_KEYS, 2),
    "largest_centroid_step": ("velocity: largest step of the centroid", plan.VELOCITY_KEYS, 2),
    "edt_s": ("early decay time [s]", plan.DECAY_KEYS, 1),
    "t60_s": ("decay time [s]", plan.DECAY_KEYS, 1),
    "damped_s": ("damped by 40 dB after [s]", plan.DAMPER_KEYS, 2),
    "wander_cents": ("wander of partials [cents]", STEADY_KEYS, 2),
    "tuning_cents": ("tuning [cents]", STEADY_KEYS, 1),
    "damped_db": ("pedal up, 0.5 s after key-up [dB of held]", (), 1),
    "sustained_db": ("sustain pedal [dB of held]", (), 1),
    "half_values": ("half pedal: values of thirteen", (), 0),
    "backwards": ("sustain pedal: steps backwards", (), 0),
    "sostenuto_db": ("sostenuto pedal [dB of held]", (), 1),
    "soft_db": ("soft pedal: level [dB]", (), 1),
    "soft_centroid": ("soft pedal: centroid", (), 2),
    "rest_dbfs": ("silence [dBFS]", (), 0),
    "rest_below_note_db": ("silence below a note [dB]", (), 0),
    "peak_dbfs": ("loudest clusters: peak [dBFS]", (), 1),
    "clipped_samples": ("loudest clusters: clipped samples", (), 0),
    "bandwidth_hz": ("loudest clusters: bandwidth, 90 dB [Hz]", (), 0),
}
GRAND: dict[str, list[float]] = {
    "delay_ms": [2.31],
    "range_db": [24.62, 24.62, 24.61],
    "slope_db": [1.882, 1.882, 1.882],
    "inversions": [0.0, 0.0, 0.0],
    "largest_step_db": [1.681, 1.682, 1.682],
    "roughness_db": [0.081, 0.081, 0.081],
    "centroid_ratio": [1.67, 1.296, 1.298],
    "largest_centroid_step": [1.026, 1.035, 1.109],
    "edt_s": [22.51, 4.95, 6.8, 2.94, 1.93, 1.08, 0.34],
    "t60_s": [28.32, 40.43, 14.34, 17.94, 9.07, 2.71, 1.43],
    "damped_s": [0.39, 0.325, 0.305, 0.37, 0.345],
    "wander_cents": [2.386, 1.042, 0.613, 1.222, 2.345],
    "tuning_cents": [-11.7, -5.21, -1.56, 3.14, 8.39],
    "damped_db": [-97.21],
    "sustained_db": [0.0],
    "half_values": [4.0],
    "backwards": [0.0],
    "sostenuto_db": [0.0],
    "soft_db": [-3.6],
    "soft_centroid": [0.962],
    "rest_dbfs": [-180.0],
    "rest_below_note_db": [-147.0],
    "peak_dbfs": [-1.0],
    "clipped_samples": [0.0],
    "bandwidth_hz": [14800.8],
}


def figures(found: dict[str, Any]) -> dict[str, list[float]]:
    """The numbers of `Probe.to_json` by the names of `FIGURES`, each a list."""
    flat = {**found, **found["pedal"], **found["condition"]}
    lists = {"velocity": found["velocity"], "steadiness": found["steadiness"]}
    made = {}
    for name in FIGURES:
        for rows in lists.values():
            if name in rows[0]:
                made[name] = [row[name] for row in rows]
        if name not in made:
            value = flat[name]
            made[name] = list(value) if isinstance(value, list | tuple) else [value]
    return made


def table(found: dict[str, Any], name: str) -> list[list[str]]:
    """Rows of a table of what `Probe.to_json` gives, the head first."""
    rows = [["measure", "keys", name, "sampled grand"]]
    for key, values in figures(found).items():
        label, keys, decimals = FIGURES[key]
        rows.append([label, " ".join(map(str, keys)), _shown(values, decimals), _shown(GRAND[key], decimals)])
    return rows


def _shown(values: Iterable[float], decimals: int) -> str:
    return "  ".join(number(value, decimals) for value in values)
