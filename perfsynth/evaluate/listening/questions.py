"""What a listening test asks: the questions of the published studies by name, or a file of one's own."""

from __future__ import annotations

import re
import tomllib
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from perfsynth.errors import InputError, UsageError

Method = Literal["rating", "mushra", "ab"]
METHODS: tuple[Method, ...] = get_args(Method)
MOST_STEPS = 101  # of a scale of buttons or a slider
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True)
class Question:
    """One question on a scale of whole numbers; ``low`` and ``high`` are the words at its ends.

    ``labels`` gives every step a word instead (or, for a slider, the words along it).
    """

    id: str
    text: str
    minimum: int = 1
    maximum: int = 5
    low: str = ""
    high: str = ""
    labels: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The question as a JSON object."""
        return {**asdict(self), "labels": list(self.labels)}


GRADES = ("Bad", "Poor", "Fair", "Good", "Excellent")  # ITU-T P.800 and ITU-R BS.1534

# Wang and Yang 2019, user study: five-point Likert scales.
_PERFORMANCENET = (
    Question("timbre", "Does the timbre sound like real instruments?", low="Not at all", high="Very much"),
    Question("naturalness", "Is the performance played by a human, not by a machine?", low="A machine", high="A human"),
    Question("audio-quality", "How good is the audio quality?", low="Very bad", high="Very good"),
    Question("emotion", "Does the performance express emotion?", low="Not at all", high="Very much"),
    Question("overall", "Your overall perception of the piece?", low="Very bad", high="Very good"),
)
# Dong et al. 2022, section 4.3 and Table 1: five-point Likert scales.
_DEEP_PERFORMER = (
    Question("pitch-accuracy", "How accurate are the pitches?", low="Very inaccurate", high="Very accurate"),
    Question("timbre", "How good is the timbre?", low="Very bad", high="Very good"),
    Question("noise-level", "How free of noise is the sound?", low="Very noisy", high="Free of noise"),
    Question("overall", "How good is it overall?", low="Very bad", high="Very good"),
)
# Tang et al. 2025, Table IV, tests A and B: MOS from 0 to 10.
_EXPRESSIVENESS = (
    Question("expressiveness", "How expressive is the performance?", 0, 10, "Not expressive", "Very expressive"),
)
_QUALITY = (Question("quality", "How good is the quality of the sound?", 0, 10, "Very bad", "Very good"),)
_MOS = (Question("quality", "How good is the quality of what you hear?", labels=GRADES),)
_MUSHRA = (
    Question("quality", "How good is each sound, compared with the reference?", 0, 100, labels=GRADES),
)  # fmt: skip
_PREFERENCE = (Question("preference", "Which of the two do you prefer?", 0, 1),)
_PREFERENCE_PERFORMANCE = (
    Question("naturalness", "Which of the two sounds more like a human player?", 0, 1),
    Question("expressiveness", "Which of the two is more expressive?", 0, 1),
    Question("preference", "Which of the two do you prefer?", 0, 1),
)

PRESETS: dict[str, tuple[Method, tuple[Question, ...]]] = {
    "mos": ("rating", _MOS),
    "performancenet": ("rating", _PERFORMANCENET),
    "deep-performer": ("rating", _DEEP_PERFORMER),
    "s2a-expressiveness": ("rating", _EXPRESSIVENESS),
    "s2a-quality": ("rating", _QUALITY),
    "mushra": ("mushra", _MUSHRA),
    "preference": ("ab", _PREFERENCE),
    "preference-performance": ("ab", _PREFERENCE_PERFORMANCE),
}
DEFAULT_PRESET: dict[Method, str] = {"rating": "performancenet", "mushra": "mushra", "ab": "preference"}


def preset(name: str | None, method: Method) -> tuple[Question, ...]:
    """The questions of a preset, or of the method's default one.

    Raises
    ------
    UsageError
        When there is no such preset, or it is for another method.
    """
    name = name or DEFAULT_PRESET[method]
    if name not in PRESETS:
        raise UsageError(f"{name!r} is no set of questions; there are {', '.join(PRESETS)}")
    own, questions = PRESETS[name]
    if own != method:
        fitting = ", ".join(key for key, (other, _) in PRESETS.items() if other == method)
        raise UsageError(f"the questions {name!r} are for the method {own}, not {method}; for it there are {fitting}")
    return questions


def read_questions(data: bytes, method: Method, *, name: str = "questions") -> tuple[Question, ...]:
    """Questions from TOML: tables ``[[question]]`` with the fields of `Question`, of which id and text are needed.

    Raises
    ------
    InputError
        When it is no such file.
    """
    try:
        tables = tomllib.loads(data.decode()).get("question", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{name}: not TOML ({error})") from error
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise InputError(f"{name}: asks nothing; it needs one or more tables [[question]] with id and text")
    ends = {"rating": (1, 5), "mushra": (0, 100), "ab": (0, 1)}[method]
    questions = tuple(_question({"minimum": ends[0], "maximum": ends[1], **table}, name) for table in tables)
    for question in questions:
        if [other.id for other in questions].count(question.id) > 1:
            raise InputError(f"{name}: two questions have the id {question.id!r}; each needs its own")
        if method == "ab" and (question.minimum, question.maximum) != (0, 1):
            raise InputError(f"{name}: question {question.id!r} has a scale; a preference has none, so leave it out")
        if method == "rating" and question.labels and len(question.labels) != question.maximum - question.minimum + 1:
            raise InputError(f"{name}: question {question.id!r} needs one label for each step, or none")
    return questions


def _question(table: dict[str, Any], name: str) -> Question:
    known = {field.name for field in fields(Question)}
    unknown = sorted(set(table) - known)
    if unknown:
        raise InputError(f"{name}: {unknown[0]!r} is no field of a question; there are {', '.join(sorted(known))}")
    return question_from_json(table, name)


def question_from_json(table: dict[str, Any], name: str) -> Question:
    """A question from its fields, checked.

    Raises
    ------
    InputError
        When a field is missing or of the wrong kind.
    """
    texts = {key: table.get(key, "") for key in ("id", "text", "low", "high")}
    numbers = {key: table.get(key) for key in ("minimum", "maximum")}
    labels = table.get("labels", [])
    if not all(isinstance(text, str) for text in [*texts.values(), *labels]) or not texts["text"]:
        raise InputError(f"{name}: a question needs a text; id, text, low, high and labels are words")
    if not _ID.fullmatch(texts["id"]):
        raise InputError(f"{name}: question id {texts['id']!r}; use lower-case letters, digits and -, at most 32")
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers.values()):
        raise InputError(f"{name}: the scale of question {texts['id']!r} needs whole numbers as minimum and maximum")
    minimum, maximum = numbers["minimum"], numbers["maximum"]
    if not 1 <= maximum - minimum < MOST_STEPS:  # type: ignore[operator]
        raise InputError(
            f"{name}: question {texts['id']!r} has a scale from {minimum} to {maximum}; "
            f"it needs 2 to {MOST_STEPS} steps upwards"
        )
    return Question(**texts, **numbers, labels=tuple(labels))  # type: ignore[arg-type]
