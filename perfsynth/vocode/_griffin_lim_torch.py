"""The iterations of Griffin-Lim on a torch device: the same numbers as on the processor, all frames at once."""

from __future__ import annotations

import numpy as np
import torch  # noqa: TID253  imported only for another device
from torch import Tensor  # noqa: TID253

TINY = 1e-12


@torch.inference_mode()
def phased(
    magnitude: np.ndarray, spectrum: np.ndarray, window: np.ndarray, *, hop: int, iterations: int, momentum: float,
    device: str,
) -> np.ndarray:  # fmt: skip
    """(n, n_bins) complex64 of these magnitudes.

    Parameters
    ----------
    magnitude
        (n, n_bins) float32.
    spectrum
        (k + n, n_bins) complex64: k frames that stay as they are, then the first guess.
    window
        (n_fft,) float32.
    hop
        Samples from frame to frame.
    iterations, momentum
        As of `perfsynth.vocode.griffin_lim`.
    device
        Of torch.
    """
    known = len(spectrum) - len(magnitude)
    wanted, bell = (torch.from_numpy(np.ascontiguousarray(a)).to(device) for a in (magnitude, window))
    found = torch.from_numpy(spectrum).to(device)
    weight = _added((bell**2).expand(len(found), -1), hop).clamp(min=1e-4)
    last = found
    for _ in range(iterations):
        samples = _added(torch.fft.irfft(found, len(bell), dim=1) * bell, hop) / weight
        consistent = torch.fft.rfft(samples.unfold(0, len(bell), hop) * bell, dim=1)
        pushed = (consistent + momentum * (consistent - last))[known:]
        last = consistent
        found = torch.cat([found[:known], wanted * pushed / pushed.abs().clamp(min=TINY)])
    return np.asarray(found[known:].cpu().numpy())


def _added(frames: Tensor, hop: int) -> Tensor:
    """(n_samples,) overlapping frames added up."""
    n_frames, size = frames.shape
    n_samples = (n_frames - 1) * hop + size
    columns = frames.T[None]
    return torch.nn.functional.fold(columns, (1, n_samples), (1, size), stride=(1, hop)).reshape(-1)
