"""Shards: together the whole, apart from each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfsynth.batch.shard import take
from perfsynth.errors import UsageError


@given(st.integers(0, 200), st.integers(1, 50))
def test_shards_are_a_partition_of_even_sizes(total: int, shards: int) -> None:
    taken = [take(range(total), f"{number}/{shards}") for number in range(1, shards + 1)]
    assert sorted(item for shard in taken for item in shard) == list(range(total))
    assert max(map(len, taken)) - min(map(len, taken)) <= 1


def test_without_a_shard_all_is_taken() -> None:
    assert take("abc", None) == ["a", "b", "c"]


@pytest.mark.parametrize("shard", ["", "1", "0/3", "4/3", "1/0", "-1/3", "1/3/5", "a/b", "1.0/2", "1/٣", "1/3\n"])
def test_what_is_no_shard_is_refused(shard: str) -> None:
    with pytest.raises(UsageError, match="1 <= i <= n"):
        take("abc", shard)
