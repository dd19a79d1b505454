"""JSON Lines: exact both ways, and every broken line named."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsynth.errors import InputError
from perfsynth.formats.jsonl import read_jsonl, write_jsonl
from perfsynth.types import ALIGNED_NOTE, CONTROL, Alignment, Performance, Tokens
from tests.strategies import MADE, damaged, performances


@settings(max_examples=50, deadline=None)
@given(performances())
def test_a_performance_comes_back_exactly(performance: Performance) -> None:
    read = read_jsonl(write_jsonl(performance))
    assert isinstance(read, Performance)
    assert read.notes.tolist() == performance.notes.tolist()
    assert read.controls.tolist() == performance.controls.tolist()
    assert (read.parts, read.history) == (performance.parts, performance.history)


def test_controls_come_by_their_times_and_those_at_once_as_they_were() -> None:
    rows = [(2.0, 64, 0, 0), (0.5, 64, 127, 0), (0.5, 66, 1, 0), (0.5, 64, 3, 0)]
    controls = [dict(zip(CONTROL.names or (), row, strict=True)) for row in rows]
    read = read_jsonl(json.dumps({"perfsynth": "performance", "parts": [{}], "controls": controls}).encode())
    assert isinstance(read, Performance)
    assert read.controls.tolist() == [*rows[1:], rows[0]]


def test_an_alignment_comes_back_with_its_unplayed_notes() -> None:
    rows = [
        ("n1", 60, 0.0, 1.0, 0.1, 1 / 3, 0.5, 0.9, "matched"),
        ("n2", 62, 1.0, 1.0, *3 * (np.nan,), 0.0, "unplayed"),
    ]
    data = write_jsonl(Alignment(np.array(rows, ALIGNED_NOTE), {"n3": "n2"}, history=(MADE,)))
    assert json.loads(data.splitlines()[2])["onset_s"] is None
    read = read_jsonl(data)
    assert isinstance(read, Alignment)
    assert read.notes.tolist()[0] == rows[0]
    assert np.isnan(read.notes["offset_s"][1])
    assert read.doubled == {"n3": "n2"}


def test_an_alignment_without_the_ends_of_sounds_is_read() -> None:
    old = {name: value for name, value in PLACE.items() if name != "sound_off_s"}
    read = read_jsonl((ALIGNED + json.dumps(old)).encode())
    assert isinstance(read, Alignment)
    assert np.isnan(read.notes["sound_off_s"][0])
    assert read.notes["offset_s"][0] == 0.3


def test_tokens_come_back_with_their_vocabulary() -> None:
    tokens = Tokens(np.array([[5, 6], [7, 8]], np.int32), ("pitch", "bar"), "seed", history=(MADE,))
    read = read_jsonl(write_jsonl(tokens))
    assert isinstance(read, Tokens)
    assert read.ids.tolist() == [[5, 6], [7, 8]]
    assert (read.fields, read.vocabulary, read.history) == (("pitch", "bar"), "seed", (MADE,))


HEADER = '{"perfsynth": "tokens", "fields": ["pitch"], "vocabulary": "seed"}\n'
PLAYED = '{"perfsynth": "performance", "parts": [{}], "controls": []}\n'
NOTE = {"note_id": "", "onset_s": 0.0, "duration_s": 1.0, "pitch": 60, "velocity": 64, "part": 0}


ALIGNED = '{"perfsynth": "alignment"}\n'
PLACE = dict(zip(ALIGNED_NOTE.names or (), ("n1", 60, 0.0, 1.0, 0.1, 0.3, 0.4, 0.9, "matched"), strict=True))


def test_lines_end_at_line_feeds_only_and_blank_ones_are_passed_over() -> None:
    named = {**NOTE, "note_id": "a\u2028b\x85"}
    data = PLAYED.replace("\n", "\r\n") + json.dumps(named, ensure_ascii=False) + "\r\n\n"
    read = read_jsonl(data.encode())
    assert isinstance(read, Performance)
    assert read.notes["note_id"].tolist() == ["a\u2028b\x85"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "line 1: no JSON"),
        ("[]", "line 1"),
        ("{}", "line 1: no header"),
        ('{"perfsynth": "tokens"}', "line 1: its header lacks"),
        ('{"perfsynth": "tokens", "fields": "pitch", "vocabulary": "seed"}', "line 1: fields"),
        ('{"perfsynth": "performance", "parts": [{"program": "x"}], "controls": []}', "line 1: its header"),
        ('{"perfsynth": "performance", "parts": [{"colour": 1}], "controls": []}', "line 1: its header"),
        ('{"perfsynth": "performance", "parts": 5, "controls": []}', "line 1: its header"),
        ('{"perfsynth": "performance", "parts": [], "controls": [5]}', "line 1: not a row"),
        (
            '{"perfsynth": "performance", "parts": [], "controls": [], "history": [{"stage": 5, "model": "x"}]}',
            "line 1",
        ),
        ('{"perfsynth": "performance", "parts": [], "controls": [], "history": [5]}', "line 1"),
        ("[" * 100_000, "line 1: no JSON"),
        (HEADER + '{"pitch": true}', "line 2: pitch must be"),
        (HEADER + '{"pitch": 2147483648}', "line 2: pitch must be"),
        (HEADER + '{"pitch": 5}\n{"pitch"', "line 3: no JSON"),
        (HEADER + '{"pitch": -5}', "line 2: pitch must be"),
        (HEADER + '{"pitch": 2.5}', "line 2: pitch must be"),
        (HEADER + '{"bar": 5}', "line 2: pitch must be"),
        (PLAYED + json.dumps({**NOTE, "pitch": 128}), "pitch 128: must be 0 to 127"),
        (PLAYED + json.dumps({**NOTE, "pitch": 60.7}), "line 2: not a row.*pitch is 60.7"),
        (PLAYED + json.dumps({**NOTE, "pitch": True}), "line 2: not a row.*pitch is True"),
        (PLAYED + json.dumps({**NOTE, "note_id": 5}), "line 2: not a row.*note_id is 5"),
        (PLAYED + json.dumps({**NOTE, "note_id": "n" * 33}), "line 2: not a row.*longer than 32"),
        (PLAYED + json.dumps({**NOTE, "onset_s": -0.1}), "negative"),
        (PLAYED + json.dumps({**NOTE, "onset_s": 1e300}), "over a day"),
        (PLAYED + json.dumps({**NOTE, "duration_s": float("inf")}), "over a day"),
        ('{"perfsynth": "alignment", "doubled": ["n1"]}', "line 1: doubled"),
        ('{"perfsynth": "alignment", "doubled": {"n1": 2}}', "line 1: doubled"),
        (ALIGNED + json.dumps({**PLACE, "status": "guessed"}), "line 2: .*no aligned note"),
        (ALIGNED + json.dumps(PLACE) + "\n" + json.dumps({**PLACE, "onset_s": None}), "line 3: .*no aligned note"),
        (ALIGNED + json.dumps({**PLACE, "offset_s": 0.0}), "line 2: .*no aligned note"),
        (ALIGNED + json.dumps({**PLACE, "sound_off_s": 0.2}), "line 2: .*no aligned note"),
        (ALIGNED + json.dumps({**PLACE, "sound_off_s": float("inf")}), "line 2: .*no aligned note"),
        (ALIGNED + json.dumps({**PLACE, "score_onset_beat": float("nan")}), "line 2: .*no aligned note"),
        (ALIGNED + json.dumps({**PLACE, "pitch": 128}), "line 2: .*no aligned note"),
        (PLAYED + json.dumps({**NOTE, "velocity": 0}), "velocity 0"),
        (PLAYED + json.dumps({**NOTE, "part": 1}), "part 1"),
        (PLAYED + json.dumps({**NOTE, "onset_s": None}), "negative.* or no number"),
        (PLAYED + json.dumps({**NOTE, "onset_s": "soon"}), "line 2: not a row"),
        (PLAYED + json.dumps({**NOTE, "pitch": 10**20}), "line 2: not a row"),
    ],
)
def test_what_is_wrong_is_named(data: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_jsonl(data.encode(), name="odd.jsonl")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_value_in_any_place_is_an_input_error_or_a_sound_artifact(data: st.DataObject) -> None:
    header, row = data.draw(st.sampled_from([(HEADER, {"pitch": 5}), (PLAYED, NOTE), (ALIGNED, PLACE)]))
    place = data.draw(st.sampled_from(["header", "row"]))
    changed = json.loads(header) | {"history": []} if place == "header" else dict(row)
    changed[data.draw(st.sampled_from(sorted(changed)))] = data.draw(json_values)
    lines = [changed, row] if place == "header" else [json.loads(header), changed]
    try:
        read = read_jsonl("\n".join(map(json.dumps, lines)).encode())
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert write_jsonl(read_jsonl(write_jsonl(read))) == write_jsonl(read)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_is_an_input_error_or_harmless(data: st.DataObject) -> None:
    whole = (PLAYED + json.dumps(NOTE) + "\n").encode()
    try:
        read_jsonl(data.draw(st.composite(damaged)(whole)))
    except InputError as error:
        assert "\n" not in str(error)
