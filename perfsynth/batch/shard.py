"""A share of a batch: ``i/n`` is every n-th item, from the i-th on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from perfsynth.errors import UsageError

T = TypeVar("T")


def take(items: Sequence[T], shard: str | None) -> list[T]:
    """The items of a shard; all of them without one. The n shards have no item in common and leave none out.

    Parameters
    ----------
    items
        The whole batch, in the same order in every shard.
    shard
        ``i/n``, 1 <= i <= n.

    Raises
    ------
    UsageError
        When it is not of this form.
    """
    if shard is None:
        return list(items)
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", shard)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise UsageError(f"--shard {shard}: not i/n with 1 <= i <= n, as in 3/16")
    return list(items[int(found[1]) - 1 :: int(found[2])])
