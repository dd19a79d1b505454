"""Files for the Python API: `load` any of them by content, `save` by suffix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perfsynth import formats
from perfsynth.batch.claim import written
from perfsynth.errors import UsageError
from perfsynth.formats.sniff import AUDIO, sniff
from perfsynth.types import Alignment, Audio, AudioStream, Performance, Score, Spectrogram, Tokens


def load(
    path: str | Path, *, as_performance: bool = False, repeats: formats.Repeats = "unfold"
) -> Score | Performance | Tokens | Alignment | Spectrogram | Audio:
    """Read any file that perfsynth knows, by its content.

    Parameters
    ----------
    path
        The file.
    as_performance
        A MIDI file can be a score (beats) or a performance (seconds): which of them to read.
    repeats
        Of a score: "unfold" plays every repeat, volta and da capo; "as-written" reads the page once, top to bottom.

    Raises
    ------
    InputError
        When the file is of no known kind, or broken.
    OSError
        When it cannot be opened.
    """
    name, data = str(path), Path(path).read_bytes()
    kind = sniff(data, name=name)
    if kind == "match" or (kind == "midi" and as_performance):
        return formats.read_performance(data, name=name)
    if kind in ("midi", "musicxml", "mxl"):
        return formats.read_score(data, name=name, repeats=repeats)
    if kind == "npz":
        return formats.read_spectrogram(data, name=name)
    if kind in AUDIO:
        return formats.read_audio(data, name=name)
    return formats.read_notes(data, name=name)


def save(artifact: Performance | Tokens | Alignment | Spectrogram | Audio | AudioStream, path: str | Path) -> None:
    """Write an artifact; what fails leaves a file that is there as it was.

    Parameters
    ----------
    artifact
        Audio is written as its suffix says (.wav, .flac, .ogg), a performance as .mid or .jsonl, tokens and alignments
        as .jsonl, a spectrogram as .npz. A stream is consumed.
    path
        The file, which is overwritten.

    Raises
    ------
    UsageError
        When the suffix is none that this artifact can be written to.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    with _whole(path) as place:
        if isinstance(artifact, Audio | AudioStream):
            from perfsynth.formats.audio import write_audio

            stream = artifact.stream() if isinstance(artifact, Audio) else artifact
            if suffix not in (".wav", ".flac", ".ogg"):
                raise UsageError(f"{path}: audio is written as .wav, .flac or .ogg")
            write_audio(stream, place, format=suffix[1:])  # type: ignore[arg-type]
        elif isinstance(artifact, Spectrogram):
            from perfsynth.formats.spectrogram import write_spectrogram

            place.write_bytes(write_spectrogram(artifact))
        elif isinstance(artifact, Performance) and suffix in (".mid", ".midi"):
            from perfsynth.formats.midi_write import write_performance

            place.write_bytes(write_performance(artifact))
        elif suffix == ".jsonl":
            from perfsynth.formats.jsonl import write_jsonl

            place.write_bytes(write_jsonl(artifact))
        else:
            raise UsageError(f"{path}: a {type(artifact).__name__.lower()} is not written to {suffix or 'no suffix'}")


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A file to fill; it becomes `path` when the block ends well, and vanishes otherwise. A device is filled itself."""
    final = path.resolve()
    if final.exists() and not final.is_file():
        yield path
        return
    with written(final) as place:
        yield place
