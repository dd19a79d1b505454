"""Measure how unevenly a ``deep-performer`` gets louder with velocity, and write the gains that even it.

usage: even_velocities.py DIR; DIR holds model.safetensors and config.toml, which is written anew with `evened_db`
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

import numpy as np
import torch  # noqa: TID253  a tool, not a command

from perfsynth.nn.weights import CONFIG, load_network
from perfsynth.synth.deep_performer import FRAME_S, SYSTEM, VIOLIN_KEYS, notes_of
from perfsynth.synth.deep_performer_network import Config, DeepPerformer
from perfsynth.synth.roll import SOUNDING
from perfsynth.synth.voicing import velocity_db
from perfsynth.train.checkpoint import to_toml

N_NOTES, CHANGED = 8, 4  # of a phrase; which of them is played at every velocity
APART_S = (0.12, 0.5)  # between the onsets of a phrase
HELD = 0.98  # of that a note sounds
MOST_SEMITONES, MOST_VELOCITIES = 5, 5  # from note to note


def phrase(rng: np.random.Generator, keys: tuple[int, int], velocities: tuple[int, int]) -> np.ndarray:
    """A line of notes, `perfsynth.synth.roll.SOUNDING`, whose keys and velocities wander within their ranges."""
    onset_s = np.cumsum(rng.uniform(*APART_S, N_NOTES + 1))
    table = np.zeros(N_NOTES, SOUNDING)
    table["begin_s"], table["end_s"] = onset_s[:-1], onset_s[:-1] + HELD * np.diff(onset_s)
    for name, most, (low, high) in (("pitch", MOST_SEMITONES, keys), ("velocity", MOST_VELOCITIES, velocities)):
        wandered = rng.integers(low + most, high - most) + np.cumsum(rng.integers(-most, most + 1, N_NOTES))
        table[name] = np.clip(wandered, low, high)
    return table


def levels_db(network: DeepPerformer, table: np.ndarray, instrument: int) -> np.ndarray:
    """(n_velocities,) level of one note of a phrase in dB, played at each velocity learnt, all others as they are."""
    lowest, highest = network.config.velocities
    played = np.repeat(table[None], highest - lowest + 1, axis=0)
    played["velocity"][:, CHANGED] = np.arange(lowest, highest + 1)
    first, last = (int(table[name][CHANGED] / FRAME_S) for name in ("begin_s", "end_s"))
    with torch.inference_mode():
        instruments = torch.full((len(played),), instrument)
        values = network(notes_of(list(played)), instruments, int(table["end_s"].max() / FRAME_S) + 1).numpy()
    heard = values[:, first + 2 : max(last - 1, first + 4)].astype(np.float64)  # without what its neighbours blur
    return np.asarray(10 * np.log10(np.exp(2 * heard).sum(axis=2).mean(axis=1)))


def gains_db(network: DeepPerformer, keys: tuple[int, int], n_phrases: int, seed: int = 0) -> np.ndarray:
    """(n_velocities,) gains in dB that make level follow `perfsynth.synth.voicing.velocity_db`, 0 in the median."""
    rng = np.random.default_rng(seed)
    lowest, highest = network.config.velocities
    measured = [
        levels_db(network, phrase(rng, keys, network.config.velocities), instrument)
        for instrument in range(len(network.config.instruments))
        for _ in range(n_phrases)
    ]
    lacking = velocity_db(np.arange(lowest, highest + 1)) - np.mean(measured, axis=0)
    return np.asarray(lacking - np.median(lacking))


def main() -> None:
    """Measure, write, and say how much was uneven."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--keys", type=int, nargs=2, default=VIOLIN_KEYS, help="between which the phrases lie")
    parser.add_argument("--phrases", type=int, default=24, help="for each instrument")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    network = load_network(chosen.weights, SYSTEM, DeepPerformer, Config)
    gains = gains_db(network, tuple(chosen.keys), chosen.phrases)
    table = tomllib.loads((chosen.weights / CONFIG).read_text())
    table["model"]["evened_db"] = [round(float(gain), 1) for gain in gains]
    (chosen.weights / CONFIG).write_text(to_toml(table))
    print(f"{chosen.weights}: gains of {gains.min():.1f} to {gains.max():.1f} dB, deviation {gains.std():.1f}")


if __name__ == "__main__":
    main()
