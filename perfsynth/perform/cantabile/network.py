"""The network of ``cantabile``: a score read note by note, heard chord by chord, in both directions."""

from __future__ import annotations

from dataclasses import dataclass

import torch  # noqa: TID253  imported only where a model is loaded or trained
from torch import Tensor, nn  # noqa: TID253
from torch.nn import functional as F  # noqa: TID253

PEDAL_PLACES = 4  # inputs that say where between two chords the pedal is asked for
STATISTICS = (
    "log_beat_period", "tempo_spread", "velocity", "velocity_spread", "articulation", "articulation_spread",
    "asynchrony_spread", "pedal",
)  # fmt: skip
# In what the network speaks: 0 is this velocity, 1 as many steps more; 0 is this ln of their spread; 1 is so many s.
VELOCITY, VELOCITY_STEPS = 64, 20
VELOCITY_SPREAD_LN = 2.7
ASYNCHRONY_S = 0.02


@dataclass(frozen=True)
class Config:
    """Sizes of the network."""

    note_columns: int
    chord_columns: int
    flags: int = 5
    composers: int = 16
    width: int = 128
    layers: int = 2
    dropout: float = 0.2
    composer_width: int = 8


@dataclass(frozen=True)
class Batch:
    """B crops of T chords, N notes in all; crops shorter than T are padded at their end."""

    notes: Tensor  # (N, note columns)
    chord: Tensor  # (N,) index into B * T
    top: Tensor  # (B * T,) index into N of the highest note of each chord, 0 where padded
    bottom: Tensor  # (B * T,) of the lowest
    chords: Tensor  # (B, T, chord columns)
    flags: Tensor  # (B, flags)
    composer: Tensor  # (B,) 0 is unknown
    mask: Tensor  # (B, T) bool
    pedal_chord: Tensor  # (P,) index into B * T: the chord before each pedal sample
    pedal_place: Tensor  # (P, PEDAL_PLACES)


@dataclass(frozen=True)
class Shape:
    """What the network says of a batch; curves are relative, `statistics` say around what and how far they go."""

    log_beat_period: Tensor  # (B, T) from each chord to the next, less what the written tempo says of it
    velocity: Tensor  # (N,)
    articulation: Tensor  # (N,) log2
    asynchrony: Tensor  # (N,) in units of 20 ms
    pedal: Tensor  # (P,) logit of "down"
    lift: Tensor  # (B, T) logit of "cleared at this chord"
    statistics: Tensor  # (B, len(STATISTICS))


class Cantabile(nn.Module):
    """Note MLP -> mean, top and bottom of each chord -> bidirectional GRU over chords -> heads."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.note = nn.Sequential(
            nn.Linear(config.note_columns, width), nn.GELU(), nn.LayerNorm(width), nn.Linear(width, width), nn.GELU()
        )
        self.composer = nn.Embedding(config.composers + 1, config.composer_width)
        inputs = 3 * width + config.chord_columns + config.flags + config.composer_width
        self.chord = nn.Sequential(nn.Linear(inputs, width), nn.GELU(), nn.LayerNorm(width), nn.Dropout(config.dropout))
        self.recur = nn.GRU(width, width, config.layers, batch_first=True, bidirectional=True, dropout=config.dropout)
        self.drop = nn.Dropout(config.dropout)
        self.chord_heads = nn.Sequential(nn.Linear(3 * width, width), nn.GELU(), nn.Linear(width, 3))
        self.note_heads = nn.Sequential(
            nn.Linear(4 * width, width), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(width, 3)
        )
        self.pedal = nn.Sequential(nn.Linear(3 * width + PEDAL_PLACES, width // 2), nn.GELU(), nn.Linear(width // 2, 1))
        self.piece = nn.Sequential(nn.Linear(3 * width, width // 2), nn.GELU(), nn.Linear(width // 2, len(STATISTICS)))

    def forward(self, batch: Batch) -> Shape:
        """Shape a batch of scores; see `Batch` and `Shape` for the shapes."""
        crops, steps = batch.mask.shape
        embedded = self.note(batch.notes)
        total = embedded.new_zeros(crops * steps, embedded.shape[1]).index_add(0, batch.chord, embedded)
        count = embedded.new_zeros(crops * steps).index_add(0, batch.chord, torch.ones_like(embedded[:, 0]))
        mean = total / count.clamp(min=1)[:, None]
        heard = torch.cat([mean, embedded[batch.top], embedded[batch.bottom]], dim=1).view(crops, steps, -1)
        whole = torch.cat([batch.flags, self.composer(batch.composer)], dim=1)[:, None].expand(-1, steps, -1)
        inputs = self.chord(torch.cat([heard, batch.chords, whole], dim=2)) * batch.mask[..., None]
        lengths = batch.mask.sum(dim=1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
        states, _ = nn.utils.rnn.pad_packed_sequence(self.recur(packed)[0], batch_first=True, total_length=steps)
        states = torch.cat([self.drop(states), inputs], dim=2)
        chord_out = self.chord_heads(states)
        flat = states.reshape(crops * steps, -1)
        note_out = self.note_heads(torch.cat([embedded, flat[batch.chord]], dim=1))
        pooled = (states * batch.mask[..., None]).sum(dim=1) / batch.mask.sum(dim=1, keepdim=True)
        pedal = self.pedal(torch.cat([flat[batch.pedal_chord], batch.pedal_place], dim=1)).squeeze(1)
        return Shape(
            log_beat_period=chord_out[..., 0],
            velocity=chord_out[..., 1].reshape(-1)[batch.chord] + note_out[:, 0],
            articulation=note_out[:, 1],
            asynchrony=note_out[:, 2],
            pedal=pedal,
            lift=chord_out[..., 2],
            statistics=self.piece(pooled),
        )


def elapsed(log_beat_period: Tensor, step_beat: Tensor) -> Tensor:
    """Time of each chord: the running sum of beats times beat period, 0 at the first; all (B, T)."""
    return F.pad(torch.cumsum(step_beat * torch.exp(log_beat_period), dim=1)[:, :-1], (1, 0))
