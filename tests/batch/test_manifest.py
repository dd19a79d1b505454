"""Manifests: what a row gives to which stage, and what is refused."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from perfsynth.batch.manifest import columns, read_rows, relocated, write_rows
from perfsynth.errors import InputError, PerfsynthError

FOLDER = "/data"


def rows(*lines: str, stage: str = "render") -> list:
    return read_rows(lines, "m.jsonl", columns(stage), FOLDER)


def test_a_row_serves_every_stage_that_finds_its_columns() -> None:
    line = '{"id": "bach/bwv.875", "audio": "a/x.flac", "score": "/scores/x.mxl", "split": "train"}'
    align, render = rows(line, stage="align")[0], rows(line)[0]
    assert align.inputs == ("/data/a/x.flac", "/scores/x.mxl")
    assert render.inputs == ("/scores/x.mxl",)
    assert render.fields["split"] == "train"
    assert align.target(".jsonl") == "bach/bwv.875.jsonl"


def test_a_row_for_one_stage_may_say_input() -> None:
    assert rows('{"input": "x.mid"}')[0].inputs == ("/data/x.mid",)
    assert rows('{"inputs": ["x.wav", "y.mid"]}', stage="align")[0].inputs == ("/data/x.wav", "/data/y.mid")
    assert rows('{"input": "x.mid"}', stage="a stage nobody knows")[0].inputs == ("/data/x.mid",)
    assert rows('{"input": "s3://bucket/x.mid"}')[0].inputs == ("s3://bucket/x.mid",)


@pytest.mark.parametrize(
    ("row", "target"),
    [
        ({"input": "a/b.c.mid"}, "b.c.wav"),
        ({"input": "x.mid", "id": "a/b.c"}, "a/b.c.wav"),
        ({"input": "x.mid", "id": "a", "output": "b.flac"}, "b.flac"),
        ({"input": "x.mid", "output": "a/b"}, "a/b.wav"),
    ],
)
def test_results_are_named_by_output_then_id_then_file(row: dict, target: str) -> None:
    assert rows(json.dumps(row))[0].target(".wav") == target


@pytest.mark.parametrize(
    ("row", "stage", "onward"),
    [
        ({"input": "x.mid", "id": "a"}, "render-performance", {"score": "x.mid", "id": "a"}),
        ({"inputs": ["x.wav", "y.mid"]}, "align", {"audio": "x.wav", "score": "y.mid"}),
        ({"score": "x.mid", "output": "a/b.mid", "split": "test"}, "render-performance",
         {"score": "x.mid", "output": "a/b", "split": "test"}),
        ({"inputs": ["g.mid", "s.mid", "h.mid", "i.mid"]}, "evaluate performance",
         {"generated": "g.mid", "score": "s.mid", "reference": ["h.mid", "i.mid"]}),
    ],
)  # fmt: skip
def test_what_a_row_says_to_one_stage_alone_does_not_go_on(row: dict, stage: str, onward: dict) -> None:
    assert rows(json.dumps(row), stage=stage)[0].onward(columns(stage)) == onward


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", "m.jsonl:2: not JSON"),
        ("[" * 100_000, "m.jsonl:2: not JSON"),
        ('["x.mid"]', "m.jsonl:2: .* is no JSON object"),
        ('{"score": 3}', "m.jsonl:2: .* does not name 'score'"),
        ('{"inputs": ["a", "b"]}', "m.jsonl:2: .* does not name 'score'"),
        ('{"input": "x", "output": "../x"}', "outside the folder"),
        ('{"input": "x", "output": "a/../../x"}', "outside the folder"),
        ('{"input": "x", "output": "/etc/x"}', "outside the folder"),
        ('{"input": "x", "id": "/x"}', "outside the folder"),
        ('{"input": "x", "output": "."}', "outside the folder"),
        ('{"input": "x", "output": 3}', "no name for a result"),
        ('{"input": "x", "output": "a\\u0000b"}', "no name for a result"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(line: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        rows('{"input": "fine.mid"}', line)


def test_rows_without_what_is_read_are_left_out_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("perfsynth").propagate = True
    lines = ['{"audio": "a.wav"}', '{"audio": "b.wav", "score": "b.mid"}', '{"audio": "c.wav", "score": ""}']
    assert [row.inputs for row in rows(*lines, stage="align")] == [("/data/b.wav", "/data/b.mid")]
    assert "2 of 3 rows have no 'audio' and 'score'" in caplog.text
    with pytest.raises(InputError, match="no row has 'score'"):
        rows(lines[0], lines[2])


def test_an_empty_manifest_is_refused() -> None:
    with pytest.raises(InputError, match="no rows"):
        rows("", "  ")


def test_a_performance_is_what_a_row_lacks_of_made_and_played() -> None:
    judged = "evaluate performance"
    row = {"generated": "g.mid", "score": "s.mxl", "reference": ["a.mid", "/b.match"], "performance": "p.mid"}
    said = [row, row | {"reference": "a.mid"}, row | {"reference": []}, row | {"generated": None}]
    found = [one.inputs for one in rows(*map(json.dumps, said), stage=judged)]
    assert found == [
        ("/data/g.mid", "/data/s.mxl", "/data/a.mid", "/b.match"),
        ("/data/g.mid", "/data/s.mxl", "/data/a.mid"),
        ("/data/g.mid", "/data/s.mxl", "/data/p.mid"),
        ("/data/p.mid", "/data/s.mxl", "/data/a.mid", "/b.match"),
    ]
    listed = rows('{"inputs": ["g.mid", "s.mxl", "a.mid", "b.mid"]}', stage=judged)[0]
    assert len(listed.inputs) == 4 and listed.target(".json") == "g.json"
    for lacking in ({"score": ""}, {"generated": "", "reference": ""}):  # a performance is no score
        with pytest.raises(InputError, match="no row has 'generated' and 'score' and 'reference'"):
            rows(json.dumps(row | lacking), stage=judged)
    with pytest.raises(InputError, match="does not name"):
        rows(json.dumps(row | {"reference": ["a.mid", 3]}), stage=judged)


def test_a_row_moved_to_another_manifest_means_the_same_files() -> None:
    row = {"id": "x", "audio": "a.wav", "score": "../s/x.mid", "inputs": ["b.mid"], "output": "o", "seconds": 3}
    moved = relocated(row, Path("/data/one"), Path("/data/two"))
    assert moved == row | {"audio": "/data/one/a.wav", "score": "/data/s/x.mid", "inputs": ["/data/one/b.mid"]}
    assert relocated(row, Path("/data/one"), Path("/data"))["audio"] == "one/a.wav"
    assert relocated({"reference": ["a.mid", "/b.mid"]}, "one", Path())["reference"] == ["one/a.mid", "/b.mid"]
    assert relocated({"audio": "s3://b/a.wav"}, Path("x"), Path("y")) == {"audio": "s3://b/a.wav"}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    written = [{"score": "Für Elise.mid", "id": "é"}, {"score": "y", "n": 1.5}]
    write_rows(tmp_path / "m.jsonl", written)
    lines = (tmp_path / "m.jsonl").read_text(encoding="utf-8").splitlines()
    assert [row.fields for row in read_rows(lines, "m", columns("render"), str(tmp_path))] == written
    with pytest.raises(PerfsynthError, match="cannot be written"):
        write_rows(tmp_path / "nowhere" / "m.jsonl", written)
