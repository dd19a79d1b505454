"""Files are told apart by content."""

from __future__ import annotations

import pytest

from perfsynth.errors import InputError
from perfsynth.formats.sniff import sniff


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"MThd\0\0\0\6", "midi"),
        (b"RIFF....WAVE", "wav"),
        (b"RF64....WAVE", "wav"),
        (b"fLaC\0", "flac"),
        (b"OggS\0", "ogg"),
        (b"ID3\4", "mp3"),
        (b"\xff\xfb\x90\x64", "mp3"),
        (b'{"perfsynth": "tokens"}', "jsonl"),
        (b"info(matchFileVersion,1.0.0).", "match"),
        (b"\n  <?xml version='1.0'?>", "musicxml"),
        (b"\xef\xbb\xbf<score-partwise>", "musicxml"),
        ("<score-partwise>".encode("utf-16"), "musicxml"),
        (b"PK\3\4" + bytes(26) + b"values.npy", "npz"),
        (b"PK\3\4" + bytes(26) + b"META-INF/container.xml", "mxl"),
        (b"PK\3\4", "mxl"),
    ],
)
def test_kinds(data: bytes, kind: str) -> None:
    assert sniff(data) == kind


@pytest.mark.parametrize("data", [b"", b"\0\0\0\0", b"hello", b"\x89PNG", b"%PDF-1.4", b"\xff\xff\xff\xff"])
def test_anything_else_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(InputError, match=r"odd\.bin"):
        sniff(data, name="odd.bin")
