"""The way through the repeats of partitura's parts, in beats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from perfsynth.formats.musicxml_jumps import Names
from perfsynth.formats.musicxml_repeats import Often
from perfsynth.formats.route import Ending, Repeat, Signs, route
from perfsynth.formats.unfold import Leg, legs_of

BeatMaps = dict[Any, Callable[[Any], np.ndarray]]  # part -> from its positions (divisions) to beats


def path(
    beat_maps: BeatMaps, often: dict[tuple[str, int], Often], names: dict[str, Names], symbols: Any
) -> list[Leg] | None:
    """The way through the repeats, taken from the part that has most of them; None where there is no part.

    Parameters
    ----------
    beat_maps
        The parts that are not empty.
    often
        How often a repeat is played that is not just played twice, by part id and place of its measure, from 1.
    names
        What the jumps to signs, and the signs, are called, by part id.
    symbols
        The module ``partitura.score``.
    """
    stretches: list[tuple[float, float]] = []
    page_end = max((float(beats(part.last_point.t)) for part, beats in beat_maps.items()), default=0.0)
    for part, beats in beat_maps.items():
        found = route(_signs(part, often, names.get(part.id, {}), symbols))
        if len(found) > len(stretches):
            last = part.last_point.t
            stretches = [(float(beats(begin)), page_end if end == last else float(beats(end))) for begin, end in found]
    if stretches and stretches[-1][1] == page_end:
        stretches[-1] = (stretches[-1][0], np.inf)
    return legs_of(stretches) if stretches else None


def _signs(part: Any, often: dict[tuple[str, int], Often], names: Names, symbols: Any) -> Signs:
    def places(symbol: Any) -> tuple[int, ...]:
        return tuple(sign.start.t for sign in part.iter_all(symbol))

    spans = {
        symbol: [span for span in part.iter_all(symbol) if span.start is not None and span.end is not None]
        for symbol in (symbols.Repeat, symbols.Ending)
    }
    times = {
        end: often[part.id, measure.number]
        for measure in part.iter_all(symbols.Measure)
        if (part.id, measure.number) in often
        for end in (repeat.end.t for repeat in spans[symbols.Repeat])
        if measure.start.t < end <= measure.end.t
    }
    repeats = [Repeat(span.start.t, span.end.t, *times.get(span.end.t, Often())) for span in spans[symbols.Repeat]]
    endings = [
        Ending(span.start.t, span.end.t, tuple(int(number) for number in span.number.split(",")))
        for span in spans[symbols.Ending]
    ]
    jumps = {name: places(symbol) for name, symbol in _symbols(symbols).items()}
    return Signs(
        part.first_point.t,
        part.last_point.t,
        tuple(repeat for repeat in repeats if repeat.begin < repeat.end),
        tuple(ending for ending in endings if ending.begin < ending.end),
        da_capos=places(symbols.DaCapo),
        dal_segnos=jumps["dalsegno"],
        segnos=jumps["segno"],
        to_codas=jumps["tocoda"],
        codas=jumps["coda"],
        fines=places(symbols.Fine),
        segno_of=_aimed("dalsegno", "segno", jumps, names),
        coda_of=_aimed("tocoda", "coda", jumps, names),
    )


def _symbols(symbols: Any) -> dict[str, Any]:
    return {
        "dalsegno": symbols.DalSegno, "segno": symbols.Segno, "tocoda": symbols.ToCoda, "coda": symbols.Coda
    }  # fmt: skip


def _aimed(jump: str, sign: str, places: dict[str, tuple[int, ...]], names: Names) -> dict[int, int]:
    """Where the jumps lead that bear the name of one sign alone, by place."""
    called = {each: names.get(each, []) for each in (jump, sign)}
    if any(len(called[each]) != len(places[each]) for each in (jump, sign)):
        return {}
    there = dict(zip(called[sign], places[sign], strict=True))
    alone = {name for name in there if called[sign].count(name) == 1}
    return {place: there[name] for name, place in zip(called[jump], places[jump], strict=True) if name in alone}
