"""The report of ``perfsynth evaluate audio``: two recordings of one performance, and what their distance means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from perfsynth.dsp.mixing import mixed
from perfsynth.evaluate.audio import Comparison
from perfsynth.evaluate.audio_plot import SIDES, standing_out_s
from perfsynth.evaluate.ladder import OTHER, rungs
from perfsynth.evaluate.matching import RATE, matched
from perfsynth.evaluate.report import pictures
from perfsynth.evaluate.report.page import Section, Sound, Sounds, Table, page
from perfsynth.evaluate.report.sounds import opus
from perfsynth.types import Artifact

HEARD_S = 120.0  # of both sides
RUNG_S = 20.0  # of each rung of the ladder
RUNG_WORDS = {
    "itself": "what no difference at all sounds like",
    "-6 dB": "softer; matching takes this out before anything is measured",
    "+ hiss -40 dB": "white noise 40 dB below the music",
    "+12 ms": "late; nobody hears it alone, every spectral distance does",
    OTHER: "the same notes, another sound",
}
LADDER = (
    "A figure means something beside its neighbours on the same row: what the measure says of the reference against "
    "itself, softer, with a hiss that is just heard, 12 ms late, and against another piano. "
    "Lower is nearer, except for the onset F1."
)


@dataclass(frozen=True)
class Rendition:
    """What a page needs to know of a comparison beside its figures."""

    generated: np.ndarray  # (n, n_channels) at 44.1 kHz
    reference: np.ndarray  # the same
    other: np.ndarray | None  # the same on another piano
    with_ladder: bool


def comparison_page(
    names: tuple[str, str],
    heard: Rendition,
    found: Comparison,
    tables: Sequence[Table],
    files: Mapping[str, Artifact],
) -> bytes:
    """The page.

    Parameters
    ----------
    names
        Of the generated recording and of its reference.
    heard
        Both, and what calibrates them.
    found
        Their `perfsynth.evaluate.audio.distances`.
    tables
        Distances beside the ladder first, then what else was measured.
    files
        What was read, by name.
    """
    pair = matched(heard.generated, heard.reference)
    mono = dict(zip(SIDES, map(mixed, (pair.generated, pair.reference)), strict=True))
    onset_s = standing_out_s(mono["reference"])
    drawn = [pictures.spectrograms(mono, onset_s), pictures.attack(mono, onset_s), pictures.bark(found)]
    words = ("as it is judged: at the loudness of the reference, its lag taken out", "what it is judged by")
    pairs = zip(SIDES, words, (pair.generated, pair.reference), strict=True)
    sides = [Sound(side, text, opus(sound, RATE, longest_s=HEARD_S)) for side, text, sound in pairs]
    length_s = len(pair.reference) / RATE
    hint = f"The first {HEARD_S:.0f} s of {length_s:.0f} s. " if length_s > HEARD_S else ""
    hint += "Start one while the other plays, and it goes on from the same moment."
    sections = [
        Section("Listen", hint, [Sounds(sides)]),
        Section("Distances", LADDER if heard.with_ladder else "Lower is nearer, except for the onset F1.", tables[:1]),
        Section("Pictures", "", drawn),
        Section(
            "The ladder, to be heard", f"The reference, changed; {RUNG_S:.0f} s of each.", _rungs(heard, pair.reference)
        ),
        Section("Each recording by itself", "", tables[1:]),
        Section("Files", "", [files_table(files)]),
    ]
    here, there = (PurePath(name).name for name in names)
    return page(f"{here} against {there}", _summary(found), sections)


def files_table(files: Mapping[str, Artifact]) -> Table:
    """What was read, its hash, and how it says that it was made."""
    rows = [["file", "SHA-256", "made by"]]
    for name, artifact in files.items():
        steps = [f"{step.stage} {step.model} {step.version}" for step in artifact.history if step.stage != "read"]
        rows.append([name, artifact.sha256[:16] or "-", ", then ".join(steps) or "not said"])
    return Table("Files compared; of each hash the first 16 digits", rows, words=True)


def _rungs(heard: Rendition, reference: np.ndarray) -> list[Sounds]:
    if not heard.with_ladder:
        return []
    length = min(len(reference), round(RUNG_S * RATE))
    found = rungs(reference[:length])
    if heard.other is not None:
        other = matched(heard.other, heard.reference).generated
        found[OTHER] = other[:length]
    return [Sounds([Sound(name, RUNG_WORDS[name], opus(sound, RATE)) for name, sound in found.items()])]


def _summary(found: Comparison) -> str:
    mean = found.mean()
    return (
        f"Log-mel distance {mean['log_mel_44k']:.3f} neper², absolute error {mean['absolute_db']:.2f} dB, onset F1 "
        f"{mean['onset_f1']:.3f}, after a gain of {found.gain_db + 0.0:.2f} dB and a shift by "
        f"{1000 * found.lag_s + 0.0:.1f} ms that brought both together."
    )
