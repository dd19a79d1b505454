"""The discriminators of HiFi-GAN and their losses (Kong et al. 2020, sections 2.3 and 2.4)."""

from __future__ import annotations

from dataclasses import dataclass

import torch  # noqa: TID253  imported only by networks
from torch import Tensor, nn  # noqa: TID253
from torch.nn.utils.parametrizations import spectral_norm, weight_norm  # noqa: TID253

PERIODS = (2, 3, 5, 7, 11)  # samples
SCALES = 3
SLOPE = 0.1
# Channels out, kernel, stride, groups of the layers of a scale.
SCALE_LAYERS = (
    (128, 15, 1, 1),
    (128, 41, 2, 4),
    (256, 41, 2, 16),
    (512, 41, 4, 16),
    (1024, 41, 4, 16),
    (1024, 41, 1, 16),
    (1024, 5, 1, 1),
)
PERIOD_CHANNELS = (32, 128, 512, 1024, 1024)

Judged = tuple[Tensor, list[Tensor]]  # the verdict, (B, n), and the features of each layer


class Discriminators(nn.Module):
    """All periods and all scales.

    Parameters
    ----------
    divisor
        Of all widths; 1 is the paper's size.
    """

    def __init__(self, divisor: int = 1) -> None:
        super().__init__()
        self.periods = nn.ModuleList([_Period(period, divisor) for period in PERIODS])
        self.scales = nn.ModuleList([_Scale(divisor, spectral=index == 0) for index in range(SCALES)])
        self.halve = nn.AvgPool1d(4, 2, padding=2)

    def forward(self, audio: Tensor) -> list[Judged]:
        """(B, n) -> a verdict and features of each discriminator."""
        x = audio[:, None]
        judged = [period(x) for period in self.periods]
        for index, scale in enumerate(self.scales):
            x = self.halve(x) if index else x
            judged.append(scale(x))
        return judged


class _Period(nn.Module):
    """Hears every n-th sample."""

    def __init__(self, period: int, divisor: int) -> None:
        super().__init__()
        self.period = period
        widths = [1, *(max(width // divisor, 1) for width in PERIOD_CHANNELS)]
        strides = [3] * (len(PERIOD_CHANNELS) - 1) + [1]
        self.layers = nn.ModuleList([
            weight_norm(nn.Conv2d(a, b, (5, 1), (stride, 1), padding=(2, 0)))
            for a, b, stride in zip(widths[:-1], widths[1:], strides, strict=True)
        ])  # fmt: skip
        self.verdict = weight_norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, x: Tensor) -> Judged:
        missing = -x.shape[-1] % self.period
        x = nn.functional.pad(x, (0, missing), "reflect")
        return _judged(x.view(len(x), 1, -1, self.period), self.layers, self.verdict)


class _Scale(nn.Module):
    """Hears the audio at one rate."""

    def __init__(self, divisor: int, *, spectral: bool) -> None:
        super().__init__()
        normed = spectral_norm if spectral else weight_norm
        self.layers, before = nn.ModuleList(), 1
        for width, kernel, stride, groups in SCALE_LAYERS:
            width, groups = max(width // divisor, 1), max(groups // divisor, 1)
            self.layers.append(normed(nn.Conv1d(before, width, kernel, stride, kernel // 2, groups=groups)))
            before = width
        self.verdict = normed(nn.Conv1d(before, 1, 3, padding=1))

    def forward(self, x: Tensor) -> Judged:
        return _judged(x, self.layers, self.verdict)


def _judged(x: Tensor, layers: nn.ModuleList, verdict: nn.Module) -> Judged:
    features = []
    for layer in layers:
        x = nn.functional.leaky_relu(layer(x), SLOPE)
        features.append(x)
    x = verdict(x)
    return x.flatten(1), [*features, x]


@dataclass(frozen=True)
class AdversarialLosses:
    """Of least squares (Mao et al. 2017) and of feature matching."""

    discriminator: Tensor  # equation 1
    generator: Tensor  # equation 2
    matching: Tensor  # equation 4, without its weight


def adversarial_losses(discriminators: nn.Module, made: Tensor, wanted: Tensor) -> AdversarialLosses:
    """What discriminators and generator have to go down on.

    Parameters
    ----------
    discriminators
        As `Discriminators`.
    made, wanted
        (B, n) audio.
    """
    told = zip(discriminators(wanted), discriminators(made.detach()), strict=True)
    discriminator = torch.stack([((1 - real) ** 2).mean() + (fake**2).mean() for (real, _), (fake, _) in told]).sum()
    generator, matching = [], []
    with torch.no_grad():
        real_features = [features for _, features in discriminators(wanted)]
    for (fake, features), real in zip(discriminators(made), real_features, strict=True):
        generator.append(((1 - fake) ** 2).mean())
        matching += [(a - b).abs().mean() for a, b in zip(features, real, strict=True)]
    return AdversarialLosses(discriminator, torch.stack(generator).sum(), torch.stack(matching).sum())
