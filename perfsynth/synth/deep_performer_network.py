"""The synthesis model of Deep Performer (Dong et al. 2022, section 3.2): notes to a mel spectrogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch  # noqa: TID253  imported only inside functions
from torch import Tensor, nn  # noqa: TID253

from perfsynth.nn.fft_block import FFTBlock, sinusoids
from perfsynth.synth.roll import N_PITCHES

N_VELOCITIES = 128
ALIKE = 6.0  # velocities so far apart are much alike
FLOOR_LN, SPREAD_LN = -11.5, 3.0  # nepers: what the output is relative to, of ln mel bands


@dataclass(frozen=True)
class Config:
    """Sizes; the paper's as far as it states them, 12.45 M parameters."""

    width: int = 128
    heads: int = 2
    encoder_layers: int = 3
    decoder_layers: int = 6
    inner: int = 1024  # of the convolutions
    kernel: int = 9
    dropout: float = 0.1
    bands: int = 80
    instruments: tuple[str, ...] = ("salamander",)
    note_position: bool = True  # without: the paper's ablation "w/o note-wise positional encoding"
    performer: bool = True
    encoder: bool = True  # without: a piano roll and a position roll go straight into the decoder


@dataclass(frozen=True)
class Notes:
    """The notes of a batch of clips; those that are only there to fill a row are `padded`."""

    pitch: Tensor  # (B, N) int64
    velocity: Tensor  # (B, N) int64
    begin: Tensor  # (B, N) float32, frames after the start of the clip; may lie before it
    end: Tensor  # (B, N) float32, may lie after the clip
    padded: Tensor  # (B, N) bool


class DeepPerformer(nn.Module):
    """Note encoder, polyphonic mixer, decoder.

    Weights that know fewer instruments can be loaded: those that are new begin as the first one.
    """

    alike: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.pitch = nn.Embedding(N_PITCHES, width)
        self.velocity = nn.Embedding(N_VELOCITIES, width)
        self.register_buffer("alike", _alike(), persistent=False)
        self.instrument = nn.Embedding(len(config.instruments), width) if config.performer else None
        self.slope = nn.Parameter(torch.zeros(width))  # the paper's w
        sizes = (width, config.heads, config.inner, config.kernel, config.dropout)
        self.encoder = nn.ModuleList([FFTBlock(*sizes) for _ in range(config.encoder_layers if config.encoder else 0)])
        self.enter = None if config.encoder else nn.Linear(2 * N_PITCHES, width)
        self.decoder = nn.ModuleList([FFTBlock(*sizes) for _ in range(config.decoder_layers)])
        self.out = nn.Linear(width, config.bands)

    def forward(self, notes: Notes, instrument: Tensor, n_frames: int) -> Tensor:
        """Notes of B clips, (B,) -> (B, n_frames, bands) in the preset's logarithm."""
        x = self.mixed(notes, instrument, n_frames) if self.enter is None else self.enter(rolls(notes, n_frames))
        x = x + sinusoids(torch.arange(n_frames, device=x.device)[None], self.config.width)
        if self.instrument is not None:
            x = x + self.instrument(instrument)[:, None]
        for block in self.decoder:
            x = block(x)
        made: Tensor = FLOOR_LN + SPREAD_LN * (self.out(x) + 2.0)
        return made

    def mixed(self, notes: Notes, instrument: Tensor, n_frames: int) -> Tensor:
        """(B, n_frames, width): in each frame the sum of what the encoder says of the notes that sound."""
        # Differs: the paper has no velocities. They get louder evenly, as each is much like its neighbours.
        velocity = nn.functional.embedding(notes.velocity, self.alike @ self.velocity.weight)
        x = self.pitch(notes.pitch) + velocity
        # Differs: the paper does not say how the encoder knows times; here it counts frames, onset and length.
        x = x + sinusoids(notes.begin, self.config.width) + sinusoids(notes.end - notes.begin, self.config.width)
        if self.instrument is not None:
            x = x + self.instrument(instrument)[:, None]
        x = x.masked_fill(notes.padded[..., None], 0.0)
        for block in self.encoder:
            x = block(x, notes.padded)
        return mix(x, notes, self.slope if self.config.note_position else torch.zeros_like(self.slope), n_frames)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: Any) -> None:
        given, own = state_dict.get(prefix + "instrument.weight"), self.instrument
        if given is not None and own is not None and len(given) < own.num_embeddings:
            more = given[:1].expand(own.num_embeddings - len(given), -1)
            state_dict[prefix + "instrument.weight"] = torch.cat([given, more])
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _alike() -> Tensor:
    """(128, 128): what each velocity has of the embedding of every one; rows add up to 1."""
    apart = torch.arange(N_VELOCITIES)[:, None] - torch.arange(N_VELOCITIES)
    weights = torch.exp(-((apart / ALIKE) ** 2) / 2)
    return weights / weights.sum(dim=1, keepdim=True)


def mix(x: Tensor, notes: Notes, slope: Tensor, n_frames: int) -> Tensor:
    """The polyphonic mixer with note-wise positions, v_frame = sum of (1 + p w) v over the notes that sound.

    A note sounds in at least one frame. The mixer takes O(notes + frames): p goes straight from 0 to 1 within a note,
    so what a note adds is a value and a slope in time. Both are added at its onset, taken away at its end, and summed
    up along the frames.

    Parameters
    ----------
    x
        (B, N, C) what stands for each note.
    notes
        When they sound.
    slope
        (C,) w.
    n_frames
        Of the result, (B, n_frames, C).
    """
    length = (notes.end.double() - notes.begin.double()).clamp(min=1.0)
    begin = notes.begin.round()
    end = torch.maximum(notes.end.round(), begin + 1)
    first, last = (edge.clamp(0, n_frames).long() for edge in (begin, end))
    kept = (~notes.padded).double()[..., None]
    value = x.double() * kept
    rise = value * slope.double() / length[..., None]
    start = value - rise * notes.begin.double()[..., None]
    both = torch.cat([start, rise], dim=-1)
    steps = both.new_zeros(len(x), n_frames + 1, both.shape[-1])
    steps.scatter_add_(1, first[..., None].expand_as(both), both)
    steps.scatter_add_(1, last[..., None].expand_as(both), -both)
    total, climb = steps.cumsum(dim=1)[:, :n_frames].chunk(2, dim=-1)
    t = torch.arange(n_frames, device=x.device, dtype=torch.double)[:, None]
    return (total + climb * t).to(x.dtype)


def rolls(notes: Notes, n_frames: int) -> Tensor:
    """(B, n_frames, 256): velocities 0 to 1 of the notes that sound, and where each frame lies in its note, 1 to 0."""
    size = (len(notes.pitch), *notes.pitch.shape[1:], N_PITCHES)
    hot = torch.zeros(size, device=notes.pitch.device).scatter_(2, notes.pitch[..., None], 1.0)
    loud = hot * (notes.velocity / 127)[..., None]
    flat = mix(torch.cat([loud, hot], dim=-1), notes, hot.new_zeros(2 * N_PITCHES), n_frames)
    falling = mix(torch.cat([hot, hot], dim=-1), notes, -hot.new_ones(2 * N_PITCHES), n_frames)
    return torch.cat([flat[..., :N_PITCHES], falling[..., N_PITCHES:]], dim=-1)
