"""Every stream, exit code and progress bar of the command line.

A stage command is a function from an `Item` (one input and where its result goes) and its own options.
`stage` makes it a command: it adds the options that all stages share, opens streams lazily, writes files
under a temporary name and renames them, runs batches, and turns errors into one line and an exit code.
"""

from __future__ import annotations

import errno
import inspect
import json
import logging
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, get_type_hints

import typer

from perfsynth.cli import _options as opt
from perfsynth.cli._progress import Progress
from perfsynth.errors import BatchError, InputError, PerfsynthError, UsageError

INTERRUPTED = 130
CLOSED_PIPE = 141
STDIN = STDOUT = "-"

log = logging.getLogger("perfsynth")


@dataclass(frozen=True)
class Session:
    """How one invocation talks: the shared options that are not about any single file."""

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False

    def say(self, line: str) -> None:
        """Tell the user something that is not data, on stderr."""
        if not self.quiet and not self.as_json:
            print(line, file=sys.stderr)

    def fail(self, error: BaseException, exit_code: int) -> None:
        """Report an error: one line, or one JSON object."""
        message = " ".join(str(error).split()) or type(error).__name__
        if self.as_json:
            print(json.dumps({"error": message, "exit_code": exit_code}), file=sys.stderr)
        else:
            print(f"perfsynth: {message}", file=sys.stderr)
        if self.verbose:
            traceback.print_exception(error)


