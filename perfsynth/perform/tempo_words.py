"""Italian, German and French tempo words as quarter notes a minute, where a score has no metronome mark."""

from __future__ import annotations

import re

import numpy as np

from perfsynth.types import TEMPO, Score

# Centres of the ranges on a Maelzel metronome, the customary reading; the longest match wins.
BPM_OF_WORD = {
    "larghissimo": 24, "grave": 40, "largo": 50, "lento": 54, "lent": 54, "langsam": 58, "larghetto": 63,
    "adagio": 66, "adagietto": 70, "andante": 80, "andantino": 84, "mässig": 96, "maestoso": 88, "moderato": 108,
    "modéré": 108, "allegretto": 116, "animato": 126, "lebhaft": 132, "allegro": 132, "vivo": 152, "vivace": 160,
    "vif": 160, "schnell": 152, "rasch": 144, "presto": 180, "prestissimo": 204, "menuetto": 120, "minuetto": 120,
}  # fmt: skip
_WORD = re.compile(rf"\b({'|'.join(sorted(map(re.escape, BPM_OF_WORD), key=len, reverse=True))})\b")
_FAST, _SLOW = "mosso|moto|animato|allegro|vivo|vivace|presto|stretto|agitato", "lento|largo|adagio|tranquillo|calmo"
_BY = r"(poco a poco|un poco|sempre|pi[uù]|un peu|plus) +(pi[uù] +)?"
# How much faster a comparison is meant than what went before; nobody says how much, so these are moderate.
_COMPARED = tuple(
    (re.compile(pattern), factor)
    for pattern, factor in (
        (r"doppio movimento|doppelt", 2.0),
        (rf"meno +({_FAST})|pi[uù] +({_SLOW})|langsamer|ruhiger|plus lent|moins (vite|vif|animé)", 0.8),
        (rf"{_BY}({_FAST})|meno +({_SLOW})|schneller|bewegter|lebhafter|rascher|plus (vite|vif)|animez", 1.2),
    )
)
# What is denied names nothing: "nicht zu rasch". "Allegro ma non troppo" denies nothing.
_TOO = "zu|allzu|so|sehr|troppo|tanto|molto|pi[uù]|too|very|trop|très|plus"
_DENIED = re.compile(rf"\b(nicht|non|not|pas) +(({_TOO}) +)*\w+")
_SLOWING = re.compile(r"\b(rit|ritard\w*|riten\w*|rall\w*|ten|tenuto|allarg\w*|slarg\w*|slent\w*)\b")
_BACK = re.compile(r"\b(a|in) tempo\b|\bau mouv")
_FIRST = re.compile(r"tempo (i|1|primo)\b|erstes tempo|1er mouv")
_SLOWEST_BPM, _FASTEST_BPM = 10.0, 600.0  # that comparisons upon comparisons lead to
_SLOWER = 0.85  # of the tempo of its section, and a mark beside a "rit." is no tempo of a section
LONGEST_RITARDANDO = 12.0  # beats that a word such as "rit." is taken to hold where nothing ends it
_REPEAT = ""  # instead of a word
_BESIDE_BEATS = 1.0  # a metronome mark this near says what a word means


def bpm_of_words(text: str) -> float | None:
    """The tempo that `text` names, in quarter notes a minute; None when it names none or only compares.

    >>> bpm_of_words("Allegro con brio")
    132.0
    >>> bpm_of_words("Allegro ma non troppo presto"), bpm_of_words("Nicht zu rasch")
    (132.0, None)
    """
    found = _WORD.search(_DENIED.sub(" ", text.lower()))
    return float(BPM_OF_WORD[found.group()]) if found and change_of_words(text) is None else None


def change_of_words(text: str) -> float | None:
    """How many times as fast as before `text` asks for; None when it compares nothing.

    >>> change_of_words("poco più mosso"), change_of_words("Etwas langsamer")
    (1.2, 0.8)
    """
    said = _DENIED.sub(" ", text.lower())
    return next((factor for pattern, factor in _COMPARED if pattern.search(said)), None)


def stated_tempos(score: Score) -> np.ndarray:
    """`TEMPO` rows: the metronome marks of a score, and between them what its words say.

    A word means what it meant where a mark stood beside it; "più mosso" is faster than what goes before, and said
    again no faster still. What is repeated goes as it went the first time. A slower mark beside a "rit." is no tempo
    of its own: the one before it returns.
    """
    words = _words(score)
    marks = np.sort(score.tempos, order="onset_beat")
    is_slowing = _slowings(marks, words)
    sections = _sections(marks[~is_slowing], words, score.measures)
    stated = dict(sections.tolist())
    ends = np.append(np.sort([beat for beat, text in words if _ends(text)] + marks["onset_beat"].tolist()), np.inf)
    for beat, bpm in marks[is_slowing].tolist():
        until = min(float(ends[np.searchsorted(ends, beat, side="right")]), beat + LONGEST_RITARDANDO)
        before = int(np.searchsorted(sections["onset_beat"], until, side="right")) - 1
        stated.setdefault(until, float(sections["quarter_bpm"][before]))
        stated[beat] = bpm
    return np.array(sorted(stated.items()), TEMPO)


