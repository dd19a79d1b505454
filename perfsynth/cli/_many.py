"""The rows of a manifest for a command that reports: a file for the report of each, and what all of them say."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

from typer.models import ArgumentInfo

from perfsynth.batch import storage
from perfsynth.batch.manifest import columns
from perfsynth.cli import _batch, _batch_options
from perfsynth.cli import _options as opt
from perfsynth.cli._item import Item, Session, make_folder
from perfsynth.errors import InputError, UsageError

SUFFIX = ".json"
PARAMETERS = (
    *(parameter for parameter in opt.STAGE_PARAMETERS if parameter.name in ("out_dir", "skip_existing")),
    *_batch_options.PARAMETERS,
)


@dataclass(frozen=True)
class Many:
    """What a command does with many of what it reports on one of.

    ``each`` takes an `Item` whose inputs are those of the row, writes the report as its result, and has those options
    of the command that hold for all rows, and the columns that a row may have. ``together`` prints what all say.
    """

    stage: str
    each: Callable[..., None]
    together: Callable[[Session, list[dict[str, Any]]], None]

    def run(self, command: Callable[..., None], options: dict[str, Any], session: Session) -> bool:
        """Take the options of `PARAMETERS` out of `options`, and work on the manifest if there is one.

        Returns
        -------
        bool
            Whether there was one: then all is done.

        Raises
        ------
        UsageError
            When the options do not go together.
        BatchError
            When rows failed.
        """
        given = {parameter.name: options.pop(parameter.name) for parameter in PARAMETERS}
        if given["manifest"] is None:
            asked = [parameter.name for parameter in PARAMETERS if given[parameter.name] != parameter.default]
            if asked:
                raise UsageError(f"{_words(asked, {})}: for the rows of --manifest JSONL; add it, or leave them out")
            return False
        how = _batch_options.Batch(**{name: given[name] for name in _batch_options.NAMES})
        if given["out_dir"] is None:
            raise UsageError("--manifest needs --out-dir DIR for the reports of its rows")
        stage = columns(self.stage)
        shared = _shared(command, self.each, stage.may, options)
        rows = _batch.rows_of(how.manifest or "", self.stage)
        if not storage.is_url(given["out_dir"]):
            make_folder(Path(given["out_dir"]))
        targets = _batch.targets_of(rows, given["out_dir"], SUFFIX)
        common = (0, options["force"], given["skip_existing"], session, str(Path.cwd()))
        folder = _batch.parent(how.manifest)
        jobs = [
            _batch.Job(self.each, row.inputs, target, shared | row.beside(stage.may, folder), *common)
            for row, target in zip(rows, targets, strict=True)
        ]
        _batch.run(jobs, rows, self.stage, how, session, then=partial(self._read_together, session))
        return True

    def _read_together(self, session: Session, results: list[str]) -> None:
        reports = [_report(path) for path in results if storage.exists(path)]
        if reports:
            self.together(session, reports)


@dataclass(frozen=True)
class _About(Session):
    """A session whose lines say which row they are about."""

    within: Session = Session()
    name: str = ""

    def tell(self, line: str) -> None:
        self.within.tell(f"{self.name}: {line}")


def about(item: Item) -> Session:
    """The session of an item of many: whatever is said on the way begins with its name."""
    said = item.session
    return _About(said.as_json, said.quiet, said.verbose, said, item.name)


def _shared(
    command: Callable[..., None], each: Callable[..., None], may: tuple[str, ...], options: dict[str, Any]
) -> dict[str, Any]:
    """The options that hold for every row; any other that was given is refused."""
    taken = [name for name in inspect.signature(each).parameters if name in options and name not in may]
    defaults = {name: parameter.default for name, parameter in inspect.signature(command).parameters.items()}
    wrong = [name for name, value in options.items() if name not in (*taken, "force") and value != defaults[name]]
    if wrong:
        hints = get_type_hints(command, include_extras=True)
        notes = [(name, part) for name in wrong for part in getattr(hints[name], "__metadata__", ())]
        metavars = {name: part.metavar for name, part in notes if isinstance(part, ArgumentInfo)}
        raise UsageError(f"leave {_words(wrong, metavars)} out with --manifest, whose rows name the files of each pair")
    return {name: options[name] for name in taken}


def _words(names: list[str], metavars: dict[str, Any]) -> str:
    """Options as they are typed, and arguments as the help calls them."""
    return ", ".join(metavars.get(name) or "--" + name.replace("_", "-") for name in names)


def _report(path: str) -> dict[str, Any]:
    try:
        found = json.loads(storage.read(path))
    except ValueError as error:
        raise InputError(f"{path}: is no report ({error}); --force writes it anew") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: is no report, which is a JSON object; --force writes it anew")
    return found
