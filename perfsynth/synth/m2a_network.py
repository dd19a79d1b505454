"""M2A (Tang et al. 2025, after Shi et al. 2023): a piano roll to a semitone spectrogram by a Transformer, and to sound.

Differs: the paper's decoder predicts one step from the last, with a prenet that drops 99 % of what it is told, and so
hardly hears itself. Roll and spectrogram have the same frames, so the decoder here does all steps at once: a step is
told what the encoder says of its own frames, and may look at all others. That needs no stop token and no binary cross
entropy of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch  # noqa: TID253  imported only inside functions
from torch import Tensor, nn  # noqa: TID253

from perfsynth.nn.fft_block import sinusoids
from perfsynth.nn.hifigan import Generator, GeneratorConfig
from perfsynth.synth.m2a import PRESET
from perfsynth.synth.roll import N_PITCHES

BANDS = PRESET.n_bands
REDUCTION = 4  # frames that one step of the decoder predicts
CENTRE, SPREAD = -3.0, 1.0  # of log10 magnitudes. Differs: the paper normalises by the data's own mean and variance
SIGMA = 0.4  # of the guided attention


@dataclass(frozen=True)
class Config:
    """Sizes; the paper's, 17.7 M parameters, and 13.9 M of its vocoder."""

    width: int = 512
    inner: int = 1024
    heads: int = 4
    encoder_layers: int = 3
    decoder_layers: int = 3
    prenet: int = 256
    postnet: int = 256
    dropout: float = 0.1
    vocoder_channels: int = 512  # 0: no vocoder
    vocoder_learnt: bool = False  # until then Griffin-Lim sounds what the acoustic model predicts
    pianists: tuple[str, ...] = ()  # of the single-stage baseline
    albums: tuple[str, ...] = ()
    instrument: str = ""  # whose recordings it learnt from last


class M2A(nn.Module):
    """The acoustic model and, unless its config has no channels for it, the vocoder."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.acoustic = Acoustic(config)
        shape = GeneratorConfig(BANDS, config.vocoder_channels, (8, 4, 3, 3), (16, 8, 6, 6))
        self.vocoder = Generator(shape) if config.vocoder_channels else None

    def forward(self, roll: Tensor, pianist: Tensor | None = None, album: Tensor | None = None) -> Tensor:
        """(B, 128, T) velocities 0 to 1 -> (B, 128, T) log10 bands; see `Acoustic.forward`."""
        made: Tensor = self.acoustic(roll, pianist, album).after
        return made

    def sound(self, values: Tensor) -> Tensor:
        """(B, 128, T) log10 bands -> (B, 288 T) samples."""
        assert self.vocoder is not None
        # A rate of 3 with a kernel of 6 gives a sample more than three times as many; the last ones are cut.
        made: Tensor = self.vocoder((values - CENTRE) / SPREAD)
        return made[:, 0, : values.shape[-1] * PRESET.hop]


@dataclass(frozen=True)
class Predicted:
    """What the acoustic model says."""

    before: Tensor  # (B, 128, T) log10 bands before the postnet
    after: Tensor  # (B, 128, T) and after it
    attention: list[Tensor]  # (B, heads, T / 4, T) of each decoder layer, how much a step looks at each frame


class Acoustic(nn.Module):
    """Transformer-TTS (Li et al. 2019) whose text is a piano roll."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.enter = nn.Linear(N_PITCHES, width)
        self.scale = nn.Parameter(torch.ones(2))  # of the positions: encoder, decoder
        layer = nn.TransformerEncoderLayer(
            width, config.heads, config.inner, config.dropout, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, config.encoder_layers, nn.LayerNorm(width), False)
        self.pianist = nn.Embedding(len(config.pianists), width) if config.pianists else None
        self.album = nn.Embedding(len(config.albums), width) if config.albums else None
        for table in (self.pianist, self.album):  # so that it begins as the network it takes its weights from
            if table is not None:
                nn.init.zeros_(table.weight)
        self.prenet = nn.Sequential(
            nn.Linear(width, config.prenet), nn.ReLU(), nn.Linear(config.prenet, config.prenet), nn.ReLU(),
            nn.Linear(config.prenet, width),
        )  # fmt: skip
        self.decoder = nn.ModuleList([_DecoderLayer(config) for _ in range(config.decoder_layers)])
        self.last = nn.LayerNorm(width)
        self.out = nn.Linear(width, REDUCTION * BANDS)
        self.postnet = _postnet(config.postnet, config.dropout)

    def forward(self, roll: Tensor, pianist: Tensor | None = None, album: Tensor | None = None) -> Predicted:
        """What follows from a roll.

        Parameters
        ----------
        roll
            (B, 128, T), T a multiple of 4.
        pianist, album
            (B,) of the baseline: added to what the encoder says (Tang et al. 2025, "Baseline").
        """
        told = self.encoded(roll)
        for table, number in ((self.pianist, pianist), (self.album, album)):
            if table is not None and number is not None:
                told = told + table(number)[:, None]
        n_steps = roll.shape[-1] // REDUCTION
        own = told.view(len(told), n_steps, REDUCTION, -1).mean(dim=2)
        x = self.prenet(own) + self.scale[1] * _positions(n_steps, own)
        attention = []
        for layer in self.decoder:
            x, looked = layer(x, told)
            attention.append(looked)
        before = CENTRE + SPREAD * self.out(self.last(x)).view(len(x), -1, BANDS).transpose(1, 2)
        return Predicted(before, before + self.postnet((before - CENTRE) / SPREAD), attention)

    def encoded(self, roll: Tensor) -> Tensor:
        """(B, 128, T) -> (B, T, width)."""
        x = self.enter(roll.transpose(1, 2))
        made: Tensor = self.encoder(x + self.scale[0] * _positions(x.shape[1], x))
        return made


