"""``perfsynth render-performance``: a score in, a performance out."""

from __future__ import annotations

from perfsynth.cli import _io, app
from perfsynth.cli import _options as opt


@_io.stage(
    app,
    "render-performance",
    suffix=".mid",
    examples=(
        "perfsynth render-performance score.musicxml -o performance.mid",
        "perfsynth render-performance score.mxl --bpm 96 | perfsynth synth-audio -o out.wav",
    ),
)
def render_performance(
    item: _io.Item,
    model: opt.PerformanceModel = "auto",
    bpm: opt.Bpm = None,
    repeats: opt.RepeatsOption = opt.Repeats.unfold,
) -> None:
    """Play a score (MusicXML, .mxl, MIDI): write the performance as MIDI."""
    from perfsynth import formats
    from perfsynth.formats.midi import write_performance
    from perfsynth.perform.core import perform

    score = formats.read_score(item.read(), name=item.name, repeats=repeats.value)
    item.progress("performing", 0.3)
    item.write(write_performance(perform(score, model=model, bpm=bpm, seed=item.seed)))
