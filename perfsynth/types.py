"""What flows between the stages: frozen dataclasses of numpy arrays, units in the names.

A *beat* is a quarter note, everywhere: positions in a score do not jump when the metre changes.
A time in seconds starts at the beginning of the performance or recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from enum import IntFlag
from typing import Any

import numpy as np

from perfsynth.version import __version__


class Mark(IntFlag):
    """What is written at one note, one bit each (the field ``marks`` of `SCORE_NOTE`)."""

    STACCATO = 1
    STACCATISSIMO = 2
    TENUTO = 4
    ACCENT = 8
    MARCATO = 16  # MusicXML's strong-accent
    PORTATO = 32  # MusicXML's detached-legato
    FERMATA = 64
    ARPEGGIO = 128
    TRILL = 256
    TURN = 512
    MORDENT = 1024
    TREMOLO = 2048
    BREATH = 4096  # a breath mark or a caesura after the note
    INVERTED = 8192  # of a mordent (with the upper note), a turn (from below) or an arpeggio (downwards)
    UPPER_HALF = 16384  # an accidental at an ornament: its upper note is a half tone above, with UPPER_WHOLE three
    UPPER_WHOLE = 32768
    LOWER_HALF = 65536  # the same of its lower note
    LOWER_WHOLE = 131072
    CHORDED = 262144  # a grace note that is struck together with the one written before it


NOTE_ID = "U32"

SCORE_NOTE = np.dtype([
    ("note_id", NOTE_ID),      # unique in the score; "n12-2" is n12 the second time around
    ("onset_beat", "f8"),      # quarter notes from the first bar line; a pick-up starts below 0
    ("duration_beat", "f8"),   # quarter notes, ties joined; 0 for a grace note
    ("pitch", "i2"),           # MIDI note number, sounding
    ("velocity", "i2"),        # 1..127 as exported in a score MIDI, 0 where none is stated
    ("part", "i2"),            # index into Score.parts
    ("staff", "i2"),           # from 1; 0 unknown
    ("voice", "i2"),           # from 1; 0 unknown
    ("grace", "i1"),           # 0 none, 1 before the beat (acciaccatura), 2 on the beat (appoggiatura)
    ("marks", "u4"),           # bits of Mark
])  # fmt: skip

TEMPO = np.dtype([("onset_beat", "f8"), ("quarter_bpm", "f8")])
METER = np.dtype([("onset_beat", "f8"), ("numerator", "i2"), ("denominator", "i2")])
KEY = np.dtype([("onset_beat", "f8"), ("fifths", "i2"), ("minor", "?")])
MEASURE = np.dtype([("onset_beat", "f8"), ("number", "i4")])
SLUR = np.dtype([("onset_beat", "f8"), ("end_beat", "f8"), ("part", "i2"), ("voice", "i2")])
DIRECTION = np.dtype([
    ("onset_beat", "f8"),
    ("end_beat", "f8"),        # the same as onset_beat where the direction is a point
    ("kind", "U12"),           # dynamic, crescendo, diminuendo, tempo, ritardando, accelerando, pedal, words
    ("text", "U64"),           # as written: "sfz", "poco rit.", "Allegro con brio"
    ("part", "i2"),
    ("staff", "i2"),           # 0: all staves of the part
])  # fmt: skip

PERFORMED_NOTE = np.dtype([
    ("note_id", NOTE_ID),      # the score note it plays; "" when unknown
    ("onset_s", "f8"),
    ("duration_s", "f8"),      # key down to key up, without the pedal
    ("pitch", "i2"),
    ("velocity", "i2"),        # 1..127
    ("part", "i2"),            # index into Performance.parts
])  # fmt: skip

CONTROL = np.dtype([("time_s", "f8"), ("number", "i2"), ("value", "i2"), ("part", "i2")])
SUSTAIN, SOSTENUTO, SOFT = 64, 66, 67  # MIDI controller numbers of the three pedals

ALIGNED_NOTE = np.dtype([
    ("note_id", NOTE_ID),
    ("pitch", "i2"),
    ("score_onset_beat", "f8"),
    ("score_duration_beat", "f8"),
    ("onset_s", "f8"),         # nan when unplayed
    ("offset_s", "f8"),        # key up
    ("sound_off_s", "f8"),     # when the string is damped: with the pedal later than the key; nan when unknown
    ("confidence", "f8"),      # 0..1
    ("status", "U9"),          # matched, unplayed
])  # fmt: skip


DRUM_CHANNEL = 9  # of a MIDI file, from 0
KEYBOARDS = 8  # General MIDI programs of pianos, harpsichord and clavinet: below it


@dataclass(frozen=True)
class Part:
    """One player: a name, a General MIDI program (0..127) and whether it is a drum kit."""

    name: str = ""
    program: int = 0
    is_drum: bool = False

    @property
    def is_keyboard(self) -> bool:
        """Whether it is a piano, harpsichord or clavinet."""
        return self.program < KEYBOARDS and not self.is_drum


@dataclass(frozen=True)
class Made:
    """One step in the making of an artifact: enough to make it again."""

    stage: str
    model: str
    seed: int = 0
    input_sha256: str = ""
    version: str = __version__
    options: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The step as a JSON object."""
        return asdict(self)


