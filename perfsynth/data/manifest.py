"""One row for one recording or performance of any dataset: which files belong together, and whose they are.

A manifest is JSON Lines, an `Example` a line; paths are relative to it where the files lie below it. The batch
commands read it as it is: ``align`` takes ``audio`` and ``score``, ``synth-audio`` takes ``performance``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from perfsynth.batch.manifest import relocated, write_rows

FILES = ("audio", "score", "performance", "alignment")  # the columns that name them


@dataclass(frozen=True)
class Example:
    """A recording or performance; "" or 0 is what the dataset does not say."""

    id: str  # unique in the dataset, relative and with slashes
    dataset: str
    audio: str = ""  # paths, relative to the dataset
    score: str = ""
    performance: str = ""  # MIDI
    alignment: str = ""
    split: str = ""  # as the dataset's authors divide it, else by the hash of the piece
    composer: str = ""
    title: str = ""
    performer: str = ""
    album: str = ""
    instrument: str = "piano"
    duration_s: float = 0.0
    pitch: int = 0  # MIDI, of a sample: one note of an instrument
    layer: int = 0  # of its velocity, 1 the softest; 0: not struck, but let go
    quality: str = ""  # what the dataset itself finds wrong with it
    licence: str = ""

    def files(self) -> dict[str, str]:
        """The files that it names, by column."""
        return {name: path for name in FILES if (path := getattr(self, name))}


def digest(example: Example, root: Path) -> str:
    """Hex sha256 of its files: the name of each column, its length and its bytes.

    Raises
    ------
    OSError
        When one cannot be read.
    """
    found = sha256()
    for column, name in example.files().items():
        path = root / name
        found.update(f"{column}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                found.update(block)
    return found.hexdigest()


def write(
    examples: Iterable[Example], root: Path, path: Path, *, hashed: bool, report: Callable[[int], None] = lambda _: None
) -> int:
    """Write the manifest of a dataset that lies in `root`.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    PerfsynthError
        When it cannot be written.
    """
    rows: list[dict[str, Any]] = []
    for example in examples:
        row = {name: value for name, value in asdict(example).items() if value or name == "split"}
        row = relocated(row, root, path.parent)
        if hashed:
            row["sha256"] = digest(example, root)
        rows.append(row)
        report(len(rows))
    write_rows(path, rows)
    return len(rows)
