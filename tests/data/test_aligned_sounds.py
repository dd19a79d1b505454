"""Aligned recordings as a corpus: how loud notes are, what is cut, what is held out, what is resampled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perfsynth import formats
from perfsynth.data.aligned_sounds import (
    BEFORE_S,
    MEDIAN_VELOCITY,
    PER_DB,
    RATE,
    levels,
    prepare,
    shifted,
)
from perfsynth.data.sound_corpus import read_recordings
from perfsynth.errors import InputError
from perfsynth.formats.audio import write_audio
from perfsynth.formats.jsonl import write_jsonl
from perfsynth.types import ALIGNED_NOTE, PERFORMED_NOTE, Alignment, Audio, Performance

START_S = 2.0  # of silence before the music
PITCHES = (60, 62, 64, 65, 67, 69, 71, 72, 74, 76)
AMPLITUDES = tuple(0.02 * 10 ** (dB / 20) for dB in (0, 12, 0, 6, 0, -6, 0, 0, -12, 0))


def notes() -> np.ndarray:
    rows = [
        (f"n{i}", pitch, i, 1.0, START_S + 0.5 * i, START_S + 0.5 * i + 0.4, 1.0, "matched")
        for i, pitch in enumerate(PITCHES)
    ]
    return np.array([*rows, ("n99", 80, 20.0, 1.0, np.nan, np.nan, 0.0, "unplayed")], ALIGNED_NOTE)


def recorded() -> np.ndarray:
    """(n, 1): a sine for each note."""
    made = np.zeros(round((START_S + 8) * RATE), np.float32)
    for note, amplitude in zip(notes(), AMPLITUDES, strict=False):
        first, last = round(note["onset_s"] * RATE), round(note["offset_s"] * RATE)
        t = np.arange(last - first) / RATE
        made[first:last] += amplitude * np.sin(2 * np.pi * 440 * 2 ** ((int(note["pitch"]) - 69) / 12) * t)
    return made[:, None]


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, Any]]:
    made = []
    for name in ("one", "two"):
        write_audio(Audio(recorded(), RATE).stream(), tmp_path / f"{name}.flac", format="flac")
        (tmp_path / f"{name}.jsonl").write_bytes(write_jsonl(Alignment(notes())))
        files = {"audio": str(tmp_path / f"{name}.flac"), "alignment": str(tmp_path / f"{name}.jsonl")}
        made.append({"id": f"set/{name}", "player": "kim", "licence": "CC BY 3.0"} | files)
    return made


def test_levels_differ_as_amplitudes_do() -> None:
    found = levels(recorded()[:, 0], notes()[: len(PITCHES)])
    expected = 20 * np.log10(AMPLITUDES)
    assert np.allclose(found - found[0], expected - expected[0], atol=0.7)


def test_a_corpus_holds_the_music_alone_as_loud_as_it_was_played(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    out = tmp_path / "corpus"
    made = prepare(rows, out, instrument="violin-{player}", valid=("two",), shifts=(-1, 2), program=40)
    assert made == [row for row in made if row.instrument == "violin-kim" and row.license == "CC BY 3.0"]
    assert [row.split for row in made] == ["train"] * 3 + ["valid"]
    first = read_recordings(out)[0]
    played = formats.read_performance(Path(first.performance).read_bytes(), name="a")
    assert played.parts[0].program == 40
    assert played.notes["onset_s"][0] == pytest.approx(BEFORE_S, abs=0.002)
    assert played.notes["pitch"].tolist() == list(PITCHES)
    heard = formats.read_audio(Path(first.audio).read_bytes(), name="a").samples
    assert np.abs(heard[: round(0.98 * BEFORE_S * RATE)]).max() < 1e-3
    assert np.abs(heard[round((BEFORE_S + 0.1) * RATE) :][:1000]).max() == pytest.approx(0.02, rel=0.1)
    velocity = played.notes["velocity"].astype(float)
    # Of 18 dB; what is expected around a pitch follows ten notes a little.
    assert 11 * PER_DB < velocity[1] - velocity[5] < 19 * PER_DB
    assert velocity[8] == velocity.min()
    assert np.median(velocity) == pytest.approx(MEDIAN_VELOCITY, abs=10)


def test_what_is_resampled_is_higher_and_earlier(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    notes_s = np.array([("", 1.0, 0.5, 60, 64, 0)], PERFORMED_NOTE)
    played, samples = shifted(Performance(notes_s), recorded(), 12)
    assert played.notes[["onset_s", "duration_s", "pitch"]].tolist() == [(0.5, 0.25, 72)]
    assert len(samples) == pytest.approx(len(recorded()) / 2, abs=2)
    peak = np.abs(np.fft.rfft(samples[round(START_S / 2 * RATE) :][:8000, 0])).argmax() * RATE / 8000
    assert peak == pytest.approx(2 * 440 * 2 ** (-9 / 12), rel=0.02)
    assert shifted(Performance(notes_s), recorded(), 0)[0].notes is notes_s


@pytest.mark.parametrize(
    ("change", "valid", "message"),
    [
        ({}, ("nothing",), "held out"),
        ({"alignment": ""}, ("two",), "has no alignment"),
        ({"split": "some"}, (), "is none of train, valid, test"),
    ],
)
def test_rows_that_make_no_corpus(
    rows: list[dict[str, Any]], tmp_path: Path, change: dict[str, str], valid: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        prepare([row | change for row in rows], tmp_path / "corpus", instrument="mine", valid=valid)


def test_an_instrument_is_named_by_columns_that_are_there(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'album'"):
        prepare(rows, tmp_path / "corpus", instrument="violin-{album}", valid=("two",))
