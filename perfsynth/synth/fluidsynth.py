"""``fluidsynth``: any General MIDI soundfont through the FluidSynth program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perfsynth import fluid
from perfsynth.types import CONTROL, SUSTAIN, AudioStream, Performance

SAMPLE_RATE = 44100  # Hz, that of the usual soundfonts
MAX_PARTS = 15  # of one MIDI file: sixteen channels, and the tenth is for drums


def stream(
    performance: Performance,
    *,
    soundfont: str | None = None,
    sample_rate: int = SAMPLE_RATE,
    reverb: bool = True,
    chorus: bool = False,
    seed: int = 0,
) -> AudioStream:
    """Sound a performance; see `perfsynth.synth.core.synthesize`.

    Parameters
    ----------
    performance
        Parts keep their General MIDI programs, also where there are more of them than MIDI has channels.
    soundfont
        An .sf2 or .sf3 file; the best one found by default.
    sample_rate
        In Hz; any other than FluidSynth makes, 8000 to 96000, is left to the caller to convert.
    reverb, chorus
        FluidSynth's own effects.
    seed
        Stamped into the result; nothing is random.

    Raises
    ------
    MissingError
        When there is no FluidSynth or no soundfont.
    InputError
        When the soundfont is none.
    """
    # The one engine that speaks MIDI to a synthesizer outside, so the one that knows a file format.
    from perfsynth.formats.midi_write import write_performance

    fluid.find_program()
    path = fluid.find_soundfont(soundfont)
    rate = sample_rate if fluid.MIN_RATE <= sample_rate <= fluid.MAX_RATE else SAMPLE_RATE
    end_s = performance.end_s
    blocks = fluid.render(
        *(write_performance(_with_room(group, end_s)) for group in _groups(performance)),
        soundfont=path,
        sample_rate=rate,
        end_s=end_s,
        reverb=reverb,
        chorus=chorus,
    )
    # Which soundfont it was is only known here.
    stamp = performance.made_by(
        "synth-audio", "fluidsynth", seed=seed, soundfont=path.name, reverb=reverb, chorus=chorus
    )
    return AudioStream(blocks, rate, fluid.CHANNELS, end_s, **stamp)


def _groups(performance: Performance) -> list[Performance]:
    """The performance as pieces that each fit into one MIDI file: 15 parts, one drum kit."""
    groups: list[list[int]] = [[]]
    for index in np.unique(performance.notes["part"]).tolist():
        part = performance.parts[index]
        kits = {performance.parts[other].program for other in groups[-1] if performance.parts[other].is_drum}
        if len(groups[-1]) == MAX_PARTS or (part.is_drum and kits - {part.program}):
            groups.append([])
        groups[-1].append(index)
    return [_only(performance, group) for group in groups]


def _only(performance: Performance, parts: list[int]) -> Performance:
    """The performance of some of its parts, in ascending order."""
    kept = []
    for rows in (performance.notes, performance.controls):
        chosen = rows[np.isin(rows["part"], parts)]
        chosen["part"] = np.searchsorted(parts, chosen["part"])
        kept.append(chosen)
    return replace(performance, notes=kept[0], controls=kept[1], parts=tuple(performance.parts[i] for i in parts))


def _with_room(performance: Performance, end_s: float) -> Performance:
    """The performance with an event after its tail, the pedal up, so that the file does not end before."""
    up = np.array([(end_s + fluid.TAIL_S + 1.0, SUSTAIN, 0, 0)], CONTROL)
    return replace(performance, controls=np.concatenate([performance.controls, up]))
