"""Whose answers count: listeners who did not hear the hidden reference, or did not listen, are left out whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perfsynth.evaluate.listening.answers import Answer, Sheet
from perfsynth.evaluate.listening.questions import Method

# Share of the length of a trial's sounds. With the reference at hand nobody hears every version to its end.
FAST: dict[Method, float] = {"rating": 0.5, "ab": 0.5, "mushra": 0.25}
REFERENCE_MIN = 0.9  # ITU-R BS.1534-3, 4.1.2: below 90 of 100 ...
TOLERATED = 0.15  # ... in more than 15 % of the trials


@dataclass(frozen=True)
class Rules:
    """When a listener is left out.

    ``reference_min``: rates the hidden reference below this share of the scale in more than ``tolerated`` of the trials
    that have one; None: whatever it is rated. ``fast``: spends less than this share of the length of the sounds on more
    than ``tolerated`` of the trials. ``headphones_min``: has fewer than this share of the headphone check right, or
    skipped it; None: whatever came out.
    """

    reference_min: float | None = None
    fast: float = 0.5
    tolerated: float = TOLERATED
    headphones_min: float | None = None


def rules_of(method: Method) -> Rules:
    """The rules of a method: the hidden reference counts in MUSHRA, where listeners have the reference to compare."""
    return Rules(reference_min=REFERENCE_MIN if method == "mushra" else None, fast=FAST[method])


def excluded(sheets: Sequence[Sheet], rules: Rules) -> dict[str, str]:
    """The participants to leave out, each with the reason."""
    reasons = {sheet.participant: "; ".join(_reasons(sheet, rules)) for sheet in sheets}
    return {participant: reason for participant, reason in reasons.items() if reason}


def _reasons(sheet: Sheet, rules: Rules) -> list[str]:
    reasons = []
    trials = {answer.trial: answer for answer in sheet.answers}
    fast = sum(answer.seconds < rules.fast * answer.audio_s for answer in trials.values())
    if fast > rules.tolerated * len(trials):
        reasons.append(f"too fast in {fast} of {len(trials)} trials")
    if rules.reference_min is not None:
        found = [
            _is_found(answer, sheet, rules.reference_min) for answer in sheet.answers if answer.role == "reference"
        ]
        missed = found.count(False)
        if missed > rules.tolerated * len(found):
            percent = round(100 * rules.reference_min)
            reasons.append(f"hidden reference below {percent} % in {missed} of {len(found)} ratings")
    if rules.headphones_min is not None and (sheet.headphones is None or sheet.headphones < rules.headphones_min):
        result = "skipped" if sheet.headphones is None else f"{round(100 * sheet.headphones)} % right"
        reasons.append(f"headphone check {result}")
    return reasons


def _is_found(answer: Answer, sheet: Sheet, least: float) -> bool:
    question = next(question for question in sheet.questions if question.id == answer.question)
    return (answer.value - question.minimum) / (question.maximum - question.minimum) >= least
