"""Hypothesis strategies for what flows between the stages."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from perfsynth.types import CONTROL, PERFORMED_NOTE, Made, Part, Performance

times_s = st.floats(0, 600, allow_nan=False)
MADE = Made("render-performance", "deadpan", 3, "ab" * 32, options={"bpm": 97.5})


@st.composite
def performances(draw: st.DrawFn, *, low: int = 0, high: int = 127, n_parts: int = 3) -> Performance:
    """Performances with pedals, in up to `n_parts` parts; no key is struck twice within 10 ms of a part."""
    parts = tuple(
        Part(f"part {index}", draw(st.integers(0, 127)), index == 2) for index in range(draw(st.integers(1, n_parts)))
    )
    note = st.tuples(
        st.just(""),
        times_s,
        st.floats(0, 20, allow_nan=False),
        st.integers(low, high),
        st.integers(1, 127),
        st.integers(0, len(parts) - 1),
    )
    notes = np.array(
        draw(st.lists(note, min_size=1, max_size=30, unique_by=lambda n: (n[3], n[5], round(n[1] * 100)))),
        PERFORMED_NOTE,
    )
    control = st.tuples(
        times_s, st.sampled_from([64, 66, 67]), st.integers(0, 127), st.integers(0, int(notes["part"].max()))
    )
    controls = np.array(draw(st.lists(control, max_size=10, unique_by=lambda c: round(c[0] * 100))), CONTROL)
    used = parts[: int(notes["part"].max()) + 1]
    return Performance(notes, np.sort(controls, order="time_s"), used, history=(MADE,))


def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """`data` cut short, or with some of its bytes replaced."""
    if draw(st.booleans()):
        return data[: draw(st.integers(0, len(data) - 1))]
    broken = bytearray(data)
    for _ in range(draw(st.integers(1, 8))):
        broken[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(broken)
