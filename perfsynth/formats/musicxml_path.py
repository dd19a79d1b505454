"""The way through the repeats of partitura's parts, in beats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from perfsynth.formats.route import Ending, Repeat, Signs, route
from perfsynth.formats.unfold import Leg, legs_of

BeatMaps = dict[Any, Callable[[Any], np.ndarray]]  # part -> from its positions (divisions) to beats


def path(beat_maps: BeatMaps, times: dict[tuple[str, int], int], symbols: Any) -> list[Leg] | None:
    """The way through the repeats, taken from the part that has most of them; None where there is no part.

    Parameters
    ----------
    beat_maps
        The parts that are not empty.
    times
        How often a repeat is played that is not played twice, by part id and place of its measure, from 1.
    symbols
        The module ``partitura.score``.
    """
    stretches: list[tuple[float, float]] = []
    page_end = max((float(beats(part.last_point.t)) for part, beats in beat_maps.items()), default=0.0)
    for part, beats in beat_maps.items():
        found = route(_signs(part, times, symbols))
        if len(found) > len(stretches):
            last = part.last_point.t
            stretches = [(float(beats(begin)), page_end if end == last else float(beats(end))) for begin, end in found]
    if stretches and stretches[-1][1] == page_end:
        stretches[-1] = (stretches[-1][0], np.inf)
    return legs_of(stretches) if stretches else None


def _signs(part: Any, times: dict[tuple[str, int], int], symbols: Any) -> Signs:
    def places(symbol: Any) -> tuple[int, ...]:
        return tuple(sign.start.t for sign in part.iter_all(symbol))

    spans = {
        symbol: [span for span in part.iter_all(symbol) if span.start is not None and span.end is not None]
        for symbol in (symbols.Repeat, symbols.Ending)
    }
    often = {
        end: times[part.id, measure.number]
        for measure in part.iter_all(symbols.Measure)
        if (part.id, measure.number) in times
        for end in (repeat.end.t for repeat in spans[symbols.Repeat])
        if measure.start.t < end <= measure.end.t
    }
    repeats = [Repeat(span.start.t, span.end.t, often.get(span.end.t, 2)) for span in spans[symbols.Repeat]]
    endings = [
        Ending(span.start.t, span.end.t, tuple(int(number) for number in span.number.split(",")))
        for span in spans[symbols.Ending]
    ]
    return Signs(
        part.first_point.t,
        part.last_point.t,
        tuple(repeat for repeat in repeats if repeat.begin < repeat.end),
        tuple(ending for ending in endings if ending.begin < ending.end),
        da_capos=places(symbols.DaCapo),
        dal_segnos=places(symbols.DalSegno),
        segnos=places(symbols.Segno),
        to_codas=places(symbols.ToCoda),
        codas=places(symbols.Coda),
        fines=places(symbols.Fine),
    )