def _empty(dtype: np.dtype) -> Any:
    """A field that is an empty table unless given."""
    return field(default_factory=lambda: np.zeros(0, dtype))


@dataclass(frozen=True)
class Artifact:
    """What every artifact knows about its own making.

    ``history`` lists the steps, oldest first. ``sha256`` is the hash of the bytes it was read from, or
    that of the last bytes read on the way here when it was made in memory.
    """

    history: tuple[Made, ...] = field(default=(), kw_only=True)
    sha256: str = field(default="", kw_only=True)

    def made_by(self, stage: str, model: str, *, seed: int = 0, **options: Any) -> dict[str, Any]:
        """The ``history`` and ``sha256`` of what `stage` makes out of this artifact, as keyword arguments."""
        step = Made(stage, model, seed, self.sha256, options=options)
        return {"history": (*self.history, step), "sha256": self.sha256}


@dataclass(frozen=True)
class Score(Artifact):
    """A score as a performer reads it, repeats unfolded, sorted by onset then pitch."""

    notes: np.ndarray  # SCORE_NOTE
    tempos: np.ndarray = _empty(TEMPO)
    meters: np.ndarray = _empty(METER)
    keys: np.ndarray = _empty(KEY)
    measures: np.ndarray = _empty(MEASURE)
    directions: np.ndarray = _empty(DIRECTION)
    slurs: np.ndarray = _empty(SLUR)
    parts: tuple[Part, ...] = (Part(),)
    title: str = ""
    composer: str = ""
    doubled: dict[str, str] = field(default_factory=dict)  # ids of notes on the key of another -> the id of that


@dataclass(frozen=True)
class Performance(Artifact):
    """Notes and pedals in seconds, as a player's hands and feet made them."""

    notes: np.ndarray  # PERFORMED_NOTE
    controls: np.ndarray = _empty(CONTROL)  # by their times
    parts: tuple[Part, ...] = (Part(),)

    @property
    def end_s(self) -> float:
        """When the last key is released, in seconds."""
        return float((self.notes["onset_s"] + self.notes["duration_s"]).max(initial=0.0))

    @property
    def of_drums(self) -> np.ndarray:
        """(n,) bool: which notes a drum kit plays."""
        kits = [index for index, part in enumerate(self.parts) if part.is_drum]
        return np.isin(self.notes["part"], kits)


@dataclass(frozen=True)
class Alignment(Artifact):
    """One row per score note: when it sounds in a recording."""

    notes: np.ndarray  # ALIGNED_NOTE
    doubled: dict[str, str] = field(default_factory=dict)  # as `Score.doubled`


@dataclass(frozen=True)
class Tokens(Artifact):
    """Notes as integers of a named vocabulary."""

    ids: np.ndarray  # (n_notes, n_fields) int32
    fields: tuple[str, ...]
    vocabulary: str


@dataclass(frozen=True)
class Spectrogram(Artifact):
    """A spectrogram and the name of the preset (`perfsynth.dsp.mel`) it was computed with."""

    values: np.ndarray  # (n_bands, n_frames) float32, in the preset's own scale
    preset: str
    performance: Performance | None = None  # what is played in it from frame 0 on, where that is known


@dataclass(frozen=True)
class AudioStream(Artifact):
    """Audio as blocks that are made while they are consumed, once: memory holds one block, not the piece."""

    blocks: Iterable[np.ndarray]  # each (n_samples, n_channels) float32, full scale +-1
    sample_rate: int  # Hz
    n_channels: int
    duration_s: float = 0.0  # what to expect, for progress; 0 when unknown

    def audio(self) -> Audio:
        """All of it, held in memory."""
        samples = np.concatenate([np.zeros((0, self.n_channels), np.float32), *self.blocks])
        return Audio(samples, self.sample_rate, history=self.history, sha256=self.sha256)


@dataclass(frozen=True)
class Audio(Artifact):
    """Audio held in memory."""

    samples: np.ndarray  # (n_samples, n_channels) float32, full scale +-1
    sample_rate: int  # Hz

    def stream(self, block_size: int = 65536) -> AudioStream:
        """The same audio, block by block."""

        def blocks() -> Iterator[np.ndarray]:
            for start in range(0, len(self.samples), block_size):
                yield self.samples[start : start + block_size]

        duration_s = len(self.samples) / self.sample_rate
        return AudioStream(
            blocks(), self.sample_rate, self.samples.shape[1], duration_s, history=self.history, sha256=self.sha256
        )
