"""A recipe: where a dataset comes from, under which licence, how it is laid out, and which rows it makes."""

from __future__ import annotations

import csv
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from perfsynth.data.manifest import Example
from perfsynth.errors import InputError, MissingError


@dataclass(frozen=True)
class Archive:
    """A file to download."""

    url: str
    into: str = ""  # folder of the dataset that it is unpacked to, or put in
    checksum: str = ""  # "sha256:..." or "md5:...", where the source gives one
    strip: int = 1  # leading folders of the members' names to leave out

    @property
    def name(self) -> str:
        """Its file name."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class Recipe:
    """All that is particular to a dataset."""

    name: str
    title: str
    licence: str
    licence_url: str
    source: str  # the page of its authors
    size: str
    hours: float
    citation: str
    rows: Callable[[Path], Iterator[Example]]  # raises MissingError where the folder is another one
    archives: tuple[Archive, ...] = ()  # none: it is got by hand
    by_hand: str = ""  # how
    faults: Callable[[Path], Mapping[str, str]] = lambda _: {}  # of all that is in a folder of the dataset, by its name
    get: Callable[..., Path] | None = None  # where it comes as no archives: (destination, *, source, report)

    def terms(self) -> str:
        """The licence in one line."""
        return f"{self.title} ({self.size}): {self.licence}, {self.licence_url}"


@dataclass(frozen=True)
class Finding:
    """What is wrong with a dataset on this disk."""

    id: str
    file: str
    fault: str
    kind: str = "broken"  # or mismatch, repeats, duplicate: `perfsynth.data.quality`


def missing(root: Path, what: str, right: str = "the folder that has it") -> MissingError:
    """What to say of a folder that lacks what a dataset has; `right` is the folder to give."""
    return MissingError(f"{root}: {what}; fetch the dataset first, or give {right}")


def table(root: Path, name: str, columns: tuple[str, ...], what: str) -> Iterator[dict[str, str]]:
    """The rows of a dataset's list, as CSV.

    Raises
    ------
    MissingError
        When there is no such list.
    InputError
        When it is another kind of list, or cut off.
    """
    path = root / name
    if not path.is_file():
        raise missing(root, f"no {name}, which lists what {what} holds")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            absent = [column for column in columns if column not in (reader.fieldnames or ())]
            if absent:
                raise InputError(f"{path}: no column {absent[0]!r}; {what} has {', '.join(columns)}")
            for number, row in enumerate(reader, start=2):
                if any(row[column] is None for column in columns):
                    raise InputError(f"{path}:{number}: the row is cut off; get {name} again")
                yield row
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: no CSV in UTF-8 ({error})") from error


def names(root: Path) -> dict[str, str]:
    """The files below a folder by their names in Unicode's composed form: archives made on a Mac decompose them."""
    found = {}
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        found[unicodedata.normalize("NFC", name)] = name
    return found


def check(recipe: Recipe, root: Path) -> tuple[list[Example], list[Finding]]:
    """The rows of a dataset whose files are all there and whole, and what is wrong with the others.

    Raises
    ------
    MissingError
        When the folder is not that dataset.
    InputError
        When its list cannot be read.
    """
    if not root.is_dir():
        fetch = f"perfsynth data {recipe.name} fetch"
        raise MissingError(f"{root}: no such folder; fetch the dataset first ({fetch}), or give the folder that has it")
    whole, findings = [], []
    seen: set[str] = set()
    folders = recipe.faults(root)
    for example in recipe.rows(root):
        told = {name: fault(root, name) or folders.get(Path(name).parts[0], "") for name in example.files().values()}
        faults = [Finding(example.id, name, words) for name, words in told.items() if words]
        if example.id in seen:
            faults.append(Finding(example.id, "", "listed twice"))
        seen.add(example.id)
        findings += faults
        if not faults:
            whole.append(example)
    if not seen:
        raise missing(root, f"nothing of {recipe.title} in it")
    return whole, findings


def fault(root: Path, name: str) -> str:
    """What is wrong with a file, as its first bytes and its length tell; "" where nothing is."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        return "outside the dataset"
    return fault_of(root / name)


def fault_of(path: Path) -> str:
    """The same for a file wherever it lies."""
    if not path.is_file():
        return "missing"
    with path.open("rb") as file:
        head = file.read(12)
    size = path.stat().st_size
    if not head:
        return "empty"
    kind = path.suffix.lower()
    if kind in (".mid", ".midi") and head[:4] != b"MThd":
        return "not MIDI"
    if kind == ".wav" and (head[:4] not in (b"RIFF", b"RF64", b"RIFX") or head[8:] != b"WAVE"):
        return "not WAV"
    if kind == ".wav" and head[:4] == b"RIFF" and int.from_bytes(head[4:8], "little") + 8 > size + 1:
        return f"cut off: {size} of {int.from_bytes(head[4:8], 'little') + 8} bytes"
    if kind == ".ogg" and head[:4] != b"OggS":
        return "not Ogg"
    if kind == ".mxl" and not zipfile.is_zipfile(path):
        return "not a whole .mxl"
    if kind in (".musicxml", ".xml") and b"<" not in head:
        return "not MusicXML"
    return ""
