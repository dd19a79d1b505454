"""Write the manual pages, from the commands themselves as `cli_reference.py` does: build/man/perfsynth-render.1."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import typer

sys.path.insert(0, str(Path(__file__).parents[1]))

from perfsynth.cli import app
from perfsynth.version import __version__
from tools.cli_reference import choices, commands, in_usage

FOLDER = Path("build/man")
EXIT_CODES = (
    ("0", "Done."),
    ("1", "Failed; one line on stderr says why, and what to do."),
    ("2", "Wrong usage."),
    ("3", "Part of a batch failed, the rest is done."),
    ("130", "Interrupted."),
    ("141", "Nobody reads the output on."),
)


def main() -> None:
    """Write one page for each command, and one for the program."""
    options = argparse.ArgumentParser(description="Write the manual pages.")
    options.add_argument("folder", nargs="?", type=Path, default=FOLDER, help=f"where to; else {FOLDER}")
    folder = options.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    print(f"{folder}: {len(made)} manual pages; man -l {folder / 'perfsynth.1'} shows the first")


def pages() -> dict[str, str]:
    """Every page by its file name."""
    program = typer.main.get_command(app)
    found = dict(commands("perfsynth", program))
    made = {f"{_page(name)}.1": command_page(name, command) for name, command in found.items()}
    return {"perfsynth.1": _program_page(program, found), **made}


def command_page(name: str, command: Any) -> str:
    """The page of one command."""
    text, _, examples = command.help.partition("\n\nExamples:\n\n")
    summary, _, rest = text.partition("\n\n")
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
    usage = " ".join(["[\\fIoptions\\fR]", *(f"\\fI{_text(in_usage(one))}\\fR" for one in arguments)])
    lines = [*_head(name, summary), ".SH SYNOPSIS", f".B {name}", usage, ".SH DESCRIPTION", *_paragraphs(summary, rest)]
    if arguments:
        lines += [".SH ARGUMENTS", *(line for one in arguments for line in _described(one))]
    lines += [".SH OPTIONS", *(line for one in options for line in _described(one))]
    if examples.strip():
        shown = [_text(line.strip()) for line in examples.split("\n\n") if line.strip()]
        lines += [".SH EXAMPLES", ".nf", *shown, ".fi"]
    return "\n".join([*lines, *_exits(), ".SH SEE ALSO", _reference("perfsynth")]) + "\n"


def _program_page(program: Any, found: dict[str, Any]) -> str:
    """The page of the program: what it is, and every command in a line."""
    summary, _, rest = program.help.partition("\n\n")
    lines = [
        *_head("perfsynth", summary),
        ".SH SYNOPSIS",
        ".B perfsynth",
        "\\fIcommand\\fR [\\fIoptions\\fR] [\\fIfile\\fR ...]",
    ]
    lines += [".SH DESCRIPTION", *_paragraphs(summary, rest), ".SH COMMANDS"]
    for name, command in found.items():
        lines += [".TP", _reference(_page(name)), _text(command.help.partition("\n")[0])]
    lines += [".SH OPTIONS"]
    lines += [line for one in program.params if one.name != "help" for line in _described(one)]
    return "\n".join([*lines, *_exits()]) + "\n"


def _head(name: str, summary: str) -> list[str]:
    """The title and the line that whatis(1) and apropos(1) read."""
    page = _page(name)
    short = _text(summary.partition("\n")[0].rstrip("."))
    return [
        f'.TH {_text(page.upper())} 1 "" "perfsynth {__version__}" "perfsynth"',
        ".SH NAME",
        f"{_text(page)} \\- {short}",
    ]


def _paragraphs(*texts: str) -> list[str]:
    parts = [part for text in texts for part in text.split("\n\n") if part.strip()]
    return [line for part in parts for line in (".PP", _text(" ".join(part.split())))]


def _described(parameter: Any) -> list[str]:
    """An entry of a list: the names, then what they mean and what holds without them."""
    if parameter.param_type_name == "argument":
        names = f"\\fI{_text(in_usage(parameter))}\\fR"
    else:
        names = ", ".join(f"\\fB{_text(word)}\\fR" for word in [*parameter.opts, *parameter.secondary_opts])
        if not parameter.is_flag:
            names += f" \\fI{_text(_metavar(parameter))}\\fR"
    default = getattr(parameter.default, "value", parameter.default)
    text = " ".join((parameter.help or "").split())
    if default not in (None, False, True, ()) and not callable(default):
        text += f" Default: {default}."
    return [".TP", names, _text(text) if text else "\\&"]


def _metavar(parameter: Any) -> str:
    """What stands for the value: as the help says it, or the kind of value."""
    if parameter.metavar:
        return str(parameter.metavar)
    if choices(parameter):
        return "|".join(choices(parameter))
    kind = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    return {int: "N", float: "X"}.get(kind, parameter.name.upper().replace("_", "-"))


def _exits() -> list[str]:
    return [".SH EXIT STATUS", *(line for code, text in EXIT_CODES for line in (".TP", f".B {code}", _text(text)))]


def _page(name: str) -> str:
    return name.replace(" ", "-")


def _reference(page: str) -> str:
    return f"\\fB{_text(page)}\\fR(1)"


def _text(text: str) -> str:
    """Text as roff takes it: nothing in it is a request, a macro or an escape."""
    safe = (
        text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
    )
    safe = "".join(one if ord(one) < 128 else f"\\[u{ord(one):04X}]" for one in safe)
    return re.sub(r"(?m)^([.'])", r"\\&\1", safe)


if __name__ == "__main__":
    main()
