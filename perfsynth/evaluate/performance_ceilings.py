"""One piece, judged: generated performances beside what costs nothing and beside what people reach.

- *deadpan*: velocity 64, one tempo, notes held as written, no pedal;
- *human*: each of the references against each other one;
- *consensus*: the mean of all other references against each of them, of three or more. It is what a prediction
  that plays everybody's way at once could reach, and lies above any single human.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from typing import Any

import numpy as np

from perfsynth.errors import InputError
from perfsynth.evaluate.performance import (
    Agreement,
    Traits,
    compare,
    mean_agreement,
    mean_traits,
    shared_traits,
    traits,
)
from perfsynth.evaluate.performance_distributions import histograms, jensen_shannon
from perfsynth.evaluate.performance_tokens import PADDINGS, table_ii
from perfsynth.types import PERFORMED_NOTE, Performance, Score

DEADPAN, HUMAN, CONSENSUS = CEILINGS = ("deadpan", "human", "consensus")
FEWEST_FOR_CONSENSUS = 3  # the consensus of one other is a human
DEADPAN_VELOCITY = 64
DEADPAN_BEAT_S = 0.5
GRACE_S = 0.08


@dataclass(frozen=True)
class Judged:
    """How a performance, or a row of the table, stands to the references of a piece."""

    agreement: Agreement
    divergences: dict[str, float]  # Jensen-Shannon, bits, by ``velocity_jsd`` and so on
    tokens: dict[str, dict[str, float]]  # by padding; see `table_ii`; empty when it was not asked for

    def numbers(self) -> dict[str, float]:
        """Everything but Table II by name."""
        return self.agreement.to_json() | self.divergences

    def to_json(self) -> dict[str, dict[str, Any]]:
        """All of it by name."""
        return {"measures": self.numbers(), "table_ii": self.tokens}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Judged:
        """What `to_json` made; None is nan.

        Raises
        ------
        KeyError, TypeError, AttributeError
            When it is something else.
        """
        names = [field.name for field in fields(Agreement)]
        numbers = _known(found["measures"])
        agreement = Agreement(**{name: numbers.pop(name) for name in names})
        return cls(agreement, numbers, {padding: _known(table) for padding, table in found["table_ii"].items()})


def _known(numbers: Mapping[str, float | None]) -> dict[str, float]:
    return {name: float("nan") if value is None else value for name, value in numbers.items()}


def deadpan(score: Score) -> Performance:
    """The zero of the comparison; grace notes are struck just before their beat."""
    notes = score.notes
    played = np.zeros(len(notes), PERFORMED_NOTE)
    for field in ("note_id", "pitch", "part"):
        played[field] = notes[field]
    grace = notes["grace"] > 0
    played["onset_s"] = DEADPAN_BEAT_S * (notes["onset_beat"] - notes["onset_beat"].min(initial=0.0))
    played["onset_s"] = np.maximum(played["onset_s"] - GRACE_S * grace, 0.0)
    played["duration_s"] = np.where(grace, GRACE_S, DEADPAN_BEAT_S * notes["duration_beat"])
    played["velocity"] = DEADPAN_VELOCITY
    return Performance(played)


def judge(
    score: Score,
    generated: Mapping[str, Performance],
    references: Sequence[Performance],
    *,
    tokens: bool = True,
) -> dict[str, Judged]:
    """Judge performances of a score against humans, and what their figures mean.

    Parameters
    ----------
    score
        With the note ids that all performances have.
    generated
        By name; none of `CEILINGS`.
    references
        At least one human performance.
    tokens
        Whether to compute Table II; always against the first reference alone, as the seed does.

    Returns
    -------
    dict
        By name: the generated, deadpan, and as far as there are references enough human and consensus.

    Raises
    ------
    InputError
        When a generated performance and a reference share too few notes, or there is no reference.
    """
    if not references:
        raise InputError("no reference performance; the measures compare with at least one")
    found = {}
    for name, performance in {**generated, DEADPAN: deadpan(score)}.items():
        found[name] = judged([[shared_traits(score, performance, one) for one in references]], tokens=tokens)
    splits = _human_pairs(score, references)
    if splits:
        found[HUMAN] = judged(splits, tokens=tokens)
    if len(references) >= FEWEST_FOR_CONSENSUS:
        each = [traits(score, reference) for reference in references]
        found[CONSENSUS] = judged([[(mean_traits(each[:i] + each[i + 1 :]), one)] for i, one in enumerate(each)])
    return found


def judged(splits: Sequence[Sequence[tuple[Traits, Traits]]], *, tokens: bool = False) -> Judged:
    """The mean over (generated, reference) pairs, at least one in each split.

    Divergences are those of distributions pooled over a split: one performance, or several that are averaged,
    against all its references; their mean over splits counts.
    """
    agreement = mean_agreement([compare(*pair) for split in splits for pair in split])
    rows = []
    for split in splits:
        each = [histograms(*pair) for pair in split]
        rows.append({f"{name}_jsd": jensen_shannon(np.mean([one[name] for one in each], axis=0)) for name in each[0]})
    divergences = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    first = splits[0][0]
    tables: dict[str, dict[str, float]] = {}
    if tokens:
        tables = {padding: table_ii(*first, padding=padding) for padding in PADDINGS}
    return Judged(agreement, divergences, tables)


def _human_pairs(score: Score, references: Sequence[Performance]) -> list[list[tuple[Traits, Traits]]]:
    """Each reference against all others with which it shares notes enough: two may play different repeats."""
    found: list[list[tuple[Traits, Traits]]] = [[] for _ in references]
    for i, j in combinations(range(len(references)), 2):
        try:
            one, other = shared_traits(score, references[i], references[j])
        except InputError:
            continue
        found[i].append((one, other))
        found[j].append((other, one))
    return [split for split in found if split]
