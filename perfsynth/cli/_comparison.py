"""The comparison of ``perfsynth evaluate audio``: two recordings in, figures, tables, a picture and a page out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perfsynth.cli import _report, _report_page
from perfsynth.cli._io import Session
from perfsynth.cli._progress import Progress
from perfsynth.errors import InputError, MissingError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from perfsynth.evaluate.audio import Comparison
    from perfsynth.types import Audio, Performance

CONDITION = {
    "peak_dbfs": "peak [dBFS]",
    "clipped_samples": "clipped samples",
    "bandwidth_hz": "bandwidth, 90 dB range [Hz]",
    "quietest_dbfs": "quietest 0.3 s [dBFS]",
}
SCORE_INFORMED = {
    "onset_f1": "onset F1, 50 ms of the score",
    "onset_precision": "precision",
    "onset_recall": "recall",
    "pitch_recall": "struck pitches heard",
    "wander_cents": "wander of held partials [cents]",
}
UNLIKE_S = 1.0  # a tail may be cut off without a word


@dataclass(frozen=True)
class Asked:
    """What is compared, and what else is wanted."""

    generated: str
    reference: str
    performance: str | None
    other: str | None
    ladder: bool
    instruments: bool
    soundfont: str | None

    @property
    def names(self) -> tuple[str, str]:
        """Both sides of the comparison."""
        return self.generated, self.reference


@dataclass(frozen=True)
class Compared:
    """What was read and what was measured."""

    asked: Asked
    report: dict[str, Any]
    found: Comparison
    read: list[Audio]  # both sides as they are
    here: np.ndarray  # the generated side, (n, n_channels) at 44.1 kHz
    there: np.ndarray  # the reference, likewise
    beside: np.ndarray | None  # another piano
    played: Performance | None

    def figure(self) -> Any:
        """The picture."""
        from perfsynth.evaluate.audio_plot import comparison_figure

        return comparison_figure(self.here, self.there, self.found)

    def page(self) -> bytes:
        """The page."""
        from perfsynth.evaluate.report.comparison import Rendition, comparison_page

        heard = Rendition(self.here, self.there, self.beside, self.asked.ladder)
        files = [*zip(self.asked.names, self.read, strict=True), (self.asked.performance, self.played)]
        shown = _report_page.tables(self.tables())
        return comparison_page(self.asked.names, heard, self.found, shown, _report_page.read(files))

    def tables(self) -> dict[str, list[list[str]]]:
        """The report as tables by their captions."""
        return tables(self.report, self.report["interval_95"])

    def text(self) -> str:
        """The report as Markdown tables."""
        from perfsynth.evaluate.audio_table import markdown

        return "\n\n".join(markdown(rows) for rows in self.tables().values())


def compare(session: Session, asked: Asked, progress: Progress) -> Compared:
    """Read, measure, calibrate.

    Raises
    ------
    UsageError
        When instruments are asked for without the notes to play.
    InputError
        When the files cannot be compared.
    """
    from perfsynth import formats
    from perfsynth.evaluate.audio import distances
    from perfsynth.evaluate.ladder import ladder

    if asked.instruments and asked.performance is None:
        raise UsageError("--instruments plays the same notes on others; add --performance MIDI")
    progress.begin(asked.generated)
    sides = [formats.read_audio(_report.read_input(name, session), name=name) for name in asked.names]
    played = None
    if asked.performance is not None:
        data = _report.read_input(asked.performance, session)
        played = formats.read_performance(data, name=asked.performance)
    here, there = _alike([_at_rate(side) for side in sides], session)
    try:
        found = distances(here, there, report=progress)
    except InputError as error:
        raise InputError(f"{asked.generated} against {asked.reference}: {error}") from error
    made = {**_alone(asked, sides, found), "compared_s": _compared_s(asked, sides, session)}
    if played is not None:
        made["score_informed"] = _score_informed(here, there, found, played)
        if asked.instruments:
            from perfsynth.cli.evaluate_instrument import heard_as

            pair = {"generated": here, "reference": there}
            made["instruments"] = heard_as(pair, played, asked.soundfont, progress)
    beside = None
    if asked.ladder:
        beside = _other_piano(asked, played, there, session)
        made["ladder"] = {name: _figures(rung) for name, rung in ladder(there, beside, report=progress).items()}
    return Compared(asked, made, found, sides, here, there, beside, played)


def _compared_s(asked: Asked, sides: list[Audio], session: Session) -> float:
    """How much of both is compared; a line says so where one lasts much longer."""
    lengths = [len(side.samples) / side.sample_rate for side in sides]
    if max(lengths) - min(lengths) > UNLIKE_S:
        told = ", ".join(f"{name} {length:.1f} s" for name, length in zip(asked.names, lengths, strict=True))
        session.say(f"{told}: the first {min(lengths):.1f} s of both are compared")
    return min(lengths)


def _alone(asked: Asked, sides: list[Audio], found: Comparison) -> dict[str, Any]:
    """The report as far as it needs nothing but the two recordings."""
    from perfsynth.evaluate.condition import condition

    return {
        "generated": asked.generated,
        "reference": asked.reference,
        "matching": {"gain_db": found.gain_db, "lag_s": found.lag_s},
        "distances": found.mean(),
        "interval_95": found.interval(),
        "pieces": len(found.rows),
        "bark": found.bark,
        "condition": {
            name: condition(side.samples, side.sample_rate).to_json()
            for name, side in zip(("generated", "reference"), sides, strict=True)
        },
    }


def _figures(found: Comparison) -> dict[str, float]:
    return {"gain_db": found.gain_db, "lag_s": found.lag_s, **found.mean()}


def _at_rate(audio: Audio) -> np.ndarray:
    """(n, n_channels) at 44.1 kHz."""
    import soxr

    from perfsynth.evaluate.matching import RATE

    if audio.sample_rate == RATE:
        return audio.samples
    return soxr.resample(audio.samples, audio.sample_rate, RATE)


def _alike(sides: list[np.ndarray], session: Session) -> list[np.ndarray]:
    """Both with their channels, or both mixed to one where they have different ones."""
    from perfsynth.dsp.mixing import mixed

    counts = [side.shape[1] for side in sides]
    if len(set(counts)) == 1:
        return sides
    session.say(f"{counts[0]} channels against {counts[1]}: both are mixed to one")
    return [mixed(side)[:, None] for side in sides]


def _score_informed(here: np.ndarray, there: np.ndarray, found: Comparison, played: Performance) -> dict[str, Any]:
    """Both sides by the notes; the lag found is taken out of the generated one."""
    import numpy as np

    from perfsynth.evaluate.matching import RATE
    from perfsynth.evaluate.score_informed import score_informed

    late = round(found.lag_s * RATE)
    lead = np.zeros((max(-late, 0), here.shape[1]), np.float32)
    moved = np.concatenate([lead, here[max(late, 0) :]])[: len(there)]
    length = min(len(moved), len(there))
    return {
        name: score_informed(side[:length], played.notes).to_json()
        for name, side in (("generated", moved), ("reference", there))
    }


def _other_piano(
    asked: Asked, played: Performance | None, reference: np.ndarray, session: Session
) -> np.ndarray | None:
    """The same performance on another piano: a file, or FluidSynth's."""
    import numpy as np

    from perfsynth import formats
    from perfsynth.dsp.mixing import mixed
    from perfsynth.synth.core import synthesize

    if asked.other is not None:
        sound = formats.read_audio(_report.read_input(asked.other, session), name=asked.other)
    elif played is None:
        session.say("the ladder lacks another piano; give --performance MIDI or --other AUDIO")
        return None
    else:
        try:
            sound = synthesize(played, engine="fluidsynth", soundfont=asked.soundfont).audio()
        except MissingError as error:
            session.say(f"the ladder lacks another piano: {error}")
            return None
    audio = _at_rate(sound)
    return (
        audio if audio.shape[1] == reference.shape[1] else np.repeat(mixed(audio)[:, None], reference.shape[1], axis=1)
    )


def tables(made: Mapping[str, Any], interval: Mapping[str, tuple[float, float]]) -> dict[str, list[list[str]]]:
    """A report, or the mean of several, as tables by their captions.

    Parameters
    ----------
    made
        The report.
    interval
        Of the figures of the generated side.
    """
    from perfsynth.evaluate.audio_table import by_measure, cell

    columns = {"generated": {**made["matching"], **made["distances"]}, **made.get("ladder", {})}
    shown = {"Distances from the reference": by_measure(columns, interval)}
    sides = ("generated", "reference")
    rows = [["", *sides]]
    for name, label in CONDITION.items():
        rows += [[label, *(f"{made['condition'][side][name]:.0f}" for side in sides)]]
    for name, label in SCORE_INFORMED.items() if "score_informed" in made else ():
        rows += [[label, *(cell(name, made["score_informed"][side][name]) for side in sides)]]
    if "instruments" in made:
        nearest = (_nearest(made["instruments"][side]) for side in sides)
        rows += [["sounds like", *(", ".join(f"{name} {far:.1f}" for name, far in pair) for pair in nearest)]]
    return shown | {"Of each recording alone, and by the notes that it plays": rows}


def _nearest(distances: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(distances.items(), key=lambda pair: pair[1])[:2]
