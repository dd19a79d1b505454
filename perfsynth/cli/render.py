"""``perfsynth render``: a score in, audio out; the whole road in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perfsynth.cli import _io, app
from perfsynth.cli import _options as opt
from perfsynth.cli._performing import NAMES, PERFORMANCE_OPTIONS, Ornaments, Quantise, read_score
from perfsynth.cli._sound import SOUND_OPTIONS, ending, write_sound
from perfsynth.dsp.loudness import LOUDNESS_LUFS


@_io.stage(
    app,
    "render",
    suffix=ending,
    groups=(*PERFORMANCE_OPTIONS, *SOUND_OPTIONS),
    examples=(
        "perfsynth render score.musicxml -o out.wav",
        "perfsynth render score.mid --variation 3 --rubato 1.3 -o mine.wav",
        "perfsynth render *.mxl --out-dir sound --format flac --bpm 96",
    ),
)
def render(
    item: _io.Item,
    model: opt.PerformanceModel = "auto",
    engine: opt.Engine = "auto",
    bpm: opt.Bpm = None,
    repeats: opt.RepeatsOption = opt.Repeats.unfold,
    quantise: Quantise = False,
    ornaments: Ornaments = True,
    sound_weights: opt.SoundWeights = None,
    sample_rate: opt.SampleRate = None,
    loudness: opt.Loudness = LOUDNESS_LUFS,
    audio_format: opt.Format = None,
    keep_stages: opt.KeepStages = None,
    **chosen: Any,
) -> None:
    """Play a score (MusicXML, .mxl, MIDI) and sound it: write audio."""
    from perfsynth import formats
    from perfsynth.formats.midi_write import write_performance
    from perfsynth.perform.core import perform

    score = read_score(item, repeats, quantise)
    how = {name: value for name, value in chosen.items() if name in NAMES and value is not None}
    performance = perform(score, model=model, bpm=bpm, seed=item.seed, ornaments=ornaments, **how)
    midi = write_performance(performance)
    if keep_stages is not None:
        item.beside(Path(keep_stages), ".performance.mid").write(midi)
    performance = formats.read_performance(midi, name=item.name)  # what the stages would hand on, to the tick
    write_sound(
        item,
        performance,
        audio_format=audio_format,
        loudness=loudness,
        engine=engine,
        weights=sound_weights,
        sample_rate=sample_rate,
        **{name: value for name, value in chosen.items() if name not in NAMES},
    )
