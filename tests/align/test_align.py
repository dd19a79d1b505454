"""Alignment of small pieces that are made here: every time is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perfsynth.align import bands
from perfsynth.align.bands import mono
from perfsynth.align.core import align, summary_of
from perfsynth.align.refine import refine
from perfsynth.align.structure import follow
from perfsynth.align.tables import as_csv, as_match, as_performance
from perfsynth.align.tuning import tuning_cents
from perfsynth.errors import InputError, MissingError, UsageError
from perfsynth.formats.match import read_match
from perfsynth.types import KEY, METER, SCORE_NOTE, TEMPO, Audio, AudioStream, Performance, Score

RATE = 22050


def melody(seed: int = 0, n_bars: int = 12) -> Score:
    """Two voices: quarter notes over half notes, at 100 beats a minute."""
    random = np.random.default_rng(seed)
    rows = []
    for beat in range(4 * n_bars):
        rows.append((f"r{beat}", beat, 1.0, int(random.integers(65, 84))))
        if beat % 2 == 0:
            rows.append((f"l{beat}", beat, 2.0, int(random.integers(45, 60))))
    notes = np.zeros(len(rows), SCORE_NOTE)
    for index, (note_id, beat, duration, pitch) in enumerate(rows):
        notes[index] = (note_id, beat, duration, pitch, 64, 0, 1, 1, 0, 0)
    order = np.lexsort([notes["pitch"], notes["onset_beat"]])
    return Score(notes[order], tempos=np.array([(0.0, 100.0)], TEMPO), meters=np.array([(0.0, 4, 4)], METER))


def times_of(beats: np.ndarray) -> np.ndarray:
    """A tempo that sways, 0.7 s before the first note."""
    return np.asarray(0.7 + 0.55 * beats + 0.25 * np.sin(beats / 5))


def sounded(pitch: np.ndarray, onset_s: np.ndarray, end_s: np.ndarray, *, cents: float = 0.0) -> np.ndarray:
    """Plucked strings of eight partials, with a little noise."""
    audio = np.random.default_rng(9).normal(0, 1e-4, int((end_s.max() + 1.0) * RATE))
    for key, begin, end in zip(pitch, onset_s, end_s, strict=True):
        first = round(begin * RATE)
        time_s = np.arange(int((end - begin + 0.1) * RATE)) / RATE
        hertz = 440 * 2 ** ((key - 69 + cents / 100) / 12)
        envelope = np.exp(-2.5 * time_s) * np.where(time_s > end - begin, np.exp(-(time_s - end + begin) / 0.02), 1)
        tone = sum(np.sin(2 * np.pi * k * hertz * time_s) / k for k in range(1, 9) if k * hertz < RATE / 2)
        audio[first : first + len(time_s)] += 0.1 * envelope * tone
    return audio


def played(score: Score, *, cents: float = 0.0) -> np.ndarray:
    notes = score.notes
    end_s = times_of(notes["onset_beat"] + notes["duration_beat"])
    return sounded(notes["pitch"].astype(int), times_of(notes["onset_beat"]), end_s, cents=cents)


def audio_of(samples: np.ndarray, rate: int = RATE, channels: int = 1) -> Audio:
    return Audio(np.repeat(samples[:, None], channels, axis=1).astype(np.float32), rate)


@pytest.fixture(scope="module")
def score() -> Score:
    return melody()


@pytest.fixture(scope="module")
def recording(score: Score) -> np.ndarray:
    return played(score)


def test_every_note_within_frames(score: Score, recording: np.ndarray) -> None:
    found = align(audio_of(recording), score).notes
    error = np.abs(found["onset_s"] - times_of(found["score_onset_beat"]))
    assert len(found) == len(score.notes)
    assert (found["status"] == "matched").all()
    assert np.median(error) < 0.006
    assert np.mean(error < 0.03) > 0.95
    assert (np.diff(np.round(found["score_onset_beat"], 6)) >= 0).all()
    assert (found["offset_s"] >= found["onset_s"]).all()
    assert found["confidence"].min() >= 0
    assert found["confidence"].max() <= 1


def test_tuning_and_transposition(score: Score) -> None:
    found = align(audio_of(played(score, cents=-75.0)), score)
    summary = summary_of(found)
    assert summary is not None
    assert summary.semitones * 100 + summary.tuning_cents == pytest.approx(-75, abs=8)
    assert np.median(np.abs(found.notes["onset_s"] - times_of(found.notes["score_onset_beat"]))) < 0.008


@pytest.mark.parametrize("cents", [-40.0, 0.0, 30.0])
def test_tuning_of_tones(score: Score, cents: float) -> None:
    assert tuning_cents(played(score, cents=cents).astype(np.float32)) == pytest.approx(cents, abs=4)


def test_silence_before_and_noise_after(score: Score, recording: np.ndarray) -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, 4 * RATE)
    found = align(audio_of(np.concatenate([np.zeros(6 * RATE), recording, noise])), score)
    error = np.abs(found.notes["onset_s"] - 6 - times_of(found.notes["score_onset_beat"]))
    assert np.mean(error < 0.05) > 0.9
    summary = summary_of(found)
    assert summary is not None
    assert summary.lead_in_s == pytest.approx(6.7, abs=0.1)


def test_a_repeat_that_is_not_played(score: Score, recording: np.ndarray) -> None:
    begin, end = 16.0, 32.0
    notes = score.notes.copy()
    again = notes[(notes["onset_beat"] >= begin) & (notes["onset_beat"] < end)].copy()
    notes["onset_beat"][notes["onset_beat"] >= end] += end - begin
    again["onset_beat"] += end - begin
    again["note_id"] = [f"{note_id}-2" for note_id in again["note_id"]]
    both = np.concatenate([notes, again])
    written = replace(score, notes=both[np.lexsort([both["pitch"], both["onset_beat"]])])
    found = align(audio_of(recording), written)
    unplayed = found.notes["status"] == "unplayed"
    assert set(found.notes["note_id"][unplayed]) == set(again["note_id"])
    assert np.isnan(found.notes["onset_s"][unplayed]).all()
    summary = summary_of(found)
    assert summary is not None
    assert "the repeat, measures 9 to 12" in " ".join(summary.decisions)


def test_a_passage_played_twice(score: Score, recording: np.ndarray) -> None:
    begin, end = (round((float(times_of(np.array(beat))) - 0.01) * RATE) for beat in (16.0, 32.0))
    found = align(audio_of(np.concatenate([recording[:end], recording[begin:]])), score)
    summary = summary_of(found)
    assert summary is not None
    assert "measures 5 to 8 played again" in " ".join(summary.decisions)
    late = found.notes["score_onset_beat"] >= 33
    expected = times_of(found.notes["score_onset_beat"][late]) + (end - begin) / RATE
    assert np.mean(np.abs(found.notes["onset_s"][late] - expected) < 0.05) > 0.9


def test_another_piece_is_refused(recording: np.ndarray) -> None:
    with pytest.raises(InputError, match="does not play this score"):
        align(audio_of(recording), melody(seed=77))


def test_silence_between_notes_does_not_speak_against_a_score() -> None:
    """Slow, no pedal, keys up after two fifths of what is written."""
    slow = melody(n_bars=4)
    onset_s, length_s = (1.65 * slow.notes[column] for column in ("onset_beat", "duration_beat"))
    recording = sounded(slow.notes["pitch"].astype(int), onset_s + 0.7, onset_s + 0.7 + 0.4 * length_s)
    found = align(audio_of(recording), slow)
    summary = summary_of(found)
    assert summary is not None
    assert summary.likeness > 0.03
    assert np.median(np.abs(found.notes["onset_s"] - onset_s - 0.7)) < 0.01
    with pytest.raises(InputError, match="does not play this score"):
        align(audio_of(recording), melody(seed=77, n_bars=4))


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros(RATE), RATE, "silent"),
        (np.ones(round(0.1 * RATE)), RATE, "0.10 s"),
        (np.full(RATE, np.nan), RATE, "not finite"),
        (np.ones(RATE), 100, "100 Hz"),
    ],
)
def test_recordings_that_cannot_be_aligned(score: Score, samples: np.ndarray, rate: int, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        align(audio_of(samples, rate), score)
    assert "\n" not in str(refused.value)


def test_five_hours_are_refused_before_they_are_decoded(score: Score) -> None:
    def blocks() -> Iterator[np.ndarray]:
        raise AssertionError("a block was asked for")
        yield np.zeros((1, 1))

    with pytest.raises(InputError, match=r"lasts 5\.0 h: at most 4 h"):
        align(AudioStream(blocks(), RATE, 1, 5 * 3600.0), score)


@pytest.mark.parametrize(("rate", "channels"), [(8000, 8), (192000, 1)])
def test_other_rates_and_channels(score: Score, recording: np.ndarray, rate: int, channels: int) -> None:
    import soxr

    found = align(audio_of(soxr.resample(recording, RATE, rate), rate, channels=channels), score).notes
    assert np.median(np.abs(found["onset_s"] - times_of(found["score_onset_beat"]))) < 0.01


def test_clipping(score: Score, recording: np.ndarray) -> None:
    found = align(audio_of(np.clip(8 * recording / np.abs(recording).max(), -1, 1)), score).notes
    assert np.median(np.abs(found["onset_s"] - times_of(found["score_onset_beat"]))) < 0.01


def test_a_recording_that_ends_before_the_score_does(score: Score, recording: np.ndarray) -> None:
    end_s = float(times_of(np.array(24.0)))
    found = align(audio_of(recording[: round((end_s - 0.02) * RATE)]), score)
    rows = found.notes
    assert (rows["status"][rows["score_onset_beat"] >= 26] == "unplayed").all()
    early = rows["score_onset_beat"] < 22
    assert np.median(np.abs(rows["onset_s"] - times_of(rows["score_onset_beat"]))[early]) < 0.01
    summary = summary_of(found)
    assert summary is not None
    assert "not played: the recording ends before" in " ".join(summary.decisions)


@pytest.mark.parametrize("rate", [RATE, 44100])
def test_blocks_are_mixed_as_the_whole_is(rate: int) -> None:
    audio = Audio(np.random.default_rng(2).normal(0, 0.1, (3 * rate, 2)).astype(np.float32), rate)
    blocks = np.split(audio.samples, [1, 700, 50000])
    pieces = mono(AudioStream(blocks, rate, 2, 3.0))
    whole = mono(audio)
    assert whole.shape == (3 * RATE,)
    np.testing.assert_allclose(pieces, whole, atol=1e-6)
    assert np.abs(whole).max() == pytest.approx(1)


def test_a_stream_that_does_not_say_how_long_it_is(recording: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = audio_of(recording)
    for said_s in (0.0, 1.0):
        stream = AudioStream(np.array_split(audio.samples, 3), RATE, 1, said_s)
        np.testing.assert_array_equal(mono(stream), mono(audio))
    blocks = (np.ones((5 * RATE, 1), np.float32) for _ in range(9))
    stream = AudioStream(blocks, RATE, 1)
    monkeypatch.setattr(bands, "LONGEST_S", 12)
    with pytest.raises(InputError, match="can be aligned"):
        mono(stream)
    assert next(iter(blocks)) is not None  # refused before the last was decoded


def test_the_published_method(score: Score, recording: np.ndarray) -> None:
    def strings(performance: Performance, rate: int) -> np.ndarray:
        import soxr

        notes = performance.notes
        ends = notes["onset_s"] + notes["duration_s"]
        return np.asarray(soxr.resample(sounded(notes["pitch"].astype(int), notes["onset_s"], ends), RATE, rate))

    found = align(audio_of(recording), score, method="deep-performer", render=strings).notes
    error = found["onset_s"] - times_of(found["score_onset_beat"])
    assert np.mean(np.abs(error) < 0.1) > 0.9
    np.testing.assert_allclose(found["onset_s"] / 0.032, np.rint(found["onset_s"] / 0.032), atol=1e-6)
    both = Audio(np.stack([recording, -recording], axis=1).astype(np.float32), RATE)
    again = align(both, score, method="deep-performer", render=strings).notes
    np.testing.assert_array_equal(again["onset_s"], found["onset_s"])
    with pytest.raises(MissingError, match="render"):
        align(audio_of(recording), score, method="deep-performer")
    with pytest.raises(UsageError, match="in memory"):
        align(audio_of(recording).stream(), score, method="deep-performer", render=strings)


def test_no_notes_and_no_such_method(score: Score, recording: np.ndarray) -> None:
    with pytest.raises(InputError, match="no notes"):
        align(audio_of(recording), replace(score, notes=score.notes[:0]))
    with pytest.raises(UsageError, match="neural"):
        align(audio_of(recording), score, method="neural")  # type: ignore[arg-type]


def test_tables(score: Score, recording: np.ndarray) -> None:
    found = align(audio_of(recording), score)
    lines = as_csv(found).decode().splitlines()
    head = "note_id,pitch,score_onset_beat,score_duration_beat,onset_s,offset_s,sound_off_s,confidence,status"
    assert lines[0] == head
    assert len(lines) == len(score.notes) + 1
    performance = as_performance(found, score)
    read = read_match(as_match(found, score))
    assert sorted(read.notes["note_id"]) == sorted(performance.notes["note_id"])
    np.testing.assert_allclose(np.sort(read.notes["onset_s"]), np.sort(performance.notes["onset_s"]), atol=6e-4)


def test_channels_that_cancel_each_other_are_heard(score: Score, recording: np.ndarray) -> None:
    both = Audio(np.stack([recording, -recording], axis=1).astype(np.float32), RATE)
    np.testing.assert_array_equal(align(both, score).notes, align(audio_of(recording), score).notes)


def test_match_files_load_with_their_score(score: Score, recording: np.ndarray, tmp_path: Path) -> None:
    import partitura

    signed = replace(score, meters=np.array([(0.0, 4, 4)], METER), keys=np.array([(0.0, -3, False)], KEY))
    for number, one in enumerate((score, signed)):
        (tmp_path / f"{number}.match").write_bytes(as_match(align(audio_of(recording), one), one))
        _, joined, made = partitura.load_match(str(tmp_path / f"{number}.match"), create_score=True)
        assert len(joined) > 0.9 * len(score.notes)
        assert len(made[0].notes_tied) == len(score.notes)
    assert [(sign.beats, sign.beat_type) for sign in made[0].iter_all(partitura.score.TimeSignature)] == [(4, 4)]
    assert [sign.fifths for sign in made[0].iter_all(partitura.score.KeySignature)] == [-3]


def test_refining_finds_the_peaks() -> None:
    grid = np.arange(-20, 21) * 0.005
    true = np.array([0.03, -0.02, 0.01, 0.045])
    evidence = -0.5 * ((grid - true[:, None]) / 0.004) ** 2
    path_s = np.array([1.0, 2.0, 3.0, 3.0])
    pitch = np.array([60, 62, 64, 67])
    found = refine(path_s, np.array([0, 1, 2, 2]), evidence, grid, pitch=pitch, written_s=0.8 * path_s)
    np.testing.assert_allclose(found.onset_s, [1.032, 1.982, 3.012, 3.047], atol=0.003)
    assert (found.clear > 0.99).all()


def test_following_equals_a_plain_reference() -> None:
    """Without jumps and open ends, the cheapest of all monotone paths with steps of 0 to 3."""
    from perfsynth.align.structure import STEPS

    random = np.random.default_rng(3)
    recorded, written = (random.random((n, 6)).astype(np.float32) for n in (30, 25))
    recorded /= np.linalg.norm(recorded, axis=1, keepdims=True)
    written /= np.linalg.norm(written, axis=1, keepdims=True)
    found = follow(recorded, written, 1.0, boundaries=[], jumps=False)
    path = np.concatenate([stretch.path for stretch in found.stretches])
    distance = 1 - recorded @ written.T
    late = np.full(25, 0.8)
    late[0] = 0.0
    cost = distance[0] + late
    for row in range(1, 30):
        entered = 0.66 * row + late
        steps = [np.concatenate([np.full(k, np.inf), cost[: 25 - k]]) + STEPS[k] for k in range(4)]
        cost = np.minimum(np.min(steps, axis=0), entered) + distance[row]
    assert found.price * 30 <= np.min(cost + late[::-1]) + 1e-4
    assert (np.diff(path[:, 0]) == 1).all()
    assert (np.diff(path[:, 1]) >= 0).all()


def test_silence_is_played_between_notes_and_left_out_before_them() -> None:
    """Each key is let go after three of ten frames, and what sounds is like what is written, not the same."""
    frames = np.repeat(np.eye(8, dtype=np.float32), 10, axis=0)
    recorded = 0.65 * frames * (np.arange(80) % 10 < 3)[:, None].astype(np.float32)
    found = follow(np.concatenate([np.zeros((25, 8), np.float32), recorded]), frames, 0.1, boundaries=[], jumps=False)
    (path,) = (stretch.path for stretch in found.stretches)
    assert path[0].tolist() == [25, 0]
    assert path[-1, 1] > 70
    inside = path[:, 0] < 25 + 70
    assert np.abs(path[inside, 1] - path[inside, 0] + 25).max() < 10
    distance = 1 - np.sum(np.concatenate([np.zeros((25, 8)), recorded])[path[:, 0]] * frames[path[:, 1]], axis=1)
    assert found.price * 105 >= distance.sum() + 0.66 * 25 - 1e-3


def test_what_can_be_compared_along_a_path() -> None:
    """Two parts a frame: the one is recorded half as loud as it is written, the other in every second frame."""
    frames, row = np.zeros((21, 8), np.float32), np.arange(21)
    frames[row, row // 6] = frames[row, 4 + row // 6] = np.sqrt(0.5)
    recorded = frames.copy()
    recorded[:, :4] /= 2
    recorded[1::2, 4:] = 0
    found = follow(recorded, frames, 1.0, boundaries=[], jumps=False, parts=2)
    assert found.comparable == pytest.approx(0.5 * 0.5 + 0.5 * 11 / 21)
    assert found.distance == pytest.approx(1 - found.comparable)
