"""The route through a page: what musicians would play, and what must end whatever the signs say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsynth.formats.route import Ending, Repeat, Signs, route


def order(signs: Signs) -> str:
    """The route as letters, one for each unit of the page."""
    return "".join("abcdefgh"[place] for begin, end in route(signs) for place in range(begin, end))


@pytest.mark.parametrize(
    ("signs", "played"),
    [
        (Signs(0, 3), "abc"),
        (Signs(0, 3, (Repeat(0, 1), Repeat(1, 3, times=3))), "aabcbcbc"),
        (Signs(0, 4, (Repeat(0, 2),), (Ending(1, 2, (1,)), Ending(2, 3, (2,)))), "abacd"),
        (Signs(0, 4, (Repeat(0, 2),), (Ending(1, 2, (1,)), Ending(2, 3, (2,))), da_capos=(4,)), "abacdacd"),
        (Signs(0, 3, (Repeat(0, 2),), (Ending(1, 2, (1, 2)),)), "ababac"),
        (Signs(0, 3, (), (Ending(1, 2, (1,)), Ending(2, 3, (2,)))), "abac"),
        (Signs(0, 2, da_capos=(2,), fines=(1,)), "aba"),
        (Signs(0, 4, da_capos=(2, 4), fines=(1, 3)), "abacdc"),  # two movements
        (Signs(0, 3, da_capos=(1,), fines=(2,)), "aab"),
        (Signs(0, 3, da_capos=(2,), to_codas=(1,), fines=(1, 3), codas=(2,)), "aba"),
        (Signs(0, 3, fines=(1,)), "abc"),
        (Signs(0, 3, (Repeat(0, 2),), da_capos=(1,)), "abaabc"),
        (Signs(0, 5, dal_segnos=(2, 4), segnos=(1, 3)), "abbcdde"),
        (Signs(0, 5, dal_segnos=(2, 4), segnos=(1, 3), segno_of={4: 1}), "abbcdbcde"),
        (Signs(0, 2, (Repeat(0, 1, after_jump=True),), da_capos=(2,)), "aabaab"),
        (Signs(0, 6, dal_segnos=(3, 5), segnos=(0,), to_codas=(1, 2), codas=(3, 5)), "abcadeabf"),
        (Signs(0, 5, da_capos=(3,), to_codas=(1,), codas=(3, 4), coda_of={1: 4}), "abcae"),
        (Signs(0, 5, dal_segnos=(4,), segnos=(1,), to_codas=(2,), codas=(4,)), "abcdbe"),
        (Signs(0, 4, (Repeat(3, 4),), da_capos=(3,), to_codas=(1,), codas=(3,)), "abcadd"),
        (Signs(0, 2, dal_segnos=(2,)), "ab"),
        (Signs(0, 2, to_codas=(1,), da_capos=(2,)), "abab"),
    ],
)
def test_routes(signs: Signs, played: str) -> None:
    assert order(signs) == played


places = st.integers(0, 6)
spans = st.tuples(places, places).filter(lambda span: span[0] < span[1])
marks = st.lists(places, max_size=2).map(tuple)
numbers = st.lists(st.integers(1, 3), min_size=1, max_size=2).map(tuple)
repeats = st.builds(lambda span, times: Repeat(span[0], span[1], times), spans, st.integers(1, 3))
endings = st.builds(lambda span, which: Ending(span[0], span[1], which), spans, numbers)
pages = st.builds(
    Signs,
    st.just(0),
    st.just(6),
    st.lists(repeats, max_size=4).map(tuple),
    st.lists(endings, max_size=4).map(tuple),
    marks, marks, marks, marks, marks, marks,
)  # fmt: skip


@settings(max_examples=500)
@given(pages)
def test_every_route_ends_and_stays_on_the_page(signs: Signs) -> None:
    stretches = route(signs)
    assert len(stretches) < 10_000
    assert all(0 <= begin < end <= 6 for begin, end in stretches)
