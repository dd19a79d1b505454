"""partitura's parts as the flat arrays of a `Score`."""

from __future__ import annotations

import io
import logging
import re
import sys
import warnings
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import numpy as np

from perfsynth.errors import InputError
from perfsynth.formats.musicxml_path import BeatMaps, path
from perfsynth.formats.musicxml_prepare import Extras
from perfsynth.formats.score import arranged, check_length
from perfsynth.formats.unfold import legs_of, n_missed, unfold, unfold_directions, unfold_notes, unfold_state
from perfsynth.types import DIRECTION, KEY, MEASURE, METER, SCORE_NOTE, SLUR, TEMPO, Mark, Part, Score

log = logging.getLogger("perfsynth")

_ARTICULATIONS = {
    "staccato": Mark.STACCATO, "staccatissimo": Mark.STACCATISSIMO, "spiccato": Mark.STACCATISSIMO,
    "tenuto": Mark.TENUTO, "accent": Mark.ACCENT, "strong-accent": Mark.MARCATO, "detached-legato": Mark.PORTATO,
    "breath-mark": Mark.BREATH, "caesura": Mark.BREATH, "stress": Mark.ACCENT, "soft-accent": Mark.ACCENT,
}  # fmt: skip
_ORNAMENTS = {
    "trill-mark": Mark.TRILL, "wavy-line": Mark.TRILL, "shake": Mark.TRILL,
    "turn": Mark.TURN, "delayed-turn": Mark.TURN, "vertical-turn": Mark.TURN, "haydn": Mark.TURN,
    "inverted-turn": Mark.TURN | Mark.INVERTED, "delayed-inverted-turn": Mark.TURN | Mark.INVERTED,
    "inverted-vertical-turn": Mark.TURN | Mark.INVERTED,
    "mordent": Mark.MORDENT, "inverted-mordent": Mark.MORDENT | Mark.INVERTED, "schleifer": Mark.MORDENT,
    "tremolo": Mark.TREMOLO,
}  # fmt: skip
THIRTY_SECOND = 0.125  # beats
MAX_WORD_BEATS = 8.0  # a crescendo in words without dashes holds until the next dynamic, at most that long
_POINTS = ("dynamic", "tempo", "words")  # directions without an extent of their own
_DYNAMIC = re.compile("[pmfszrn]+")
_SIGN_OF_WORD = {
    "pianissimo": "pp", "piano": "p", "mezzo piano": "mp", "mezzo forte": "mf", "forte": "f", "fortissimo": "ff",
    "sforzando": "sf", "sforzato": "sf",
}  # fmt: skip
# What a parser may trip over in a file that is XML but nonsense.
_NONSENSE = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, StopIteration, TypeError, ValueError,
)  # fmt: skip


@cache
def _partitura() -> Any:
    """Import partitura without letting it find pyfluidsynth, for which it would download a soundfont."""
    hidden = object()
    before = sys.modules.get("fluidsynth", hidden)
    sys.modules["fluidsynth"] = None  # type: ignore[assignment]
    try:
        import partitura.score
    finally:
        if before is hidden:
            del sys.modules["fluidsynth"]
        else:
            sys.modules["fluidsynth"] = before  # type: ignore[assignment]
    return partitura


def to_score(xml: bytes, extras: Extras, *, name: str, unfolds: bool, made: dict[str, Any]) -> Score:
    """Read prepared MusicXML (`perfsynth.formats.musicxml.read_musicxml`), `made` as `provenance.made_of` says."""
    partitura = _partitura()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parsed = partitura.load_musicxml(io.BytesIO(xml))
            beats = _beat_maps(parsed.parts)
            tables = _Tables(parsed.parts, beats, extras, partitura.score)
        except (*_NONSENSE, partitura.score.InvalidTimePointException) as error:
            raise InputError(f"{name}: this MusicXML makes no sense ({type(error).__name__}: {error})") from error
        legs = path(beats, extras.often, extras.names, partitura.score) if unfolds else None
    everything = legs or legs_of([(tables.first_beat, np.inf)])
    trailing = np.isin(tables.notes["note_id"], list(extras.trailing))
    notes = unfold_notes(tables.notes, tables.ties, trailing, everything, numbered=legs is not None)
    if n_silent := n_missed(tables.notes, trailing, everything):
        rule = "its repeats and jumps never lead there; repeats as written read them all"
        log.warning("%s: %d of %d notes are not played: %s", name, n_silent, len(tables.notes), rule)
    if len(notes) == 0:
        raise InputError(f"{name}: no pitched notes in this score; it needs at least one")
    check_length(float((notes["onset_beat"] + notes["duration_beat"]).max()), tables.tempos, name)
    notes, doubled = arranged(notes)
    return Score(
        notes,
        tempos=unfold_state(tables.tempos, everything),
        meters=unfold_state(tables.meters, everything),
        keys=unfold_state(tables.keys, everything),
        measures=unfold(tables.measures, everything),
        directions=unfold_directions(tables.directions, everything),
        slurs=unfold(tables.slurs, everything),
        parts=tables.parts,
        title=(parsed.work_title or parsed.movement_title or parsed.title or "").strip(),
        composer=(parsed.composer or "").strip(),
        doubled=doubled,
        **made,
    )


