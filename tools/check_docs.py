"""Check the documentation: links, anchors, and examples against the real commands and files.

``python tools/check_docs.py`` reads README.md, docs/ and the other pages, and prints one line for each fault:

- a relative link to a file that is not there, or to a heading that is not in it;
- a line of an ``sh`` example that names a command or an option that does not exist, or a model nobody registered;
- ``make`` with a target that the Makefile lacks.

With ``--run`` it also runs the blocks below a line ``<!-- runs -->``, and every ``>>>`` of such pages, each page in
a temporary folder that holds a copy of examples/. Addresses on the network are not asked.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import typer

ROOT = Path(__file__).parents[1]
PAGES = ("*.md", "docs/**/*.md", "examples/**/*.md", "data/*.md", "perfsynth/pretrained/*/CARD.md")
FENCE = re.compile(r"^(?P<mark>`{3,})(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=mark)[ ]*$", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s*(\S+)", re.M)
ATTRIBUTE = re.compile(r"<[^>]*\s(?:src|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$", re.M)
NAMED = re.compile(r"<[^>]*\s(?:id|name)=\"([^\"]+)\"")
RUNS = "<!-- runs -->\n"
TIME_LIMIT_S = 900
ENDS_COMMAND = {"|", "||", "&&", ";", "&", "|&", "(", ")", ";;"}
SHOW = {"--help", "-h"}
BEFORE_COMMAND = {"do", "then", "else", "time", "!", "exec", "nice"}


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, what it holds, whether it is to be run."""

    line: int
    language: str
    text: str
    runs: bool


def main() -> int:
    """Print every fault; the exit code says whether there is one."""
    options = argparse.ArgumentParser(description="Check links and examples of the documentation.")
    options.add_argument("pages", nargs="*", type=Path, help="pages to check; else all")
    options.add_argument("--run", action="store_true", help="run the examples that are marked")
    chosen = options.parse_args()
    pages = [page.resolve() for page in chosen.pages] or all_pages(ROOT)
    faults = [fault for page in pages for fault in check_page(page, ROOT)]
    if chosen.run and not faults:
        for page in pages:
            faults += run_page(page, ROOT)
    print(*faults, sep="\n", file=sys.stderr)
    print(f"{len(pages)} pages, {len(faults)} faults")
    return 1 if faults else 0


def all_pages(root: Path) -> list[Path]:
    """Every page of the project, outside of what is built or installed."""
    found = {page for pattern in PAGES for page in root.glob(pattern)}
    return sorted(page for page in found if not {".venv", "build"} & set(page.relative_to(root).parts))


def check_page(page: Path, root: Path) -> list[str]:
    """The faults of one page, each as ``path:line: what is wrong``."""
    text = page.read_text(encoding="utf-8")
    where = page.relative_to(root) if page.is_relative_to(root) else page
    faults = [f"{where}:{line}: {fault}" for line, fault in _dead_links(page, text)]
    for block in blocks(text):
        if block.language in ("sh", "bash", "console"):
            faults += [f"{where}:{block.line + line}: {fault}" for line, fault in check_shell(block.text, root)]
    return faults


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page."""
    return [
        Block(
            text.count("\n", 0, found.start()) + 2,
            found["language"],
            found["text"],
            text.endswith(RUNS, 0, found.start()),
        )
        for found in FENCE.finditer(text)
    ]


def _dead_links(page: Path, text: str) -> Iterator[tuple[int, str]]:
    prose = _without_code(text)
    for pattern in (LINK, ATTRIBUTE):
        for found in pattern.finditer(prose):
            target = next(group for group in found.groups() if group)
            address = urlsplit(target)
            if address.scheme or address.netloc or target.startswith("data:"):
                continue
            line = prose.count("\n", 0, found.start()) + 1
            file = page.parent / unquote(address.path) if address.path else page
            if not file.exists():
                yield line, f"{target}: there is no {unquote(address.path)}"
            elif address.fragment and file.suffix == ".md" and address.fragment not in anchors(file.read_text("utf-8")):
                yield line, f"{target}: {file.name} has no heading #{address.fragment}"


def _without_code(text: str) -> str:
    """The page with code blanked out, line numbers kept."""
    blank = FENCE.sub(lambda found: "\n" * found[0].count("\n"), text)
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", blank)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page, and those that it sets itself."""
    prose = FENCE.sub("", text)
    found: set[str] = set(NAMED.findall(prose))
    for heading in HEADING.findall(prose):
        words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


def check_shell(text: str, root: Path) -> Iterator[tuple[int, str]]:
    """Faults of the lines of a shell block, with the line they begin on, from 0."""
    number, line = 0, ""
    for offset, part in enumerate(text.splitlines()):
        number = number if line else offset
        line += part.removesuffix("\\")
        if part.endswith("\\"):
            continue
        try:
            commands = list(split(line.removeprefix("$ ")))
        except ValueError as error:
            yield number, f"cannot be read as a shell command ({error}): {line.strip()}"
            commands = []
        for words in commands:
            fault = check_command(words, root)
            if fault:
                yield number, fault
        line = ""


