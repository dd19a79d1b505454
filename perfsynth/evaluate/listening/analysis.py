"""From sheets of answers to mean opinion scores, comparisons of systems and agreement of listeners.

The unit of inference is the listener by default: the ratings that one listener gives are not independent, so they are
averaged first (as Wang and Yang 2019 do) and intervals and tests run over listeners. ``unit="rating"`` takes every
rating by itself, which gives the narrower intervals that many papers print.
"""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from perfsynth.errors import InputError
from perfsynth.evaluate.listening.agreement import Metric, intraclass_correlation, krippendorff_alpha
from perfsynth.evaluate.listening.answers import Answer, Sheet
from perfsynth.evaluate.listening.exclusion import Rules, excluded, rules_of
from perfsynth.evaluate.listening.questions import Method, Question
from perfsynth.evaluate.listening.statistics import Estimate, Test, holm, mean_interval, paired_p

log = logging.getLogger("perfsynth")

Unit = Literal["listener", "rating"]
_ROLES = {"reference": 0, "system": 1, "anchor": 2}


@dataclass(frozen=True)
class Score:
    """The mean opinion of a system; in a preference test the share of pairs in which it was preferred."""

    question: str
    system: str
    role: str
    estimate: Estimate


@dataclass(frozen=True)
class Comparison:
    """How much better `first` is than `second` (in a preference test: share for it less share for the other)."""

    question: str
    first: str
    second: str
    difference: Estimate
    p: float
    p_holm: float  # corrected for all comparisons of the question


@dataclass(frozen=True)
class Agreement:
    """Of the listeners on a question; nan where it cannot be told."""

    question: str
    alpha: float
    metric: Metric
    icc_single: float
    icc_average: float


@dataclass(frozen=True)
class Analysis:
    """What a listening test says."""

    title: str
    test_id: str
    method: Method
    unit: Unit
    test: Test
    questions: tuple[Question, ...]
    systems: tuple[str, ...]  # reference, systems from the best, anchors
    n_listeners: int
    excluded: dict[str, str]  # participant -> reason
    scores: tuple[Score, ...]
    comparisons: tuple[Comparison, ...]
    agreement: tuple[Agreement, ...]

    def to_json(self) -> dict[str, Any]:
        """Everything as a JSON object."""
        return asdict(self)

    def score(self, question: str, system: str) -> Estimate:
        """One cell of the table."""
        return next(s.estimate for s in self.scores if (s.question, s.system) == (question, system))


def analyse(
    sheets: Sequence[Sheet], *, rules: Rules | None = None, unit: Unit = "listener", test: Test | None = None
) -> Analysis:
    """Analyse the answers to one test.

    Parameters
    ----------
    sheets
        From `perfsynth.evaluate.listening.answers.gather`.
    rules
        Whom to leave out; those of the method by default.
    unit
        What is taken to be independent.
    test
        See `perfsynth.evaluate.listening.statistics.paired_p`; by default the signed-rank test, and the sign test for
        preferences by rating.

    Raises
    ------
    InputError
        When nobody is left.
    """
    if not sheets:
        raise InputError("no answers that can be used; a test needs at least one listener")
    method = sheets[0].method
    out = excluded(sheets, rules or rules_of(method))
    kept = [sheet for sheet in sheets if sheet.participant not in out]
    if not kept:
        raise InputError(f"all {len(sheets)} listeners are excluded ({next(iter(out.values()))}); loosen the rules")
    for sheet in kept:
        if not sheet.complete:
            log.warning("%s: broken off after %d answers, which are used", sheet.name, len(sheet.answers))
    chosen: Test = test or ("sign" if method == "ab" and unit == "rating" else "wilcoxon")
    first = max(kept, key=lambda sheet: bool(sheet.title))  # a CSV file knows no title and no texts
    questions = first.questions
    compared = [c for q in questions for c in _comparisons(kept, q.id, unit, chosen)]
    scores = [score for question in questions for score in _scores(kept, question.id, unit)]
    systems = _order(scores, questions)
    return Analysis(
        title=first.title,
        test_id=first.test_id,
        method=method,
        unit=unit,
        test=chosen,
        questions=questions,
        systems=systems,
        n_listeners=len(kept),
        excluded=out,
        scores=tuple(scores),
        comparisons=tuple(compared),
        agreement=tuple(_agreement(kept, question) for question in questions),
    )


