"""The same test for webMUSHRA (Schoeffler et al. 2018), which runs on a server: its YAML and WAV files.

Put what is written here into the folder of a webMUSHRA installation and open ``?config=NAME.yaml``. MUSHRA trials
become ``mushra`` pages and ratings ``likert_single_stimulus`` pages, one a question. webMUSHRA has no page that asks
for a preference between two sounds, so such a test has no export.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import numpy as np

from perfsynth.batch.claim import written
from perfsynth.errors import UsageError
from perfsynth.evaluate.listening.plan import Plan, Trial
from perfsynth.evaluate.listening.questions import Question
from perfsynth.evaluate.listening.samples import sound
from perfsynth.formats.audio import write_audio
from perfsynth.progress import Report, silent
from perfsynth.types import Audio

STRICT_S = 12.0  # webMUSHRA holds longer sounds to break the recommendation
STAR = "configs/resources/images/star_off.png"  # webMUSHRA's own pictures of a rating
STAR_ON = "configs/resources/images/star_on.png"


def target(folder: Path, name: str) -> Path:
    """The YAML file of a test below the folder of an installation."""
    return folder / "configs" / f"{name}.yaml"


def export(
    plan: Plan, folder: Path, *, name: str, progress: Report = silent
) -> Path:  # fmt: skip
    """Write ``configs/NAME.yaml`` and its sounds below `folder`, over those that are there; gives the YAML file.

    Raises
    ------
    UsageError
        When webMUSHRA has no such test.
    OSError
        When it cannot be written.
    """
    if plan.method == "ab":
        raise UsageError("webMUSHRA has no preference page; export a rating or a MUSHRA test")
    sounds = folder / "configs" / "resources" / name
    sounds.mkdir(parents=True, exist_ok=True)
    longest = _lengths(plan)
    for index, (key, sample) in enumerate(plan.stimuli.items()):
        progress("writing", index / len(plan.stimuli))
        audio = sound(sample, plan.loudness_lufs, plan.cut)
        with written(sounds / f"{key}.wav") as place:
            write_audio(_padded(audio, longest[sample.piece]).stream(), place, format="wav", subtype="PCM_16")
    config = target(folder, name)
    with written(config) as place:
        place.write_text(yaml(configuration(plan, f"configs/resources/{name}")), encoding="utf-8")
    return config


def _lengths(plan: Plan) -> dict[str, int]:
    """Samples of the longest version of each piece; webMUSHRA wants all versions alike."""
    longest: dict[str, int] = {}
    for sample in plan.stimuli.values():
        length = round(sample.duration_s * plan.cut.sample_rate)
        longest[sample.piece] = max(length, longest.get(sample.piece, 0))
    return longest


def _padded(audio: Audio, length: int) -> Audio:
    missing = max(0, length - len(audio.samples))
    return Audio(np.pad(audio.samples, ((0, missing), (0, 0))), audio.sample_rate)


def configuration(plan: Plan, sounds: str) -> dict[str, Any]:
    """The configuration as webMUSHRA's fields; `sounds` is the folder of the sounds as it sees it."""
    pages = [page for trial in _by_piece(plan) for page in _pages(plan, trial, sounds)]
    welcome = {"type": "generic", "id": "welcome", "name": "Welcome", "content": _paragraphs(plan.instructions)}
    finish = {
        "type": "finish", "name": "Thank you", "content": "Thank you for listening!", "showResults": False,
        "writeResults": True,
    }  # fmt: skip
    return {
        "testname": plan.title,
        "testId": plan.test_id,
        "bufferSize": 2048,
        "stopOnErrors": True,
        "showButtonPreviousPage": True,
        "remoteService": plan.post_url or "service/write.php",
        "pages": [welcome, ["random", *pages], finish],
    }


def _paragraphs(texts: tuple[str, ...]) -> str:
    return "".join(f"<p>{html.escape(text)}</p>" for text in texts)


def _by_piece(plan: Plan) -> list[Trial]:
    """A rating page of webMUSHRA holds all versions of a piece and shows them one by one."""
    if plan.method == "mushra":
        return list(plan.trials)
    pieces: dict[str, list[str]] = {}
    for trial in plan.trials:
        pieces.setdefault(trial.piece, []).extend(trial.stimuli)
    return [Trial(f"p{index:03d}", piece, tuple(keys)) for index, (piece, keys) in enumerate(pieces.items(), start=1)]


def _pages(plan: Plan, trial: Trial, sounds: str) -> list[dict[str, Any]]:
    chosen = {key: plan.stimuli[key] for key in trial.stimuli}
    # webMUSHRA adds the hidden reference itself.
    stimuli = {
        sample.system: f"{sounds}/{key}.wav"
        for key, sample in chosen.items()
        if plan.method != "mushra" or key != trial.reference
    }
    pages = []
    for question in plan.questions:
        page = {"id": f"{trial.piece}-{question.id}", "name": plan.title, "content": html.escape(question.text)}
        pages.append(
            {**page, **_mushra(plan, trial, sounds), "stimuli": stimuli}
            if plan.method == "mushra"
            else {**page, **_likert(question), "stimuli": stimuli}
        )
    return pages


def _mushra(plan: Plan, trial: Trial, sounds: str) -> dict[str, Any]:
    longest = max(plan.stimuli[key].duration_s for key in trial.stimuli)
    return {
        "type": "mushra",
        "showWaveform": True,
        "enableLooping": True,
        "strict": longest <= STRICT_S,
        "randomize": True,
        "showConditionNames": False,
        "reference": f"{sounds}/{trial.reference}.wav",
        "createAnchor35": False,
        "createAnchor70": False,
    }


def _likert(question: Question) -> dict[str, Any]:
    values = range(question.minimum, question.maximum + 1)
    ends = {question.minimum: question.low, question.maximum: question.high}
    words = question.labels or tuple(ends.get(value, "") for value in values)
    response = [
        {
            "value": value, "label": f"{value} {word}".strip(), "img": STAR, "imgSelected": STAR_ON,
            "imgHigherResponseSelected": STAR_ON,
        }
        for value, word in zip(values, words, strict=True)
    ]  # fmt: skip
    return {"type": "likert_single_stimulus", "mustPlayback": "ended", "mustRate": True, "response": response}


def yaml(value: Any, indent: int = 0) -> str:
    """Nested dictionaries and lists as YAML 1.2; texts are quoted as in JSON, which YAML reads alike."""
    space = " " * indent
    items = [(f"{json.dumps(key)}:", child) for key, child in value.items()] if isinstance(value, dict) else [
        ("-", child) for child in value
    ]  # fmt: skip
    lines = []
    for head, child in items:
        if isinstance(child, dict | list | tuple) and child:
            lines.append(f"{space}{head}\n{yaml(child, indent + 2)}")
        else:
            lines.append(f"{space}{head} {json.dumps(child, ensure_ascii=False)}\n")
    return "".join(lines)
