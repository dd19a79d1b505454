"""How loudly the notes of aligned recordings are played, and the corpus that comes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from perfsynth import formats
from perfsynth.cli import app
from perfsynth.data import velocities as module
from perfsynth.data.playing import BEFORE_S, shifted
from perfsynth.data.sound_corpus import Recording, read_recordings
from perfsynth.data.velocities import MEDIAN_VELOCITY, PER_DB, RATE, expected, heard, levels, velocities
from perfsynth.errors import InputError
from perfsynth.formats.audio import write_audio
from perfsynth.formats.jsonl import write_jsonl
from perfsynth.formats.midi_write import write_performance
from perfsynth.types import ALIGNED_NOTE, CONTROL, PERFORMED_NOTE, Alignment, Audio, Part, Performance

START_S = 2.0  # of silence before the music
PITCHES = (60, 62, 64, 65, 67, 69, 71, 72, 74, 76)
AMPLITUDES = tuple(0.02 * 10 ** (dB / 20) for dB in (0, 12, 0, 6, 0, -6, 0, 0, -12, 0))


def notes() -> np.ndarray:
    made = np.zeros(len(PITCHES), PERFORMED_NOTE)
    made["note_id"], made["pitch"] = [f"n{i}" for i in range(len(made))], PITCHES
    made["onset_s"], made["duration_s"], made["velocity"] = START_S + 0.5 * np.arange(len(made)), 0.4, 80
    return made


def aligned() -> Alignment:
    """Of those notes, and of one that is not played."""
    made = np.zeros(len(PITCHES) + 1, ALIGNED_NOTE)
    for name in ALIGNED_NOTE.names or ():
        if ALIGNED_NOTE[name].kind == "f":
            made[name] = np.nan
    made["note_id"], made["pitch"] = [*notes()["note_id"], "n99"], [*PITCHES, 80]
    made["score_onset_beat"], made["score_duration_beat"] = np.arange(len(made)), 1
    made["confidence"], made["status"] = [*[1] * len(PITCHES), 0], [*["matched"] * len(PITCHES), "unplayed"]
    made["onset_s"][:-1] = notes()["onset_s"]
    made["offset_s"][:-1] = notes()["onset_s"] + 0.4
    return Alignment(made)


def recorded() -> np.ndarray:
    """(n, 1): a sine for each note."""
    made = np.zeros(round((START_S + 12) * RATE), np.float32)
    for note, amplitude in zip(notes(), AMPLITUDES, strict=True):
        first, last = round(note["onset_s"] * RATE), round((note["onset_s"] + 0.4) * RATE)
        t = np.arange(last - first) / RATE
        made[first:last] += amplitude * np.sin(2 * np.pi * 440 * 2 ** ((int(note["pitch"]) - 69) / 12) * t)
    return made[:, None]


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, Any]]:
    made = []
    for name in ("one", "two"):
        write_audio(Audio(recorded(), RATE).stream(), tmp_path / f"{name}.flac", format="flac")
        (tmp_path / f"{name}.jsonl").write_bytes(write_jsonl(aligned()))
        files = {"audio": f"{name}.flac", "alignment": f"{name}.jsonl"}
        made.append({"id": f"set/{name}", "player": "kim", "licence": "CC BY 3.0"} | files)
    return made


def corpus(rows: list[dict[str, Any]], folder: Path, *options: str) -> tuple[list[Recording], list[np.ndarray]]:
    """What `perfsynth data sounds` makes of rows, and the notes of each."""
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = ["data", "sounds", str(folder / "m.jsonl"), "-o", str(folder / "corpus"), "--valid", "two", *options]
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 0, ran.stderr
    made = read_recordings(folder / "corpus")
    return made, [formats.read_performance(Path(each.performance).read_bytes()).notes for each in made]


def test_levels_differ_as_amplitudes_do() -> None:
    found = levels(recorded()[:, 0], notes())
    wanted = 20 * np.log10(AMPLITUDES)
    assert np.allclose(found - found[0], wanted - wanted[0], atol=0.7)


def test_a_long_recording_is_heard_in_stretches_as_it_is_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.1, (20 * RATE, 2)).astype(np.float32)
    played = np.zeros(200, PERFORMED_NOTE)
    played["onset_s"], played["duration_s"] = np.sort(rng.uniform(0, 20.5, 200)), rng.uniform(0.01, 1, 200)
    played["pitch"] = rng.integers(21, 109, 200)
    at_once = levels(sound.mean(axis=1), played)
    monkeypatch.setattr(module, "AT_ONCE_S", 3.0)
    np.testing.assert_array_equal(heard(Audio(sound, RATE).stream(5000), played), at_once)
    halved = heard(Audio(sound[::2], RATE // 2).stream(), played)  # another rate, and aliased
    assert np.corrcoef(halved[:150], at_once[:150])[0, 1] > 0.5


def test_channels_that_cancel_each_other_are_heard() -> None:
    both = np.concatenate([recorded(), -recorded()], axis=1)
    np.testing.assert_array_equal(
        heard(Audio(both, RATE).stream(), notes()), heard(Audio(recorded(), RATE).stream(), notes())
    )


def test_notes_that_are_not_heard_say_nothing_of_the_others() -> None:
    played = notes()
    at = np.arange(round(8 * RATE)) / RATE
    samples = np.zeros(len(at), np.float32)
    for note in played:
        hz = 440.0 * 2.0 ** ((note["pitch"] - 69) / 12)
        samples += 0.1 * np.sin(2 * np.pi * hz * at) * (np.abs(at - note["onset_s"] - 0.2) < 0.2)
    gone = played.copy()
    gone["onset_s"][-1], gone["onset_s"][0] = 30.0, 0.2  # after the end, and in silence
    level = levels(samples, gone)
    assert np.isnan(level[[0, -1]]).all()
    assert np.isfinite(level[1:-1]).all()
    usual = expected([(gone["pitch"], level)], "piano")
    found = velocities(gone["pitch"], level, usual)
    assert found[[0, -1]].tolist() == [MEDIAN_VELOCITY, MEDIAN_VELOCITY]
    assert np.abs(found - MEDIAN_VELOCITY).max() <= 12


def test_velocities_stand_beside_what_is_usual_around_a_pitch() -> None:
    pitch = np.arange(40, 90)
    slope = 0.2 * (pitch - 60.0) - 50  # high notes are louder throughout
    louder = slope + np.where(pitch == 64, 5.0, 0.0)
    usual = expected([(pitch, slope)], "piano")
    found = velocities(pitch, louder, usual)
    assert found[pitch == 64] == MEDIAN_VELOCITY + 5 * PER_DB
    assert (found[pitch != 64] == MEDIAN_VELOCITY).all()
    assert velocities(pitch, slope + 100, usual).max() <= 127
    assert (expected([(np.full(9, 60), np.arange(9.0))], "drum")(pitch) == 4.0).all()
    with pytest.raises(InputError, match="piano: 7 notes are heard; at least 8"):
        expected([(pitch[:7], slope[:7])], "piano")


def test_the_corpus_holds_the_music_alone_as_loud_as_it_was_played(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    made, played = corpus(rows, tmp_path, "--instrument", "violin-{player}", "--shifts", "-1,2")
    assert {(each.instrument, each.license) for each in made} == {("violin-kim", "CC BY 3.0")}
    assert [(each.piece, each.split) for each in made] == [
        ("set/one", "train"), ("set/two", "valid"), ("set/one", "train"), ("set/one", "train"),
    ]  # fmt: skip
    assert played[0]["pitch"].tolist() == list(PITCHES)
    begins_s = START_S - float(played[0]["onset_s"][0])
    assert begins_s == pytest.approx(np.floor(START_S - BEFORE_S), abs=0.002)
    heard_there = formats.read_audio(Path(made[0].audio).read_bytes()).samples
    assert len(heard_there) == pytest.approx((np.ceil(START_S + 4.9 + 3) - begins_s) * RATE, abs=1)
    first = round((START_S - begins_s) * RATE)
    assert np.abs(heard_there[: first - 100]).max() < 1e-3
    assert np.abs(heard_there[first + 2000 :][:1000]).max() == pytest.approx(0.02, rel=0.1)
    velocity = played[0]["velocity"].astype(float)
    # Of 18 dB; what is expected around a pitch follows ten notes a little.
    assert 11 * PER_DB < velocity[1] - velocity[5] < 19 * PER_DB
    assert velocity[8] == velocity.min()
    assert np.median(velocity) == pytest.approx(MEDIAN_VELOCITY, abs=10)
    assert played[3]["velocity"].tolist() == played[0]["velocity"].tolist()
    assert played[3]["pitch"].tolist() == [pitch + 2 for pitch in PITCHES]


def score_with(velocities: list[int], path: Path) -> None:
    """The same notes a beat apart, as MIDI."""
    made = notes()
    made["onset_s"], made["duration_s"], made["velocity"] = 0.5 * np.arange(len(made)), 0.5, velocities
    path.write_bytes(write_performance(Performance(made, parts=(Part("violin", 40),))))


@pytest.mark.parametrize(
    ("of_score", "options", "measured"),
    [
        ([80] * 10, (), True),  # one for all says nothing
        ([80] * 10, ("--velocities", "score"), False),
        (list(range(50, 60)), (), False),
        (list(range(50, 60)), ("--velocities", "measured"), True),
    ],
)
def test_velocities_of_the_score_count_where_it_has_some(
    rows: list[dict[str, Any]], tmp_path: Path, of_score: list[int], options: tuple[str, ...], measured: bool
) -> None:
    score_with(of_score, tmp_path / "score.mid")
    ids = formats.read_score((tmp_path / "score.mid").read_bytes()).notes["note_id"]
    found = aligned()
    found.notes["note_id"][:-1] = ids
    for name in ("one", "two"):
        (tmp_path / f"{name}.jsonl").write_bytes(write_jsonl(Alignment(found.notes[:-1])))
    made, played = corpus([row | {"score": "score.mid"} for row in rows], tmp_path, *options)
    assert (played[0]["velocity"].tolist() != of_score) == measured
    if measured:
        assert played[0]["velocity"][1] > played[0]["velocity"][5] + 11 * PER_DB
    parts = formats.read_performance(Path(made[0].performance).read_bytes()).parts
    assert parts[0].program == 40


def test_what_people_played_is_never_measured(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "played.mid").write_bytes(write_performance(Performance(notes())))
    for row in rows:
        row["performance"] = "played.mid"
    _, played = corpus(rows, tmp_path, "--velocities", "measured")
    assert set(played[0]["velocity"].tolist()) == {80}


def test_no_score_and_no_sound_are_said(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    common = ["data", "sounds", str(tmp_path / "m.jsonl"), "-o", str(tmp_path / "corpus")]
    ran = CliRunner().invoke(app, [*common, "--velocities", "score"])
    assert ran.exit_code == 1 and "names no score" in ran.stderr
    (tmp_path / "one.flac").write_bytes(b"fLaC")
    ran = CliRunner().invoke(app, common)
    assert ran.exit_code == 1 and "only recording" in ran.stderr


def test_what_is_put_up_is_higher_and_earlier() -> None:
    note = np.array([("", 1.0, 0.5, 60, 64, 0)], PERFORMED_NOTE)
    pedal = np.array([(2.0, 64, 127, 0)], CONTROL)
    moved = shifted(Performance(note, pedal), 12)
    assert moved.notes[["onset_s", "duration_s", "pitch"]].tolist() == [(0.5, 0.25, 72)]
    assert moved.controls["time_s"].tolist() == [1.0]
    assert (note["onset_s"][0], pedal["time_s"][0]) == (1.0, 2.0)
    assert shifted(Performance(note), 100).notes["pitch"][0] == 127
