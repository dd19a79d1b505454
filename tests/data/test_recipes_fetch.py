"""Fetching: from a server that breaks off, from copies, and from archives that are not what they claim to be."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfsynth.batch.claim import claim
from perfsynth.cli import app
from perfsynth.data.download import download, fetch, unpack, verify
from perfsynth.data.recipe import Archive
from perfsynth.data.recipes import RECIPES
from perfsynth.errors import InputError, MissingError, PerfsynthError
from tests.data import layouts

MIDI = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0"


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)  # always the same bytes
    return buffer.getvalue()


def tarred(files: dict[str, bytes], link: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        if link:
            member = tarfile.TarInfo("top/link")
            member.type, member.linkname = tarfile.SYMTYPE, link
            archive.addfile(member)
    return buffer.getvalue()


class Server(ThreadingHTTPServer):
    """Serves one file; `cut` bytes into an answer it hangs up, `deaf` it knows no ranges."""

    data = b""
    cut: int | None = None
    deaf = False
    asked: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        start = int(wanted[6:-1]) if wanted and not self.server.deaf else 0
        if wanted and start >= len(self.server.data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(self.server.data) - start))
        self.end_headers()
        self.wfile.write(self.server.data[start:][: self.server.cut])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as serving:
        serving.asked = []
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving
        serving.shutdown()


def archive(server: Server, name: str = "TPD.zip", checksum: str = "") -> Archive:
    return Archive(f"http://127.0.0.1:{server.server_port}/{name}", checksum=checksum)


def sha(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def recipe(wanted: Archive):
    return replace(RECIPES["malik"], archives=(wanted,))


WHOLE = zipped({"TPD/jazz/a.mid": MIDI, "TPD/classical/b.mid": MIDI, "__MACOSX/TPD/jazz/._a.mid": b"x"})


def test_a_download_goes_on_where_it_was_cut_off(server: Server, tmp_path: Path) -> None:
    server.data, server.cut = bytes(range(256)) * 40, 3000
    path = tmp_path / "TPD.zip"
    for _ in range(3):
        with pytest.raises(MissingError, match=r"cut off at \d+ of 10240 bytes; fetch again"):
            download(archive(server), path, lambda *_: None)
    download(archive(server), path, lambda *_: None)
    assert path.read_bytes() == server.data
    assert server.asked == [None, "bytes=3000-", "bytes=6000-", "bytes=9000-"]
    download(archive(server), path, lambda *_: None)
    assert len(server.asked) == 4
    assert [item.name for item in tmp_path.iterdir()] == ["TPD.zip"]


def test_a_server_without_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    server.data, server.deaf = b"music" * 100, True
    (tmp_path / "x.part").write_bytes(b"other")
    download(archive(server), tmp_path / "x", lambda *_: None)
    assert (tmp_path / "x").read_bytes() == server.data


def test_a_download_that_was_whole_is_not_asked_for_more(server: Server, tmp_path: Path) -> None:
    server.data = b"music"
    (tmp_path / "x.part").write_bytes(b"music")
    download(archive(server), tmp_path / "x", lambda *_: None)
    assert (tmp_path / "x").read_bytes() == b"music"


def test_no_server_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="check the network"):
        download(Archive("http://127.0.0.1:9/x"), tmp_path / "x", lambda *_: None)


def test_fetch_checks_unpacks_and_goes_on(server: Server, tmp_path: Path) -> None:
    server.data = WHOLE
    wanted = recipe(archive(server, checksum=sha(WHOLE)))
    steps: list[str] = []
    made = fetch(wanted, tmp_path / "made", report=lambda step, fraction: steps.append(step))
    files = {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()}
    assert files == {"jazz/a.mid", "classical/b.mid", ".TPD.zip.done"}
    assert set(steps) == {"TPD.zip", "unpacking TPD.zip"}
    assert fetch(wanted, made) == made
    assert len(server.asked) == 1


def test_a_wrong_checksum_is_refused_and_nothing_unpacked(server: Server, tmp_path: Path) -> None:
    server.data = WHOLE
    with pytest.raises(InputError, match=r"TPD\.zip: sha256 .* not 000000"):
        fetch(recipe(archive(server, checksum="sha256:" + "0" * 64)), tmp_path)
    assert not (tmp_path / "jazz").exists()
    with pytest.raises(InputError, match="md5"):
        verify(tmp_path / "TPD.zip", "md5:" + "0" * 32)


def test_a_copy_is_taken_as_archive_or_as_it_lies(server: Server, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    (copies / "TPD.zip").write_bytes(WHOLE)
    wanted = recipe(archive(server, checksum=sha(WHOLE)))
    made = fetch(wanted, tmp_path / "made", source=copies)
    assert (made / "jazz" / "a.mid").read_bytes() == MIDI
    assert (copies / "TPD.zip").is_file()
    assert fetch(wanted, tmp_path / "unused", source=made) == made
    assert not (tmp_path / "unused").exists()
    with pytest.raises(MissingError, match=r"no GENRE/\*\.mid"):
        fetch(wanted, tmp_path / "unused", source=tmp_path / "copies" / "..")
    assert server.asked == []


def test_a_copy_of_which_no_row_is_whole_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    layouts.nasap(copy)
    (copy / "Bach/Fugue/bwv_848/xml_score.musicxml").unlink()
    with pytest.raises(MissingError, match=r"no row of nasap has all its files; .* is missing; give a folder with"):
        fetch(RECIPES["nasap"], tmp_path / "made", source=copy)
    (copy / "nasap.tar.zst").write_bytes(b"packed")
    ran = CliRunner().invoke(app, ["data", "nasap", "fetch", "--from", str(copy)])
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "no row of nasap has all its files" in ran.stderr and "; unpack nasap.tar.zst first" in ran.stderr
    (copy / "metadata.csv").unlink()
    with pytest.raises(MissingError, match=r"metadata\.csv.*; unpack nasap\.tar\.zst first"):
        fetch(RECIPES["nasap"], tmp_path / "made", source=copy)
    assert not (tmp_path / "made").exists()


def test_what_is_got_by_hand_says_how(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"github\.com/tangjjbetsy/ATEPP.*--from DIR"):
        fetch(RECIPES["atepp"], tmp_path)


@pytest.mark.parametrize("name", ["../evil", "top/../../evil", "/evil", "top\\..\\..\\evil", "C:/evil"])
@pytest.mark.parametrize("kind", ["x.zip", "x.tar.gz"])
def test_members_that_reach_outside_are_refused(tmp_path: Path, name: str, kind: str) -> None:
    pack = zipped if kind == "x.zip" else tarred
    path, folder = tmp_path / kind, tmp_path / "a" / "b"
    path.write_bytes(pack({"top/fine": b"x", name: b"evil"}))
    with pytest.raises(InputError, match="would be written outside"):
        unpack(path, folder, strip=1)
    assert [item.name for item in tmp_path.rglob("*") if "evil" in item.name] == []


def test_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(tarred({"top/fine": b"x"}, link="/etc"))
    with pytest.raises(InputError, match="is a link"):
        unpack(tmp_path / "x.tar.gz", tmp_path / "made", strip=1)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        info = zipfile.ZipInfo("top/link")
        info.external_attr = 0o120777 << 16
        made.writestr(info, "/etc")
    (tmp_path / "x.zip").write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="is a link"):
        unpack(tmp_path / "x.zip", tmp_path / "made", strip=1)


@pytest.mark.parametrize("kind", ["x.zip", "x.tar.gz"])
@pytest.mark.parametrize("keep", [0, 10, 0.3, 0.6, 0.95])
def test_half_an_archive_is_refused(tmp_path: Path, kind: str, keep: float) -> None:
    data = (zipped if kind == "x.zip" else tarred)(
        {f"top/{n}": hashlib.sha512(bytes([n])).digest() * 9 for n in range(50)}
    )
    path = tmp_path / kind
    path.write_bytes(data[: int(keep) if keep in (0, 10) else int(keep * len(data))])
    with pytest.raises(InputError, match="broken or half an archive"):
        unpack(path, tmp_path / "made", strip=1)
    assert not list(tmp_path.rglob("*.part"))


def test_two_fetches_at_once_and_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    server.data = WHOLE
    with claim(tmp_path / ".fetch"), pytest.raises(PerfsynthError, match="another process is fetching"):
        fetch(recipe(archive(server)), tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(PerfsynthError, match="cannot be written"):
        fetch(recipe(archive(server)), tmp_path / "file" / "x")


def test_the_command_shows_the_licence_and_wants_it_accepted(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["data", "maestro", "fetch", "--to", str(tmp_path)])
    assert ran.exit_code == 2
    assert "CC BY-NC-SA 4.0" in ran.stderr
    assert "Cite: C. Hawthorne" in ran.stderr
    assert "--accept-licence" in ran.stderr
    assert list(tmp_path.iterdir()) == []
