"""Files of answers: read, and refused one by one for what is wrong with them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfsynth.errors import InputError
from perfsynth.evaluate.listening.answers import Sheet, gather, read_sheet
from tests.evaluate.listening.listeners import answer, as_json, document, sheet

GOOD = sheet("A", [answer("model", 4.0, comment='a "fine", one\nreally'), answer("deadpan", 2.0)])
PAIR = sheet("A", [answer("x", 0.5, other="y")], method="ab")


def as_csv(one: Sheet, *, headphones: tuple[int, int] | None = None) -> bytes:
    """A sheet as the page writes its table."""
    whole = document(one)
    scales = {question.id: (question.minimum, question.maximum) for question in one.questions}
    correct, of = headphones or ("", "")
    rows = [
        {
            **{key: whole[key] for key in ("test_id", "method", "participant", "session", "started", "finished")},
            "complete": "true" if one.complete else "false", "headphones_correct": correct, "headphones_of": of,
            "minimum": scales[row["question"]][0], "maximum": scales[row["question"]][1], **row,
        }
        for row in whole["answers"]
    ]  # fmt: skip
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def test_json_and_csv_say_the_same() -> None:
    from_json = read_sheet(as_json(GOOD), name="A.json")
    assert from_json == GOOD
    from_csv = read_sheet(as_csv(GOOD, headphones=(5, 6)), name="A.json")
    assert from_csv.answers == GOOD.answers
    assert from_csv.headphones == 5 / 6
    untold = replace(from_csv, questions=GOOD.questions, title=GOOD.title, headphones=None)
    assert untold == GOOD
    assert not read_sheet(as_csv(replace(GOOD, complete=False))).complete


def test_a_spreadsheet_may_have_put_a_mark_before_it() -> None:
    assert read_sheet(b"\xef\xbb\xbf" + as_csv(GOOD), name="A.json").answers == GOOD.answers


def changed(**changes: Any) -> bytes:
    return json.dumps({**document(GOOD), **changes}).encode()


def with_answer(base: Sheet = GOOD, **changes: Any) -> bytes:
    whole = document(base)
    whole["answers"][0].update(changes)
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no answers"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (as_json(GOOD)[:-20], "broken JSON"),
        (b"{" * 100_000, "broken JSON"),
        (changed(format="something"), "not answers of a listening test"),
        (changed(version=2), "version 1"),
        (changed(participant=""), "participant is ''"),
        (changed(session=7), "session is 7"),
        (changed(method="guess"), "method 'guess'; it must be one of rating, mushra, ab"),
        (changed(answers=[]), "no answers"),
        (changed(answers="many"), "no answers"),
        (changed(questions=[{"id": "overall"}]), "a question needs a text"),
        (changed(headphones={"correct": 7, "of": 6}), "headphone check"),
        (changed(headphones=[1]), "headphone check"),
        (changed(answers=document(GOOD)["answers"] * 2), "answers p1-model model overall twice"),
        (with_answer(value=6), "is 6; its scale goes from 1 to 5"),
        (with_answer(value=None), "has the value None"),
        (with_answer(value=True), "has the value True"),
        (with_answer(value=float("nan")), "has the value nan"),
        (with_answer(seconds=-1), "has the seconds -1"),
        (with_answer(question="smell"), "is to no question of this test; there are overall"),
        (with_answer(role="king"), "has the role 'king'"),
        (with_answer(system=""), "has the system ''"),
        (with_answer(PAIR, value=0.7), "a preference is 0, 0.5 or 1 between two systems"),
        (with_answer(PAIR, other="x"), "between two systems"),
        (as_csv(GOOD).replace(b"session-A", b"session-B", 1), "holds 2 values of session"),
        (as_csv(GOOD) + b"abc,rating\r\n", "has not as many cells"),
        (b"a,b\r\n1,2\r\n", "column test_id"),
        (as_csv(GOOD).replace(b",4.0,", b",four,"), "has the value None"),
    ],
)
def test_what_is_malformed_is_named(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as refused:
        read_sheet(data, name="bad.json")
    assert str(refused.value).startswith("bad.json: ")
    assert message in str(refused.value)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_is_in_a_file_it_is_refused_or_read(data: bytes) -> None:
    with pytest.raises(InputError):
        read_sheet(data)


@given(st.data())
def test_a_damaged_file_gives_one_clean_error_or_is_still_whole(data: st.DataObject) -> None:
    whole = as_json(GOOD)
    start = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:start] + data.draw(st.binary(max_size=8)) + whole[start + data.draw(st.integers(0, 8)) :]
    try:
        assert read_sheet(damaged).answers
    except InputError as error:
        assert "\n" not in str(error)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    def put(**files: bytes) -> Path:
        for name, data in files.items():
            (tmp_path / f"{name}.json").write_bytes(data)
        return tmp_path

    return put


def test_the_good_ones_of_a_folder_are_kept_and_the_others_named(folder) -> None:
    other = sheet("B", [answer("model", 3.0), answer("deadpan", 3.0)])
    stranger = replace(other, test_id="zzz", participant="C", session="c")
    rescaled = replace(
        other, questions=(replace(other.questions[0], maximum=10),), participant="D", session="d"
    )  # fmt: skip
    again = replace(other, participant="A", session="later")
    where = folder(
        a=as_json(GOOD), b=as_json(other), c=as_json(stranger), d=as_json(rescaled), e=as_json(again), f=b"{broken"
    )
    (where / "notes.txt").write_text("not answers")
    sheets, problems = gather([where])
    assert [one.participant for one in sheets] == ["A", "B"]
    assert [problem.replace(f"{where}/", "").split(";")[0] for problem in problems] == [
        "f.json: broken JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))",
        "c.json: answers test zzz, most others abc",
        "d.json: its questions are not those of the others",
        f"e.json: participant A has answered already in {where}/a.json".replace(f"{where}/", ""),
    ]


def test_of_one_session_the_fullest_file_counts(folder, caplog: pytest.LogCaptureFixture) -> None:
    early = replace(GOOD, answers=GOOD.answers[:1], complete=False, finished="")
    where = folder(a=as_json(early), b=as_json(GOOD), c=as_json(GOOD))
    sheets, problems = gather([where])
    assert not problems
    (one,) = sheets
    assert one.answers == GOOD.answers
    assert caplog.text.count("the same session as") == 2


def test_an_empty_folder_and_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no answers; expected files that end in \.json or \.csv"):
        gather([tmp_path])
    sheets, problems = gather([tmp_path / "none.json"])
    assert sheets == []
    assert "none.json: cannot be read (No such file or directory)" in problems[0]