@dataclass(frozen=True)
class Item:
    """One input, its seed, and where its result goes."""

    source: str  # a path, or "-"
    target: str  # a path, or "-"
    seed: int
    session: Session
    progress: Progress

    @property
    def name(self) -> str:
        """What to call the input in messages."""
        return "<stdin>" if self.source == STDIN else self.source

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
        try:
            return Path(self.source).read_bytes()
        except OSError as error:
            raise PerfsynthError(f"{self.source}: cannot be read ({error.strerror})") from error

    def write(self, data: bytes) -> None:
        """Write the whole result."""
        with self.file() as path:
            path.write_bytes(data)

    def beside(self, folder: Path, suffix: str) -> Item:
        """An item that writes to `folder` under this input's name, overwriting what an earlier run left."""
        _make_folder(folder)
        stem = "stdin" if self.source == STDIN else Path(self.source).stem
        return replace(self, target=str(folder / (stem + suffix)))

    @contextmanager
    def file(self) -> Iterator[Path]:
        """A seekable file to fill; it becomes the result when the block ends well, and vanishes otherwise."""
        final = Path(self.target).resolve() if self.target != STDOUT else None
        renames = final is not None and (not final.exists() or final.is_file())
        with _temporary(final if renames else None) as path:
            try:
                yield path
                if renames and final is not None:
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
        else:  # a device or a named pipe
            with path.open("rb") as made, Path(self.target).open("wb") as device:
                shutil.copyfileobj(made, device)


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
        path = final.with_name(final.name + ".part")
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def stage(
    app: typer.Typer,
    name: str,
    *,
    suffix: str | Callable[..., str],
    binary: bool = True,
    groups: tuple[inspect.Parameter, ...] = (),
    examples: tuple[str, ...],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function of an `Item` and its own options a command.

    Parameters
    ----------
    app
        Where to add it.
    name
        The command's word.
    suffix
        The ending of a result in ``--out-dir``, or a function of the command's own options that gives it.
    binary
        Whether the result must not be shown in a terminal.
    groups
        Options shared with other commands, which the function takes as ``**options``.
    examples
        Two lines to try, shown in the help.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def command(
            *, inputs: list[str] | None, output: str | None, out_dir: str | None, force: bool, skip_existing: bool,
            seed: int, as_json: bool, quiet: bool, verbose: bool, **options: Any,
        ) -> None:  # fmt: skip
            session = Session(as_json, quiet, verbose)
            with _reporting(session):
                sources = _sources(inputs)
                ending = suffix if isinstance(suffix, str) else suffix(output=output, **options)
                targets = _targets(sources, output, out_dir, ending, binary)
                _run(function, list(zip(sources, targets, strict=True)), options, seed, force, skip_existing, session)

        _sign(command, function, opt.STAGE_PARAMETERS, groups)
        app.command(name, help=_help(function, examples))(command)
        return function

    return register


def report(app: typer.Typer, name: str, *, examples: tuple[str, ...]) -> Callable[[Callable], Callable]:
    """Make a function of a `Session` and its own options a command that prints what it finds on stdout."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def command(*, as_json: bool, quiet: bool, verbose: bool, **options: Any) -> None:
            session = Session(as_json, quiet, verbose)
            with _reporting(session):
                function(session, **options)

        _sign(command, function, opt.SESSION_PARAMETERS)
        app.command(name, help=_help(function, examples))(command)
        return function

    return register


def _sign(
    command: Callable,
    function: Callable,
    shared: tuple[inspect.Parameter, ...],
    groups: tuple[inspect.Parameter, ...] = (),
) -> None:
    """Give `command` the options of `function` between the shared arguments and the shared options."""
    hints = get_type_hints(function, include_extras=True)
    own = [
        parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in list(inspect.signature(function).parameters.values())[1:]
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    parameters = [*(p for p in shared if p.name == "inputs"), *own, *groups, *(p for p in shared if p.name != "inputs")]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del command.__wrapped__  # type: ignore[attr-defined]


def _help(function: Callable, examples: tuple[str, ...]) -> str:
    return inspect.getdoc(function) + "\n\nExamples:\n\n" + "\n\n".join(f"  {line}" for line in examples)  # type: ignore[operator]


def _sources(inputs: list[str] | None) -> list[str]:
    if inputs:
        return inputs
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("no input; name a file, or pipe one in")
    return [STDIN]


def _targets(sources: list[str], output: str | None, out_dir: str | None, suffix: str, binary: bool) -> list[str]:
    if output is not None and out_dir is not None:
        raise UsageError("--output and --out-dir exclude each other; give one")
    if out_dir is not None:
        folder = Path(out_dir)
        _make_folder(folder)
        stems = ["stdin" if source == STDIN else Path(source).stem for source in sources]
        twice = sorted({stem for stem in stems if stems.count(stem) > 1})
        if twice:
            raise UsageError(f"--out-dir: two inputs would both be written to {twice[0]}{suffix}; run them apart")
        return [str(folder / (stem + suffix)) for stem in stems]
    if len(sources) > 1:
        raise UsageError(f"{len(sources)} inputs need a folder for their results; give --out-dir DIR")
    if output in (None, STDOUT) and binary and sys.stdout.isatty():
        raise UsageError("binary output is not shown in a terminal; give --output FILE or pipe it on")
    return [output or STDOUT]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PerfsynthError(f"{folder}: cannot be made a folder ({error.strerror})") from error


def _run(
    function: Callable[..., None], pairs: list[tuple[str, str]], options: dict[str, Any], seed: int,
    force: bool, skip_existing: bool, session: Session,
) -> None:  # fmt: skip
    failed = 0
    with Progress.on_stderr(hidden=session.quiet or session.as_json) as progress:
        for source, target in pairs:
            exists = target != STDOUT and Path(target).is_file()
            if exists and skip_existing:
                session.say(f"{target}: already there, skipped")
                continue
            progress.begin(Path(source).name)
            try:
                if exists and not force:
                    raise PerfsynthError(f"{target}: already there; --force overwrites it")
                if Path(target).is_dir():
                    raise UsageError(f"{target}: is a folder; name a file, or use --out-dir")
                _convert(function, Item(source, target, seed, session, progress), options)
            except PerfsynthError as error:
                if len(pairs) == 1:
                    raise
                session.fail(error, error.exit_code)
                failed += 1
    if failed:
        raise BatchError(f"{failed} of {len(pairs)} inputs failed, the others are done")


def _convert(function: Callable[..., None], item: Item, options: dict[str, Any]) -> None:
    """Run a command on one item; an error that does not say which file it is about gets its name."""
    try:
        function(item, **options)
    except InputError as error:
        if str(error).startswith(item.name):
            raise
        raise InputError(f"{item.name}: {error}") from error


@contextmanager
def _reporting(session: Session) -> Iterator[None]:
    """Turn what ends a command early into one line on stderr and the exit code that belongs to it."""
    _listen(session)
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads on. Python would complain once more when it flushes stdout at exit.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(CLOSED_PIPE) from None
    except KeyboardInterrupt:
        session.say("perfsynth: interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except PerfsynthError as error:
        session.fail(error, error.exit_code)
        raise typer.Exit(error.exit_code) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.EBADF):
            raise
        session.fail(error, 1)
        raise typer.Exit(1) from error


def _listen(session: Session) -> None:
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
            print(json.dumps({record.levelname.lower(): text}), file=sys.stderr)
        else:
            level = f"{record.levelname.lower()}: " if record.levelno > logging.INFO else ""
            print(f"perfsynth: {level}{text}", file=sys.stderr)
