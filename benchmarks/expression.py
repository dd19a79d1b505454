"""Expressive performance: every model of the stage, what costs nothing and what people reach, on unseen pieces.

``python benchmarks/expression.py CORPUS [--split valid]`` prints Markdown tables: the measures of
`perfsynth.evaluate.performance` as means over pieces with 95 % intervals, paired differences to ``cantabile`` on
MusicXML, and Table II of Tang et al. 2025 in both padding conventions. CORPUS is made by
``perfsynth data nasap prepare``.

Gradient boosting is trained here, on the columns in which ``cantabile`` reads a score, to predict the mean of the
humans of each piece of the training split; what it predicts is kept in the cache folder. Models whose weights are
not installed are left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from perfsynth.data.pieces import MANIFEST, Piece, pieces, read_manifest
from perfsynth.errors import PerfsynthError
from perfsynth.evaluate.audio_table import markdown
from perfsynth.evaluate.performance_ceilings import CONSENSUS, DEADPAN, HUMAN, Judged, judge
from perfsynth.evaluate.performance_corpus import as_read, differences, summarise
from perfsynth.evaluate.performance_table import PADDING_LABELS, token_table, with_intervals
from perfsynth.expression import measure, played_notes, time_at
from perfsynth.folders import cache_folder
from perfsynth.perform.cantabile.reading import groups, read
from perfsynth.perform.core import perform
from perfsynth.types import PERFORMED_NOTE, Performance, Score

MOST_REFERENCES = 4  # performances of a piece
BOOSTING = "gradient boosting"
# Row of the table -> model, notation that it reads.
MODELS = {
    "m2m": ("m2m", "musicxml"),
    "deep-performer-align": ("deep-performer-align", "musicxml"),
    "cantabile, flat MIDI": ("cantabile", "flat"),
    "cantabile, exported MIDI": ("cantabile", "midi"),
    "cantabile, MusicXML": ("cantabile", "musicxml"),
}
BASELINE = "cantabile, MusicXML"
TARGETS = ("velocity", "tempo", "articulation", "asynchrony")
MOST_ROWS = 200_000  # notes to train on; more change nothing in the second decimal
GRACE_S = 0.08


@dataclass(frozen=True)
class Boosted:
    """What gradient boosting predicts of a score, each (n,), relative to the mean of the piece."""

    velocity: np.ndarray
    tempo: np.ndarray  # ln beat period
    articulation: np.ndarray  # log2
    asynchrony: np.ndarray  # s


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Compare performance models with people.")
    parser.add_argument("corpus", type=Path, help="a folder of `perfsynth data nasap prepare`")
    parser.add_argument("--split", choices=("valid", "test"), default="valid")
    asked = parser.parse_args()
    boosted = predictions(asked.corpus, asked.split)
    rows: dict[str, dict[str, Judged]] = {}
    missing: set[str] = set()
    for piece in pieces(asked.corpus, asked.split):
        say(piece.name)
        rows[piece.name] = judged(piece, boosted.get(piece.name), missing)
    summaries = summarise(rows)
    order = [name for name in (DEADPAN, BOOSTING, *MODELS, HUMAN, CONSENSUS) if name in summaries]
    print(f"{len(rows)} pieces of the {asked.split} split\n")
    print(markdown(with_intervals({name: summaries[name] for name in order})))
    paired = differences(rows, BASELINE)
    print(f"\nLess {BASELINE}, paired over pieces:\n")
    print(markdown(with_intervals({name: paired[name] for name in order if name in paired}, signed=True)))
    for padding, label in PADDING_LABELS.items():
        print(f"\nTokens (Tang et al. 2025, Table II), {label}:\n")
        print(
            markdown(token_table({name: summaries[name].tokens[padding] for name in order if summaries[name].tokens}))
        )


def say(line: str) -> None:
    """Tell how far it is."""
    print(line, file=sys.stderr, flush=True)


def judged(piece: Piece, boosted: Boosted | None, missing: set[str]) -> dict[str, Judged]:
    """All rows of one piece; models that cannot be loaded are said once and left out."""
    score = piece.scores["musicxml"]
    generated = {} if boosted is None else {BOOSTING: played(score, boosted)}
    for row, (model, notation) in MODELS.items():
        view = as_read(piece.scores, notation)
        if view is None or model in missing:
            continue
        try:
            generated[row] = perform(view, model=model)
        except PerfsynthError as error:
            missing.add(model)
            say(f"{model} is left out: {error}")
    return judge(score, generated, list(piece.performances.values())[:MOST_REFERENCES])


def predictions(corpus: Path, split: str) -> dict[str, Boosted]:
    """What gradient boosting predicts of each piece of the split; trained once for each corpus."""
    kept = [entry for entry in read_manifest(corpus) if entry.path and entry.split in ("train", split)]
    known = sha256(f"{TARGETS} {MOST_ROWS} {groups()}".encode())
    for name in (MANIFEST, *(entry.path for entry in kept)):
        known.update((corpus / name).read_bytes())
    key = known.hexdigest()[:16]
    path = cache_folder() / "benchmarks" / f"boosting-{key}-{split}.npz"
    if not path.is_file():
        models = trained(corpus)
        arrays = {}
        for piece in pieces(corpus, split):
            columns = note_columns(piece.scores["musicxml"])
            for target, model in models.items():
                arrays[f"{piece.name}:{target}"] = model.predict(columns).astype(np.float32)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **arrays)
    with np.load(path) as found:
        names = dict.fromkeys(key.rsplit(":", 1)[0] for key in found.files)
        return {name: Boosted(*(found[f"{name}:{target}"].astype(float) for target in TARGETS)) for name in names}


def note_columns(score: Score) -> np.ndarray:
    """(n, n_columns): what is known of each note and of its chord."""
    reading = read(score)
    return np.concatenate([reading.notes, reading.chords[reading.chord]], axis=1)


def trained(corpus: Path) -> dict[str, Any]:
    """A regressor for each of `TARGETS`."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    columns, wanted = [], []
    for columns_here, wanted_here in examples(corpus):
        columns.append(columns_here)
        wanted.append(wanted_here)
    x, y = np.concatenate(columns), np.concatenate(wanted)
    models = {}
    for index, target in enumerate(TARGETS):
        known = np.flatnonzero(np.isfinite(y[:, index]))
        known = np.random.default_rng(0).permutation(known)[:MOST_ROWS]
        say(f"gradient boosting: {target}, {len(known)} notes, {x.shape[1]} columns")
        model = HistGradientBoostingRegressor(max_iter=200, learning_rate=0.08, max_leaf_nodes=31, random_state=0)
        models[target] = model.fit(x[known], y[known, index])
    return models


