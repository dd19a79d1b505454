"""The rows of a manifest for a command that reports: a file for the report of each, and what all of them say."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_type_hints

from typer.models import ArgumentInfo

from perfsynth.batch import storage
from perfsynth.batch.manifest import Row, columns
from perfsynth.cli import _batch, _batch_options
from perfsynth.cli import _options as opt
from perfsynth.cli._item import Item, Session, check_kind, make_folder
from perfsynth.errors import InputError, UsageError

SUFFIX = ".json"
PARAMETERS = (
    *(parameter for parameter in opt.STAGE_PARAMETERS if parameter.name in ("out_dir", "skip_existing")),
    *_batch_options.PARAMETERS,
)


@dataclass(frozen=True)
class Many:
    """What a command does with many of what it reports on one of.

    Attributes
    ----------
    stage
        Whose columns the rows have.
    each
        Takes an `Item` whose inputs are those of the row, writes the report as its result, and has those options of
        the command that hold for all rows, and the columns that a row may have.
    together
        Prints what all reports say; takes the session, the reports, and such options.
    rows
        Of what ``--manifest`` names, where that is no JSON Lines; takes the session, ``manifest``, and such options.
        The reports are kept if ``--out-dir`` says where.
    folder
        The same for a ``--manifest`` that is a folder.
    brings
        Of which files the rows or the folder tell, for the refusal of others.
    """

    stage: str
    each: Callable[..., None]
    together: Callable[..., None]
    rows: Callable[..., list[Row]] | None = None
    folder: Many | None = None
    brings: str = "whose rows name the files of each"

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
        chosen = self.folder if self.folder is not None and Path(given["manifest"]).is_dir() else self
        chosen._run(command, options, given, session)
        return True

    def _run(
        self, command: Callable[..., None], options: dict[str, Any], given: dict[str, Any], session: Session
    ) -> None:
        how = _batch_options.Batch(**{name: given[name] for name in _batch_options.NAMES})
        stage, folder = columns(self.stage), _batch.parent(how.manifest)
        shared = self._shared(command, stage.may, options)
        self._check(given)
        if self.rows is None:
            rows = _batch.rows_of(given["manifest"], self.stage)
        else:
            rows = self.rows(session, **_taken(self.rows, shared), manifest=given["manifest"])
        with self._out_dir(given) as out_dir:
            for row in rows:
                check_kind(row.target(SUFFIX), SUFFIX)
            targets = _batch.targets_of(rows, out_dir, SUFFIX)
            own = {name: value for name, value in _taken(self.each, shared).items() if name not in stage.may}
            common = (0, options["force"], given["skip_existing"], session, str(Path.cwd()))
            jobs = [
                _batch.Job(self.each, row.inputs, target, own | row.beside(stage.may, folder), *common)
                for row, target in zip(rows, targets, strict=True)
            ]
            together = partial(self.together, session, **_taken(self.together, shared))
            _batch.run(jobs, rows, self.stage, how, session, then=partial(_read_together, together))

    def _check(self, given: dict[str, Any]) -> None:
        """Refuse to do without a folder for the reports where they are to last."""
        if given["out_dir"] is not None:
            return
        if self.rows is None:
            raise UsageError("--manifest needs --out-dir DIR for the reports of its rows")
        lasting = [name for name in ("skip_existing", "cluster", "failures", "results") if given[name]]
        if lasting:
            raise UsageError(f"{_words(lasting, {})}: for reports that are kept; add --out-dir DIR")

    @contextmanager
    def _out_dir(self, given: dict[str, Any]) -> Iterator[str]:
        """The folder of the reports."""
        if given["out_dir"] is None:
            with TemporaryDirectory(prefix="perfsynth-") as scratch:
                yield scratch
            return
        if not storage.is_url(given["out_dir"]):
            make_folder(Path(given["out_dir"]))
        yield given["out_dir"]

    def _shared(self, command: Callable[..., None], may: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
        """The options that hold for every row; any other that was given is refused."""
        functions = [function for function in (self.each, self.together, self.rows) if function is not None]
        taken = {name for function in functions for name in inspect.signature(function).parameters if name not in may}
        defaults = {name: parameter.default for name, parameter in inspect.signature(command).parameters.items()}
        wrong = [name for name, value in options.items() if name not in taken | {"force"} and value != defaults[name]]
        if wrong:
            hints = get_type_hints(command, include_extras=True)
            notes = [(name, part) for name in wrong for part in getattr(hints[name], "__metadata__", ())]
            metavars = {name: part.metavar for name, part in notes if isinstance(part, ArgumentInfo)}
            raise UsageError(f"leave {_words(wrong, metavars)} out with --manifest, {self.brings}")
        return {name: value for name, value in options.items() if name in taken}


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


def _taken(function: Callable[..., Any], options: dict[str, Any]) -> dict[str, Any]:
    """Those options that a function has."""
    return {name: options[name] for name in inspect.signature(function).parameters if name in options}


def _read_together(together: Callable[[list[dict[str, Any]]], None], results: list[str]) -> None:
    reports = [_report(path) for path in results if storage.exists(path)]
    if reports:
        together(reports)


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
