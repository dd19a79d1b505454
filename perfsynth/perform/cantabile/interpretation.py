"""What the network says of a whole score, and how it becomes curves to play."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch  # noqa: TID253  imported only where a model is loaded

from perfsynth.perform.cantabile.columns import Reading
from perfsynth.perform.cantabile.crops import composer_number, cut, stacked
from perfsynth.perform.cantabile.network import STATISTICS, Cantabile

SILENT = 1e-9


@dataclass(frozen=True)
class Interpretation:
    """The network's curves over a score, relative ones with mean 0 and spread 1; n notes, m chords, p samples."""

    log_beat_period: np.ndarray  # (m,)
    velocity: np.ndarray  # (n,)
    articulation: np.ndarray  # (n,)
    asynchrony: np.ndarray  # (n,)
    pedal: np.ndarray  # (p,) probability of "down"
    pedal_beat: np.ndarray  # (p,)
    lift: np.ndarray  # (m,) probability that the pedal is cleared at a chord
    statistics: dict[str, float]  # STATISTICS, as the network was taught them


@torch.inference_mode()
def interpret(networks: Sequence[Cantabile], reading: Reading, *, composer: str = "") -> Interpretation:
    """Ask every network about a score and average what they say."""
    crop = cut(reading, 0, len(reading.chord_beat), composer=composer_number(composer or reading.composer))
    batch = stacked([crop])
    said = [network.eval()(batch) for network in networks]
    curves = {
        name: sum(standard(getattr(one, name).reshape(-1).numpy().astype(float)) for one in said)
        for name in ("log_beat_period", "velocity", "articulation", "asynchrony")
    }
    pedal = np.mean([torch.sigmoid(one.pedal).numpy() for one in said], axis=0)
    values = np.mean([one.statistics[0].numpy() for one in said], axis=0)
    return Interpretation(
        **{name: standard(np.asarray(curve)) for name, curve in curves.items()},
        pedal=pedal,
        pedal_beat=crop.pedal_beat,
        lift=np.mean([torch.sigmoid(one.lift[0]).numpy() for one in said], axis=0),
        statistics=dict(zip(STATISTICS, values.astype(float).tolist(), strict=True)),
    )


def standard(curve: np.ndarray) -> np.ndarray:
    """A curve with mean 0 and standard deviation 1; a flat one is all 0."""
    centred = curve - curve.mean()
    spread = centred.std()
    result: np.ndarray = centred / spread if spread > SILENT else np.zeros_like(centred)
    return result
