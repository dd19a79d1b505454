"""Distances of sound: what is the same has none, and each change shows where it should."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.errors import InputError
from perfsynth.evaluate.audio import Comparison, compare, distances, segments
from perfsynth.evaluate.audio_plot import comparison_figure, standing_out_s
from perfsynth.evaluate.audio_table import LABELS, by_measure, by_recording, cell, markdown
from perfsynth.evaluate.ladder import HISS, ITSELF, LATE, OTHER, SOFTER, ladder
from perfsynth.evaluate.matching import RATE


def tones(hertz: tuple[float, ...], seconds: float = 3.0) -> np.ndarray:
    """Decaying tones with an octave, one every 0.5 s, (n, 1)."""
    t = np.arange(round(seconds * RATE)) / RATE
    audio = np.zeros(len(t))
    for i in range(int((seconds - 0.5) / 0.5)):
        since = np.maximum(t - 0.3 - 0.5 * i, 0)
        hz = hertz[i % len(hertz)]
        sine = np.sin(2 * np.pi * hz * since) + 0.3 * np.sin(4 * np.pi * hz * since)
        audio += (since > 0) * np.exp(-4 * since) * sine * 0.2
    return audio[:, None].astype(np.float32)


@pytest.fixture(scope="module")
def notes() -> np.ndarray:
    return tones((220.0, 277.2, 329.6, 440.0))


@pytest.fixture(scope="module")
def rungs(notes: np.ndarray) -> dict[str, Comparison]:
    return ladder(notes, tones((233.1, 293.7, 349.2, 466.2)))


NONE = {**dict.fromkeys(LABELS, 0.0), "onset_f1": 1.0}


def figures(found: Comparison) -> dict[str, float]:
    return {"gain_db": found.gain_db, "lag_s": found.lag_s, **found.mean()}


def test_the_same_has_no_distance(notes: np.ndarray, rungs: dict[str, Comparison]) -> None:
    assert figures(distances(notes, notes)) == pytest.approx(NONE, abs=1e-4)
    assert figures(rungs[ITSELF]) == pytest.approx(NONE, abs=1e-4)


def test_level_and_lag_are_taken_out_and_reported(notes: np.ndarray) -> None:
    found = distances(np.roll(notes, 640, axis=0) * 0.5, notes)
    assert found.gain_db == pytest.approx(20 * np.log10(2), abs=0.05)
    assert found.lag_s == pytest.approx(640 / RATE)
    assert found.mean()["absolute_db"] < 0.1


def test_the_ladder_shows_each_change_where_it_belongs(rungs: dict[str, Comparison]) -> None:
    found = {name: rung.mean() for name, rung in rungs.items()}
    assert list(found) == [ITSELF, SOFTER, HISS, LATE, OTHER]
    # 6 dB softer, unmatched: 6 dB everywhere, half the magnitude, no other chroma, no other character.
    assert found[SOFTER]["absolute_db"] == pytest.approx(6.0, abs=0.01)
    assert found[SOFTER]["spectral_convergence"] == pytest.approx(1 - 10 ** (-0.3), abs=1e-3)
    assert found[SOFTER]["chroma"] < 0.02
    assert found[SOFTER]["flatness_db"] < 1e-3
    # Hiss: far in the logarithm, not where it is heard.
    assert found[HISS]["log_mel_44k"] > 1.0
    assert found[HISS]["spectral_convergence"] < 0.1
    # Late: the onsets are within 25 ms, the spectra are not where they were.
    assert found[LATE]["onset_f1"] == 1.0
    assert found[LATE]["spectral_convergence"] > 0.1
    # Other notes: the chroma says so.
    assert found[OTHER]["chroma"] > 5 * found[HISS]["chroma"]


def test_each_channel_counts(notes: np.ndarray) -> None:
    hiss = notes + np.random.default_rng(0).normal(size=notes.shape).astype(np.float32) * 1e-3
    one = compare({"": hiss}, notes)[""].mean()
    half = compare({"": np.concatenate([hiss, notes], axis=1)}, np.repeat(notes, 2, axis=1))[""].mean()
    assert half["log_mel_44k"] == pytest.approx(one["log_mel_44k"] / 2, rel=1e-5)


def test_long_audio_is_cut_into_equal_pieces_with_an_interval() -> None:
    assert segments(5 * RATE) == [slice(0, 5 * RATE)]
    pieces = segments(95 * RATE)
    assert len(pieces) == 5
    assert (pieces[0].start, pieces[-1].stop) == (0, 95 * RATE)
    rows = [compare({"": tones((220.0,), 1.5) * gain}, tones((220.0,), 1.5))[""] for gain in (0.5, 0.6, 0.7, 0.8, 0.9)]
    whole = Comparison(tuple(row.rows[0] for row in rows), 0.0, 0.0, rows[0].features, rows[0].bark)
    low, high = whole.interval()["absolute_db"]
    assert min(row.rows[0].absolute_db for row in rows) < low < whole.mean()["absolute_db"] < high < 6.1
    assert rows[0].interval() == {}


def test_a_silent_piece_is_left_out() -> None:
    reference = np.concatenate([tones((220.0,), 20.0), np.zeros((20 * RATE, 1), np.float32)])
    assert len(compare({"": reference}, reference)[""].rows) == 1


@pytest.mark.parametrize(
    "wrong", [np.zeros((2 * RATE, 1)), np.ones(2 * RATE), np.ones((100, 1)), np.full((2 * RATE, 1), np.nan)]
)
def test_what_cannot_be_compared_is_refused(wrong: np.ndarray, notes: np.ndarray) -> None:
    with pytest.raises(InputError):
        distances(wrong, notes)
    with pytest.raises(InputError):
        compare({"wrong": wrong}, notes)
    with pytest.raises(InputError):
        ladder(wrong)


def test_tables(rungs: dict[str, Comparison]) -> None:
    columns = {name: figures(rung) for name, rung in rungs.items()}
    rows = by_measure(columns, {"chroma": (0.1, 0.2)})
    assert [row[0] for row in rows] == ["measure", *LABELS.values()]
    assert rows[1 + list(LABELS).index("chroma")][1] == "0.000 (0.100..0.200)"
    lines = by_recording(columns)
    assert [row[0] for row in lines] == ["", *rungs]
    assert lines[0][2] == "lag_ms"  # as it is printed
    text = markdown(rows).splitlines()
    assert len({len(line) for line in text}) == 1
    assert cell("lag_s", 0.0123) == "12.3"
    assert cell("chroma", float("nan")) == "-"
    assert cell("gain_db", -1e-4) == "0.00"


def test_the_picture_shows_the_attack_that_stands_out(notes: np.ndarray) -> None:
    assert standing_out_s(notes[:, 0]) == pytest.approx(0.3, abs=0.03)
    drawn = comparison_figure(notes, notes, distances(notes, notes))
    difference = next(axes for axes in drawn.axes if "generated - reference" in axes.get_title())
    assert np.abs(difference.collections[0].get_array()).max() == 0
    waveforms = next(axes for axes in drawn.axes if axes.get_title().startswith("waveform")).lines
    assert np.array_equal(waveforms[0].get_ydata(), waveforms[1].get_ydata())
    assert len(waveforms[0].get_ydata()) > 0.15 * RATE


def test_channels_that_cancel_each_other_are_drawn(notes: np.ndarray) -> None:
    both = np.concatenate([notes, -notes], axis=1)
    drawn = comparison_figure(both, both, distances(both, both))
    waveforms = next(axes for axes in drawn.axes if axes.get_title().startswith("waveform")).lines
    assert np.abs(waveforms[0].get_ydata()).max() > 0.01
