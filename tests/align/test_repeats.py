"""Scores with signs of repetition, from MusicXML: the recording decides what is played, and it is said."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.align.core import align, summary_of
from perfsynth.formats.musicxml import read_musicxml
from perfsynth.types import Audio, Score

RATE, BEAT_S, LEAD_S = 22050, 0.55, 0.6
STEPS = ("C", "D", "E", "F", "G", "A", "B")
SEMITONES = (0, 2, 4, 5, 7, 9, 11)


def bars(number: int, seed: int) -> list[list[int]]:
    """Bars of four quarter notes: steps above the C of the third octave."""
    return np.random.default_rng(seed).integers(0, 18, (number, 4)).tolist()


def page(measures: list[tuple[str, list[int], str]]) -> bytes:
    """MusicXML of bars with what stands before and after their notes."""
    text = ""
    for number, (before, steps, after) in enumerate(measures, 1):
        divisions = (
            "<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
        )
        notes = "".join(
            f"<note><pitch><step>{STEPS[step % 7]}</step><octave>{4 + step // 7}</octave></pitch>"
            "<duration>1</duration><type>quarter</type></note>"
            for step in steps
        )
        text += f'<measure number="{number}">{divisions if number == 1 else ""}{before}{notes}{after}</measure>'
    parts = '<part-list><score-part id="P1"><part-name>P</part-name></score-part></part-list>'
    return f'<score-partwise version="4.0">{parts}<part id="P1">{text}</part></score-partwise>'.encode()


def sounded(played: list[list[int]]) -> Audio:
    """Plucked strings that play the bars one after another."""
    steps = [step for bar in played for step in bar]
    audio = np.random.default_rng(3).normal(0, 1e-4, round((LEAD_S + BEAT_S * len(steps) + 1) * RATE))
    time_s = np.arange(round(0.6 * RATE)) / RATE
    for index, step in enumerate(steps):
        hertz = 440 * 2 ** ((60 + 12 * (step // 7) + SEMITONES[step % 7] - 69) / 12)
        tone = sum(np.sin(2 * np.pi * k * hertz * time_s) / k for k in range(1, 7)) * np.exp(-4 * time_s)
        first = round((LEAD_S + BEAT_S * index) * RATE)
        audio[first : first + len(tone)] += 0.1 * tone
    return Audio(audio[:, None].astype(np.float32), RATE)


def barline(where: str, *signs: str) -> str:
    return f'<barline location="{where}">{"".join(signs)}</barline>'


def check(score: Score, played: list[list[int]], *said: str) -> None:
    """As many notes are played as sound, each at its time, and every decision is told."""
    found = align(sounded(played), score)
    times = np.sort(found.notes["onset_s"][found.notes["status"] == "matched"])
    assert len(times) == 4 * len(played)
    error = times - LEAD_S - BEAT_S * np.arange(len(times))
    assert np.mean(np.abs(error) < 0.05) > 0.95
    summary = summary_of(found)
    assert summary is not None
    assert len(summary.decisions) == len(said)
    for words, decision in zip(said, summary.decisions, strict=True):
        assert words in decision


@pytest.mark.parametrize(("first", "said"), [(0, "measures 1 to 8"), (4, "measures 5 to 8")])
def test_an_end_that_is_played_again_is_named_to_its_last_bar(first: int, said: str) -> None:
    content = bars(8, 11)
    content[-1] = content[first]
    score = read_musicxml(page([("", steps, "") for steps in content]))
    summary = summary_of(align(sounded(content + content[first:]), score))
    assert summary is not None
    begun_s = LEAD_S + BEAT_S * 4 * len(content)
    (told,) = summary.decisions
    assert f"{said} played again" in told
    assert float(told.split()[1]) == pytest.approx(begun_s, abs=0.3)
    assert 0 <= summary.tail_s < 2  # of the 1 s after the last bar, and not the bars


@pytest.fixture(scope="module")
def voltas() -> tuple[Score, list[list[int]]]:
    """Four bars and a first ending, again with a second ending, and four bars more."""
    content = bars(10, 1)
    written = [("", steps, "") for steps in content]
    forward, backward = '<repeat direction="forward"/>', '<repeat direction="backward"/>'
    written[0] = (barline("left", forward), content[0], "")
    for bar, number, after in ((4, 1, backward), (5, 2, "")):
        begin, end = (f'<ending number="{number}" type="{kind}"/>' for kind in ("start", "stop"))
        written[bar] = (barline("left", begin), content[bar], barline("right", end, after))
    score = read_musicxml(page(written))
    assert len(score.notes) == 4 * 14
    return score, content


def test_a_repeat_with_endings_played_as_written(voltas: tuple[Score, list[list[int]]]) -> None:
    score, content = voltas
    check(score, content[:5] + content[:4] + content[5:])


def test_the_second_ending_at_once(voltas: tuple[Score, list[list[int]]]) -> None:
    score, content = voltas
    check(score, content[:4] + content[5:], "measures 5 to 9 of the unfolded score left out")


def test_da_capo_played_and_left_out() -> None:
    content = bars(10, 5)
    written = [("", steps, "") for steps in content]
    fine, back = (
        f'<direction placement="above"><direction-type><words>{words}</words></direction-type>{sound}</direction>'
        for words, sound in (("Fine", '<sound fine="yes"/>'), ("D.C. al Fine", '<sound dacapo="yes"/>'))
    )
    written[4], written[9] = ("", content[4], fine), ("", content[9], back)
    score = read_musicxml(page(written))
    assert len(score.notes) == 4 * 15
    check(score, content + content[:5])
    check(score, content, "measures 11 to 15 not played: the recording ends before")
