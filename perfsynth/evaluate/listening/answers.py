"""What listeners gave back: files of answers, JSON or CSV as the page writes them, read and checked one by one."""

from __future__ import annotations

import csv
import io
import json
import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perfsynth.errors import InputError
from perfsynth.evaluate.listening.questions import METHODS, Method, Question, question_from_json

log = logging.getLogger("perfsynth")

FORMAT, VERSION = "perfsynth-listening-answers", 1
ROLES = ("system", "reference", "anchor")
PREFERENCES = (0.0, 0.5, 1.0)
SUFFIXES = (".json", ".csv")


@dataclass(frozen=True)
class Answer:
    """One rating, or one choice: 1 for `system`, 0 for `other`, 0.5 for neither."""

    trial: str
    piece: str
    question: str
    system: str
    role: str
    other: str
    value: float
    seconds: float  # spent on the trial
    audio_s: float  # length of all sounds of the trial
    heard_s: float  # how much of them was played
    comment: str = ""


@dataclass(frozen=True)
class Sheet:
    """All answers of one listener, from one file."""

    name: str
    test_id: str
    title: str
    method: Method
    questions: tuple[Question, ...]
    participant: str
    session: str
    finished: str
    complete: bool
    headphones: float | None  # share of the headphone check that was right; None when it was not made
    answers: tuple[Answer, ...]


def gather(paths: Sequence[Path]) -> tuple[list[Sheet], list[str]]:
    """Read files of answers, or all in folders.

    Parameters
    ----------
    paths
        ``.json`` and ``.csv`` files, or folders of them.

    Returns
    -------
    list of Sheet
        One for each listener, by file name.
    list of str
        What cannot be used and why, one line for each file: malformed ones, and participants who answered twice.
        An earlier state of the same session is merely left out, with a warning.

    Raises
    ------
    InputError
        When there is nothing to read.
    """
    files = [file for path in paths for file in _files(path)]
    sheets, problems = [], []
    for file in files:
        try:
            sheets.append(read_sheet(file.read_bytes(), name=str(file)))
        except OSError as error:
            problems.append(f"{file}: cannot be read ({error.strerror})")
        except InputError as error:
            problems.append(str(error))
    return _single(_of_one_test(sheets, problems), problems), problems


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    if not found:
        raise InputError(f"{path}: no answers; expected files that end in {' or '.join(SUFFIXES)}")
    return found


def _of_one_test(sheets: list[Sheet], problems: list[str]) -> list[Sheet]:
    """The sheets of the test that most of them answer."""
    kinds = Counter((sheet.test_id, _scales(sheet)) for sheet in sheets)
    main = kinds.most_common(1)[0][0] if kinds else ("", ())
    kept = []
    for sheet in sheets:
        if sheet.test_id != main[0]:
            problems.append(f"{sheet.name}: answers test {sheet.test_id}, most others {main[0]}; analyse it apart")
        elif _scales(sheet) != main[1]:
            problems.append(f"{sheet.name}: its questions are not those of the others; ask for the file again")
        else:
            kept.append(sheet)
    return kept


def _scales(sheet: Sheet) -> tuple[tuple[str, int, int], ...]:
    asked = {answer.question for answer in sheet.answers}  # all that a CSV file knows of
    return tuple(sorted((q.id, q.minimum, q.maximum) for q in sheet.questions if q.id in asked))


def _single(sheets: list[Sheet], problems: list[str]) -> list[Sheet]:
    """One sheet a session, its fullest; and one session a participant, the first file's."""
    sessions: dict[str, Sheet] = {}
    for sheet in sheets:
        known = sessions.get(sheet.session)
        if known is None:
            sessions[sheet.session] = sheet
            continue
        kept, left = sorted((known, sheet), key=_fullness, reverse=True)
        log.warning("%s: the same session as %s; only the latter is used", left.name, kept.name)
        sessions[sheet.session] = kept
    people: dict[str, Sheet] = {}
    for sheet in sessions.values():
        known = people.setdefault(sheet.participant, sheet)
        if known is not sheet:
            problems.append(f"{sheet.name}: participant {sheet.participant} has answered already in {known.name}")
    return list(people.values())


def _fullness(sheet: Sheet) -> tuple[bool, int, str]:
    return sheet.complete, len(sheet.answers), sheet.finished


