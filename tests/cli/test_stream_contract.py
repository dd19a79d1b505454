"""The stream contract, once for all commands: each stage command is a subclass that says how to call it."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pytest

from perfsynth import formats, perform, tokenize
from perfsynth.formats.jsonl import write_jsonl
from perfsynth.formats.midi_write import write_performance

TIMEOUT_S = 120


@pytest.fixture(scope="module")
def performance_midi(example: bytes) -> bytes:
    return write_performance(perform(formats.read_score(example), model="deadpan"))


class StreamContract:
    """Subclasses name the command, its options, and what it reads."""

    command: ClassVar[str]
    options: ClassVar[list[str]] = []
    is_text: ClassVar[bool] = False
    suffix: ClassVar[str]

    @pytest.fixture
    def data(self, example: bytes) -> bytes:
        return example

    @pytest.fixture(autouse=True)
    def workplace(self, tmp_path: Path, data: bytes, fluidsynth_env: dict[str, str]) -> None:
        self.folder = tmp_path
        self.env = {**os.environ, **fluidsynth_env}
        self.source = tmp_path / "piece.in"
        self.source.write_bytes(data)
        self.target = tmp_path / f"made{self.suffix}"

    def line(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "perfsynth", self.command, *self.options, *map(str, arguments)]

    def run(self, *arguments: object, **kwargs: object) -> subprocess.CompletedProcess:
        kwargs.setdefault("stdin", subprocess.DEVNULL if "input" not in kwargs else None)
        if "input" in kwargs:
            kwargs.pop("stdin")
        return subprocess.run(
            self.line(*arguments),
            capture_output=True,
            cwd=self.folder,
            env=self.env,
            timeout=TIMEOUT_S,
            **kwargs,  # type: ignore[arg-type]
        )

    def assert_one_line(self, ran: subprocess.CompletedProcess, exit_code: int) -> str:
        assert ran.returncode == exit_code, ran.stderr
        assert ran.stderr.count(b"\n") == 1, ran.stderr.decode()
        assert ran.stdout == b""
        return ran.stderr.decode()

    def leftovers(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path != self.source)

    def test_a_pipe_and_a_file_give_the_same_bytes(self, data: bytes) -> None:
        piped = self.run(input=data)
        assert piped.returncode == 0, piped.stderr
        dashes = self.run("-", "-o", "-", input=data)
        named = self.run(self.source, "-o", self.target, "--seed", "0")
        assert named.returncode == 0, named.stderr
        assert named.stdout == b""
        assert piped.stdout == dashes.stdout == self.target.read_bytes() != b""
        assert self.leftovers() == [self.target.name]

    def test_the_result_says_how_it_was_made(self, data: bytes) -> None:
        made = self.run("--seed", "7", input=data).stdout
        assert hashlib.sha256(data).hexdigest().encode() in made
        assert b'"seed": 7' in made or self.command in ("tokenize", "detokenize")

    def test_binary_is_refused_to_a_terminal(self) -> None:
        controller, terminal = pty.openpty()
        child = subprocess.Popen(self.line(self.source), stdout=terminal, stderr=subprocess.PIPE, env=self.env)
        os.close(terminal)
        shown = b""
        with suppress(OSError):  # the terminal ends with EIO
            while data := os.read(controller, 65536):
                shown += data
        os.close(controller)
        _, words = child.communicate(timeout=TIMEOUT_S)
        assert child.returncode == (0 if self.is_text else 2), words
        assert bool(shown) == self.is_text

    def test_what_is_there_is_not_overwritten_unasked(self) -> None:
        self.target.write_bytes(b"precious")
        assert str(self.target) in self.assert_one_line(self.run(self.source, "-o", self.target), 1)
        assert self.run(self.source, "-o", self.target, "--skip-existing").returncode == 0
        assert self.target.read_bytes() == b"precious"
        assert self.run(self.source, "-o", self.target, "--force").returncode == 0
        assert self.target.read_bytes() != b"precious"

    @pytest.mark.parametrize("garbage", [b"", b"garbage", b"MThd\0\0", b"<score", b"PK\x03\x04", b"{}"])
    def test_garbage_gives_one_line_and_no_file(self, garbage: bytes) -> None:
        self.source.write_bytes(garbage)
        assert "piece.in" in self.assert_one_line(self.run(self.source, "-o", self.target), 1)
        assert self.leftovers() == []

    def test_wrong_paths_give_one_line(self) -> None:
        assert "nowhere" in self.assert_one_line(self.run("nowhere"), 1)
        assert "missing" in self.assert_one_line(self.run(self.source, "-o", "missing/made"), 1)
        self.assert_one_line(self.run(self.source, "-o", self.folder), 2)
        self.assert_one_line(self.run(self.folder), 1)

    def test_usage_errors_exit_2(self) -> None:
        self.assert_one_line(self.run(self.source, "--no-such-option"), 2)
        self.assert_one_line(self.run(self.source, self.source), 2)
        self.assert_one_line(self.run(self.source, "-o", self.target, "--out-dir", "folder"), 2)

    def test_errors_as_json(self) -> None:
        ran = self.run("nowhere", "--json")
        assert json.loads(ran.stderr)["error"].startswith("nowhere")
        ran = self.run("--no-such-option", "--json")
        assert "error" in json.loads(ran.stderr)

    def test_verbose_shows_the_traceback_and_quiet_nothing(self) -> None:
        assert b"Traceback" in self.run("nowhere", "-v").stderr
        assert self.run(self.source, "-o", self.target, "--quiet").stderr == b""

    def test_a_batch_goes_on_after_a_failure(self, data: bytes) -> None:
        (self.folder / "second.in").write_bytes(data)
        (self.folder / "broken.in").write_bytes(b"garbage")
        ran = self.run(self.source, "broken.in", "second.in", "--out-dir", "made")
        assert ran.returncode == 3, ran.stderr
        made = sorted(path.name for path in (self.folder / "made").iterdir())
        assert made == [f"piece{self.suffix}", f"second{self.suffix}"]
        again = self.run(self.source, "second.in", "--out-dir", "made", "--skip-existing")
        assert again.returncode == 0

    def test_a_full_disk_gives_one_line(self) -> None:
        assert "/dev/full" in self.assert_one_line(self.run(self.source, "-o", "/dev/full"), 1)

    def test_a_device_is_written_to_not_replaced(self) -> None:
        assert self.run(self.source, "-o", "/dev/null").returncode == 0
        assert not Path("/dev/null").is_file()

    def test_a_handle_is_written_to_whatever_is_behind_it(self) -> None:
        piped = self.run(self.source, "-o", "/dev/stdout")
        assert piped.returncode == 0, piped.stderr
        assert piped.stdout == self.run(self.source).stdout != b""
        self.target.write_bytes(b"before")
        with self.target.open("ab") as redirected:
            ran = subprocess.run(
                self.line(self.source, "-o", f"/dev/fd/{redirected.fileno()}"),
                pass_fds=[redirected.fileno()], stderr=subprocess.PIPE, env=self.env, timeout=TIMEOUT_S,
            )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        assert self.target.read_bytes() == b"before" + piped.stdout

    def test_a_closed_pipe_exits_141(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        ran = subprocess.run(
            self.line(self.source), stdout=writer, stderr=subprocess.PIPE, env=self.env, timeout=TIMEOUT_S
        )
        os.close(writer)
        assert (ran.returncode, ran.stderr) == (141, b"")

    def test_an_interrupt_exits_130_and_leaves_nothing(self) -> None:
        child = subprocess.Popen(
            self.line("-", "-o", self.target, "-v"),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.env, "PYTHONUNBUFFERED": "1"},
        )
        assert child.stdin is not None
        assert child.stderr is not None
        assert child.stderr.readline() == b"perfsynth: reading <stdin>\n"
        child.send_signal(signal.SIGINT)
        _, words = child.communicate(timeout=TIMEOUT_S)
        assert child.returncode == 130, words
        assert self.leftovers() == []

    def test_help_shows_two_examples(self) -> None:
        ran = subprocess.run(self.line("--help"), capture_output=True, text=True, timeout=TIMEOUT_S, env=self.env)
        assert ran.returncode == 0
        assert ran.stdout.count(f"perfsynth {self.command}") + ran.stdout.count("| perfsynth") >= 2


class TestRenderPerformance(StreamContract):
    command, suffix = "render-performance", ".mid"


class TestSynthAudio(StreamContract):
    command, suffix = "synth-audio", ".wav"
    options: ClassVar = ["--engine", "fluidsynth"]

    @pytest.fixture
    def data(self, performance_midi: bytes) -> bytes:
        return performance_midi


class TestRender(StreamContract):
    command, suffix = "render", ".wav"
    options: ClassVar = ["--engine", "fluidsynth", "--model", "deadpan"]


class TestTokenize(StreamContract):
    command, suffix, is_text = "tokenize", ".jsonl", True

    @pytest.fixture
    def data(self, performance_midi: bytes) -> bytes:
        return performance_midi


class TestDetokenize(StreamContract):
    command, suffix = "detokenize", ".mid"

    @pytest.fixture
    def data(self, example: bytes) -> bytes:
        return write_jsonl(tokenize(perform(formats.read_score(example))))


@pytest.mark.parametrize("asked", ["--help", "--version"])
def test_help_that_nobody_reads_on_exits_141(asked: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    line = [sys.executable, "-m", "perfsynth", asked]
    ran = subprocess.run(line, stdout=writer, stderr=subprocess.PIPE, timeout=TIMEOUT_S)
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (141, b"")
