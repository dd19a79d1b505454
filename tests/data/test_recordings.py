"""A manifest becomes a corpus of sounds that the systems of sound read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from perfsynth import formats
from perfsynth.cli import app
from perfsynth.cli._item import alone
from perfsynth.data.playing import Cutting, Playing, excerpts, playing_of
from perfsynth.data.quality import Row
from perfsynth.data.recordings import divided
from perfsynth.data.sound_corpus import Recording, read_recordings
from perfsynth.errors import InputError
from perfsynth.formats.jsonl import write_jsonl
from perfsynth.formats.midi_write import write_performance
from perfsynth.synth.roll import sounding
from perfsynth.train.soundings import soundings_of
from perfsynth.types import ALIGNED_NOTE, CONTROL, PERFORMED_NOTE, SUSTAIN, Alignment, Performance

RATE = 8000


def performance(n: int = 120) -> Performance:
    """Four notes a second."""
    notes = np.zeros(n, PERFORMED_NOTE)
    notes["onset_s"], notes["pitch"], notes["velocity"] = 0.25 * np.arange(n), 60 + np.arange(n) % 12, 80
    notes["duration_s"] = 0.2
    return Performance(notes)


def dataset(folder: Path, *names: str, split: str = "train") -> Path:
    """A manifest of recordings whose samples count the seconds."""
    rows = []
    for name in names:
        (folder / f"{name}.mid").write_bytes(write_performance(performance()))
        samples = np.floor(np.arange(31 * RATE) / RATE).astype(np.float32) / 100
        soundfile.write(folder / f"{name}.wav", samples, RATE, subtype="FLOAT")
        rows.append({"id": f"set/{name}", "audio": f"{name}.wav", "performance": f"{name}.mid", "split": split,
                     "instrument": "grand", "licence": "CC0"})  # fmt: skip
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "m.jsonl"


def run(*arguments: object, exit_code: int = 0) -> str:
    ran = CliRunner().invoke(app, ["data", "sounds", *map(str, arguments)])
    assert ran.exit_code == exit_code, ran.stderr
    return ran.stderr


def test_recordings_stay_whole_and_where_they_are(tmp_path: Path) -> None:
    run(dataset(tmp_path, "a", "b"), "-o", tmp_path / "corpus")
    made = read_recordings(tmp_path / "corpus")
    assert [(each.piece, each.split, each.instrument, each.license) for each in made] == [
        ("set/a", "train", "grand", "CC0"), ("set/b", "valid", "grand", "CC0"),
    ]  # fmt: skip
    assert Path(made[0].audio) == tmp_path / "a.wav"
    assert len(formats.read_performance(Path(made[0].performance).read_bytes()).notes) == 120
    assert (tmp_path / "corpus" / "manifest.jsonl").is_file()


def test_excerpts_have_the_notes_and_the_sound_of_their_time(tmp_path: Path) -> None:
    run(dataset(tmp_path, "a", "b"), "-o", tmp_path / "corpus", "--cut", 5, "--most", 2)
    made = read_recordings(tmp_path / "corpus")
    assert [each.piece for each in made] == ["set/a@0", "set/a@25", "set/b@0", "set/b@25"]
    assert Path(made[1].audio).name == "set__a@00025-00030.flac"
    samples, rate = soundfile.read(made[1].audio)
    assert (rate, len(samples)) == (RATE, 5 * RATE)
    assert samples[::RATE].tolist() == pytest.approx([0.25, 0.26, 0.27, 0.28, 0.29], abs=1e-4)
    notes = formats.read_performance(Path(made[1].performance).read_bytes()).notes
    assert notes["onset_s"].tolist() == pytest.approx((0.25 * np.arange(20)).tolist(), abs=2e-3)


def test_excerpts_have_what_rings_from_before_and_their_last_notes() -> None:
    rows = [(1.3, 9.0, 40), (2.0, 0.1, 62), (2.5, 0.1, 64), (2.7, 0.1, 60), (3.0, 0.1, 60), (5.5, 0.1, 64)]
    rows += [(6.0, 0.1, pitch) for pitch in range(70, 82)] + [(7.98, 0.1, 67)]
    notes = np.array([("", onset, length, pitch, 80, 0) for onset, length, pitch in rows], PERFORMED_NOTE)
    whole = Performance(notes, np.array([(2.2, SUSTAIN, 127, 0), (5.0, SUSTAIN, 0, 0)], CONTROL))
    (cut,) = (each for each in excerpts(Playing(whole, np.ones(len(notes))), Cutting(4.0)) if each.start_s)
    table = sounding(cut.performance)
    found = np.stack([table["pitch"], table["begin_s"] + cut.zero_s, table["end_s"] + cut.zero_s], axis=1)
    # Key 62 was up before the pedal came down, 60 was struck again; the pedal holds 64 and 60.
    expected = [(40, -2.7, 6.3), (64, -1.5, 1.0), (60, -1.0, 1.0), (64, 1.5, 1.6)]
    np.testing.assert_allclose(found[:4], expected, atol=1e-9)
    np.testing.assert_allclose(found[-1], (67, 3.98, 4.08), atol=1e-9)
    assert len(found) == len(expected) + 13
    assert cut.zero_s == -3.0


def test_a_corpus_says_where_in_its_recordings_the_performances_begin(tmp_path: Path) -> None:
    path, out = dataset(tmp_path, "a", "b"), tmp_path / "corpus"
    held = performance()
    held.notes["duration_s"][18] = 4.0
    (tmp_path / "b.mid").write_bytes(write_performance(held))
    run(path, "-o", out, "--cut", 5, "--most", 6, "--valid", "/a", "--shifts", "12")
    starts_s = {(each.piece, Path(each.performance).stem[-3:]): each.start_s for each in read_recordings(out)}
    assert {key: at for key, at in starts_s.items() if at} == {("set/b@5", "010"): -1.0, ("set/b@5", "+12"): -0.5}
    learnt = [each for each in read_recordings(out) if each.piece == "set/b@5"]
    for each, ratio in zip(soundings_of(learnt, out, RATE), (1, 2), strict=True):
        assert each.table["begin_s"][:3] * ratio == pytest.approx([-0.5, 0.0, 0.25], abs=2e-3)
        assert len(each.sound) == 5 * RATE / ratio


def test_a_recording_that_plays_something_else_now_is_cut_again(tmp_path: Path) -> None:
    path, options = dataset(tmp_path, "a", "b"), ("-o", tmp_path / "corpus", "--cut", 5, "--most", 1)
    run(path, *options)
    audio = Path(read_recordings(tmp_path / "corpus")[0].audio)
    soundfile.write(tmp_path / "a.wav", np.full(31 * RATE, 0.5), RATE)
    (tmp_path / "a.mid").write_bytes(write_performance(performance(119)))
    run(path, *options)
    assert soundfile.read(audio)[0] == pytest.approx(0.5, abs=1e-3)
    cut = audio.stat().st_mtime_ns
    run(path, *options)
    assert audio.stat().st_mtime_ns == cut


def test_excerpts_that_begin_between_seconds_have_names_of_their_own(tmp_path: Path) -> None:
    run(dataset(tmp_path, "a", "b"), "-o", tmp_path / "corpus", "--cut", 5.2, "--most", 2)
    run(tmp_path / "m.jsonl", "-o", tmp_path / "corpus", "--cut", 5.4, "--most", 2)
    assert len(list((tmp_path / "corpus" / "audio").iterdir())) == 8


def test_alignments_stand_in_for_performances_and_their_doubts_count(tmp_path: Path) -> None:
    minuet = (Path(__file__).parents[2] / "examples" / "petzold-minuet.musicxml").read_bytes()
    score = formats.read_score(minuet)
    notes = np.zeros(len(score.notes), ALIGNED_NOTE)
    notes["note_id"], notes["pitch"], notes["status"] = score.notes["note_id"], score.notes["pitch"], "matched"
    notes["onset_s"] = score.notes["onset_beat"] * 0.5
    notes["offset_s"], notes["sound_off_s"] = notes["onset_s"] + 0.3, np.nan
    notes["confidence"] = np.where(notes["onset_s"] < 10, 0.9, 0.1)
    (tmp_path / "a.jsonl").write_bytes(write_jsonl(Alignment(notes)))
    (tmp_path / "a.musicxml").write_bytes(minuet)
    files = {"alignment": str(tmp_path / "a.jsonl"), "score": str(tmp_path / "a.musicxml")}
    playing = playing_of(Row("a", files))
    assert len(playing.performance.notes) == len(notes)
    assert [each.start_s for each in excerpts(playing, Cutting(5.0, 0.5))] == [0.0, 5.0]
    assert list(excerpts(playing, Cutting(0.0, 0.95))) == []
    assert len(list(excerpts(playing, Cutting(5.0)))) > 2
    alone = playing_of(Row("a", {"alignment": files["alignment"]}))
    assert alone.performance.notes["pitch"].tolist() == playing.performance.notes["pitch"].tolist()
    with pytest.raises(InputError, match="align it"):
        playing_of(Row("a", {"score": files["score"]}))
    other = Path(__file__).parents[2] / "examples" / "beethoven-elise.musicxml"
    with pytest.raises(InputError, match="the score that it was aligned with"):
        playing_of(Row("a", files | {"score": str(other)}))


def test_two_processes_do_not_make_one_corpus(tmp_path: Path) -> None:
    path, out = dataset(tmp_path, "a", "b"), tmp_path / "corpus"
    with alone(out, "making a corpus"):
        assert "another process is making a corpus there" in run(path, "-o", out, exit_code=1)
    assert list(out.iterdir()) == []
    run(path, "-o", out)


def test_some_recordings_are_always_held_out() -> None:
    def made(*splits: str) -> list[str]:
        rows = [Recording(f"{n}@{cut}", split, "x", "p", "a") for n, split in enumerate(splits) for cut in (0, 5)]
        return [each.split for each in divided(rows)]

    assert made("train", "valid", "test") == ["train", "train", "valid", "valid", "test", "test"]
    assert made("train", "test") == ["train", "train", "valid", "valid"]
    assert made("train", "train", "train") == ["train"] * 4 + ["valid"] * 2
    assert made(*["train"] * 21).count("valid") == 4
    with pytest.raises(InputError, match="only recording"):
        made("train")


def test_rows_that_cannot_be_used_are_left_out_with_words(tmp_path: Path) -> None:
    path = dataset(tmp_path, "a", "b")
    more = [{"id": "mute", "performance": "a.mid"}, {"id": "unknown", "audio": "a.wav"},
            {"id": "gone", "audio": "a.wav", "performance": "gone.mid"}]  # fmt: skip
    path.write_text(path.read_text() + "".join(json.dumps(row) + "\n" for row in more))
    words = run(path, "-o", tmp_path / "corpus")
    assert "mute: left out (mute: the row names no audio)" in words
    assert "unknown: left out" in words and "gone.mid: cannot be read" in words
    assert "1 train, 1 valid of grand; 3 of 5 rows left out" in words
    path.write_text(json.dumps(more[0]) + "\n")
    assert "no recording can be used" in run(path, "-o", tmp_path / "none", exit_code=1)
    run(path, "-o", tmp_path / "none", "--cut", "1", exit_code=2)
    twice = path.with_name("twice.jsonl")
    twice.write_text("".join(json.dumps(row | {"id": name}) + "\n" for row in more for name in ("x/y",)))
    assert "an id of its own" in run(twice, "-o", tmp_path / "none", exit_code=1)
    (tmp_path / "file").write_text("x")
    assert "cannot be made" in run(dataset(tmp_path, "a", "b"), "-o", tmp_path / "file" / "x", exit_code=1)


def test_others_are_held_out_and_what_is_learned_from_is_put_up_and_down_too(tmp_path: Path) -> None:
    path, out = dataset(tmp_path, "a", "b"), tmp_path / "corpus"
    run(path, "-o", out, "--valid", "/a", "--shifts", "-12,0,12", "--instrument", "{instrument}-{licence}")
    made = read_recordings(out)
    assert [(each.piece, each.split) for each in made] == [("set/a", "valid"), *[("set/b", "train")] * 3]
    assert {each.instrument for each in made} == {"grand-CC0"}
    for each, ratio in zip(made[2:], (0.5, 2.0), strict=True):
        notes = formats.read_performance(Path(each.performance).read_bytes()).notes
        assert notes["onset_s"].tolist() == pytest.approx((0.25 * np.arange(120) / ratio).tolist(), abs=2e-3)
        assert notes["pitch"][0] == 60 + 12 * np.log2(ratio)
        samples, rate = soundfile.read(each.audio)
        assert (rate, len(samples)) == (RATE, 31 * RATE / ratio)
        seconds = samples[round(0.5 * RATE / ratio) :: round(RATE / ratio)]  # what was the middle of each
        assert seconds == pytest.approx(np.arange(31) / 100, abs=1e-3)


@pytest.mark.parametrize(
    ("options", "exit_code", "words"),
    [
        (("--valid", "nobody"), 1, "'nobody' is part of no row's id"),
        (("--valid", "set"), 0, "held out"),
        (("--instrument", "{album}"), 1, "'album', which is no column"),
        (("--instrument", "{"), 1, "names"),
        (("--shifts", "two"), 2, "whole numbers"),
        (("--shifts", "1,13"), 2, "another instrument"),
        (("--velocities", "guessed"), 2, "guessed"),
    ],
)
def test_options_that_make_no_corpus(tmp_path: Path, options: tuple[str, ...], exit_code: int, words: str) -> None:
    assert words in run(dataset(tmp_path, "a", "b"), "-o", tmp_path / "corpus", *options, exit_code=exit_code)


def test_a_corpus_of_another_kind_is_left_as_it_is(tmp_path: Path) -> None:
    rows, out = dataset(tmp_path, "a", "b"), tmp_path / "corpus"
    out.mkdir()
    (out / "manifest.jsonl").write_text("of performances\n")
    told = run(rows, "-o", out, "--valid", "/a", exit_code=1)
    assert "holds a corpus of performances; name another folder" in told
    assert (out / "manifest.jsonl").read_text() == "of performances\n"
    run(rows, "-o", tmp_path / "sounds", "--valid", "/a")
    run(rows, "-o", tmp_path / "sounds", "--valid", "/b")
    assert {each.piece: each.split for each in read_recordings(tmp_path / "sounds")}["set/b"] == "valid"


def test_a_split_that_is_none_is_left_out(tmp_path: Path) -> None:
    assert "split 'some' is none of" in run(
        dataset(tmp_path, "a", "b", split="some"), "-o", tmp_path / "corpus", exit_code=1
    )