def _beat_maps(parts: list[Any]) -> BeatMaps:
    """How positions of each part that is not empty become beats, counted from one place in all parts.

    partitura counts from where each part has its first full measure.
    """
    maps: BeatMaps = {}
    origin: float | None = None
    for part in parts:
        if part.first_point is None or part.first_point is part.last_point:
            continue
        beats = part.quarter_map
        begin = float(beats(part.first_point.t))
        origin = begin if origin is None else origin
        maps[part] = partial(_shifted, beats, origin - begin) if begin != origin else beats
    return maps


def _shifted(beats: Callable[[Any], np.ndarray], shift: float, position: Any) -> np.ndarray:
    return beats(position) + shift


class _Tables:
    """The rows of all parts as printed, positions in quarter notes."""

    def __init__(self, parts: list[Any], beats: BeatMaps, extras: Extras, symbols: Any) -> None:
        self._symbols = symbols
        self._beats = beats
        self._extras = extras
        self.parts = tuple(extras.parts.get(part.id, Part(part.part_name or "")) for part in parts) or (Part(),)
        notes, ties, directions, slurs = [], [], [], []
        for index, part in enumerate(parts):
            for note, tied in self._notes(part, index):
                notes.append(note)
                ties.append(tied)
            directions += self._directions(part, index)
            slurs += self._slurs(part, index)
        self.notes, self.ties = np.array(notes, SCORE_NOTE), np.array(ties, bool).reshape(-1, 2)
        # Grace notes first: ties lead on from them.
        order = np.lexsort([self.notes["grace"] == 0, np.round(self.notes["onset_beat"], 6)])
        self.notes, self.ties = self.notes[order], self.ties[order]
        self.directions = np.array(sorted(directions), DIRECTION)
        self.slurs = np.array(sorted(slurs), SLUR)
        first = dict(list(beats.items())[:1])
        self.tempos = _states(beats, symbols.Tempo, lambda tempo: (tempo.bpm,), TEMPO)
        self.meters = _states(first, symbols.TimeSignature, lambda meter: (meter.beats, meter.beat_type), METER)
        self.keys = _states(first, symbols.KeySignature, lambda key: (key.fifths, key.mode == "minor"), KEY)
        measured = dict(sorted(beats.items(), key=lambda item: -len(item[0].measures))[:1])
        self.measures = _states(measured, symbols.Measure, _numbered(measured, symbols.Measure), MEASURE)
        onsets = [table["onset_beat"].min(initial=0.0) for table in (self.notes, self.measures)]
        self.first_beat = float(min(onsets))

    def _notes(self, part: Any, index: int) -> list[tuple[tuple, tuple[bool, bool]]]:
        printed = [
            note
            for note in part.iter_all(self._symbols.Note, include_subclasses=True)
            if isinstance(note.midi_pitch, (int, np.integer)) and note.id not in self._extras.silent
        ]
        if not printed:
            return []
        spans = self._beats[part](np.array([(note.start.t, note.end.t) for note in printed], float))
        shifts = self._transposition(part, np.array([(note.start.t, note.staff or 0) for note in printed]))
        rows = []
        for note, (begin, end), shift in zip(printed, spans.tolist(), shifts.tolist(), strict=True):
            pitch = int(note.midi_pitch) + shift
            if not 0 <= pitch <= 127:
                raise ValueError(f"note {note.id} has pitch {pitch}, outside of MIDI's 0 to 127")
            grace = self._grace(note)
            end = begin + (end - begin) * self._extras.shares.get(note.id, 1.0)
            if not grace and end <= begin:
                log.warning("note %s has no length; it is played as a 32nd", note.id)
                end = begin + THIRTY_SECOND
            row = (
                note.id, begin, 0.0 if grace else end - begin, pitch, 0, index,
                note.staff or 0, note.voice or 0, grace, self._marks(note),
            )  # fmt: skip
            rows.append((row, self._extras.ties.get(note.id, (False, False))))
        return rows

    def _grace(self, note: Any) -> int:
        if not isinstance(note, self._symbols.GraceNote):
            return 0
        return 1 if note.grace_type == "acciaccatura" else 2

    def _marks(self, note: Any) -> int:
        marks = Mark(0)
        for word in note.articulations or ():
            marks |= _ARTICULATIONS.get(word, 0)
        for word in note.ornaments or ():
            marks |= _ORNAMENTS.get(word, 0)
        if note.fermata is not None:
            marks |= Mark.FERMATA
        marks |= self._extras.marks.get(note.id, 0)
        return int(marks)

    def _transposition(self, part: Any, places: np.ndarray) -> np.ndarray:
        """Semitones from written to sounding pitch at each of (n, 2) positions and staves."""
        shifts = np.zeros(len(places), int)
        for change in part.iter_all(self._symbols.Transposition):
            staff = change.diatonic or 0  # see `transpositions`
            here = (places[:, 0] >= change.start.t) & ((staff == 0) | (places[:, 1] == staff))
            shifts[here] = change.chromatic or 0
        return shifts

    def _directions(self, part: Any, index: int) -> list[tuple]:
        symbols = self._symbols
        rows: list[tuple] = []
        pedals: list[tuple[float, bool, tuple]] = []
        found = [*part.iter_all(symbols.Direction, include_subclasses=True), *part.iter_all(symbols.Words)]
        steady = [d for d in found if isinstance(d, symbols.ConstantLoudnessDirection) and self._is_level(d.text)]
        dynamics = sorted(d.start.t for d in steady)
        for direction in found:
            kind, limit = self._kind(direction), np.inf
            end = direction.end.t if direction.end is not None else direction.start.t
            if kind in ("crescendo", "diminuendo") and end == direction.start.t:
                end = min((t for t in dynamics if t > end), default=part.last_point.t)
                limit = MAX_WORD_BEATS
            begin_beat, end_beat = self._beats[part](np.array([direction.start.t, end], float)).tolist()
            end_beat = min(end_beat, begin_beat + limit)
            if kind in _POINTS:
                end_beat = begin_beat
            text = str(getattr(direction, "raw_text", None) or direction.text or "")[:64]
            if kind == "dynamic":
                text = _SIGN_OF_WORD.get(direction.text, text)
            row = (begin_beat, end_beat, kind, text, index, getattr(direction, "staff", None) or 0)
            if kind == "pedal":
                pedals.append((begin_beat, not direction.line, row))  # a line stands for a stop, see `prepare`
            else:
                rows.append(row)
        return rows + _paired(pedals)

    def _kind(self, direction: Any) -> str:
        symbols = self._symbols
        kinds = (
            (symbols.IncreasingLoudnessDirection, "crescendo"),
            (symbols.DecreasingLoudnessDirection, "diminuendo"),
            (symbols.LoudnessDirection, "dynamic"),
            (symbols.IncreasingTempoDirection, "accelerando"),
            (symbols.DecreasingTempoDirection, "ritardando"),
            (symbols.TempoDirection, "tempo"),
            (symbols.SustainPedalDirection, "pedal"),
        )
        kind = next((word for cls, word in kinds if isinstance(direction, cls)), "words")
        # partitura counts words such as "dolce" as dynamics.
        return "words" if kind == "dynamic" and not self._is_level(direction.text) else kind

    @staticmethod
    def _is_level(text: str) -> bool:
        return text in _SIGN_OF_WORD or _DYNAMIC.fullmatch(text) is not None

    def _slurs(self, part: Any, index: int) -> list[tuple]:
        rows = []
        for slur in part.iter_all(self._symbols.Slur):
            if slur.start is None or slur.end is None:
                continue
            begin, end = self._beats[part](np.array([slur.start.t, slur.end.t], float)).tolist()
            voice = getattr(slur.start_note, "voice", None) or 0
            if end > begin:
                rows.append((begin, end, index, voice))
        return rows