def _order(scores: Sequence[Score], questions: Sequence[Question]) -> tuple[str, ...]:
    """The reference, then systems by the last question, which asks for the whole, then anchors."""
    last = {score.system: score for score in scores}
    for question in questions:
        last.update({score.system: score for score in scores if score.question == question.id})
    return tuple(sorted(last, key=lambda name: (_ROLES[last[name].role], -last[name].estimate.mean, name)))


def _values(sheet: Sheet, question: str) -> dict[tuple[str, str], tuple[str, list[float]]]:
    """(system, piece) -> role and values; a preference counts for one system and against the other."""
    values: dict[tuple[str, str], tuple[str, list[float]]] = {}
    for answer in sheet.answers:
        if answer.question == question:
            values.setdefault((answer.system, answer.piece), (answer.role, []))[1].append(answer.value)
            if answer.other:
                values.setdefault((answer.other, answer.piece), (answer.role, []))[1].append(1 - answer.value)
    return values


def _scores(sheets: Sequence[Sheet], question: str, unit: Unit) -> list[Score]:
    samples: dict[str, list[float]] = defaultdict(list)
    roles: dict[str, str] = {}
    for sheet in sheets:
        own: dict[str, list[float]] = defaultdict(list)
        for (system, _), (role, values) in _values(sheet, question).items():
            own[system] += values
            roles[system] = role
        for system, values in own.items():
            samples[system] += [float(np.mean(values))] if unit == "listener" else values
    return [Score(question, system, roles[system], mean_interval(values)) for system, values in samples.items()]


def _comparisons(sheets: Sequence[Sheet], question: str, unit: Unit, test: Test) -> list[Comparison]:
    """Every pair of systems that listeners judged both of."""
    by_pair: dict[tuple[str, str], list[float]] = defaultdict(list)
    for sheet in sheets:
        own = _differences([answer for answer in sheet.answers if answer.question == question])
        for pair, differences in own.items():
            by_pair[pair] += [float(np.mean(differences))] if unit == "listener" else differences
    pairs = sorted(by_pair)
    p = [paired_p(by_pair[pair], test) for pair in pairs]
    return [
        Comparison(question, first, second, mean_interval(by_pair[first, second]), p[index], float(corrected))
        for index, ((first, second), corrected) in enumerate(zip(pairs, holm(p), strict=True))
    ]


def _differences(answers: Sequence[Answer]) -> Mapping[tuple[str, str], list[float]]:
    """Of one listener: for each pair of systems, in alphabetical order, the difference on every piece."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    pieces: dict[str, dict[str, float]] = defaultdict(dict)
    for answer in answers:
        if answer.other:
            first, second = sorted((answer.system, answer.other))
            sign = 1 if first == answer.system else -1
            found[first, second].append(sign * (2 * answer.value - 1))
        else:
            pieces[answer.piece][answer.system] = answer.value
    for ratings in pieces.values():
        for first, second in combinations(sorted(ratings), 2):
            found[first, second].append(ratings[first] - ratings[second])
    return found


def _agreement(sheets: Sequence[Sheet], question: Question) -> Agreement:
    """Raters are listeners, units are sounds (or pairs of them)."""
    rows = [
        {_what(answer): _turned(answer) for answer in sheet.answers if answer.question == question.id}
        for sheet in sheets
    ]
    units = sorted(set().union(*rows))
    ratings = np.array([[row.get(unit, math.nan) for unit in units] for row in rows])
    metric: Metric = "nominal" if sheets[0].method == "ab" else "interval"
    if metric == "interval" and question.maximum - question.minimum < 10:  # a few steps are ranks, not distances
        metric = "ordinal"
    alpha = krippendorff_alpha(ratings, metric)
    is_whole = min(ratings.shape) >= 2 and bool(np.isfinite(ratings).all())
    single, average = intraclass_correlation(ratings) if is_whole and metric != "nominal" else (math.nan, math.nan)
    return Agreement(question.id, alpha, metric, single, average)


def _what(answer: Answer) -> tuple[str, ...]:
    return (answer.piece, *sorted((answer.system, answer.other)))


def _turned(answer: Answer) -> float:
    """A preference as one for the system that comes first in the alphabet, whichever side it was on."""
    return 1 - answer.value if answer.other and answer.other < answer.system else answer.value
