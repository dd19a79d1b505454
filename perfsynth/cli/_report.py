"""What the commands that report have in common: reading an input, a picture beside the numbers, JSON that is valid."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from perfsynth.cli._io import Item, Session
from perfsynth.cli._item import check_file, streams
from perfsynth.cli._progress import Progress
from perfsynth.errors import PerfsynthError, UsageError

PICTURES = (".png", ".pdf", ".svg")


def read_input(source: str, session: Session) -> bytes:
    """The content of a file, or of stdin for ``-``."""
    return Item(source, "-", 0, session, Progress()).read()


def check_new(path: str | None, *, force: bool) -> None:
    """Refuse a file that is there already or has no folder, before any work is done."""
    if path is None or streams(path):
        return
    check_file(path)
    if Path(path).exists() and not force:
        raise PerfsynthError(f"{path}: already there; --force overwrites it")


def check_picture(path: str | None, *, force: bool) -> None:
    """The same for a picture, whose name has to say its format."""
    if path is not None and Path(path).suffix.lower() not in PICTURES:
        raise UsageError(f"--plot {path}: the name of a picture ends in {', '.join(PICTURES)}")
    check_new(path, force=force)


def write_picture(figure: Any, path: str, session: Session) -> None:
    """Save a matplotlib figure; the same figure gives the same bytes.

    Parameters
    ----------
    figure
        A ``matplotlib.figure.Figure``.
    path
        Ends in one of `PICTURES`.
    session
        Told that it is written.
    """
    import matplotlib

    suffix = Path(path).suffix.lower()[1:]
    # What would differ from run to run: the date, and the names in an SVG, which are random without a salt.
    metadata: dict[str, Any] = {} if suffix == "png" else {"Date" if suffix == "svg" else "CreationDate": None}
    salted = matplotlib.rc_context({"svg.hashsalt": "perfsynth"})
    with Item("-", path, 0, session, Progress()).file() as made, salted:
        figure.savefig(made, format=suffix, metadata=metadata)
    session.say(f"{path}: written")


def as_json(found: Any) -> str:
    """JSON without nan and infinity, which it does not know: nan becomes null, infinity the word ``never``."""
    return json.dumps(_plain(found), indent=2)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        from perfsynth.evaluate.averages import NEVER

        return NEVER if value > 0 else None
    return value
