"""What `data check` finds: recordings made here, each broken in one way, beside whole ones that nothing is said of."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from perfsynth import formats
from perfsynth.cli import app
from perfsynth.data import duplicates, quality, quality_score
from perfsynth.formats.jsonl import write_jsonl
from perfsynth.formats.midi_write import write_performance
from perfsynth.types import ALIGNED_NOTE, MEASURE, PERFORMED_NOTE, SCORE_NOTE, Alignment, Made, Performance, Score

ROOT = Path(__file__).parents[2]
RATE = 22050


def played(seed: int, *, n: int = 300) -> Performance:
    """Notes at random times and pitches."""
    rng = np.random.default_rng(seed)
    notes = np.zeros(n, PERFORMED_NOTE)
    notes["onset_s"] = np.cumsum(rng.uniform(0.05, 0.3, n))
    notes["pitch"], notes["velocity"], notes["duration_s"] = rng.integers(40, 90, n), 70, 0.3
    return Performance(notes)


def sounding(performance: Performance, *, seed: int = 0) -> np.ndarray:
    """(n, 1) decaying sines."""
    samples = np.zeros(round((performance.end_s + 1) * RATE), np.float32)
    t = np.arange(RATE // 2) / RATE
    for note in performance.notes:
        start = round(float(note["onset_s"]) * RATE)
        hz = 440 * 2 ** ((int(note["pitch"]) - 69) / 12)
        samples[start : start + len(t)] += (0.1 * np.exp(-6 * t) * np.sin(2 * np.pi * hz * t))[: len(samples) - start]
    noise = np.random.default_rng(seed).standard_normal(len(samples)).astype(np.float32)
    return (samples + 1e-4 * noise)[:, None]


def wav(path: Path, samples: np.ndarray, **options: str) -> str:
    soundfile.write(path, samples, RATE, **options)
    return path.name


def score_of(pitches: np.ndarray, *, per_measure: int = 4) -> Score:
    """A quarter note after the other."""
    notes = np.zeros(len(pitches), SCORE_NOTE)
    notes["note_id"] = [f"n{index}" for index in range(len(pitches))]
    notes["onset_beat"], notes["duration_beat"], notes["pitch"] = np.arange(len(pitches)), 1, pitches
    measures = np.zeros(-(-len(pitches) // per_measure), MEASURE)
    measures["onset_beat"] = np.arange(len(measures)) * per_measure
    return Score(notes, measures=measures)


def plays(pitches: np.ndarray, *, seed: int = 0) -> Performance:
    """Pitches, one after the other, about half a second each."""
    notes = np.zeros(len(pitches), PERFORMED_NOTE)
    notes["onset_s"] = np.cumsum(np.random.default_rng(seed).uniform(0.4, 0.6, len(pitches)))
    notes["pitch"], notes["velocity"], notes["duration_s"] = pitches, 70, 0.4
    return Performance(notes)


MELODY = np.random.default_rng(5).integers(50, 80, 160)


def look(folder: Path, *rows: dict, exit_code: int = 3, options: tuple[str, ...] = ()) -> dict:
    """The findings of the command."""
    manifest = folder / "m.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = CliRunner().invoke(app, ["data", "check", str(manifest), "--json", *options])
    assert ran.exit_code == exit_code, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda x: x * 0, "silent"),
        (lambda x: x * 1e-4, "silent: its peak is"),
        (lambda x: np.clip(x * 40, -1, 1), "clipped"),
        (lambda x: np.concatenate([x[: 3 * RATE], np.zeros((3 * RATE, 1)), x[3 * RATE :]]), "zeros for 3.0 s at 3.0 s"),
        (lambda x: np.concatenate([x, 0 * x], axis=1), "channel 2 of 2 is silent"),
        (lambda x: x[: 8 * RATE], "lasts 8 s, where the manifest says 20 s"),
    ],
)
def test_broken_sound_is_found(tmp_path: Path, damage, words: str) -> None:
    samples = sounding(played(1, n=120))[: 20 * RATE]
    wav(tmp_path / "whole.wav", samples, subtype="PCM_24")
    wav(tmp_path / "x.wav", damage(samples), subtype="PCM_24")
    found = look(tmp_path, {"id": "x", "audio": "x.wav", "duration_s": 20})
    assert [(one["id"], one["kind"]) for one in found["findings"]] == [("x", "broken")]
    assert words in found["findings"][0]["fault"]
    assert look(tmp_path, {"id": "whole", "audio": "whole.wav", "duration_s": 20}, exit_code=0)["findings"] == []


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG"])
def test_sound_that_is_cut_off_is_found(tmp_path: Path, kind: str) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, sounding(played(1, n=60)), RATE, format=kind)
    (tmp_path / "x").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) * 2 // 3])
    found = look(tmp_path, {"id": "x", "audio": "x"}, {"id": "y", "audio": "nowhere.wav"})
    assert [one["kind"] for one in found["findings"]] == ["broken", "broken"]
    assert found["findings"][1]["fault"] == "missing"


def test_channels_that_cancel_each_other_are_heard(tmp_path: Path) -> None:
    from perfsynth.data.quality_audio import listen

    samples = sounding(played(1, n=60))
    wav(tmp_path / "one.wav", samples, subtype="FLOAT")
    wav(tmp_path / "two.wav", np.concatenate([samples, -samples], axis=1), subtype="FLOAT")
    one, two = (listen(str(tmp_path / f"{name}.wav")) for name in ("one", "two"))
    np.testing.assert_array_equal(one.samples, two.samples)


def test_gaps_are_the_same_however_the_blocks_fall() -> None:
    from perfsynth.data.quality_audio import _Meter

    samples = np.concatenate([np.zeros((500, 1)), np.ones((10, 1)) * 0.1, np.zeros((300, 1)), np.ones((5, 1)) * 0.1])
    samples = np.concatenate([samples, np.zeros((900, 1))])
    for size in (1, 7, 100, 333, 5000):
        meter = _Meter(100, 1)
        for start in range(0, len(samples), size):
            meter.add(samples[start : start + size])
        assert (meter.gap, meter.gap_at) == (300, 510), size
        assert meter.faults() == ["nothing but zeros for 3.0 s at 5.1 s"]


def test_a_score_of_other_music_is_found_by_the_notes(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(write_performance(plays(MELODY)))
    (tmp_path / "right.mid").write_bytes(write_performance(plays(MELODY, seed=3)))
    (tmp_path / "wrong.mid").write_bytes(write_performance(plays(MELODY[::-1] + 1)))
    right = {"id": "right", "performance": "a.mid", "score": "right.mid"}
    assert look(tmp_path, right, exit_code=0)["findings"] == []
    found = look(tmp_path, right | {"id": "wrong", "score": "wrong.mid"})
    assert [(one["id"], one["kind"]) for one in found["findings"]] == [("wrong", "mismatch")]


def test_repeats_left_out_and_played_again_are_found() -> None:
    score = score_of(np.concatenate([MELODY[:80], MELODY[:80], MELODY[80:]]))
    assert quality_score.of_notes(plays(np.concatenate([MELODY[:80], MELODY[:80], MELODY[80:]])), score).faults == ()
    once = quality_score.of_notes(plays(MELODY), score)
    assert [kind for kind, _ in once.faults] == ["repeats"]
    assert once.faults[0][1] in {
        f"measures {first} to {first + 19} of the unfolded score are not played" for first in range(1, 42)
    }
    twice = quality_score.of_notes(plays(np.concatenate([MELODY, MELODY[80:]])), score_of(MELODY))
    assert [kind for kind, _ in twice.faults] == ["repeats"]
    assert "notes from" in twice.faults[0][1]
    assert twice.figures["matched"] > 0.9


def test_passages_of_nothing_played() -> None:
    measure = np.repeat(np.arange(8), 4)
    found = ~np.isin(measure, [2, 3, 6])
    assert list(quality_score.passages(measure, found)) == [(2, 3)]
    assert list(quality_score.passages(measure, np.zeros(32, bool))) == [(0, 7)]
    assert list(quality_score.passages(measure[measure != 3], found[measure != 3])) == []


def alignment(confidence: float, likeness: float, *decisions: str) -> bytes:
    notes = np.zeros(20, ALIGNED_NOTE)
    notes["note_id"], notes["status"], notes["confidence"] = [f"n{i}" for i in range(20)], "matched", confidence
    notes["onset_s"], notes["offset_s"], notes["pitch"] = np.arange(20), np.arange(20) + 1, 60
    notes["sound_off_s"] = np.nan
    options = {
        "tuning_cents": 0.0, "semitones": 0, "lead_in_s": 0.0, "tail_s": 0.0, "decisions": list(decisions),
        "unsure": 0.0, "likeness": likeness,
    }  # fmt: skip
    return write_jsonl(Alignment(notes, history=(Made("align", "production", options=options),)))


@pytest.mark.parametrize(
    ("made", "kinds"),
    [
        (alignment(0.9, 0.1), []),
        (alignment(0.1, 0.1), ["mismatch"]),
        (alignment(0.9, -0.03), ["mismatch"]),
        (alignment(0.9, 0.1, "the repeat, measures 5 to 8 of the unfolded score, left out"), ["repeats"]),
    ],
)
def test_alignments_are_judged_by_their_confidence(tmp_path: Path, made: bytes, kinds: list[str]) -> None:
    (tmp_path / "a.jsonl").write_bytes(made)
    found = look(tmp_path, {"id": "a", "alignment": "a.jsonl"}, exit_code=3 if kinds else 0)
    assert [one["kind"] for one in found["findings"]] == kinds


def test_what_a_batch_failed_at_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(write_performance(plays(MELODY)))
    row = {"id": "a", "performance": "a.mid", "error": "the recording does not play this score (likeness -0.2)"}
    assert [one["kind"] for one in look(tmp_path, row)["findings"]] == ["mismatch"]


def test_doubles_of_performances_are_found_and_other_performances_are_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    one = played(1)
    jittered, cut, other = one.notes.copy(), one.notes[60:].copy(), one.notes.copy()
    jittered["onset_s"] += rng.uniform(-0.001, 0.001, len(jittered))
    cut["onset_s"] -= cut["onset_s"][0]
    other["onset_s"] = np.cumsum(np.diff(one.notes["onset_s"], prepend=0) * rng.uniform(0.9, 1.1, len(other)))
    made = {"one": one.notes, "jittered": jittered, "cut": cut, "other": other, "unlike": played(2).notes}
    for name, notes in made.items():
        (tmp_path / f"{name}.mid").write_bytes(write_performance(Performance(notes)))
    (tmp_path / "same.mid").write_bytes((tmp_path / "one.mid").read_bytes())
    found = look(tmp_path, *({"id": name, "performance": f"{name}.mid"} for name in [*made, "same"]))
    assert {one["id"] for one in found["findings"]} == {"jittered", "cut", "same"}
    assert {one["kind"] for one in found["findings"]} == {"duplicate"}
    assert any("same bytes as that of one" in one["fault"] for one in found["findings"])


def test_doubles_of_sound_are_found_through_another_encoding(tmp_path: Path) -> None:
    samples = sounding(played(1, n=200))
    tempo = played(1, n=200)
    steps = np.diff(tempo.notes["onset_s"], prepend=0) * np.random.default_rng(1).uniform(0.8, 1.3, 200)
    tempo.notes["onset_s"] = np.cumsum(steps)
    wav(tmp_path / "a.wav", samples)
    soundfile.write(tmp_path / "a.ogg", samples[2 * RATE :] * 0.5, RATE)
    wav(tmp_path / "again.wav", sounding(tempo))
    wav(tmp_path / "b.wav", sounding(played(3, n=200)))
    found = look(tmp_path, *({"id": name, "audio": name} for name in ("a.wav", "a.ogg", "again.wav", "b.wav")))
    assert [(one["id"], one["kind"]) for one in found["findings"]] == [("a.ogg", "duplicate")]
    assert "a.wav" in found["findings"][0]["fault"]
    assert "-2.0 s" in found["findings"][0]["fault"]


def test_samples_of_one_key_are_no_doubles_but_copies_are(tmp_path: Path) -> None:
    sample = sounding(played(1, n=40))
    for name, level in (("1", 0.2), ("2", 0.4), ("2 again", 0.4)):
        wav(tmp_path / f"{name}.wav", level * sample)
    rows = [{"id": name, "audio": f"{name}.wav"} for name in ("1", "2", "2 again")]
    assert {one["id"] for one in look(tmp_path, *rows)["findings"]} == {"2", "2 again"}
    found = look(tmp_path, *(row | {"pitch": 60} for row in rows))["findings"]
    assert [(one["id"], one["kind"]) for one in found] == [("2 again", "duplicate")]


def test_pairs_are_those_of_a_plain_count() -> None:
    rng = np.random.default_rng(3)
    rows = []
    for _ in range(6):
        row = np.zeros(20, duplicates.LANDMARK)
        row["hash"], row["time_s"] = rng.permutation(40)[:20], rng.integers(0, 3, 20)
        rows.append(row)
    expected = {}
    for a in range(6):
        for b in range(a + 1, 6):
            lags = [y["time_s"] - x["time_s"] for x in rows[a] for y in rows[b] if x["hash"] == y["hash"]]
            expected[a, b] = max(lags.count(lag) for lag in lags) / 20
    found = {(pair.first, pair.second): pair.share for pair in duplicates.pairs(rows, share=0.2)}
    assert found == {pair: pytest.approx(share) for pair, share in expected.items() if share >= 0.2}
    assert list(duplicates.pairs([], share=0.1)) == []
    assert len(duplicates.of_sound(np.zeros(10, np.float32))) == len(duplicates.of_notes(played(1).notes[:2])) == 0


def test_the_page_the_list_and_what_passed(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a", "b"):
        (tmp_path / f"{name}.mid").write_bytes(write_performance(played(ord(name))))
    (tmp_path / "c.mid").write_bytes((tmp_path / "a.mid").read_bytes())
    rows = [{"id": f"<{name}>", "performance": f"{name}.mid", "split": "train"} for name in "abc"]
    page, wrong, good = (tmp_path / "sub" / name for name in ("q.html", "wrong.jsonl", "good.jsonl"))
    options = ("--report", str(page), "--findings", str(wrong), "--passed", str(good), "--jobs", "2")
    assert look(tmp_path, *rows, options=options)["kinds"] == {"duplicate": 1}
    assert [json.loads(line)["id"] for line in wrong.read_text().splitlines()] == ["<c>"]
    passed = [json.loads(line) for line in good.read_text().splitlines()]
    assert [(row["id"], row["split"]) for row in passed] == [("<a>", "train"), ("<b>", "train")]
    assert all((good.parent / row["performance"]).is_file() for row in passed)
    text = page.read_text()
    assert "&lt;c&gt;" in text and "<c>" not in text
    assert "http:" not in text and "https:" not in text
    ran = CliRunner().invoke(app, ["data", "check", str(tmp_path / "m.jsonl"), "--report", str(page)])
    assert (ran.exit_code, "--force" in ran.stderr) == (1, True)


@pytest.mark.parametrize("option", ["--report", "--findings", "--passed"])
def test_what_is_written_is_written_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.jsonl").write_text('{"audio": "none.wav"}\n')
    ran = CliRunner().invoke(app, ["data", "check", "m.jsonl", option, "-"])
    assert (ran.exit_code, ran.stderr) == (2, "perfsynth: -: is no file; name a file\n")
    assert [path.name for path in tmp_path.iterdir()] == ["m.jsonl"]


@pytest.mark.parametrize("text", ["", "[]\n", "{\n", '{"id": "x"}\n', '{"audio": 3}\n'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.jsonl").write_text(text)
    ran = CliRunner().invoke(app, ["data", "check", str(tmp_path / "m.jsonl")])
    assert ran.exit_code == 1
    assert "m.jsonl" in ran.stderr and len(ran.stderr.splitlines()) == 1


def test_a_list_of_what_failed_may_be_empty(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text('{"audio": "none.wav"}\n')
    (tmp_path / "failed.jsonl").write_text("")
    ran = CliRunner().invoke(
        app, ["data", "check", str(tmp_path / "m.jsonl"), str(tmp_path / "failed.jsonl"), "--json"]
    )
    assert ran.exit_code == 3, "what m.jsonl names is missing"


def test_a_dataset_is_looked_into_by_its_own_command(tmp_path: Path) -> None:
    minuet = (ROOT / "examples" / "petzold-minuet.musicxml").read_bytes()
    score = formats.read_score(minuet, repeats="as-written")
    notes = np.zeros(len(score.notes), PERFORMED_NOTE)
    notes["onset_s"], notes["pitch"] = 0.5 * score.notes["onset_beat"], score.notes["pitch"]
    notes["duration_s"], notes["velocity"] = 0.4, 70
    for folder, data in (("match", b"info"), ("midi", write_performance(Performance(notes))), ("scores", minuet)):
        (tmp_path / folder).mkdir()
        suffix = {"match": "match", "midi": "mid", "scores": "musicxml"}[folder]
        (tmp_path / folder / f"kv279_1.{suffix}").write_bytes(data)
    run = CliRunner().invoke
    assert run(app, ["data", "batik", "check", str(tmp_path)]).exit_code == 0
    ran = run(app, ["data", "batik", "check", str(tmp_path), "--contents", "--report", str(tmp_path / "q.html")])
    assert ran.exit_code == 3
    assert "of the unfolded score are not played" in ran.stderr
    assert "Other repeats" in (tmp_path / "q.html").read_text()


def test_rows_are_examined_without_what_they_lack() -> None:
    assert quality.examine(quality.Row("x", {})).findings == ()
