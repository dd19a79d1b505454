"""What kind of file some bytes are, told by their content and never by a suffix."""

import re
from typing import Literal

from perfsynth.errors import InputError

Kind = Literal["midi", "musicxml", "mxl", "jsonl", "npz", "match", "wav", "flac", "ogg", "mp3"]

_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"MThd", "midi"),
    (b"RIFF", "wav"),
    (b"RF64", "wav"),
    (b"FORM", "wav"),  # AIFF and the next three: libsndfile reads them like a WAV
    (b"caff", "wav"),
    (b"riff", "wav"),  # Wave64
    (b".snd", "wav"),
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"ID3", "mp3"),
    (b"{", "jsonl"),
    (b"info(", "match"),
)
_MPEG_FRAME = re.compile(rb"\xff[\xe2-\xff][^\x00\xff]", re.DOTALL)
_XML = re.compile(rb"^(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\x00]*<", re.DOTALL)

_FOREIGN = re.compile(rb"....ftyp|\x1a\x45\xdf\xa3|\x30\x26\xb2\x75", re.DOTALL)  # .m4a and .mp4, .webm and .mkv, .wma

_SCORES = (
    (re.compile(rb"X:\s*\d|%abc"), "ABC"),
    (re.compile(rb"\*\*\w|!!"), "Humdrum"),
    (re.compile(rb"\\version"), "LilyPond"),
    (re.compile(rb".?FICHIER GUITAR PRO|BCF[SZ]", re.DOTALL), "Guitar Pro"),
    (re.compile(rb"\x0fSIBELIUS"), "Sibelius"),
    (re.compile(rb"ENIGMA BINARY"), "Finale"),
)
_PAGES = re.compile(rb"%PDF|\x89PNG|\xff\xd8\xff|II\*\x00|MM\x00\*")  # .pdf, .png, .jpg, .tif
_WEB = re.compile(rb"\s*<(!doctype )?html", re.IGNORECASE)

AUDIO: frozenset[Kind] = frozenset({"wav", "flac", "ogg", "mp3"})


def sniff(data: bytes, *, name: str = "input") -> Kind:
    """Tell the kind of a file from its first bytes.

    Raises
    ------
    InputError
        When the bytes are empty or of no kind that perfsynth reads.
    """
    if not data:
        raise InputError(f"{name}: empty; expected a score, a performance, a spectrogram or audio")
    if is_rmi(data):
        return "midi"
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if data.startswith(b"PK\x03\x04"):  # both are zips; only a spectrogram's first member is an array
        return "npz" if re.match(rb"\w+\.npy", data[30:94]) else "mxl"
    if _WEB.match(data):
        raise InputError(f"{name}: a web page, not a MusicXML score; download the file that it shows")
    if _XML.match(data[:256]):
        return "musicxml"
    if _MPEG_FRAME.match(data):
        return "mp3"
    if _FOREIGN.match(data):
        raise InputError(f"{name}: sound or film that perfsynth does not read; convert it: ffmpeg -i {name} sound.flac")
    for start, program in _SCORES:
        if start.match(data):
            raise InputError(f"{name}: a score for {program}, which is not read; export or convert it to MusicXML")
    if _PAGES.match(data):
        raise InputError(f"{name}: a picture of pages, not of notes; make MusicXML of it first, as Audiveris does")
    shown = data[:8].decode("ascii", "backslashreplace")
    raise InputError(
        f"{name}: not a file perfsynth reads (it begins with {shown!r}); "
        "it reads MusicXML, .mxl, MIDI, .match, JSON Lines, .npz, WAV, FLAC, Ogg and MP3"
    )


def is_rmi(data: bytes) -> bool:
    """Whether bytes are a MIDI file in a RIFF container, .rmi."""
    return data.startswith(b"RIFF") and data[8:12] == b"RMID"
