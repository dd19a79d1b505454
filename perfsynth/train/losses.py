"""Losses that say how well a shape follows another, whatever its level."""

from __future__ import annotations

import torch  # noqa: TID253  imported only for training
from torch import Tensor  # noqa: TID253


def correlation_loss(predicted: Tensor, target: Tensor, group: Tensor, n_groups: int, *, fewest: int = 8) -> Tensor:
    """1 - Pearson's r within each group, averaged over the groups in which it is defined.

    Parameters
    ----------
    predicted, target
        (n,); entries with a non-finite target are left out.
    group
        (n,) int64, 0 to n_groups - 1.
    n_groups
        How many there are.
    fewest
        Groups with fewer entries are left out.
    """
    known = torch.isfinite(target)
    predicted, target, group = predicted[known], target[known], group[known]

    def total(values: Tensor) -> Tensor:
        return torch.zeros(n_groups, dtype=values.dtype, device=values.device).index_add(0, group, values)

    count = total(torch.ones_like(target))
    some = count.clamp(min=1)
    a = predicted - (total(predicted) / some)[group]
    b = target - (total(target) / some)[group]
    variance_a, variance_b = total(a * a), total(b * b)
    defined = (count >= fewest) & (variance_b > 1e-8 * some)
    r = total(a * b) / torch.sqrt((variance_a + 1e-6 * some) * (variance_b + 1e-12))
    return (1 - r[defined]).mean() if defined.any() else predicted.sum() * 0


def masked_huber(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean Huber loss over the entries with a finite target."""
    known = torch.isfinite(target)
    if not known.any():
        return predicted.sum() * 0
    return torch.nn.functional.huber_loss(predicted[known], target[known])
