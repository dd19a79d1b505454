"""Bytes to types and back. Knows no model, opens no file.

Every reader takes ``data`` and a ``name`` for its error messages, and raises `InputError` for anything that
is not what it claims to be. The libraries behind them are loaded on first use.
"""

from __future__ import annotations

from typing import Literal

from perfsynth.errors import InputError
from perfsynth.formats.sniff import AUDIO, sniff
from perfsynth.types import Alignment, Audio, Performance, Score, Spectrogram, Tokens

Repeats = Literal["unfold", "as-written"]

__all__ = ["read_audio", "read_notes", "read_performance", "read_score", "read_spectrogram", "sniff"]


def _wrong_kind(name: str, kind: str, wanted: str) -> InputError:
    return InputError(f"{name}: this is {kind}, where {wanted} is expected")


def read_score(data: bytes, *, name: str = "score", repeats: Repeats = "unfold") -> Score:
    """Read a score: MusicXML, compressed MusicXML or MIDI.

    Parameters
    ----------
    data
        The file's content.
    name
        What to call it in errors.
    repeats
        ``unfold`` plays every repeat, volta and da capo; ``as-written`` reads the page once, top to bottom.
    """
    kind = sniff(data, name=name)
    if kind == "midi":
        from perfsynth.formats import midi

        return midi.read_score_midi(data, name=name)
    if kind in ("musicxml", "mxl"):
        from perfsynth.formats import musicxml

        return musicxml.read_musicxml(data, name=name, repeats=repeats)
    raise _wrong_kind(name, kind, "a score (MusicXML, .mxl or MIDI)")


def read_performance(data: bytes, *, name: str = "performance") -> Performance:
    """Read a performance: MIDI, a match file, or the JSON Lines that perfsynth writes."""
    kind = sniff(data, name=name)
    if kind == "match":
        from perfsynth.formats import match

        return match.read_match(data, name=name)
    if kind == "midi":
        from perfsynth.formats import midi

        return midi.read_performance(data, name=name)
    if kind == "jsonl":
        notes = read_notes(data, name=name)
        if isinstance(notes, Performance):
            return notes
        raise _wrong_kind(name, f"JSON Lines of {type(notes).__name__.lower()}", "a performance")
    if kind in ("musicxml", "mxl"):
        raise InputError(
            f"{name}: this is {kind}, where a performance (MIDI, .match or JSON Lines) is expected; "
            "perfsynth render-performance makes one"
        )
    raise _wrong_kind(name, kind, "a performance (MIDI, .match or JSON Lines)")


def read_notes(data: bytes, *, name: str = "notes") -> Tokens | Alignment | Performance:
    """Read the JSON Lines of tokens, an alignment or a performance."""
    kind = sniff(data, name=name)
    if kind != "jsonl":
        raise _wrong_kind(name, kind, "JSON Lines")
    from perfsynth.formats import jsonl

    return jsonl.read_jsonl(data, name=name)


def read_spectrogram(data: bytes, *, name: str = "spectrogram") -> Spectrogram:
    """Read the .npz of a spectrogram."""
    kind = sniff(data, name=name)
    if kind != "npz":
        raise _wrong_kind(name, kind, "a spectrogram (.npz)")
    from perfsynth.formats import spectrogram

    return spectrogram.read_spectrogram(data, name=name)


def read_audio(data: bytes, *, name: str = "audio") -> Audio:
    """Read audio: WAV, FLAC, Ogg or MP3."""
    kind = sniff(data, name=name)
    if kind not in AUDIO:
        raise _wrong_kind(name, kind, "audio (WAV, FLAC, Ogg or MP3)")
    from perfsynth.formats import audio

    return audio.read_audio(data, name=name)