class _DecoderLayer(nn.Module):
    """Attention among the steps, attention to the encoder, two linear layers; each normed first and added."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        width = config.width
        self.own = nn.MultiheadAttention(width, config.heads, config.dropout, batch_first=True)
        self.look = nn.MultiheadAttention(width, config.heads, config.dropout, batch_first=True)
        self.feed = nn.Sequential(
            nn.Linear(width, config.inner), nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(config.inner, width)
        )
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(3)])
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S, C), (B, T, C) -> (B, S, C) and the attention (B, heads, S, T)."""
        y = self.norms[0](x)
        x = x + self.dropout(self.own(y, y, y, need_weights=False)[0])
        y, looked = self.look(self.norms[1](x), told, told, average_attn_weights=False)
        x = x + self.dropout(y)
        return x + self.dropout(self.feed(self.norms[2](x))), looked


def _postnet(width: int, dropout: float) -> nn.Module:
    """Five convolutions that correct what was said (Shen et al. 2018)."""
    layers: list[nn.Module] = []
    for before, after in ((BANDS, width), (width, width), (width, width), (width, width)):
        layers += [nn.Conv1d(before, after, 5, padding=2), nn.Tanh(), nn.Dropout(dropout)]
    # Differs: without batch norm, so that a clip does not hear its neighbours in the batch.
    return nn.Sequential(*layers, nn.Conv1d(width, BANDS, 5, padding=2))


def _positions(n: int, like: Tensor) -> Tensor:
    return sinusoids(torch.arange(n, device=like.device)[None], like.shape[-1]).to(like.dtype)


def guided_attention_loss(attention: list[Tensor]) -> Tensor:
    """How much the decoder looks away from its own time (Tachibana et al. 2018, equations 7 and 8).

    Parameters
    ----------
    attention
        (B, heads, S, T) of each layer.
    """
    steps, frames = attention[0].shape[-2:]
    s = (torch.arange(steps, device=attention[0].device) + 0.5) / steps
    t = (torch.arange(frames, device=attention[0].device) + 0.5) / frames
    away = 1 - torch.exp(-((s[:, None] - t[None]) ** 2) / (2 * SIGMA**2))
    return torch.stack([(looked * away).mean() for looked in attention]).mean()
