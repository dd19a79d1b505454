"""The baseline of Deep Performer (Dong et al. 2022, section 4.2): HiFi-GAN on piano rolls, straight to sound."""

from __future__ import annotations

from dataclasses import dataclass

import torch  # noqa: TID253  imported only inside functions
from torch import Tensor, nn  # noqa: TID253

from perfsynth.nn.hifigan import Generator, GeneratorConfig
from perfsynth.synth.roll import N_PITCHES


@dataclass(frozen=True)
class Config:
    """Sizes; those of HiFi-GAN version 2, as the paper's inversion model has."""

    channels: int = 128
    performer_width: int = 64  # Differs: unstated
    instruments: tuple[str, ...] = ("salamander",)  # the paper's performers


class HiFiGANRoll(nn.Module):
    """A generator whose features are what sounds, where in its note each frame is, and who plays."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.performer = nn.Embedding(len(config.instruments), config.performer_width)
        shape = GeneratorConfig(inputs=2 * N_PITCHES + config.performer_width, channels=config.channels)
        self.generator = Generator(shape)

    def forward(self, rolls: Tensor, instrument: Tensor) -> Tensor:
        """(B, 256, T) piano roll and position roll, (B,) -> (B, 256 T) samples."""
        who = self.performer(instrument)[..., None].expand(-1, -1, rolls.shape[-1])
        made: Tensor = self.generator(torch.cat([rolls, who], dim=1))
        return made[:, 0]
