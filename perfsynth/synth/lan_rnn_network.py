"""The bidirectional RNN of Lan, Leung and Yang ("Neural Synthesis of Piano Performance"): pitches to samples."""

from __future__ import annotations

from dataclasses import dataclass

import torch  # noqa: TID253  imported only inside functions
from torch import Tensor, nn  # noqa: TID253

from perfsynth.synth.lan_rnn import SAMPLES

N_KEYS = 88
INPUTS = 2 * N_KEYS  # the poster's 176: keys that sound, and keys that are struck


@dataclass(frozen=True)
class Config:
    """Sizes. Differs: the poster says it tried several and names none; this is 2.7 M parameters, 512 wide 9.7 M."""

    hidden: int = 256  # cells in each direction
    layers: int = 2
    instrument: str = ""  # whose recordings it learnt from


class LanRNN(nn.Module):
    """Cells that read the pitch matrix forwards and backwards, and a line of samples from each time window."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.cells = nn.LSTM(INPUTS, config.hidden, config.layers, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * config.hidden, SAMPLES)

    def forward(self, pitches: Tensor) -> Tensor:
        """(B, T, 176) -> (B, T * 512) samples."""
        x, _ = self.cells(pitches)
        made: Tensor = self.out(x)
        return made.flatten(1)


def waveform_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """The poster's first loss: the mean squared error of the samples, (B, n)."""
    return ((made - wanted) ** 2).mean()


def spectral_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """The poster's second loss: the mean squared difference of ln(|STFT| + 1e-5), of (B, n) samples.

    Differs: the transform is unstated; here 1,024 samples, a hop of 256, Hann.
    """
    window = torch.hann_window(1024, device=made.device)
    logs = [
        torch.log(torch.stft(x, 1024, 256, window=window, return_complex=True, pad_mode="constant").abs() + 1e-5)
        for x in (made, wanted)
    ]
    return ((logs[0] - logs[1]) ** 2).mean()
