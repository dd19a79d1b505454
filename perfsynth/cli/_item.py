"""What a command works on: how it talks (`Session`), and one input with where its result goes (`Item`)."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from perfsynth.batch import storage
from perfsynth.batch.claim import claim, part
from perfsynth.cli._progress import Progress
from perfsynth.errors import PerfsynthError, UsageError

STDIN = STDOUT = "-"
HANDLES = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/")  # even with a file behind them: a redirection

# Endings that promise a kind of file; any other name is taken as it is.
KINDS = {
    ".aac", ".aif", ".aiff", ".csv", ".flac", ".json", ".jsonl", ".m4a", ".match", ".mid", ".midi", ".mp3", ".musicxml",
    ".mxl", ".npz", ".ogg", ".opus", ".pdf", ".png", ".svg", ".wav", ".xml",
}  # fmt: skip

log = logging.getLogger("perfsynth")


@dataclass(frozen=True)
class Session:
    """How one invocation talks: the shared options that are not about any single file."""

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False

    def tell(self, line: str) -> None:
        """Put a line on stderr."""
        print(line, file=sys.stderr)

    def say(self, line: str) -> None:
        """Tell the user something that is not data, on stderr."""
        if not self.quiet and not self.as_json:
            self.tell(line)

    def progress(self) -> AbstractContextManager[Progress]:
        """A bar on stderr that lives as long as the block; silent where nobody wants it or could see it."""
        return Progress.on_stderr(hidden=self.quiet or self.as_json)

    def fail(self, error: BaseException, exit_code: int) -> None:
        """Report an error: one line, or one JSON object."""
        message = " ".join(str(error).split()) or type(error).__name__
        self.tell(json.dumps({"error": message, "exit_code": exit_code}) if self.as_json else f"perfsynth: {message}")
        if self.verbose:
            self.tell("".join(traceback.format_exception(error)).rstrip())


@dataclass(frozen=True)
class Item:
    """One input, its seed, and where its result goes."""

    source: str  # a path, or "-"
    target: str  # a path, or "-"
    seed: int
    session: Session
    progress: Progress
    others: tuple[str, ...] = ()  # what a stage of several inputs reads beside `source`
    force: bool = False  # whether what a stage writes beside its result may overwrite
    output: str = ""  # its place in the folder of a batch, without a suffix

    @property
    def name(self) -> str:
        """What to call the input in messages."""
        return "<stdin>" if self.source == STDIN else self.source

    def each(self) -> tuple[Item, ...]:
        """An item for each input, in the order of the command's arguments; all of them have this one's target."""
        return tuple(replace(self, source=source, others=()) for source in (self.source, *self.others))

    def read(self) -> bytes:
        """The whole input.

        Raises
        ------
        PerfsynthError
            When it cannot be read.
        """
        log.info("reading %s", self.name)
        if self.source == STDIN:
            return sys.stdin.buffer.read()
        return storage.read(self.source)

    def write(self, data: bytes) -> None:
        """Write the whole result."""
        with self.file() as path:
            path.write_bytes(data)

    def beside(self, folder: Path, suffix: str) -> Item:
        """An item that writes to `folder` under this input's name, overwriting what an earlier run left.

        In a batch it has the place there that its result has in --out-dir.
        """
        target = folder / ((self.output or ("stdin" if self.source == STDIN else Path(self.source).stem)) + suffix)
        make_folder(target.parent)
        return replace(self, target=str(target))

    @contextmanager
    def file(self) -> Iterator[Path]:
        """A seekable file to fill; it becomes the result when the block ends well, and vanishes otherwise."""
        final = None if streams(self.target) or storage.is_url(self.target) else Path(self.target).resolve()
        with _temporary(final) as path:
            try:
                yield path
                if final is not None:
                    path.replace(final)
                else:
                    self._copy(path)
            except BrokenPipeError:
                raise
            except OSError as error:
                raise PerfsynthError(f"{self.target}: cannot be written ({error.strerror or error})") from error

    def _copy(self, path: Path) -> None:
        if self.target == STDOUT:
            with path.open("rb") as made:
                shutil.copyfileobj(made, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        elif storage.is_url(self.target):
            storage.put(path, self.target)
        else:
            # Appending: a file behind a handle may hold what others have written to it.
            with path.open("rb") as made, Path(self.target).open("ab") as device:
                shutil.copyfileobj(made, device)


def streams(target: str) -> bool:
    """Whether a result is sent there, not put there: stdout, a device, a named pipe, or a handle of this process."""
    path = Path(target)
    if target == STDOUT or str(path).startswith(HANDLES):
        return True
    return path.exists() and not path.is_file() and not path.is_dir()


@contextmanager
def _temporary(final: Path | None) -> Iterator[Path]:
    """A new file beside `final` (so that it can be renamed), or anywhere for a stream; removed at the end."""
    if final is None:
        handle, name = tempfile.mkstemp(prefix="perfsynth-")
        os.close(handle)
        path = Path(name)
    else:
        if not final.parent.is_dir():
            raise PerfsynthError(f"{final}: there is no folder {final.parent}; create it first")
        path = part(final)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises
    ------
    PerfsynthError
        When it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PerfsynthError(f"{folder}: cannot be made a folder ({error.strerror})") from error


def check_kind(name: str, suffix: str) -> None:
    """Refuse a name that promises another kind of file than is written, which has `suffix`.

    Raises
    ------
    UsageError
        When it does.
    """
    named = Path(name).suffix.lower()
    if named in KINDS and named.replace(".midi", ".mid") != suffix:
        written = ".wav, .flac or .ogg" if suffix == ".wav" else suffix
        raise UsageError(f"{name}: what is written is a {written}; give it such a name")


def check_file(path: str) -> None:
    """Refuse, before any work is done, what cannot become a file at its end.

    Raises
    ------
    UsageError
        When it is a stream or a folder.
    PerfsynthError
        When there is no folder for it.
    """
    if streams(path) or Path(path).is_dir():
        raise UsageError(f"{path}: is {'a folder' if Path(path).is_dir() else 'no file'}; name a file")
    if not Path(path).resolve().parent.is_dir():
        raise PerfsynthError(f"{path}: there is no folder {Path(path).parent}; create it first")


@contextmanager
def alone(folder: Path, doing: str) -> Iterator[None]:
    """Hold a folder, made if there is none, against other processes that would write the same files.

    Raises
    ------
    PerfsynthError
        When another has it, which is said to be `doing`; or when nothing can be written there.
    """
    make_folder(folder)
    with claim(folder / ".held") as held:
        if not held:
            raise PerfsynthError(f"{folder}: another process is {doing} there; wait for it, or name another folder")
        yield


def listen(session: Session) -> None:
    """Send the package's log to stderr: warnings, and everything with ``--verbose``."""
    log.handlers = [_Lines(session)]
    log.propagate = False
    log.setLevel(logging.INFO if session.verbose else logging.ERROR if session.quiet else logging.WARNING)


class _Lines(logging.Handler):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def emit(self, record: logging.LogRecord) -> None:
        text = " ".join(record.getMessage().split())
        if self.session.as_json:
            self.session.tell(json.dumps({record.levelname.lower(): text}))
        else:
            level = f"{record.levelname.lower()}: " if record.levelno > logging.INFO else ""
            self.session.tell(f"perfsynth: {level}{text}")
