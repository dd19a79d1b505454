"""Lids: what they take from the highs, and that filtering in blocks is filtering."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from perfsynth.errors import UsageError
from perfsynth.synth.modal import lid

RATE = 48000


def gains_db(name: str, hz: list[float]) -> np.ndarray:
    from scipy.signal import sosfreqz

    _, response = sosfreqz(lid.sections(name, RATE), hz, fs=RATE)  # type: ignore[arg-type]
    return 20 * np.log10(np.abs(response))


def noise(n: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(n, 2)).astype(np.float32) * 0.1


def test_an_open_lid_changes_nothing() -> None:
    blocks = [noise(700)]
    assert lid.under_lid(blocks, "open", rate=RATE) is blocks


@pytest.mark.parametrize("name", lid.LIDS)
def test_highs_are_shaded_and_the_case_answers(name: str) -> None:
    low, case, edge, high = gains_db(name, [20.0, lid.CASE_HZ, lid.SHADE_HZ, 18000.0])
    given = lid.LIDS[name]
    assert low == pytest.approx(0, abs=0.1)
    assert case == pytest.approx(given.case_db, abs=0.3)
    assert edge == pytest.approx(given.shade_db / 2, abs=0.2)
    assert high == pytest.approx(given.shade_db, abs=0.2)


def test_a_closed_lid_shades_more_than_a_half_open_one() -> None:
    hz = [float(f) for f in np.geomspace(1000, 20000, 20)]
    assert (gains_db("closed", hz) < gains_db("half", hz) - 0.5).all()


def test_blocks_of_any_length_are_the_whole() -> None:
    audio = noise(9001)
    (whole,) = lid.under_lid([audio], "closed", rate=RATE)
    for size in (1, 1000, 8192):
        blocks = [audio[i : i + size] for i in range(0, 2000 if size == 1 else len(audio), size)]
        joined = np.concatenate(list(lid.under_lid(blocks, "closed", rate=RATE)))
        assert np.array_equal(joined, whole[: len(joined)])


def test_an_unknown_lid_is_refused_before_anything_sounds() -> None:
    with pytest.raises(UsageError, match="lid ajar: choose one of open, half, closed"):
        lid.under_lid(iter(()), "ajar", rate=RATE)  # type: ignore[arg-type]
    assert set(get_args(lid.LidName)) == {"open", *lid.LIDS}
