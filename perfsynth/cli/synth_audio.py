"""``perfsynth synth-audio``: a performance in, audio out."""

from __future__ import annotations

from typing import Any

from perfsynth.cli import _io, app
from perfsynth.cli import _options as opt
from perfsynth.cli._sound import SOUND_OPTIONS, ending, write_sound
from perfsynth.dsp.loudness import LOUDNESS_LUFS


@_io.stage(
    app,
    "synth-audio",
    suffix=ending,
    groups=SOUND_OPTIONS,
    examples=(
        "perfsynth synth-audio performance.mid -o out.wav",
        "perfsynth render-performance score.musicxml | perfsynth synth-audio --format ogg > out.ogg",
    ),
)
def synth_audio(
    item: _io.Item,
    engine: opt.Engine = "auto",
    weights: opt.Weights = None,
    sample_rate: opt.SampleRate = None,
    loudness: opt.Loudness = LOUDNESS_LUFS,
    audio_format: opt.Format = None,
    **chosen: Any,
) -> None:
    """Sound a performance (MIDI): write audio."""
    from perfsynth import formats

    performance = formats.read_performance(item.read(), name=item.name)
    write_sound(
        item,
        performance,
        audio_format=audio_format,
        loudness=loudness,
        engine=engine,
        weights=weights,
        sample_rate=sample_rate,
        **chosen,
    )
