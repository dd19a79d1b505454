"""``m2m``: score tokens to performance tokens, note by note (Tang et al. 2025, "M2M").

The score is played mechanically, turned into tokens, cut into blocks of 256, and every note's velocity,
inter-onset interval and duration are drawn independently. Onsets are the running sum of the intervals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perfsynth.known import number_of
from perfsynth.nn.weights import network_of
from perfsynth.perform.keys import keys_of
from perfsynth.perform.mechanical import mechanical, opening_s
from perfsynth.tokens import seed as vocabulary
from perfsynth.types import Performance, Score

if TYPE_CHECKING:
    import torch

SCORE_VELOCITY = 60


def perform(
    score: Score, *, bpm: float | None = None, seed: int = 0, temperature: float = 1.0, pianist: str | None = None,
    weights: str | None = None,
) -> Performance:  # fmt: skip
    """Play `score` with the paper's sampling.

    Parameters
    ----------
    score
        What to play.
    bpm
        Mean tempo; else the one that the model gives.
    seed
        Of the sampling.
    temperature
        Of the three softmaxes; 0 takes the likeliest token.
    pianist
        The name of one that the network knows; else nobody in particular.
    weights
        A folder with model.safetensors and config.toml; else the network that ships.

    Raises
    ------
    UsageError
        When there is no such pianist.
    """
    import torch

    from perfsynth.perform.m2m_network import M2M, Config

    network = network_of(weights, "m2m", M2M, Config)
    names = network.config.pianists
    who = torch.tensor([len(names) if pianist is None else number_of(names, pianist, "pianist")])
    ids, order = score_tokens(score)
    blocks = vocabulary.to_blocks(ids)
    generator = torch.Generator().manual_seed(seed)
    drawn = []
    with torch.inference_mode():
        for block in blocks:
            logits = network(torch.from_numpy(block.astype(np.int64))[None], who)
            drawn.append(np.stack([_draw(head[0], temperature, generator) for head in logits], axis=1))
    velocity, ioi, duration = np.concatenate(drawn)[1 : len(ids) + 1].T  # framed by BOS and EOS
    onset = np.cumsum(ioi - vocabulary.MAX_IOI - 1)
    notes = keys_of(score.notes[order])
    notes["onset_s"] = (onset - onset.min()) / vocabulary.TICKS_PER_S
    notes["duration_s"] = (duration + 1) / vocabulary.TICKS_PER_S
    notes["velocity"] = np.clip(np.rint(vocabulary.VELOCITIES[velocity]), 1, 127)
    notes = _at_tempo(notes[np.argsort(order)], score, bpm)
    notes["onset_s"] += opening_s(score, bpm=bpm)
    return Performance(notes, parts=score.parts)


def score_tokens(score: Score) -> tuple[np.ndarray, np.ndarray]:
    """Tokens of the mechanical performance, (n, 6), and the score note of each row."""
    notes = mechanical(score)
    notes["velocity"], notes["part"] = SCORE_VELOCITY, 0  # two hands are one player
    notes["duration_s"] = np.minimum(notes["duration_s"], vocabulary.MAX_DURATION / vocabulary.TICKS_PER_S)
    low, high = vocabulary.MIN_PITCH, vocabulary.MAX_PITCH
    while np.any(notes["pitch"] < low):
        notes["pitch"][notes["pitch"] < low] += 12
    while np.any(notes["pitch"] > high):
        notes["pitch"][notes["pitch"] > high] -= 12
    onset = np.rint(notes["onset_s"] * vocabulary.TICKS_PER_S)
    order = np.lexsort([notes["pitch"], onset])
    return vocabulary.encode(Performance(notes[order])).ids, order


def _draw(logits: torch.Tensor, temperature: float, generator: torch.Generator) -> np.ndarray:
    """One token of each row, special ones left out, as a value from 0."""
    import torch

    logits = logits[:, vocabulary.SPECIAL :]
    if temperature == 0:
        return np.asarray(logits.argmax(dim=1).numpy())
    chances = torch.softmax(logits / temperature, dim=1)
    return np.asarray(torch.multinomial(chances, 1, generator=generator)[:, 0].numpy())


def _at_tempo(notes: np.ndarray, score: Score, bpm: float | None) -> np.ndarray:
    """The notes stretched so that the mean tempo is `bpm`."""
    if bpm is None:
        return notes
    beats = score.notes["onset_beat"]
    length_beats, length_s = float(np.ptp(beats)), float(np.ptp(notes["onset_s"]))
    if length_beats <= 0 or length_s <= 0:
        return notes
    factor = length_beats * 60.0 / bpm / length_s
    stretched = notes.copy()
    for name in ("onset_s", "duration_s"):
        stretched[name] *= factor
    return stretched
