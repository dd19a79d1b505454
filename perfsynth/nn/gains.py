"""Gains that a network gives to the bins of spectra, in bands: narrow where partials lie apart, wider above."""

from __future__ import annotations

import numpy as np
import torch  # noqa: TID253  imported only by networks
from torch import Tensor, nn  # noqa: TID253

MOST_LN = 4.0  # nepers, 35 dB: gains stay that near to where they start
FINE_BINS = 96  # up to here every bin has a gain of its own: 2 kHz at 44.1 kHz and 2048 samples


class Gains(nn.Linear):
    """Factors for spectra, of bands, all alike before anything is learnt."""

    hats: Tensor

    def __init__(self, width: int, spectra: int, bands: int, n_bins: int, *, start_ln: float = 0.0) -> None:
        super().__init__(width, spectra * bands)
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)
        self.spectra, self.start_ln = spectra, start_ln
        self.register_buffer("hats", torch.from_numpy(hats(bands, n_bins)), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, spectra, n_bins, T)."""
        raised = MOST_LN * torch.tanh(super().forward(x).float() / MOST_LN)
        raised = raised.unflatten(-1, (self.spectra, -1)) @ self.hats
        return torch.exp(self.start_ln + raised).permute(0, 2, 3, 1)


def hats(bands: int, n_bins: int) -> np.ndarray:
    """(bands, n_bins) float32 that interpolates from bands to bins: every bin at first, then geometric."""
    fine = np.arange(FINE_BINS)
    centre = np.concatenate([fine, np.geomspace(FINE_BINS, n_bins - 1, bands - FINE_BINS)])
    place = np.interp(np.arange(n_bins), centre, np.arange(bands))
    return np.clip(1 - np.abs(place - np.arange(bands)[:, None]), 0, 1).astype(np.float32)
