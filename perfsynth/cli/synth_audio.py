"""``perfsynth synth-audio``: a performance in, audio out."""

from __future__ import annotations

from perfsynth.cli import _io, app
from perfsynth.cli import _options as opt
from perfsynth.cli._sound import ending, write_sound
from perfsynth.dsp.loudness import LOUDNESS_LUFS


@_io.stage(
    app,
    "synth-audio",
    suffix=ending,
    examples=(
        "perfsynth synth-audio performance.mid -o out.wav",
        "perfsynth render-performance score.musicxml | perfsynth synth-audio --format ogg > out.ogg",
    ),
)
def synth_audio(
    item: _io.Item,
    engine: opt.Engine = "auto",
    soundfont: opt.Soundfont = None,
    samples: opt.Samples = None,
    piano: opt.Piano = None,
    variant: opt.Variant = None,
    room: opt.Room = None,
    a4: opt.A4 = None,
    temperament: opt.Temperament = None,
    resonance: opt.Resonance = None,
    pedal_noise: opt.PedalNoise = None,
    sample_rate: opt.SampleRate = None,
    loudness: opt.Loudness = LOUDNESS_LUFS,
    audio_format: opt.Format = None,
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
        sample_rate=sample_rate,
        soundfont=soundfont,
        samples=samples,
        piano=piano,
        variant=variant,
        room=room,
        a4=a4,
        temperament=temperament,
        resonance=resonance,
        pedal_noise=pedal_noise,
    )