def _paired(pedals: list[tuple[float, bool, tuple]]) -> list[tuple]:
    """Spans from the marks of the pedal (beat, whether it goes down, row); the last, if never released, is a point."""
    paired, down = [], None
    for beat, is_start, row in sorted(pedals):
        if down is not None:
            paired.append((down[0], beat, *down[2:]))
        down = row if is_start else None
    return paired if down is None else [*paired, down]


def _numbered(parts: Iterable[Any], measure: Any) -> Callable[[Any], tuple]:
    """The number of a measure: as printed, where a pick-up is 0; counted from 1 where some have no such number."""
    printed = {found: str(found.name or "") for part in parts for found in part.iter_all(measure)}
    if all(name.isdecimal() for name in printed.values()):
        return lambda found: (int(printed[found]),)
    return lambda found: (found.number or 0,)


def _states(beat_maps: BeatMaps, symbol: Any, values: Callable[[Any], tuple], dtype: np.dtype) -> np.ndarray:
    """What holds from a position on, over all parts, one row a position."""
    rows: dict[float, tuple] = {}
    for part, beats in beat_maps.items():
        for found in part.iter_all(symbol):
            beat = round(float(beats(found.start.t)), 9)
            rows.setdefault(beat, (beat, *values(found)))
    return np.array([rows[beat] for beat in sorted(rows)], dtype)
