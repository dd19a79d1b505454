"""The count of a batch: how far, how fast, how long yet."""

from __future__ import annotations

import json

import pytest

from perfsynth.batch import outcome
from perfsynth.batch.outcome import Outcome, Tally, clock, pace
from perfsynth.cli._batch_report import Watch, summarise
from perfsynth.cli._item import Session


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch) -> Tally:
    """Of 100 items 20 were there, 36 are done and 4 failed, after 20 s."""
    now = 1000.0
    monkeypatch.setattr(outcome, "monotonic", lambda: now)
    made = Tally(100, started_s=now - 20.0)
    for status, number in (("skipped", 20), ("done", 36), ("failed", 4)):
        for _ in range(number):
            made.add(Outcome(status, 0.0 if status == "skipped" else 0.5, 1000 if status == "done" else 0))  # type: ignore[arg-type]
    return made


def test_rate_and_time_left_are_of_what_was_worked_on(tally: Tally) -> None:
    assert (tally.left, tally.rate, tally.left_s) == (40, 2.0, 20.0)
    assert str(tally) == "60 of 100, 2.0/s, 0:00:20 left"
    assert str(Tally(3)) == "0 of 3, 0.0/min"
    assert (pace(0.05), pace(12.34), clock(3661.4)) == ("3.0/min", "12.3/s", "1:01:01")


def test_a_line_now_and_then_and_a_table_at_the_end(tally: Tally, capsys: pytest.CaptureFixture[str]) -> None:
    watch = Watch(tally, Session())
    watch.update()
    assert capsys.readouterr().err == ""
    watch._said_s -= 61
    watch.update()
    watch.update()
    assert capsys.readouterr().err == "perfsynth: 60 of 100, 2.0/s, 0:00:20 left\n"
    summarise(tally, Session())
    head, row = capsys.readouterr().err.splitlines()[:2]
    assert head.split() == ["done", "skipped", "failed", "time", "rate", "each", "size"]
    assert row.split() == ["36", "20", "4", "0:00:20", "2.0/s", "0.50", "s", "0.0", "MB"]
    summarise(tally, Session(as_json=True))
    found = json.loads(capsys.readouterr().err)["batch"]
    assert found == {"done": 36, "skipped": 20, "failed": 4, "elapsed_s": 20.0, "work_s": 20.0, "bytes": 36000}
    summarise(tally, Session(quiet=True))
    assert capsys.readouterr().err == ""
