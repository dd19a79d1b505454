"""Storage: the same for paths, for a store in memory, and for folders named by URL."""

from __future__ import annotations

import json
from pathlib import Path

import fsspec
import pytest
import typer
from typer.testing import CliRunner

from perfsynth.batch import storage
from perfsynth.cli import _io
from perfsynth.errors import MissingError, PerfsynthError


@pytest.fixture(params=["memory", "file", "path"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return {"memory": f"memory://{tmp_path.name}", "file": f"file://{tmp_path}/s", "path": str(tmp_path / "s")}[
        request.param
    ]


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.command("other")(lambda: None)

    @_io.stage(made, "align", suffix=".txt", binary=False, examples=("perfsynth align a b", "perfsynth align a b"))
    def align(item: _io.Item) -> None:
        """Join two files."""
        first, second = item.each()
        item.write(first.read() + second.read())

    return made


def put(folder: str, name: str, text: str) -> str:
    path = storage.join(folder, name)
    with fsspec.open(path, "w", auto_mkdir=True) as file:
        file.write(text)
    return path


def test_what_is_put_is_there_and_read(folder: str, tmp_path: Path) -> None:
    path = storage.join(folder, "a/b.txt")
    assert not storage.exists(path)
    with pytest.raises(PerfsynthError, match=r"b\.txt: cannot be read"):
        storage.read(path)
    if storage.is_url(folder):
        (tmp_path / "local").write_bytes(b"music")
        storage.put(tmp_path / "local", path)
    else:
        put(folder, "a/b.txt", "music")
    assert storage.exists(path)
    assert (storage.read(path), storage.size(path)) == (b"music", 5)
    assert not storage.exists(storage.join(folder, "a"))


def test_a_batch_from_and_into_a_store(folder: str, app: typer.Typer, tmp_path: Path) -> None:
    rows = []
    for name in ("x/1", "x/2"):
        audio, score = put(folder, f"{name}.wav", f"{name}+"), put(folder, f"{name}.mid", "score")
        rows.append({"id": name, "audio": audio, "score": score})
    (tmp_path / "there").mkdir()
    manifest = put(str(tmp_path), "there/m.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    out = storage.join(folder, "out")
    results = tmp_path / "r.jsonl"

    def run(*more: str) -> object:
        line = ["align", "--manifest", manifest, "--out-dir", out, "--results", str(results), *more]
        return CliRunner().invoke(app, line)

    ran = run()
    assert ran.exit_code == 0, ran.stderr
    assert storage.read(storage.join(out, "x/2.txt")) == b"x/2+score"
    made = [json.loads(line) for line in results.read_text().splitlines()]
    named = [row["alignment"] for row in made]
    there = [name if storage.is_url(name) else str(tmp_path / name) for name in named]
    assert [storage.read(path) for path in there] == [b"x/1+score", b"x/2+score"]
    assert run().exit_code == 3
    assert '"skipped": 2' in run("--skip-existing", "--json").stderr
    assert run("--force").exit_code == 0


def test_a_manifest_may_lie_in_a_store_too(app: typer.Typer, tmp_path: Path) -> None:
    folder = f"memory://{tmp_path.name}"
    put(folder, "a.wav", "a")
    put(folder, "a.mid", "b")
    manifest = put(folder, "m.jsonl", '{"audio": "a.wav", "score": "a.mid"}\n')
    ran = CliRunner().invoke(app, ["align", "--manifest", manifest, "--out-dir", str(tmp_path / "o")])
    assert ran.exit_code == 0, ran.stderr
    assert (tmp_path / "o" / "a.txt").read_text() == "ab"


def test_a_store_that_nobody_knows_is_refused() -> None:
    with pytest.raises(MissingError, match="no such kind of store"):
        storage.exists("nowhere://x/y")


def test_what_is_opened_is_a_file_where_it_lies_or_all_that_a_store_holds(folder: str) -> None:
    if not storage.is_url(folder):
        Path(folder).mkdir()
    path = put(folder, "a.txt", "hello")
    assert storage.source(path) == (b"hello" if storage.is_url(path) else Path(path))
