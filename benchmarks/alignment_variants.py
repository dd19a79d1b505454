"""Harder versions of a recording whose times are known: applause, detuning, repeats that one side lacks, damage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from alignment_truth import RATE, degrade, low_pass, pink, reverberate
from scipy import signal

from perfsynth.types import Score

APPLAUSE_S, APPLAUSE_DB = 10.0, -6.0  # its power over that of the music
DETUNED_CENTS = 40.0
SECTION_S = (20.0, 45.0)  # roughly where the repeated passage lies in a recording
CROSSFADE_S = 0.01


@dataclass(frozen=True)
class Case:
    """A recording, the score it is aligned to, and when each of the score's notes may be said to be played.

    Attributes
    ----------
    audio : (n,) float
        At `RATE`.
    answers : list of (n_notes,) arrays
        Right onsets in s, nan where a note is not played; any one of the lists is right.
    length_s : (n_notes,)
        How long keys are down.
    passage : (n_notes,) bool
        The notes of what one side repeats.
    sounding_s : (n_notes,)
        How long notes sound, with the pedal.
    """

    audio: np.ndarray
    score: Score
    answers: list[np.ndarray]
    length_s: np.ndarray
    passage: np.ndarray
    sounding_s: np.ndarray


def plain(case: Case) -> Case:
    """As it is."""
    return case


def applause(case: Case) -> Case:
    """Ten seconds of clapping before the music and five after it."""
    clapping = [_clapping(length, seed) for seed, length in enumerate((APPLAUSE_S, APPLAUSE_S / 2))]
    level = np.sqrt(np.mean(case.audio**2)) * 10 ** (APPLAUSE_DB / 20)
    audio = np.concatenate([level * clapping[0], case.audio, level * clapping[1]])
    return replace(case, audio=audio, answers=[a + APPLAUSE_S for a in case.answers])


def _clapping(length_s: float, seed: int) -> np.ndarray:
    """Many hands: decaying bursts of noise at random times; unit power."""
    random = np.random.default_rng(seed)
    n = round(length_s * RATE)
    impulses = np.zeros(n)
    impulses[random.integers(0, n, round(60 * length_s))] = random.exponential(1.0, round(60 * length_s))
    burst = random.standard_normal(round(0.02 * RATE)) * np.exp(-np.arange(round(0.02 * RATE)) / (0.004 * RATE))
    sound = signal.oaconvolve(impulses, burst)[:n]
    sound = signal.sosfilt(signal.butter(2, [500, 6000], "bandpass", fs=RATE, output="sos"), sound)
    return sound / sound.std()


def detuned(case: Case) -> Case:
    """All of it 40 cents sharp, and as much faster."""
    factor = 2 ** (DETUNED_CENTS / 1200)
    n = round(len(case.audio) / factor)
    audio = np.interp(np.arange(n) * factor, np.arange(len(case.audio)), case.audio)
    ends = {"length_s": case.length_s / factor, "sounding_s": case.sounding_s / factor}
    return replace(case, audio=audio, answers=[a / factor for a in case.answers], **ends)


def noisy(case: Case) -> Case:
    """Pink noise 15 dB below the music."""
    noise = pink(len(case.audio), np.random.default_rng(1)) * np.sqrt(np.mean(case.audio**2)) * 10 ** (-15 / 20)
    return replace(case, audio=case.audio + noise)


def reverberated(case: Case) -> Case:
    """In a room of 1.4 s."""
    return replace(case, audio=reverberate(case.audio, np.random.default_rng(2)))


def muffled(case: Case) -> Case:
    """Nothing above 5 kHz."""
    return replace(case, audio=low_pass(case.audio))


def degraded(case: Case) -> Case:
    """Reverberation, a low-pass at 5 kHz and noise, again where the recording has them already."""
    return replace(case, audio=degrade(case.audio, seed=3))


def unplayed_repeat(case: Case) -> Case:
    """The score asks for a passage twice, the recording plays it once."""
    begin, end, inside = _section(case)
    notes, copy = case.score.notes.copy(), case.score.notes[inside].copy()
    later = notes["onset_beat"] >= end - 1e-6
    notes["onset_beat"][later] += end - begin
    copy["onset_beat"] += end - begin
    copy["note_id"] = [f"{note_id}b" for note_id in copy["note_id"]]
    both = np.concatenate([notes, copy])
    order = np.lexsort([both["pitch"], both["onset_beat"]])
    known = case.answers[0]
    first = np.concatenate([known, np.full(len(copy), np.nan)])
    second = np.concatenate([np.where(inside, np.nan, known), known[inside]])
    length, sounding = (np.concatenate([of, of[inside]])[order] for of in (case.length_s, case.sounding_s))
    passage = np.concatenate([inside, np.ones(len(copy), bool)])
    score = replace(case.score, notes=both[order])
    return Case(case.audio, score, [first[order], second[order]], length, passage[order], sounding)


def extra_repeat(case: Case) -> Case:
    """The recording plays a passage twice, the score asks for it once."""
    _, end, inside = _section(case)
    known = case.answers[0]
    later = case.score.notes["onset_beat"] >= end - 1e-6
    cut = [round((np.nanmin(known[side]) - 0.015) * RATE) for side in (inside, later)]
    audio = np.concatenate([case.audio[: cut[1]], case.audio[cut[0] :]])
    n = round(CROSSFADE_S * RATE)
    fade = np.linspace(0, 1, n)
    audio[cut[1] - n : cut[1]] = (1 - fade) * case.audio[cut[1] - n : cut[1]] + fade * case.audio[cut[0] - n : cut[0]]
    gap = (cut[1] - cut[0]) / RATE
    first = np.where(later, known + gap, known)
    return replace(case, audio=audio, answers=[first, np.where(inside, known + gap, first)], passage=inside)


def _section(case: Case) -> tuple[float, float, np.ndarray]:
    """Beats between which a passage of whole measures lies, and its notes."""
    known, beat = case.answers[0], case.score.notes["onset_beat"]
    metre = case.score.meters[0] if len(case.score.meters) else None
    bar = 4.0 * metre["numerator"] / metre["denominator"] if metre is not None else 4.0
    places = [float(np.interp(t, known[np.isfinite(known)], beat[np.isfinite(known)])) for t in SECTION_S]
    begin, end = (round(place / bar) * bar for place in places)
    return begin, end, (beat >= begin - 1e-6) & (beat < end - 1e-6)


VARIANTS: dict[str, Callable[[Case], Case]] = {
    "plain": plain,
    "applause": applause,
    "detuned": detuned,
    "noisy": noisy,
    "reverberated": reverberated,
    "low-pass": muffled,
    "degraded": degraded,
    "unplayed repeat": unplayed_repeat,
    "extra repeat": extra_repeat,
}
