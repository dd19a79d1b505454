"""Losses between sounds: logarithmic magnitudes at several resolutions, and mel bands."""

from __future__ import annotations

import torch  # noqa: TID253  imported only for training
from torch import Tensor  # noqa: TID253

from perfsynth.dsp.mel import PRESETS, spectrogram_torch

PRESET = PRESETS["perfsynth-44k"]
SIZES = (512, 2048, 8192)  # samples of the FFTs
FLOOR = 1e-5  # of full scale: what is softer counts as that


def spectral_losses(made: Tensor, wanted: Tensor) -> dict[str, Tensor]:
    """Parts of the distance of two sounds.

    Parameters
    ----------
    made, wanted
        (B, n) float32 at the rate of `PRESET`, whose mel bands are compared.

    Returns
    -------
    dict
        ``magnitude``, mean absolute difference of ln magnitudes; ``convergence``, their spectral convergence
        (Arik et al. 2019), both over `SIZES`; ``mel``, of ln mel bands, and ``mel_square``, their mean square.
    """
    magnitude, convergence = [], []
    for size in SIZES:
        window = torch.hann_window(size, device=made.device)
        a, b = (
            torch.stft(x, size, size // 4, window=window, center=True, pad_mode="constant", return_complex=True).abs()
            for x in (made, wanted)
        )
        floor = FLOOR * size / 4
        magnitude.append((torch.log(a.clamp_min(floor)) - torch.log(b.clamp_min(floor))).abs().mean())
        difference = (a - b).square().sum(dim=(1, 2))
        whole = b.square().sum(dim=(1, 2)) + (100 * floor) ** 2
        convergence.append(torch.sqrt(difference / whole + 1e-12).clamp_max(10.0).mean())
    mel = spectrogram_torch(made, PRESET) - spectrogram_torch(wanted, PRESET)
    parts = {"magnitude": torch.stack(magnitude).mean(), "convergence": torch.stack(convergence).mean()}
    return parts | {"mel": mel.abs().mean(), "mel_square": mel.square().mean()}
