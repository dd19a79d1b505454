"""What a score says about loudness and tempo, as curves over its chords: the same for MusicXML and for MIDI."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from perfsynth.dynamics import LEVELS
from perfsynth.perform.tempo_words import LONGEST_RITARDANDO, stated_tempos
from perfsynth.tempo import DEFAULT_BPM
from perfsynth.types import Score

# Words that change the character rather than name a tempo; several languages, as printed in piano music.
CHARACTERS = {
    "tempo_back": r"a tempo|tempo i\b|tempo primo|tempo 1|erstes tempo|in tempo|1er mouv|au mouv",
    "faster": (
        r"pi[uù] (mosso|animato|allegro|vivo|presto|stretto)|stretto|string|animato|"
        r"anim[ée]|doppio|bewegter|schneller|anim"
    ),
    "slower": (
        r"meno (mosso|vivo|allegro)|pi[uù] lento|plus lent|langsamer|sostenuto|"
        r"slentando|allarg|largamente|ritenuto|retenu|c[ée]dez"
    ),
    "calm": (
        r"dolc|tranquil|cantabile|espress|legato|semplice|calm|"
        r"sotto voce|una corda|teneramente|ruhig|innig|zart|doux"
    ),
    "lively": r"agitat|con fuoco|con brio|appassion|anima|strepitoso|feroce|scherz|leggier|giocos|lebhaft|feurig|vif",
    "heavy": r"pesante|marcat|maestoso|grave|energico|ben ten|martel|risolut|kräftig",
    "fading": r"smorz|morendo|calando|perdendo|estinto|mancando|verhallend",
    "held": r"\bten\b|tenuto|lunga|fermata|ad lib|rubato|cadenza|a piacere|quasi recit|rezit|recit",
}
FADING_BEATS = 4.0  # in which what is said at a place falls to 1/e
_PATTERNS = {name: re.compile(pattern) for name, pattern in CHARACTERS.items()}


@dataclass(frozen=True)
class Written:
    """Curves over the m chords of a score, and which of them the score really states."""

    chord_level: np.ndarray  # (m,) velocity implied, 0..127, without accents
    chord_accent: np.ndarray  # (m,) the most that accents add to a note
    signs_beat: np.ndarray  # where a new level is written
    crescendo: np.ndarray  # (m,) 1 within a hairpin, more towards its end
    diminuendo: np.ndarray
    log_bpm: np.ndarray  # (m,) ln of quarter notes a minute
    ritardando: np.ndarray  # (m,) 1 from the word to what ends it
    accelerando: np.ndarray
    characters: np.ndarray  # (m, len(CHARACTERS)) 1 at the word, fading over the beats after it
    characters_ahead: np.ndarray  # the same towards the word
    tempo_changes_beat: np.ndarray
    pedal: np.ndarray  # (m,) 1 where a written pedal is down
    has_dynamics: bool
    has_tempo: bool


def written(score: Score, level: np.ndarray, accent: np.ndarray, chord: np.ndarray, beat: np.ndarray) -> Written:
    """Read the directions and the tempo map of a score.

    `level` and `accent` (n,) are the velocity that the dynamics give each of its notes and what accents add to it.
    """
    rows = score.directions
    count = np.maximum(np.bincount(chord, minlength=len(beat)), 1)
    tempos = stated_tempos(score)
    log_bpm, changes = _tempo_curve(tempos, beat)
    back = _places(rows, "tempo_back")
    ends = np.unique(np.concatenate([changes, back]))
    characters = [_places(rows, name) for name in CHARACTERS]
    chord_accent = np.zeros(len(beat))
    np.maximum.at(chord_accent, chord, accent)
    return Written(
        chord_level=np.bincount(chord, level, len(beat)) / count,
        chord_accent=chord_accent,
        signs_beat=np.unique(rows["onset_beat"][np.isin(rows["text"], tuple(LEVELS))]),
        crescendo=_spans(rows, "crescendo", beat),
        diminuendo=_spans(rows, "diminuendo", beat),
        log_bpm=log_bpm,
        ritardando=_until(rows, "ritardando", ends, beat),
        accelerando=_until(rows, "accelerando", ends, beat),
        characters=np.stack([_fading(places, beat) for places in characters], axis=1),
        characters_ahead=np.stack([_fading(-places[::-1], -beat) for places in characters], axis=1),
        tempo_changes_beat=ends,
        pedal=np.minimum(_spans(rows, "pedal", beat), 1.0),
        has_dynamics=bool(np.ptp(level + accent) > 0) if len(level) else False,
        has_tempo=len(tempos) > 0 or bool(np.isin(rows["kind"], ("tempo", "ritardando")).any()),
    )


def _tempo_curve(tempos: np.ndarray, beat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ln bpm at each chord and where it changes."""
    if len(tempos) == 0:
        return np.full(len(beat), np.log(DEFAULT_BPM)), np.zeros(0)
    places, values = tempos["onset_beat"], tempos["quarter_bpm"]
    row = np.clip(np.searchsorted(places, beat + 1e-6, side="right") - 1, 0, None)
    return np.log(np.clip(values, 10, 600))[row], np.unique(places[1:][np.diff(values) != 0])


def _places(rows: np.ndarray, character: str) -> np.ndarray:
    pattern = _PATTERNS[character]
    texts = rows[np.isin(rows["kind"], ("tempo", "words", "ritardando", "accelerando", "diminuendo"))]
    return np.unique([float(row["onset_beat"]) for row in texts if pattern.search(str(row["text"]).lower())])


def _fading(places: np.ndarray, beat: np.ndarray) -> np.ndarray:
    """1 at each place, falling to 1/e within `FADING_BEATS` after it."""
    if len(places) == 0:
        return np.zeros(len(beat))
    last = np.searchsorted(places, beat + 1e-6, side="right") - 1
    since = np.where(last >= 0, beat - places[np.maximum(last, 0)], np.inf)
    return np.exp(-since / FADING_BEATS)


def _spans(rows: np.ndarray, kind: str, beat: np.ndarray) -> np.ndarray:
    curve = np.zeros(len(beat))
    for row in rows[rows["kind"] == kind]:
        begin, end = float(row["onset_beat"]), float(row["end_beat"])
        first, last = np.searchsorted(beat, [begin - 1e-6, end + 1e-6])
        if end > begin and last > first:
            curve[first:last] = np.maximum(curve[first:last], 0.5 + (beat[first:last] - begin) / (end - begin))
    return curve


def _until(rows: np.ndarray, kind: str, ends: np.ndarray, beat: np.ndarray) -> np.ndarray:
    """Grows from 0.5 to 1.5 from each word of a kind to the change of tempo that ends it."""
    curve = np.zeros(len(beat))
    for row in rows[rows["kind"] == kind]:
        begin = float(row["onset_beat"])
        later = ends[ends > begin + 0.1]
        end = min(float(later[0]) if len(later) else np.inf, begin + LONGEST_RITARDANDO)
        if row["end_beat"] > begin:
            end = min(end, float(row["end_beat"]))
        first, last = np.searchsorted(beat, [begin - 1e-6, end - 1e-6])
        curve[first:last] = 0.5 + (beat[first:last] - begin) / (end - begin)
    return curve
