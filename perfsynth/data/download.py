"""Getting a dataset: downloads that go on where they stopped, checksums, and archives that cannot reach outside."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from perfsynth.batch.claim import claim, written
from perfsynth.data.recipe import Archive, Recipe, check
from perfsynth.errors import InputError, MissingError, PerfsynthError
from perfsynth.progress import Report, silent

TIMEOUT_S = 60  # without a byte
BLOCK = 1 << 20
PACKED = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst")


def fetch(recipe: Recipe, destination: Path, *, source: Path | None = None, report: Report = silent) -> Path:
    """Get a dataset; what is there and whole is kept.

    Parameters
    ----------
    recipe
        Which.
    destination
        The folder for it.
    source
        A folder that has its archives, or the dataset itself: that is used as it lies, and not copied (unless the
        recipe gets it in its own way).
    report
        Called with the step and the fraction of it that is done.

    Returns
    -------
    Path
        Where the dataset is.

    Raises
    ------
    MissingError
        When it cannot be got, or no row of it has all its files.
    InputError
        When an archive is broken, not the one expected, or reaches outside its folder.
    PerfsynthError
        When it cannot be written, or another process is getting it.
    """
    archives = [] if source is None else [source / archive.name for archive in recipe.archives]
    if source is not None and recipe.get is None and not any(path.is_file() for path in archives):
        return _found(recipe, source)
    if not recipe.archives and recipe.get is None:
        raise MissingError(f"{recipe.name}: {recipe.by_hand}; then give its folder as --from DIR")
    try:
        destination.mkdir(parents=True, exist_ok=True)
        with claim(destination / ".fetch") as held:
            if not held:
                raise PerfsynthError(f"{destination}: another process is fetching it; wait for it")
            if recipe.get is not None:
                recipe.get(destination, source=source, report=report)
            for archive in recipe.archives:
                _get(archive, destination, source, report)
    except OSError as error:
        raise PerfsynthError(f"{error.filename or destination}: cannot be written ({error.strerror})") from error
    return _found(recipe, destination)


def _found(recipe: Recipe, folder: Path) -> Path:
    """A folder, when it holds the dataset or some of it, unpacked.

    Raises
    ------
    MissingError
        When it does not.
    """
    known = {archive.name for archive in recipe.archives}
    packed = sorted(path.name for path in folder.glob("*") if path.name.endswith(PACKED) and path.name not in known)
    try:
        whole, findings = check(recipe, folder)
    except MissingError as error:
        if not packed:
            raise
        fault = str(error)
    else:
        if whole:
            return folder
        fault = f"{folder}: no row of {recipe.name} has all its files; {findings[0].file} is {findings[0].fault}"
    wanted = " or ".join(["the dataset unpacked", *([f" {', '.join(sorted(known))}"] if known else [])])
    raise MissingError(f"{fault}; " + (f"unpack {packed[0]} first" if packed else f"give a folder with {wanted}"))


def _get(archive: Archive, destination: Path, source: Path | None, report: Report) -> None:
    """Download, check and unpack one archive, unless that has been done."""
    done = destination / f".{archive.name}.done"
    if done.is_file() and done.read_text() == archive.url + archive.checksum:
        return
    path = source / archive.name if source else destination / archive.name
    if source is None:
        download(archive, path, report)
    elif not path.is_file():
        raise MissingError(f"{source}: no {archive.name}; fetch it too, or leave out --from")
    verify(path, archive.checksum)
    folder = destination / archive.into
    folder.mkdir(parents=True, exist_ok=True)
    unpack(path, folder, strip=archive.strip, report=report)
    if source is None and path.suffix in (".zip", ".gz"):
        path.unlink()
    done.write_text(archive.url + archive.checksum)


def download(archive: Archive, path: Path, report: Report) -> None:
    """Download a file, from where an earlier try was cut off.

    Raises
    ------
    MissingError
        When the source does not answer, or the connection breaks: what has come is kept for the next try.
    """
    if path.is_file():
        return
    scratch = path.with_name(path.name + ".part")
    have = scratch.stat().st_size if scratch.is_file() else 0
    request = urllib.request.Request(archive.url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            if have and answer.status != 206:  # it sends all of it again
                have = 0
            total = have + int(answer.headers.get("Content-Length") or 0)
            with scratch.open("ab" if have else "wb") as file:
                while block := answer.read(BLOCK):
                    file.write(block)
                    report(archive.name, file.tell() / total if total > have else 0.0)
                size = file.tell()
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is left to send
            scratch.replace(path)
            return
        raise MissingError(f"{archive.url}: {error}; get it by hand and give its folder as --from") from error
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise MissingError(
            f"{archive.url}: {error}; check the network and fetch again, it goes on from here"
        ) from error
    if total > have and size != total:
        raise MissingError(f"{archive.url}: cut off at {size} of {total} bytes; fetch again, it goes on from here")
    scratch.replace(path)


def verify(path: Path, checksum: str) -> None:
    """Check a file against ``sha256:...`` or ``md5:...``; "" checks nothing.

    Raises
    ------
    InputError
        When it is another file.
    """
    if not checksum:
        return
    kind, _, wanted = checksum.partition(":")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, kind).hexdigest()
    if found != wanted:
        raise InputError(f"{path}: {kind} {found[:12]}..., not {wanted[:12]}...; remove it and fetch again")


def unpack(path: Path, folder: Path, *, strip: int, report: Report = silent) -> None:
    """Unpack a .zip, .tar or .tar.gz; any other file stays as it is, and is put into `folder`.

    Raises
    ------
    InputError
        When it is broken or half, or a member would be written outside `folder`.
    """
    if not path.name.endswith((".zip", ".tar", ".tar.gz", ".tgz")):
        if path.parent != folder:
            shutil.copyfile(path, folder / path.name)
        return
    try:
        members = _zip(path) if path.suffix == ".zip" else _tar(path)
        for name, size, fraction, data in members:
            target = _inside(path, folder, name, strip)
            if target is None or (target.is_file() and target.stat().st_size == size):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with written(target) as place, data() as reader, place.open("wb") as writer:
                shutil.copyfileobj(reader, writer, BLOCK)
            report(f"unpacking {path.name}", fraction)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise InputError(f"{path}: broken or half an archive ({error}); remove it and fetch again") from error


Member = tuple[str, int, float, Callable[[], IO[bytes]]]  # name, bytes, fraction of the archive before it, its content


def _zip(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        for index, member in enumerate(members):
            if (member.external_attr >> 28) == 0xA:
                raise InputError(f"{path}: {member.filename} is a link, which no dataset needs; get it elsewhere")
            yield member.filename, member.file_size, index / len(members), lambda m=member: archive.open(m)  # type: ignore[misc]


def _tar(path: Path) -> Iterator[Member]:
    total = max(path.stat().st_size, 1)
    with path.open("rb") as raw, tarfile.open(fileobj=raw, mode="r:*") as archive:
        for member in archive:
            if member.issym() or member.islnk() or member.isdev():
                raise InputError(f"{path}: {member.name} is a link or device, which no dataset needs; get it elsewhere")
            if member.isfile():
                yield member.name, member.size, raw.tell() / total, lambda m=member: archive.extractfile(m)  # type: ignore[misc]


def _inside(path: Path, folder: Path, name: str, strip: int) -> Path | None:
    """Where a member goes; None for what lies in the folders left out."""
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or "\0" in name or ":" in pure.parts[0]:
        raise InputError(
            f"{path}: {name!r} would be written outside {folder}; this archive is not what it claims to be"
        )
    parts = pure.parts[strip:]
    if not parts or "__MACOSX" in pure.parts or os.sep in parts[-1]:
        return None
    return folder.joinpath(*parts)
