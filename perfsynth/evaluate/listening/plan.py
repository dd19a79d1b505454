"""A listening test as a plan: which sounds are judged together, and by which questions.

- ``rating``: one sound a trial (mean opinion scores, Likert scales);
- ``mushra``: all sounds of a piece beside an open reference (ITU-R BS.1534), the reference hidden among them;
- ``ab``: two systems playing one piece, every pair of systems.

A stimulus is named by a key that says nothing about its system; `Plan.stimuli` gives what it is.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from urllib.parse import urlsplit

from perfsynth.errors import InputError, UsageError
from perfsynth.evaluate.listening.questions import Method, Question
from perfsynth.evaluate.listening.samples import Cut, Sample, common_loudness

MUSHRA_STIMULI = 12  # ITU-R BS.1534-3, 5.2: no more in one trial
UNEVEN = 1.1  # longest over shortest sound of a trial


@dataclass(frozen=True)
class Trial:
    """What is judged together: keys of stimuli, and that of the open reference of a MUSHRA trial."""

    id: str
    piece: str
    stimuli: tuple[str, ...]
    reference: str = ""


@dataclass(frozen=True)
class Plan:
    """A whole listening test; ``stimuli`` gives the sample behind each key."""

    title: str
    method: Method
    questions: tuple[Question, ...]
    stimuli: dict[str, Sample]
    trials: tuple[Trial, ...]
    seed: int
    cut: Cut
    loudness_lufs: float
    instructions: tuple[str, ...]
    headphones: bool
    ties: bool
    must_hear: float
    post_url: str

    @property
    def test_id(self) -> str:
        """Twelve hexadecimal digits that no other test has: of all that listeners hear and are asked."""
        asked = [question.to_json() for question in self.questions]
        heard = [
            [key, s.piece, s.system, s.role, s.sha256, s.low_pass_hz, round(s.duration_s, 3)]
            for key, s in self.stimuli.items()
        ]
        trials = [[trial.id, trial.stimuli, trial.reference] for trial in self.trials]
        whole = [self.title, self.method, self.seed, self.ties, round(self.loudness_lufs, 3), asked, heard, trials]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:12]


def make_plan(
    samples: Sequence[Sample], *, method: Method, questions: Sequence[Question], title: str = "Listening test",
    seed: int = 0, cut: Cut | None = None, loudness_lufs: float = -23.0, instructions: Sequence[str] = (),
    headphones: bool = True, ties: bool = True, must_hear: float = 0.0, post_url: str = "",
) -> Plan:  # fmt: skip
    """Plan a test.

    Parameters
    ----------
    samples
        From `perfsynth.evaluate.listening.samples.collect`.
    method
        ``rating``, ``mushra`` or ``ab``.
    questions
        What is asked of every sound or pair.
    title
        Shown at the top of the page.
    seed
        Of the order; the same seed and participant get the same one.
    cut
        What `collect` was given.
    loudness_lufs
        Of every sound; less where the peaks of one need it.
    instructions
        Paragraphs before the test; the method's own by default.
    headphones
        Begin with a headphone check.
    ties
        Whether a preference may be undecided.
    must_hear
        Share of each sound to be heard before one may go on, 0..1; 0: it must have been played.
    post_url
        Where listeners can send their answers to; nowhere when empty.

    Raises
    ------
    InputError
        When the sounds do not make such a test.
    UsageError
        When an option is out of its range.
    """
    if not 0 <= must_hear <= 1:
        raise UsageError(f"must_hear {must_hear}: it is a share, 0 to 1")
    if post_url and (urlsplit(post_url).scheme not in ("http", "https") or not urlsplit(post_url).hostname):
        raise UsageError(f"post URL {post_url!r}: it must begin with https:// or http:// and a host")
    _check(samples, method)
    chance = random.Random(seed)
    shuffled = chance.sample(list(samples), len(samples))
    stimuli = {f"s{index:03d}": sample for index, sample in enumerate(shuffled, start=1)}
    groups = _groups(stimuli, method)
    chance.shuffle(groups)  # trial numbers tell nothing either
    trials = tuple(
        Trial(f"t{index:03d}", piece, keys, reference)
        for index, (piece, keys, reference) in enumerate(groups, start=1)
    )  # fmt: skip
    return Plan(
        title, method, tuple(questions), stimuli, trials, seed, cut or Cut(),
        common_loudness(samples, loudness_lufs), tuple(instructions) or INSTRUCTIONS[method], headphones, ties,
        must_hear, post_url,
    )  # fmt: skip


INSTRUCTIONS: dict[Method, tuple[str, ...]] = {
    "rating": (
        "You will hear pieces of music, one at a time. Listen, then answer the questions below the sound. "
        "There are no right answers: what counts is what you hear.",
    ),
    "mushra": (
        "You will hear one piece of music at a time in several versions. Compare each with the reference and move "
        "its slider: the version that you cannot tell from the reference goes to the very top.",
        "One of the versions is the reference itself; find it.",
    ),
    "ab": (
        "You will hear the same piece of music in two versions, A and B. Listen to both as often as you like, "
        "then say which you prefer.",
    ),
}


def _check(samples: Sequence[Sample], method: Method) -> None:
    names = {sample.system for sample in samples if sample.role != "anchor"}
    if not samples:
        raise InputError("there are no sounds; a listening test needs at least one")
    if method == "ab" and len(names) < 2:
        raise InputError(f"only one system ({', '.join(names)}); a preference needs two, so name another folder")
    if method != "mushra":
        return
    if not any(sample.role == "reference" for sample in samples):
        raise InputError("no reference; MUSHRA compares with one, so name its folder with --reference")
    if len(names) < 2:
        raise InputError("nothing but the reference; name the folder of at least one system")
    for piece in sorted({sample.piece for sample in samples}):
        count = sum(sample.piece == piece for sample in samples)
        if count > MUSHRA_STIMULI:
            raise InputError(f"{piece}: {count} sounds in one trial; MUSHRA compares at most {MUSHRA_STIMULI}")


def _groups(stimuli: dict[str, Sample], method: Method) -> list[tuple[str, tuple[str, ...], str]]:
    """Piece, keys, and key of the open reference of every trial."""
    if method == "rating":
        return [(sample.piece, (key,), "") for key, sample in stimuli.items()]
    groups: list[tuple[str, tuple[str, ...], str]] = []
    for piece in sorted({sample.piece for sample in stimuli.values()}):
        own = {key: sample for key, sample in stimuli.items() if sample.piece == piece}
        if method == "mushra":
            reference = next(key for key, sample in own.items() if sample.role == "reference")
            groups.append((piece, tuple(own), reference))
        else:
            judged = [key for key, sample in own.items() if sample.role != "anchor"]
            groups += [(piece, pair, "") for pair in combinations(judged, 2)]
    return groups


def uneven(plan: Plan) -> list[str]:
    """The pieces whose versions differ in length by more than a tenth, where they are heard side by side."""
    found = []
    for trial in plan.trials:
        lengths = [plan.stimuli[key].duration_s for key in trial.stimuli]
        if max(lengths) > UNEVEN * min(lengths):
            found.append(f"{trial.piece}: {min(lengths):.1f} to {max(lengths):.1f} s")
    return list(dict.fromkeys(found))


def names_of(plan: Plan) -> dict[str, Any]:
    """What each key stands for."""
    return {
        key: {"piece": sample.piece, "system": sample.system, "role": sample.role}
        for key, sample in plan.stimuli.items()
    }
