"""Files are told apart by content."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfsynth.errors import InputError
from perfsynth.formats import read_audio, read_notes, read_performance, read_score, read_spectrogram
from perfsynth.formats.sniff import Kind, sniff


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"MThd\0\0\0\6", "midi"),
        (b"RIFF....WAVE", "wav"),
        (b"RIFF....RMIDdata", "midi"),
        (b"RF64....WAVE", "wav"),
        (b"FORM....AIFF", "wav"),
        (b"caff\0\1", "wav"),
        (b"riff\x2e\x91", "wav"),
        (b".snd\0\0", "wav"),
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


@pytest.mark.parametrize("data", [b"\0\0\0\x20ftypM4A ", b"\x1a\x45\xdf\xa3\x9f", b"\x30\x26\xb2\x75\x8e"])
def test_other_sound_is_refused_with_what_converts_it(data: bytes) -> None:
    with pytest.raises(InputError, match=r"memo: .* ffmpeg -i memo "):
        sniff(data, name="memo")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"X:1\nT:Air\nK:C\nCDEF|", "ABC.*MusicXML"),
        (b"!!!COM: Bach\n**kern\n", "Humdrum.*MusicXML"),
        (b'\\version "2.24"', "LilyPond.*MusicXML"),
        (b"\x18FICHIER GUITAR PRO v5.00", "Guitar Pro.*MusicXML"),
        (b"%PDF-1.7", "picture.*MusicXML"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "picture.*MusicXML"),
        (b"\n<!DOCTYPE html><html>", "web page.*download"),
    ],
)
def test_what_musicians_have_otherwise_is_refused_with_what_to_do(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=f"^song: .*{words}"):
        sniff(data, name="song")


@given(st.binary(max_size=40) | st.binary(max_size=40).map(lambda tail: b"PK\3\4" + tail))
def test_any_bytes_are_of_a_known_kind_or_refused(data: bytes) -> None:
    try:
        kind = sniff(data)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert kind in get_args(Kind)


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (read_score, b'{"perfsynth": "performance"}'),
        (read_performance, b"<score-partwise/>"),
        (read_notes, b"MThd"),
        (read_spectrogram, b"RIFF"),
        (read_audio, b"MThd"),
    ],
)
def test_a_reader_names_the_kind_it_got_and_the_kind_it_wants(read: Callable, data: bytes) -> None:
    with pytest.raises(InputError, match=rf"odd\.bin: this is {sniff(data)}, where .* is expected"):
        read(data, name="odd.bin")


@pytest.mark.parametrize("data", [b"", b"\0\0\0\0", b"hello", b"\x89PNG", b"%PDF-1.4", b"\xff\xff\xff\xff"])
def test_anything_else_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(InputError, match=r"odd\.bin"):
        sniff(data, name="odd.bin")