def split(line: str) -> Iterator[list[str]]:
    """The commands of a line of shell, each as its words; assignments and redirections are left out."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    skip = False
    for word in [*lexer, ";"]:
        if skip:
            skip = False
        elif word in ENDS_COMMAND:
            yield words
            words = []
        elif set(word) <= set("<>&"):
            if words and words[-1].isdigit():
                words.pop()
            skip = True
        elif words or not (word in BEFORE_COMMAND or re.match(r"\w+=", word)):
            words.append(word)


def check_command(words: list[str], root: Path) -> str | None:
    """What is wrong with a command line, if it is one of this project's."""
    if words[:1] == ["make"]:
        lines = re.findall(r"^([\w%. -]+?):(?!=)", (root / "Makefile").read_text(), re.M)
        targets = [target.replace("%", "*") for line in lines for target in line.split()]
        asked = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
        missing = [word for word in asked if not any(fnmatchcase(word, target) for target in targets)]
        return f"make has no target {missing[0]}" if missing else None
    if words[:1] == ["python"] and words[1:2] and words[1].endswith(".py"):
        return None if (root / words[1]).exists() else f"there is no {words[1]}"
    if words[:3] == ["python", "-m", "perfsynth"]:
        words = words[2:]
    return check_perfsynth(words[1:]) if words[:1] == ["perfsynth"] else None


def check_perfsynth(words: list[str]) -> str | None:
    """What the command line of perfsynth would refuse about these words, without doing anything."""
    from perfsynth.cli import app

    command: Any = typer.main.get_command(app)
    path, rest = "perfsynth", list(words)
    while rest and rest[0] in getattr(command, "commands", {}):
        command, path = command.commands[rest[0]], f"{path} {rest[0]}"
        rest = rest[1:]
    known = {word for parameter in command.params for word in parameter.opts} | SHOW
    if hasattr(command, "commands"):
        named = not rest or rest[0] in known or rest[0].isupper()  # capitals stand for any
        return None if named else f"{path} has no {rest[0]}"
    if SHOW & set(rest):
        unknown = [word for word in rest if word.startswith("-") and word not in known]
        return f"{path} has no {unknown[0]}" if unknown else None
    try:
        context = command.make_context(path, rest)
    except typer.TyperException as error:
        return f"{path}: {' '.join(error.format_message().split())}"
    return _unknown_model(path, context.params)


def _unknown_model(path: str, given: dict[str, Any]) -> str | None:
    """A model or an engine that nobody registered; capitals stand for any."""
    from perfsynth import registry

    known = {model.name for model in registry.MODELS} | {"auto"}
    for option in ("model", "engine"):
        for name in str(given.get(option) or "auto").split(","):
            if name not in known and not name.isupper() and not name.startswith(("my-", "./", "runs/")):
                return f"{path}: there is no model {name!r}; perfsynth models lists them"
    return _unknown_choice(path, given)


def _unknown_choice(path: str, given: dict[str, Any]) -> str | None:
    """A name that the command would refuse only when it gets there; capitals stand for any."""
    from perfsynth.dsp.mel import PRESETS
    from perfsynth.evaluate.listening import questions
    from perfsynth.synth.modal import lid, room, tuning

    known = {
        "temperament": set(tuning.NARROWED),
        "room": {"dry", *room.ROOMS},
        "lid": {"open", *lid.LIDS},
        "preset": set(PRESETS),
        "questions": set(questions.PRESETS),
    }
    for option, names in known.items():
        name = str(given.get(option) or "")
        if name and name not in names and not name.isupper() and not name.endswith(".toml"):
            return f"{path}: --{option} {name}: choose one of {', '.join(sorted(names))}"
    return None


def run_page(page: Path, root: Path) -> list[str]:
    """Run the marked blocks of a page in a folder of its own; its first fault, if there is one."""
    text = page.read_text(encoding="utf-8")
    marked = [block for block in blocks(text) if block.runs]
    if not marked:
        return []
    where = page.relative_to(root) if page.is_relative_to(root) else page
    with tempfile.TemporaryDirectory(prefix="perfsynth-docs-") as folder:
        shutil.copytree(root / "examples", Path(folder) / "examples")
        for block in marked:
            if block.language == "python" and ">>>" not in block.text:
                command = [sys.executable, "-c", block.text]
            elif block.language == "python":
                shown = [one.text for one in blocks(text) if one.language == "python" and ">>>" in one.text]
                (Path(folder) / "page.txt").write_text("\n".join(shown), encoding="utf-8")
                command = [sys.executable, "-m", "doctest", "-o", "ELLIPSIS", "page.txt"]
            else:
                command = ["bash", "-euo", "pipefail", "-c", block.text]
            fault = _run(command, Path(folder), root)
            if fault:
                return [f"{where}:{block.line}: {fault}"]
    return []


def _run(command: list[str], folder: Path, root: Path) -> str | None:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    surroundings = os.environ | {"PATH": programs, "PYTHONPATH": str(root)}
    ran = subprocess.run(
        command, cwd=folder, env=surroundings, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False
    )
    return None if ran.returncode == 0 else f"exit code {ran.returncode}: {(ran.stderr or ran.stdout).strip()[-600:]}"


if __name__ == "__main__":
    sys.exit(main())
