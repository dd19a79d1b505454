"""The command line: one thin file a command, each importing what it needs only when it runs."""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path
from types import TracebackType

import typer
from typer.main import get_command

from perfsynth.cli import _io
from perfsynth.version import __version__

PROGRAM = "perfsynth"

app = typer.Typer(
    name=PROGRAM,
    help="Play a music score as a person would.\n\n"
    "Every command reads files or a pipe and writes files or a pipe: data on stdout, words on stderr.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def perfsynth(
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True),
) -> None:
    """Play a music score as a person would."""
    if version:
        typer.echo(__version__)
        raise typer.Exit()


# The commands add themselves to `app`, in the order of the help: the whole road, its stages, the rest.
from perfsynth.cli import render  # noqa: E402, F401, I001
from perfsynth.cli import render_performance  # noqa: E402, F401
from perfsynth.cli import synth_audio  # noqa: E402, F401
from perfsynth.cli import synth_mel  # noqa: E402, F401
from perfsynth.cli import vocode  # noqa: E402, F401
from perfsynth.cli import align  # noqa: E402, F401
from perfsynth.cli import tokenize  # noqa: E402, F401
from perfsynth.cli import data  # noqa: E402, F401
from perfsynth.cli import train  # noqa: E402, F401
from perfsynth.cli import fit_piano  # noqa: E402, F401
from perfsynth.cli import models  # noqa: E402, F401
from perfsynth.cli import doctor  # noqa: E402, F401
from perfsynth.cli import evaluate  # noqa: E402, F401


def main() -> None:
    """Run the command line and exit: 0 ok, 1 failed, 2 usage, 3 part of a batch, 130 interrupted, 141 closed pipe."""
    sys.excepthook = _one_line
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        # Called as it is, `app` would put its own hook in the place of this one.
        sys.exit(get_command(app)(prog_name=PROGRAM, standalone_mode=False) or 0)
    except typer.Abort:
        sys.exit(130)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # nobody reads the help on
            sys.exit(_io.CLOSED_PIPE)
        raise
    except typer.TyperException as error:  # wrong options: found before any command runs
        message = _told(error)
        if "--json" in sys.argv:
            print(json.dumps({"error": message, "exit_code": 2}), file=sys.stderr)
        elif not message:  # called without arguments: the help has been printed
            pass
        else:
            context = getattr(error, "ctx", None)
            print(f"perfsynth: {message}; see {context.command_path if context else PROGRAM} --help", file=sys.stderr)
        sys.exit(2)


def _told(error: typer.TyperException) -> str:
    """What is wrong with the arguments, on one line."""
    message = " ".join(error.format_message().split()).rstrip(".").replace(": Value error, ", ": ")
    if message.startswith("No such command") and Path(sys.argv[1]).is_file():
        return f"{sys.argv[1]!r} is a file; name a command before it, as in perfsynth render {sys.argv[1]} -o out.wav"
    return re.sub(r"\. Did you mean (.*)\?$", r" (did you mean \1?)", message)


def _one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Report a defect of perfsynth itself."""
    if {"-v", "--verbose"} & set(sys.argv):
        sys.__excepthook__(kind, error, trace)
    text = " ".join(str(error).split())
    message = f"defect: {kind.__name__}: {text}; please report it with the output of -v"
    line = json.dumps({"error": message, "exit_code": 1}) if "--json" in sys.argv else f"perfsynth: {message}"
    print(line, file=sys.stderr)
