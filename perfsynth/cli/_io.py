"""Every stream, exit code and progress bar of the command line.

A stage command is a function from an `Item` (one input and where its result goes) and its own options.
`stage` makes it a command: it adds the options that all stages share, opens streams lazily, writes files
under a temporary name and renames them, runs batches, and turns errors into one line and an exit code.
"""

from __future__ import annotations

import errno
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any, get_type_hints

import typer

from perfsynth.batch import storage
from perfsynth.batch.manifest import Row, columns
from perfsynth.cli import _batch, _batch_options
from perfsynth.cli import _options as opt
from perfsynth.cli._item import STDIN, STDOUT, Item, Session, check_kind, listen, make_folder
from perfsynth.cli._many import PARAMETERS, Many
from perfsynth.errors import PerfsynthError, UsageError
from perfsynth.seeds import check_seed

__all__ = ["STDIN", "STDOUT", "Item", "Many", "Session", "report", "stage"]

INTERRUPTED = 130
CLOSED_PIPE = 141


def stage(
    app: typer.Typer,
    name: str,
    *,
    suffix: str | Callable[..., str],
    binary: bool | Callable[..., bool] = True,
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
        Whether the result must not be shown in a terminal, or a function of the command's own options that says so.
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
                check_seed(seed)
                how = _batch_options.Batch(**{option: options.pop(option) for option in _batch_options.NAMES})
                rows = _batch.rows_of(how.manifest, name) if how.manifest else _rows(inputs, columns(name).reads)
                if how.manifest and (inputs or out_dir is None):
                    raise UsageError("--manifest names the inputs, and needs --out-dir DIR for their results")

                def ending_of(file: str | None) -> str:
                    return suffix if isinstance(suffix, str) else suffix(output=file, **options)

                ending = ending_of(output)
                hidden = binary if isinstance(binary, bool) else binary(output=output, **options)
                targets = _targets(rows, output, out_dir, ending, hidden)
                for file in [row.target(ending) for row in rows] if out_dir else filter(None, [output]):
                    check_kind(file, ending_of(file))
                common = (options, seed, force, skip_existing, session, str(Path.cwd()))
                places = [str(Path(row.target(ending)).with_suffix("")) if out_dir else "" for row in rows]
                jobs = [
                    _batch.Job(function, row.inputs, target, *common, output=place)
                    for row, target, place in zip(rows, targets, places, strict=True)
                ]
                _run(jobs, rows, name, how, session)

        _sign(command, function, _STAGE_PARAMETERS if len(columns(name).reads) == 1 else _PAIR_PARAMETERS, groups)
        app.command(name, help=_help(function, examples))(command)
        return function

    return register


def report(
    app: typer.Typer, name: str, *, examples: tuple[str, ...], many: Many | None = None
) -> Callable[[Callable], Callable]:
    """Make a function of a `Session` and its own options a command that prints what it finds on stdout.

    With `many`, it takes the options of a batch as well, and does the rows of a manifest as `many` says.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def command(*, as_json: bool, quiet: bool, verbose: bool, **options: Any) -> None:
            session = Session(as_json, quiet, verbose)
            with _reporting(session):
                if many is None or not many.run(function, options, session):
                    function(session, **options)

        _sign(command, function, opt.SESSION_PARAMETERS, PARAMETERS if many else ())
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


# Those of a batch stand behind those that say where results go.
_STAGE_PARAMETERS = tuple(
    parameter
    for shared in opt.STAGE_PARAMETERS
    for parameter in (shared, *(_batch_options.PARAMETERS if shared.name == "skip_existing" else ()))
)


_PAIR_PARAMETERS = tuple(
    parameter.replace(annotation=opt.Pair) if parameter.name == "inputs" else parameter
    for parameter in _STAGE_PARAMETERS
)


def _rows(inputs: list[str] | None, reads: tuple[str, ...]) -> list[Row]:
    """The inputs of the command line as rows."""
    if not inputs and len(reads) == 1:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("no input; name a file, or pipe one in")
        inputs = [STDIN]
    if len(reads) > 1 and len(inputs or []) != len(reads):
        raise UsageError(f"this takes {' and '.join(reads)}, in that order; name one of each, or many with --manifest")
    groups = [tuple(inputs)] if inputs and len(reads) > 1 else [(source,) for source in inputs or []]
    if any(group.count(STDIN) > 1 for group in groups):
        raise UsageError("only one input can come from stdin; name the other")
    return [Row(group, "stdin" if group[0] == STDIN else Path(group[0]).stem) for group in groups]


def _targets(rows: list[Row], output: str | None, out_dir: str | None, suffix: str, binary: bool) -> list[str]:
    if output is not None and out_dir is not None:
        raise UsageError("--output and --out-dir exclude each other; give one")
    if out_dir is not None:
        if not storage.is_url(out_dir):
            make_folder(Path(out_dir))
        return _batch.targets_of(rows, out_dir, suffix)
    if len(rows) > 1:
        raise UsageError(
            f"{len(rows)} inputs need a folder for their results: --out-dir DIR; or put -o before the name of a result"
        )
    if output in (None, STDOUT) and binary and sys.stdout.isatty():
        raise UsageError("binary output is not shown in a terminal; give --output FILE or pipe it on")
    return [output or STDOUT]


def _run(jobs: list[_batch.Job], rows: list[Row], name: str, how: _batch_options.Batch, session: Session) -> None:
    if len(jobs) > 1 or how.manifest:
        _batch.run(jobs, rows, name, how, session)
        return
    if how != _batch_options.Batch(jobs=how.jobs):
        raise UsageError("--shard, --cluster, --failures and --results are for several inputs")
    with session.progress() as progress:
        if _batch.process(jobs[0], session, progress) == "skipped":
            session.say(f"{jobs[0].target}: already there, skipped")


@contextmanager
def _reporting(session: Session) -> Iterator[None]:
    """Turn what ends a command early into one line on stderr and the exit code that belongs to it."""
    listen(session)
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