def read_sheet(data: bytes, *, name: str = "answers") -> Sheet:
    """One file of answers.

    Raises
    ------
    InputError
        When it is malformed: names the field, and what it should be.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 text; ask for the file that the page saved") from error
    document = _from_json(text, name) if text.lstrip().startswith("{") else _from_csv(text, name)
    return _sheet(document, name)


def _from_json(text: str, name: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{name}: broken JSON ({error}); ask for the file again") from error
    if document.get("format") != FORMAT or document.get("version") != VERSION:
        raise InputError(f"{name}: not answers of a listening test; expected format {FORMAT!r}, version {VERSION}")
    return document


def _from_csv(text: str, name: str) -> dict[str, Any]:
    """The JSON document that a CSV table flattens; questions come without their texts."""
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise InputError(f"{name}: broken CSV ({error}); ask for the file again") from error
    if not rows or "test_id" not in rows[0]:
        raise InputError(f"{name}: no answers; expected a table with a column test_id and at least one row")
    if any(None in row or None in row.values() for row in rows):
        raise InputError(f"{name}: a row has not as many cells as the head; ask for the file again")
    for column in ("test_id", "session", "participant"):
        values = {row.get(column, "") for row in rows}
        if len(values) > 1:
            raise InputError(f"{name}: holds {len(values)} values of {column}; give each listener a file")
    first = rows[0]
    scales = {row.get("question", ""): (row.get("minimum"), row.get("maximum")) for row in rows}
    tested = first.get("headphones_of")
    return {
        **first,
        "title": "",
        "questions": [
            {"id": key, "text": key, "minimum": _whole(low), "maximum": _whole(high)}
            for key, (low, high) in scales.items()
        ],
        "complete": first.get("complete") == "true",
        "headphones": {"correct": _whole(first.get("headphones_correct")), "of": _whole(tested)} if tested else None,
        "answers": [{**row, **{key: _number(row.get(key)) for key in _NUMBERS}} for row in rows],
    }


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _sheet(document: dict[str, Any], name: str) -> Sheet:
    words: dict[str, Any] = {
        key: document.get(key) for key in ("test_id", "title", "method", "participant", "session", "finished")
    }
    for key, word in words.items():
        if not isinstance(word, str) or (not word and key not in ("title", "finished")):
            raise InputError(f"{name}: {key} is {word!r}; it must be a word")
    if words["method"] not in METHODS:
        raise InputError(f"{name}: method {words['method']!r}; it must be one of {', '.join(METHODS)}")
    questions = document.get("questions")
    rows = document.get("answers")
    for key, value in (("questions", questions), ("answers", rows)):
        if not isinstance(value, list) or not value or not all(isinstance(entry, dict) for entry in value):
            raise InputError(f"{name}: no {key}; ask for the file again")
    asked = tuple(question_from_json(question, name) for question in questions)  # type: ignore[union-attr]
    scales = {question.id: question for question in asked}
    answers = tuple(_answer(row, scales, words["method"], name) for row in rows)  # type: ignore[union-attr]
    twice = [key for key, count in Counter((a.trial, a.system, a.question) for a in answers).items() if count > 1]
    if twice:
        raise InputError(f"{name}: answers {' '.join(twice[0])} twice; keep one")
    return Sheet(
        name=name,
        questions=asked,
        complete=document.get("complete") is True,
        headphones=_headphones(document.get("headphones"), name),
        answers=answers,
        **words,
    )


def _headphones(result: Any, name: str) -> float | None:
    if result is None:
        return None
    correct, of = (result.get(key) if isinstance(result, dict) else None for key in ("correct", "of"))
    if not isinstance(correct, int) or not isinstance(of, int) or not 0 <= correct <= of or of == 0:
        raise InputError(f"{name}: headphone check {result!r}; expected how many were correct, of how many")
    return correct / of


_WORDS = ("trial", "piece", "question", "system", "role", "other", "comment")
_NUMBERS = ("value", "seconds", "audio_s", "heard_s")


def _answer(row: dict[str, Any], questions: dict[str, Question], method: str, name: str) -> Answer:
    for key in _WORDS:
        if not isinstance(row.get(key), str) or (not row[key] and key not in ("other", "comment")):
            raise InputError(f"{name}: an answer has the {key} {row.get(key)!r}; it must be a word")
    where = f"{name}: the answer to {row['question']} in trial {row['trial']}"
    for key in _NUMBERS:
        number = row.get(key)
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number) or number < 0:
            raise InputError(f"{where} has the {key} {number!r}; it must be a number, not below 0")
    question = questions.get(row["question"])
    if question is None:
        raise InputError(f"{where} is to no question of this test; there are {', '.join(questions)}")
    if row["role"] not in ROLES:
        raise InputError(f"{where} has the role {row['role']!r}; it must be {', '.join(ROLES)}")
    value = float(row["value"])
    if method == "ab" and (value not in PREFERENCES or not row["other"] or row["other"] == row["system"]):
        raise InputError(f"{where} is {value:g}; a preference is 0, 0.5 or 1 between two systems")
    if not question.minimum <= value <= question.maximum:
        raise InputError(f"{where} is {value:g}; its scale goes from {question.minimum} to {question.maximum}")
    cells: dict[str, Any] = {key: row[key] for key in _WORDS} | {key: float(row[key]) for key in _NUMBERS}
    return Answer(**cells)
