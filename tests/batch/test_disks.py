"""Disks that are full or cannot be written: an item fails in words, the others are done, and nothing half is left."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from perfsynth.cli import app
from perfsynth.data.download import fetch, unpack
from perfsynth.data.recipe import Archive
from perfsynth.data.recipes import RECIPES
from perfsynth.errors import PerfsynthError
from perfsynth.formats.midi_write import write_performance
from perfsynth.types import PERFORMED_NOTE, Performance

ROOT = Path(__file__).parents[2]
READ_ONLY = Path("/proc/perfsynth")  # nobody can write there, whoever runs the tests


def midi(n: int) -> bytes:
    notes = np.zeros(n, PERFORMED_NOTE)
    notes["onset_s"], notes["pitch"], notes["velocity"], notes["duration_s"] = np.arange(n) / 4, 60, 64, 0.2
    return write_performance(Performance(notes))


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_disk_that_fills_up_costs_the_items_that_do_not_fit(tmp_path: Path, jobs: str) -> None:
    for name, n in (("a", 3), ("long", 3000), ("z", 3)):
        (tmp_path / f"{name}.mid").write_bytes(midi(n))
    rows = [{"id": name, "performance": f"{name}.mid"} for name in ("a", "long", "z")]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    line = [sys.executable, "-m", "perfsynth", "tokenize", "--manifest", "m.jsonl", "--out-dir", "made",
            "--failures", "failed.jsonl", "--jobs", jobs]  # fmt: skip
    ran = subprocess.run(
        line, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True, text=True, timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)),
    )  # fmt: skip
    assert ran.returncode == 3, ran.stderr
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["a.jsonl", "z.jsonl"]
    failed = [json.loads(row) for row in (tmp_path / "failed.jsonl").read_text().splitlines()]
    assert [row["id"] for row in failed] == ["long"]
    assert os.strerror(errno.EFBIG) in failed[0]["error"]
    assert "defect" not in ran.stderr


def test_a_full_device_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(midi(3))
    ran = subprocess.run(
        [sys.executable, "-m", "perfsynth", "tokenize", str(tmp_path / "a.mid"), "-o", "/dev/full"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert ran.returncode == 1
    assert os.strerror(errno.ENOSPC) in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["tokenize", "--manifest", "m.jsonl", "--out-dir", str(READ_ONLY)],
        ["tokenize", "a.mid", "-o", str(READ_ONLY / "a.jsonl")],
        ["data", "check", "m.jsonl", "--findings", "/proc/wrong.jsonl"],
        ["data", "check", "m.jsonl", "--report", "/proc/wrong.html"],
        ["data", "sounds", "sounds.jsonl", "-o", str(READ_ONLY)],
        ["data", "malik", "prepare", "dataset", "-o", "/proc/x.jsonl"],
        ["data", "malik", "fetch", "--from", "archives", "--to", str(READ_ONLY)],
    ],
)
def test_what_cannot_be_written_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    import zipfile

    monkeypatch.chdir(tmp_path)
    Path("dataset/jazz").mkdir(parents=True)
    Path("archives").mkdir()
    for path in (Path("a.mid"), Path("dataset/jazz/a.mid")):
        path.write_bytes(midi(3))
    with zipfile.ZipFile("archives/TPD.zip", "w") as archive:
        archive.writestr("TPD/jazz/a.mid", midi(3))
    Path("m.jsonl").write_text('{"performance": "a.mid"}\n')
    Path("sounds.jsonl").write_text('{"performance": "a.mid", "audio": "a.wav"}\n')
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 1, ran.output
    assert ran.exception is None or isinstance(ran.exception, SystemExit)
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("perfsynth: /proc/")
    assert "cannot" in last or "there is no folder" in last


def test_an_archive_that_does_not_fit_leaves_no_half_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil
    import zipfile

    path = tmp_path / "TPD.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("TPD/jazz/a.mid", midi(3))
        archive.writestr("TPD/jazz/b.mid", midi(4))
    copied: list[int] = []
    whole = shutil.copyfileobj

    def full(source, target, length=0):
        copied.append(1)
        if len(copied) == 2:
            target.write(source.read(10))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "made"))
        whole(source, target, length)

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        unpack(path, tmp_path / "made", strip=1)
    assert [item.name for item in (tmp_path / "made").rglob("*") if item.is_file()] == ["a.mid"]
    copied[:] = [1]
    from dataclasses import replace

    recipe = replace(RECIPES["malik"], archives=(Archive("http://127.0.0.1:9/TPD.zip"),))
    with pytest.raises(PerfsynthError, match=rf"cannot be written \({os.strerror(errno.ENOSPC)}\)"):
        fetch(recipe, tmp_path / "again", source=tmp_path)
    monkeypatch.undo()
    fetch(recipe, tmp_path / "again", source=tmp_path)
    assert len(list((tmp_path / "again").rglob("*.mid"))) == 2
