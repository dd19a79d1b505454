"""``deep-performer-align``: the alignment model of Deep Performer (Dong et al. 2022, section 3.1).

A Transformer encoder of 3 layers and 128 dimensions reads the notes of a score (pitch, onset and duration at 24
steps a quarter note), a performer and a tempo, and gives each note's onset and duration in frames of 16 ms. It
says nothing of loudness: every velocity is 64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch  # noqa: TID253  imported only where a model is loaded or trained
from torch import Tensor, nn  # noqa: TID253

from perfsynth.known import number_of
from perfsynth.nn.fft_block import sinusoids
from perfsynth.nn.weights import network_of
from perfsynth.perform.keys import keys_of
from perfsynth.perform.mechanical import opening_s
from perfsynth.tempo import tempo_map
from perfsynth.types import Performance, Score

STEPS_PER_BEAT = 24
FRAME_S = 256 / 16000  # 16 ms
SEGMENT = 256  # notes read at once
OVERLAP = 64  # notes that neighbouring segments share
VELOCITY = 64
LONGEST_STEPS = 2047  # of an onset within a segment; what lies later is read as this
LONGEST_DURATION = 383  # steps, four bars of 4/4


@dataclass(frozen=True)
class Config:
    """Sizes; the defaults are the paper's where it states them."""

    width: int = 128
    layers: int = 3
    heads: int = 2
    feed_forward: int = 512
    dropout: float = 0.1
    pianists: tuple[str, ...] = ()


class DeepPerformerAlign(nn.Module):
    """Notes of a segment to how far each one's onset and duration stray from the given tempo, in frames.

    Differs: the paper regresses frames from the segment's start; here the frames that the tempo gives are added
    outside of the network, which then learns in thousands of steps what else takes ten thousands.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.pitch = nn.Embedding(128, config.width)
        self.duration = nn.Embedding(LONGEST_DURATION + 1, config.width)
        self.pianist = nn.Embedding(len(config.pianists) + 1, config.width)  # the last one is anybody
        self.tempo = nn.Linear(1, config.width)
        self.enter = nn.Linear(3, config.width)
        layer = nn.TransformerEncoderLayer(
            config.width, config.heads, config.feed_forward, config.dropout, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.out = nn.Linear(config.width, 2)

    def forward(self, notes: Tensor, pianist: Tensor, frames_per_step: Tensor, padded: Tensor) -> Tensor:
        """(B, T, 3) pitch, onset, duration in steps, (B,), (B,), (B, T) bool -> (B, T, 2) onset, duration in frames."""
        pitch, onset, duration = notes.unbind(-1)
        place = onset.clamp(max=LONGEST_STEPS).float()
        phase = torch.stack(
            [place / STEPS_PER_BEAT / 8, place / STEPS_PER_BEAT % 1, place / STEPS_PER_BEAT % 4 / 4], -1
        )
        x = self.pitch(pitch) + self.duration(duration.clamp(max=LONGEST_DURATION)) + self.enter(phase)
        x = x + sinusoids(place, self.config.width) + self.pianist(pianist)[:, None]
        x = x + self.tempo(torch.log(frames_per_step)[:, None])[:, None]
        strays = self.out(self.encoder(x, src_key_padding_mask=padded))
        scale = frames_per_step[:, None, None]
        steady = torch.stack([onset, duration], dim=-1).float() * scale
        shaped: Tensor = steady + strays * scale * STEPS_PER_BEAT
        return shaped


def segment_notes(notes: np.ndarray) -> np.ndarray:
    """(n, 3) int64: pitch, onset from the first note and duration of `SCORE_NOTE` rows, in steps."""
    onset = np.rint((notes["onset_beat"] - notes["onset_beat"].min()) * STEPS_PER_BEAT)
    duration = np.rint(notes["duration_beat"] * STEPS_PER_BEAT)
    return np.stack([notes["pitch"], onset, duration], axis=1).astype(np.int64)


def perform(
    score: Score, *, bpm: float | None = None, seed: int = 0, pianist: str | None = None, weights: str | None = None
) -> Performance:
    """Play `score`; nothing in it is random.

    Parameters
    ----------
    score
        What to play.
    bpm
        Tempo in quarter notes a minute; else the score's first tempo mark.
    seed
        Without effect.
    pianist
        The name of one that the network knows; else nobody in particular.
    weights
        A folder with model.safetensors and config.toml; else the network that ships.

    Raises
    ------
    UsageError
        When there is no such pianist.
    """
    network = network_of(weights, "deep-performer-align", DeepPerformerAlign, Config)
    names = network.config.pianists
    who = len(names) if pianist is None else number_of(names, pianist, "pianist")
    quarter_bpm = bpm or float(tempo_map(score.tempos)["quarter_bpm"][0])
    frames_per_step = 60.0 / quarter_bpm / STEPS_PER_BEAT / FRAME_S
    onset, duration = _whole(network, score.notes, who, frames_per_step)
    if bpm is not None and np.ptp(score.notes["onset_beat"]) > 0:
        factor = np.ptp(score.notes["onset_beat"]) * 60.0 / bpm / max(np.ptp(onset) * FRAME_S, 1e-3)
        onset, duration = onset * factor, duration * factor
    notes = keys_of(score.notes)
    notes["onset_s"] = (onset - onset.min()) * FRAME_S + opening_s(score, bpm=bpm)
    notes["duration_s"] = np.maximum(duration, 1.0) * FRAME_S
    notes["velocity"] = VELOCITY
    return Performance(notes, parts=score.parts)


@torch.inference_mode()
def _whole(
    network: DeepPerformerAlign, notes: np.ndarray, pianist: int, frames_per_step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Onsets and durations in frames: overlapping segments, each set where the last one's overlap was on average."""
    onset, duration = np.zeros(len(notes)), np.zeros(len(notes))
    done = 0
    for start in range(0, max(len(notes) - OVERLAP, 1), SEGMENT - OVERLAP):
        rows = slice(start, start + SEGMENT)
        segment = torch.from_numpy(segment_notes(notes[rows]))[None]
        scale = torch.tensor([frames_per_step], dtype=torch.float32)
        padded = torch.zeros(segment.shape[:2], dtype=torch.bool)
        shaped = network(segment, torch.tensor([pianist]), scale, padded)[0].numpy()
        begins = shaped[:, 0].astype(float)
        if done:
            begins += (onset[start:done] - begins[: done - start]).mean()
        new = slice(max(done - start - OVERLAP // 2, 0) if done else 0, None)
        target = slice(start + new.start, start + len(begins))
        onset[target], duration[target] = begins[new], shaped[new, 1]
        done = start + len(begins)
    return onset, duration
