"""What the network says of a whole score, and how it becomes curves to play."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch  # noqa: TID253  imported only where a model is loaded

from perfsynth.perform.cantabile.columns import Reading
from perfsynth.perform.cantabile.crops import composer_number, cut
from perfsynth.perform.cantabile.network import STATISTICS, Cantabile
from perfsynth.perform.cantabile.trees import ROWS, Trees
from perfsynth.perform.cantabile.windows import windows

SILENT = 1e-9
CURVES = ("log_beat_period", "velocity", "articulation", "asynchrony")
PROBABILITIES = ("pedal", "lift")
TREE_SHARE = 0.4  # of a curve for which there are trees beside the networks


@dataclass(frozen=True)
class Players:
    """Networks that were trained alike, and trees for some of the curves: together they say how a score is played."""

    networks: tuple[Cantabile, ...]
    trees: Mapping[str, Trees] = field(default_factory=dict)  # by curve


@dataclass(frozen=True)
class Interpretation:
    """The curves over a score, relative ones with mean 0 and spread 1; n notes, m chords, p samples."""

    log_beat_period: np.ndarray  # (m,) about the tempo that is written
    written_tempo: np.ndarray  # (m,) ln of it, relative
    velocity: np.ndarray  # (n,)
    articulation: np.ndarray  # (n,)
    asynchrony: np.ndarray  # (n,)
    pedal: np.ndarray  # (p,) probability of "down"
    pedal_beat: np.ndarray  # (p,)
    lift: np.ndarray  # (m,) probability that the pedal is cleared at a chord
    statistics: dict[str, float]  # STATISTICS, as the network was taught them


@torch.inference_mode()
def interpret(players: Players, reading: Reading, *, composer: str = "") -> Interpretation:
    """Ask every network and all trees about a score and average what they say."""
    from scipy.special import expit

    crop = cut(reading, 0, len(reading.chord_beat), composer=composer_number(composer or reading.composer))
    parts = windows(crop)
    said = [parts.joined(network.eval()(parts.batch)) for network in players.networks]
    curves = {name: standard(np.sum([standard(one[name]) for one in said], axis=0)) for name in CURVES}
    likely = {name: np.mean([expit(one[name]) for one in said], axis=0) for name in PROBABILITIES}
    for name, trees in players.trees.items():
        beside = trees.predict(ROWS[name](crop))
        if name in likely:
            likely[name] = (1 - TREE_SHARE) * likely[name] + TREE_SHARE * beside.clip(0, 1)
        else:
            curves[name] = standard((1 - TREE_SHARE) * curves[name] + TREE_SHARE * standard(beside))
    values = np.mean([one["statistics"] for one in said], axis=0)
    return Interpretation(
        **curves,
        written_tempo=crop.written_tempo,
        **likely,
        pedal_beat=crop.pedal_beat,
        statistics=dict(zip(STATISTICS, values.astype(float).tolist(), strict=True)),
    )


def standard(curve: np.ndarray) -> np.ndarray:
    """A curve with mean 0 and standard deviation 1; a flat one is all 0."""
    centred = curve - curve.mean()
    spread = centred.std()
    result: np.ndarray = centred / spread if spread > SILENT else np.zeros_like(centred)
    return result
