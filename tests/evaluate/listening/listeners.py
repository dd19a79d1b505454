"""Listeners whose opinions are known: sheets of answers drawn from given means."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from perfsynth.evaluate.listening.answers import Answer, Sheet
from perfsynth.evaluate.listening.questions import Question

SCALES = {"rating": (1, 5), "mushra": (0, 100), "ab": (0, 1)}


def answer(system: str, value: float, *, piece: str = "p1", question: str = "overall", **changes: Any) -> Answer:
    """One answer, given after listening."""
    role = "reference" if system == "human" else "anchor" if system.startswith("anchor") else "system"
    plain = Answer(f"{piece}-{system}", piece, question, system, role, "", value, 12.0, 10.0, 10.0)
    return replace(plain, **changes)


def sheet(participant: str, answers: list[Answer], *, method: str = "rating", **changes: Any) -> Sheet:
    """All that a listener answered."""
    low, high = SCALES[method]
    asked = tuple(Question(key, f"How {key}?", low, high) for key in dict.fromkeys(a.question for a in answers))
    made = Sheet(
        f"{participant}.json", "abc", "A test", method, asked, participant, f"session-{participant}",  # type: ignore[arg-type]
        "2026-01-01T00:00:00Z", True, None, tuple(answers),
    )  # fmt: skip
    return replace(made, **changes)


def raters(
    means: dict[str, float], *, n_listeners: int, n_pieces: int, seed: int, method: str = "rating", noise: float = 0.6,
    bias: float = 0.5,
) -> list[Sheet]:  # fmt: skip
    """Listeners who hear each system as good as its mean, with a bias of their own and noise, rounded to the scale."""
    chance = np.random.default_rng(seed)
    low, high = SCALES[method]
    sheets = []
    for number in range(n_listeners):
        own = chance.normal(0, bias)
        answers = [
            answer(system, float(np.clip(round(mean + own + chance.normal(0, noise)), low, high)), piece=f"p{piece}")
            for piece in range(n_pieces)
            for system, mean in means.items()
        ]
        sheets.append(sheet(f"L{number}", answers, method=method))
    return sheets


def choosers(strengths: dict[str, float], *, n_listeners: int, n_pieces: int, seed: int) -> list[Sheet]:
    """Listeners who prefer a system over another with probability s / (s + s') (Bradley and Terry 1952)."""
    chance = np.random.default_rng(seed)
    sheets = []
    for number in range(n_listeners):
        answers = []
        for piece in range(n_pieces):
            for pair in combinations(strengths, 2):
                first, second = chance.permutation(pair)
                wins = chance.random() < strengths[first] / (strengths[first] + strengths[second])
                trial = f"p{piece}-{'-'.join(pair)}"
                answers.append(
                    answer(first, float(wins), piece=f"p{piece}", trial=trial, role="system", other=str(second))
                )
        sheets.append(sheet(f"L{number}", answers, method="ab"))
    return sheets


def document(one: Sheet) -> dict[str, Any]:
    """A sheet as the page writes it."""
    return {
        "format": "perfsynth-listening-answers", "version": 1, "test_id": one.test_id, "title": one.title,
        "method": one.method, "seed": 0, "questions": [question.to_json() for question in one.questions],
        "participant": one.participant, "session": one.session, "started": "2026-01-01T00:00:00Z",
        "finished": one.finished, "complete": one.complete, "headphones": None,
        "answers": [{**vars(a), "order": 1} for a in one.answers],
    }  # fmt: skip


def as_json(one: Sheet) -> bytes:
    """The file of a sheet."""
    return json.dumps(document(one)).encode()
