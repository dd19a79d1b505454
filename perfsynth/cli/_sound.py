"""What the commands that end in audio share: the format of the result, and writing it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perfsynth.cli import _options as opt
from perfsynth.cli._io import Item
from perfsynth.cli._options import AudioFormat
from perfsynth.types import Performance

# Passed to the engine as they are; one that it does not take is an error that says so.
SOUND_OPTIONS = (
    opt.parameter("soundfont", opt.Soundfont),
    opt.parameter("samples", opt.Samples),
    opt.parameter("piano", opt.Piano),
    opt.parameter("instrument", opt.Instrument),
    opt.parameter("variant", opt.Variant),
    opt.parameter("lid", opt.Lid),
    opt.parameter("room", opt.Room),
    opt.parameter("a4", opt.A4),
    opt.parameter("temperament", opt.Temperament),
    opt.parameter("resonance", opt.Resonance),
    opt.parameter("pedal_noise", opt.PedalNoise),
)


def ending(*, output: str | None, audio_format: AudioFormat | None = None, **_: Any) -> str:
    """The suffix of the result: the format asked for, else that of the output's own name, else .wav."""
    if audio_format is not None:
        return f".{audio_format.value}"
    named = Path(output or "").suffix.lower()
    return named if named[1:] in list(AudioFormat) else ".wav"


def write_sound(
    item: Item,
    performance: Performance,
    *,
    audio_format: AudioFormat | None,
    loudness: float | None,
    **options: Any,
) -> None:
    """Sound a performance into the item's result, and say where it is and how long."""
    from perfsynth.formats.audio import write_audio
    from perfsynth.pipeline import sound

    stream = sound(
        performance,
        loudness_lufs=loudness or None,
        seed=item.seed,
        report=item.progress,
        **options,
    )
    suffix = ending(output=item.target, audio_format=audio_format)
    with item.file() as path:
        duration_s = write_audio(stream, path, format=suffix[1:])  # type: ignore[arg-type]
    item.session.say(f"{item.target}: {len(performance.notes)} notes, {duration_s:.1f} s")
