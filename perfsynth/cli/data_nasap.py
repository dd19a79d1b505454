"""``perfsynth data nasap``: piano performances aligned to their scores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfsynth.cli import _io
from perfsynth.cli import _options as opt
from perfsynth.cli._corpora import Preparing, Source, Target
from perfsynth.cli.data import data, group
from perfsynth.errors import InputError
from perfsynth.folders import data_folder

nasap = group("nasap", "(n)ASAP, human piano performances aligned to their scores, CC BY-NC-SA 4.0.")
data.add_typer(nasap)

Metadata = Annotated[
    Path | None, typer.Option(metavar="CSV", help="The list of performances, where it is not FOLDER/metadata.csv.")
]
COLUMNS = (
    "folder", "composer", "xml_score", "midi_score", "midi_performance", "match_file", "robust_note_alignment",
)  # fmt: skip


@_io.report(
    nasap,
    "prepare",
    examples=(
        "perfsynth data nasap prepare -o corpus --jobs 4",
        "perfsynth data nasap prepare ~/asap-dataset -o corpus --json > kept-and-dropped.json",
    ),
)
def prepare(
    session: _io.Session,
    folder: Source = None,
    output: Target = None,
    metadata: Metadata = None,
    jobs: opt.Jobs = 1,
) -> None:
    """Turn the dataset into a corpus to train from, and report what was kept and dropped, and why."""
    opt.check_jobs(jobs)
    from perfsynth.data import nasap as recipe

    root = folder or data_folder("nasap")
    table = metadata or root / recipe.METADATA
    preparing = Preparing("nasap", output, session, total=_folders(table))
    preparing.run(lambda out: recipe.prepare(root, out, metadata=metadata, jobs=jobs))


def _folders(table: Path) -> int:
    """How many pieces a list of performances names; 0 where there is none, which `prepare` will say.

    Raises
    ------
    InputError
        When it is another kind of list.
    """
    import csv

    if not table.is_file():
        return 0
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise InputError(f"{table}: no column {', '.join(missing)}; this is no metadata.csv of (n)ASAP")
            return len({row["folder"] for row in rows})
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: no CSV ({error}); get the file again") from error
