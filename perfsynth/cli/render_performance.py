"""``perfsynth render-performance``: a score in, a performance out."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from perfsynth.cli import _io, app
from perfsynth.cli import _options as opt
from perfsynth.cli._performing import PERFORMANCE_OPTIONS, Ornaments, Quantise, read_score

TempoMap = Annotated[
    bool,
    typer.Option("--tempo-map", help="Notes on the bar grid with a tempo track, for editing: it sounds the same."),
]


@_io.stage(
    app,
    "render-performance",
    suffix=".mid",
    groups=PERFORMANCE_OPTIONS,
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
    quantise: Quantise = False,
    ornaments: Ornaments = False,
    tempo_map: TempoMap = False,
    **options: Any,
) -> None:
    """Play a score (MusicXML, .mxl, MIDI): write the performance as MIDI."""
    from perfsynth.expression import beat_grid
    from perfsynth.formats.midi_write import write_performance
    from perfsynth.perform.core import perform

    score = read_score(item, repeats, quantise)
    item.progress("performing", 0.3)
    performance = perform(score, model=model, bpm=bpm, seed=item.seed, ornaments=ornaments, **options)
    item.write(write_performance(performance, grid=beat_grid(score, performance) if tempo_map else None))
    item.session.say(f"{item.target}: {len(performance.notes)} notes, {performance.end_s:.1f} s")