def _words(score: Score) -> list[tuple[float, str]]:
    """What is written about tempo, in lower case, and where."""
    rows = score.directions[np.isin(score.directions["kind"], ("tempo", "words", "ritardando"))]
    return [(float(row["onset_beat"]), str(row["text"]).lower()) for row in rows]


def _beside(places: list[float] | np.ndarray, beats: np.ndarray) -> np.ndarray:
    """Whether any of the places lies near each of the beats."""
    places = np.sort(places)
    last = np.searchsorted(places, beats + _BESIDE_BEATS, side="right")
    return np.asarray(last > np.searchsorted(places, beats - _BESIDE_BEATS))


def _names(text: str) -> bool:
    """Whether a text says which tempo follows."""
    return bpm_of_words(text) is not None or change_of_words(text) is not None or _FIRST.search(text) is not None


def _ends(text: str) -> bool:
    """Whether a text ends a slowing."""
    return _names(text) or _BACK.search(text) is not None


def _slowings(marks: np.ndarray, words: list[tuple[float, str]]) -> np.ndarray:
    """Which of the marks are those of a "rit.": beside such a word, and beside none that names a tempo."""
    beats = marks["onset_beat"]
    may = _beside([beat for beat, text in words if _SLOWING.search(text)], beats)
    may &= ~_beside([beat for beat, text in words if _names(text)], beats)
    tempo = 0.0  # of the section
    for index, bpm in enumerate(marks["quarter_bpm"].tolist()):
        may[index] &= bpm < _SLOWER * tempo
        tempo = tempo if may[index] else bpm
    return may


def _sections(marks: np.ndarray, words: list[tuple[float, str]], measures: np.ndarray) -> np.ndarray:
    """`TEMPO` rows: the marks, and what the words say."""
    said: list[tuple[float, float]] = []
    by: dict[float, str] = {}  # the words that said it
    meaning: dict[str, float] = {}

    def known(beat: float) -> list[tuple[float, float]]:
        """The first and the last of the tempos up to a beat."""
        passed = int(np.searchsorted(marks["onset_beat"], beat, side="right"))
        rows = [row for row in said if row[0] <= beat]
        return sorted((marks[[0, passed - 1]].tolist() if passed else []) + rows[:1] + rows[-1:])

    first_times = _first_times(measures, [beat for beat, _ in words])
    heard = {(round(beat, 3), text) for beat, text in words}
    events = [(*text, first) for text, first in zip(words, first_times, strict=True)]
    events += [(beat, _REPEAT, first) for beat, first in _repeats(measures)]
    for beat, text, first in sorted(events, key=lambda event: (event[0], event[1] == _REPEAT)):
        nearest = int(np.searchsorted(marks["onset_beat"], beat - _BESIDE_BEATS))
        beside = nearest < len(marks) and marks["onset_beat"][nearest] <= beat + _BESIDE_BEATS
        so_far, then, named, change = known(beat), known(first), bpm_of_words(text), change_of_words(text)
        if text == _REPEAT:
            new = bool(then and so_far) and so_far[-1][0] < beat and so_far[-1][1] != then[-1][1]
            named = then[-1][1] if new else None
        elif "attacca" in text:
            named = None
        elif named is not None:
            named = meaning.setdefault(text, float(marks["quarter_bpm"][nearest]) if beside else named)
        elif change is not None and first < beat and (round(first, 3), text) in heard and then:
            named = then[-1][1]
        elif change is not None and so_far and by.get(so_far[-1][0]) != text:
            named = min(max(change * so_far[-1][1], _SLOWEST_BPM), _FASTEST_BPM)
        elif _FIRST.search(text) and so_far:
            named = so_far[0][1]
        if named is not None and not beside:
            said.append((beat, named))
            by[beat] = text
    return np.array(sorted(marks.tolist() + said), TEMPO)


def _repeats(measures: np.ndarray) -> list[tuple[float, float]]:
    """Where a measure comes again after a later one or itself, and where it came first, in quarter notes."""
    back = np.flatnonzero(np.diff(measures["number"]) <= 0) + 1
    beats = measures["onset_beat"][back].tolist()
    found = zip(beats, _first_times(measures, beats), strict=True)
    return [(beat, first) for beat, first in found if first < beat]


def _first_times(measures: np.ndarray, beats: list[float]) -> list[float]:
    """Where the place in the score that is reached at each beat was reached first."""
    if len(measures) == 0:
        return beats
    _, first, place = np.unique(measures["number"], return_index=True, return_inverse=True)
    measure = np.clip(np.searchsorted(measures["onset_beat"], np.array(beats) + 1e-6) - 1, 0, None).astype(int)
    moved = measures["onset_beat"][first[place]] - measures["onset_beat"]
    return (np.array(beats) + moved[measure]).tolist()