def examples(corpus: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For a share of the notes of each training piece, their columns and the mean of the humans in `TARGETS`."""
    generator = np.random.default_rng(0)
    for piece in pieces(corpus, "train"):
        score = piece.scores["musicxml"]
        humans = list(piece.performances.values())[:MOST_REFERENCES]
        stacked = np.stack([relative(score, human) for human in humans])
        known = np.isfinite(stacked)
        mean = np.where(known, stacked, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        wanted = np.where(known.any(axis=0), mean, np.nan)
        chosen = generator.random(len(wanted)) < 0.6
        yield note_columns(score)[chosen], wanted[chosen].astype(np.float32)


def relative(score: Score, human: Performance) -> np.ndarray:
    """(n, 4): `TARGETS` of each note less their mean, nan where not played."""
    found = measure(score.notes, human.notes, played_notes(score, human))
    tempo = np.full(len(score.notes), np.nan)
    if len(found.log_beat_period):
        place = np.floor(score.notes["onset_beat"] + 1e-6) - found.grid_beat[0]
        inside = (place >= 0) & (place < len(found.log_beat_period)) & np.isfinite(found.velocity)
        tempo[inside] = found.log_beat_period[place[inside].astype(int)]
    columns = (found.velocity, tempo, found.articulation, found.asynchrony_s)
    return np.stack([column - np.nanmean(column) for column in columns], axis=1)


def played(score: Score, said: Boosted) -> Performance:
    """The predictions as a performance, around velocity 64, 120 quarter notes a minute and notes held as written."""
    notes = score.notes
    reading = read(score)
    beat = reading.chord_beat
    count = np.bincount(reading.chord)
    period_s = 0.5 * np.exp(np.bincount(reading.chord, said.tempo) / count)
    time_s = np.concatenate([[0.0], np.cumsum(np.diff(beat) * period_s[:-1])])
    grace = notes["grace"] > 0
    asynchrony = said.asynchrony - (np.bincount(reading.chord, said.asynchrony) / count)[reading.chord]
    onset_s = time_s[reading.chord] + np.where(grace, -GRACE_S, asynchrony)
    edges_s = time_at(np.stack([np.floor(notes["onset_beat"] + 1e-6) + k for k in (0, 1)]), beat, time_s)
    held_s = notes["duration_beat"] * (edges_s[1] - edges_s[0]) * np.exp2(said.articulation)
    made = np.zeros(len(notes), PERFORMED_NOTE)
    for field in ("note_id", "pitch", "part"):
        made[field] = notes[field]
    made["onset_s"] = onset_s - onset_s.min()
    made["duration_s"] = np.where(grace, GRACE_S, held_s)
    made["velocity"] = np.clip(np.rint(64 + said.velocity), 1, 127)
    return Performance(made)


if __name__ == "__main__":
    main()
