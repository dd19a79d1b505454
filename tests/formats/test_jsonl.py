"""JSON Lines: exact both ways, and every broken line named."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsynth.errors import InputError
from perfsynth.formats.jsonl import read_jsonl, write_jsonl
from perfsynth.types import ALIGNED_NOTE, Alignment, Performance, Tokens
from tests.strategies import MADE, damaged, performances


@settings(max_examples=50, deadline=None)
@given(performances())
def test_a_performance_comes_back_exactly(performance: Performance) -> None:
    read = read_jsonl(write_jsonl(performance))
    assert isinstance(read, Performance)
    assert read.notes.tolist() == performance.notes.tolist()
    assert read.controls.tolist() == performance.controls.tolist()
    assert (read.parts, read.history) == (performance.parts, performance.history)


def test_an_alignment_comes_back_with_its_unplayed_notes() -> None:
    rows = [("n1", 60, 0.0, 1.0, 0.1, 1 / 3, 0.9, "matched"), ("n2", 62, 1.0, 1.0, np.nan, np.nan, 0.0, "unplayed")]
    data = write_jsonl(Alignment(np.array(rows, ALIGNED_NOTE), history=(MADE,)))
    assert json.loads(data.splitlines()[2])["onset_s"] is None
    read = read_jsonl(data)
    assert isinstance(read, Alignment)
    assert read.notes.tolist()[0] == rows[0]
    assert np.isnan(read.notes["offset_s"][1])


def test_tokens_come_back_with_their_vocabulary() -> None:
    tokens = Tokens(np.array([[5, 6], [7, 8]], np.int32), ("pitch", "bar"), "seed", history=(MADE,))
    read = read_jsonl(write_jsonl(tokens))
    assert isinstance(read, Tokens)
    assert read.ids.tolist() == [[5, 6], [7, 8]]
    assert (read.fields, read.vocabulary, read.history) == (("pitch", "bar"), "seed", (MADE,))


HEADER = '{"perfsynth": "tokens", "fields": ["pitch"], "vocabulary": "seed"}\n'
PLAYED = '{"perfsynth": "performance", "parts": [{}], "controls": []}\n'
NOTE = {"note_id": "", "onset_s": 0.0, "duration_s": 1.0, "pitch": 60, "velocity": 64, "part": 0}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "line 1: no JSON"),
        ("[]", "line 1"),
        ("{}", "line 1: no header"),
        ('{"perfsynth": "tokens"}', "line 1: its header lacks"),
        (HEADER + '{"pitch": 5}\n{"pitch"', "line 3: no JSON"),
        (HEADER + '{"pitch": -5}', "line 2: pitch must be"),
        (HEADER + '{"pitch": 2.5}', "line 2: pitch must be"),
        (HEADER + '{"bar": 5}', "line 2: pitch must be"),
        (PLAYED + json.dumps({**NOTE, "pitch": 128}), "pitch 128: must be 0 to 127"),
        (PLAYED + json.dumps({**NOTE, "velocity": 0}), "velocity 0"),
        (PLAYED + json.dumps({**NOTE, "part": 1}), "part 1"),
        (PLAYED + json.dumps({**NOTE, "onset_s": None}), "negative or no number"),
        (PLAYED + json.dumps({**NOTE, "onset_s": "soon"}), "line 2: not a row"),
        (PLAYED + json.dumps({**NOTE, "pitch": 10**20}), "line 2: not a row"),
    ],
)
def test_what_is_wrong_is_named(data: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_jsonl(data.encode(), name="odd.jsonl")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_is_an_input_error_or_harmless(data: st.DataObject) -> None:
    whole = (PLAYED + json.dumps(NOTE) + "\n").encode()
    try:
        read_jsonl(data.draw(st.composite(damaged)(whole)))
    except InputError as error:
        assert "\n" not in str(error)
