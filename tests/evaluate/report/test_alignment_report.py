"""The intervals of an alignment, its report, and what the command takes as the truth."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from perfsynth.evaluate.alignment import Paired, evaluate
from perfsynth.evaluate.alignment_intervals import STRETCH_S, _medians, intervals
from perfsynth.evaluate.alignment_table import LABELS
from perfsynth.evaluate.report.aligning import alignment_page, by_stretch, worst_notes
from perfsynth.formats import jsonl, midi_write
from perfsynth.types import ALIGNED_NOTE, PERFORMED_NOTE, Alignment, Part, Performance


def pairs(n_notes: int = 400, length_s: float = 100.0, *, seed: int = 1) -> Paired:
    """An alignment that is late by 5 ms and more, with some notes lost, and its truth."""
    drawn = np.random.default_rng(seed)
    true = np.zeros(n_notes, ALIGNED_NOTE)
    true["note_id"] = [f"n{index}" for index in range(n_notes)]
    true["pitch"] = drawn.integers(40, 80, n_notes)
    true["score_onset_beat"] = np.arange(n_notes)
    true["onset_s"] = np.sort(drawn.uniform(0, length_s, n_notes))
    true["offset_s"], true["sound_off_s"] = true["onset_s"] + 0.3, np.nan
    true["status"] = "matched"
    found = true.copy()
    late = 0.005 + drawn.exponential(0.03, n_notes)
    found["onset_s"] += late
    found["offset_s"] += 2 * late
    found["confidence"] = np.exp(-20 * late)
    lost = np.arange(n_notes) % 20 == 7
    found["status"][lost], found["onset_s"][lost] = "unplayed", np.nan
    return Paired(found, true)


def test_intervals_surround_their_figures_and_narrow_with_more_music() -> None:
    short, long = pairs(), pairs(4000, 1000.0)
    for sample in (short, long):
        figures, ends = evaluate(sample), intervals(sample)
        assert set(ends) <= set(figures) and len(ends) == 11
        assert all(low <= figures[name] <= high for name, (low, high) in ends.items())
    widths = [np.diff(intervals(sample)["within_50_ms"])[0] for sample in (short, long)]
    assert widths[1] < 0.7 * widths[0]


def test_intervals_hold_the_expected_share_of_tests() -> None:
    late = 0.005 + np.random.default_rng(0).exponential(0.03, 10**6)
    truth = 100 * 0.95 * np.mean(late <= 0.05)
    held = [low <= truth <= high for low, high in (intervals(pairs(seed=s))["within_50_ms"] for s in range(100))]
    assert 0.85 <= np.mean(held) <= 1.0


def test_equal_stretches_leave_no_doubt_and_short_music_has_no_interval() -> None:
    n_notes = 60
    true = np.zeros(n_notes, ALIGNED_NOTE)
    true["onset_s"] = np.repeat(np.arange(6) * STRETCH_S, 10) + np.tile(np.arange(10), 6)
    true["status"] = "matched"
    found = true.copy()
    found["onset_s"] += np.tile(np.array([0.01] * 8 + [0.03] * 2), 6)
    ends = intervals(Paired(found, true))
    assert ends["within_20_ms"] == pytest.approx((80, 80)) and ends["median_ms"] == pytest.approx((10, 10))
    assert ends["mean_ms"] == pytest.approx((14, 14))
    assert intervals(Paired(found[:40], true[:40])) == {}


def test_medians_are_those_of_the_notes_drawn() -> None:
    values, stretch = np.array([5.0, 1.0, 9.0, 7.0, 3.0]), np.array([0, 0, 1, 1, 1])
    drawn = np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])
    assert _medians(values, stretch, drawn).tolist() == [5.0, 1.0, 7.0]  # of an even number the lower one
    assert np.isnan(_medians(values[:0], stretch[:0], drawn)).all()


def test_the_worst_notes_come_first_and_stretches_add_up() -> None:
    sample = pairs(50, 30.0)
    shown = worst_notes(sample)[1:]
    lost = int((sample.predicted["status"] != "matched").sum())
    assert lost == 3 and [row[1] for row in shown[:lost]] == ["not found"] * lost
    late = [float(row[1]) for row in shown[lost:]]
    assert late == sorted(late, reverse=True)
    rows = by_stretch(sample)[1:]
    assert sum(int(row[3]) for row in rows) == 50
    shares = sum(int(row[3]) * float(row[2]) for row in rows) / 50
    assert shares == pytest.approx(evaluate(sample)["within_50_ms"], abs=0.1)


def test_the_page_holds_figures_intervals_and_words_for_the_picture() -> None:
    sample = pairs()
    figures, ends = evaluate(sample), intervals(sample)
    made = alignment_page("folder/a.jsonl", sample, figures, ends, [], {})
    text = made.decode()
    assert (
        "<h1>a.jsonl against true times</h1>" in text
        and f"{figures['median_ms']:.1f} ({ends['median_ms'][0]:.1f}" in text
    )
    assert "data:image/png;base64," in text and "Three plots. Errors of 400 onsets" in text and "<audio" not in text
    assert made == alignment_page("folder/a.jsonl", sample, figures, ends, [], {})


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with an alignment, its truth as one and as a performance with and without names."""
    sample = pairs()
    notes = np.zeros(len(sample.true), PERFORMED_NOTE)
    notes["note_id"], notes["pitch"] = sample.true["note_id"], sample.true["pitch"]
    notes["onset_s"], notes["duration_s"], notes["velocity"] = sample.true["onset_s"], 0.3, 60
    named = Performance(notes=notes, parts=(Part(),))
    (tmp_path / "found.jsonl").write_bytes(jsonl.write_jsonl(Alignment(notes=sample.predicted)))
    (tmp_path / "true.jsonl").write_bytes(jsonl.write_jsonl(Alignment(notes=sample.true)))
    (tmp_path / "named.jsonl").write_bytes(jsonl.write_jsonl(named))
    (tmp_path / "played.mid").write_bytes(midi_write.write_performance(named))
    return tmp_path


def measure(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "perfsynth", "evaluate", "alignment", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_command_prints_intervals_and_writes_the_page_once(files: Path) -> None:
    shown = measure(files, "found.jsonl", "--reference", "true.jsonl", "--report", "page.html")
    assert shown.returncode == 0, shown.stderr
    assert all(label in shown.stdout for label in LABELS.values())
    figures, ends = evaluate(pairs()), intervals(pairs())
    assert (
        f"{figures['within_50_ms']:.1f} ({ends['within_50_ms'][0]:.1f}..{ends['within_50_ms'][1]:.1f})" in shown.stdout
    )
    page = (files / "page.html").read_text()
    assert "true.jsonl" in page and "Figures" in page
    again = measure(files, "found.jsonl", "--reference", "true.jsonl", "--report", "page.html")
    assert again.returncode == 1 and "page.html: already there" in again.stderr
    assert measure(files, "found.jsonl", "--reference", "true.jsonl", "--report", "page.pdf").returncode == 2


def test_a_performance_that_names_its_notes_is_a_truth(files: Path) -> None:
    by_alignment, by_performance = (
        measure(files, "found.jsonl", "--reference", name).stdout for name in ("true.jsonl", "named.jsonl")
    )
    assert by_alignment == by_performance != ""
    nameless = measure(files, "found.jsonl", "--reference", "played.mid")
    assert nameless.returncode == 1 and "perfsynth align played.mid SCORE" in nameless.stderr
    turned = measure(files, "named.jsonl", "--reference", "true.jsonl")
    assert turned.returncode == 1 and "is a performance" in turned.stderr
    assert measure(files, "-", "--reference", "-").returncode == 2
