"""``perfsynth evaluate audio``: comparing, probing, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from typer.testing import CliRunner, Result

from perfsynth import formats
from perfsynth.cli import app
from perfsynth.evaluate import probe_notes as plan
from perfsynth.evaluate.audio_table import LABELS
from perfsynth.evaluate.instrument import INSTRUMENTS
from perfsynth.formats.midi_write import write_performance
from perfsynth.types import PERFORMED_NOTE, Performance
from tests.evaluate import plain_piano

RATE = 22050


def evaluate(*arguments: object, **kwargs: object) -> Result:
    """Run the command in this process, which has what it imports already."""
    result = CliRunner().invoke(app, ["evaluate", "audio", *map(str, arguments)], **kwargs)  # type: ignore[arg-type]
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of notes: their MIDI file, their sound, and the sound 3 dB louder in stereo."""
    made = tmp_path_factory.mktemp("sounds")
    notes = np.array([(f"n{i}", 0.2 + 0.5 * i, 0.4, 60 + 2 * i, 90, 0) for i in range(5)], PERFORMED_NOTE)
    performance = Performance(notes)
    (made / "played.mid").write_bytes(write_performance(performance))
    sound = plain_piano.sounded(performance, rate=RATE)
    soundfile.write(made / "reference.wav", sound, RATE, subtype="FLOAT")
    soundfile.write(made / "louder.wav", np.repeat(sound * 10 ** (3 / 20), 2, axis=1), RATE, subtype="FLOAT")
    soundfile.write(made / "silent.wav", np.zeros((3 * RATE, 1)), RATE)
    soundfile.write(made / "soft.wav", 1e-5 * sound, RATE, subtype="FLOAT")
    soundfile.write(made / "short.wav", sound[: RATE // 2], RATE, subtype="FLOAT")
    (made / "empty.wav").write_bytes(b"")
    broken = sound.copy()
    broken[RATE] = np.nan
    soundfile.write(made / "nan.wav", broken, RATE, subtype="FLOAT")
    at_48k = soxr.resample(sound, RATE, 48000)
    # Clipped, at another rate, with more than a second of silence behind it.
    loud = np.clip(60 * at_48k, -1, 1)
    soundfile.write(made / "clipped-48k.flac", np.pad(loud, ((0, 60000), (0, 0))), 48000, subtype="PCM_16")
    return made


@pytest.fixture(scope="module")
def probe_wav(folder: Path) -> Path:
    """A recording of the probe, played by a piano of sines."""
    sound = plain_piano.sounded(plan.schedule().performance, rate=8000)
    soundfile.write(folder / "probe.wav", sound, 8000, subtype="FLOAT")
    return folder / "probe.wav"


def test_comparing_says_everything_in_json(folder: Path, fluidsynth_env: dict[str, str]) -> None:
    ran = evaluate(
        folder / "reference.wav", "--reference", folder / "reference.wav", "--performance", folder / "played.mid",
        "--instruments", "--plot", folder / "a.png", "--json", env=fluidsynth_env,
    )  # fmt: skip
    assert ran.exit_code == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert set(found["distances"]) == set(LABELS) - {"gain_db", "lag_s"}
    assert found["distances"]["log_mel_44k"] == pytest.approx(0, abs=1e-6)
    assert found["matching"] == {"gain_db": 0.0, "lag_s": 0.0}
    assert set(found["ladder"]) == {"itself", "-6 dB", "+ hiss -40 dB", "+12 ms", "another piano"}
    assert found["score_informed"]["generated"] == found["score_informed"]["reference"]
    assert found["score_informed"]["generated"]["onset_f1"] == 1.0
    assert found["score_informed"]["generated"]["wander_cents"] is None  # no note is held for a second
    assert set(found["instruments"]["generated"]) == set(INSTRUMENTS)
    assert len(found["bark"]["tonality_generated"]) == 24
    assert found["condition"]["generated"]["clipped_samples"] == 0
    assert (folder / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_a_table_for_people_from_a_pipe(folder: Path) -> None:
    data = (folder / "louder.wav").read_bytes()
    ran = evaluate("-", "--reference", folder / "reference.wav", input=data)
    assert ran.exit_code == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert [cell.strip() for cell in lines[0].split("|")[1:4]] == ["measure", "generated", "itself"]
    gain = next(line for line in lines if line.startswith("| gain to match")).split("|")
    assert float(gain[2]) == pytest.approx(-3.0, abs=0.02)
    assert "mixed to one" in ran.stderr
    assert "lacks another piano" in ran.stderr


def test_channels_that_cancel_each_other_are_compared(folder: Path, tmp_path: Path) -> None:
    sound, rate = soundfile.read(folder / "reference.wav", dtype="float32")
    soundfile.write(tmp_path / "anti.wav", np.stack([sound, -sound], axis=1), rate, subtype="FLOAT")
    ran = evaluate(tmp_path / "anti.wav", "--reference", folder / "reference.wav", "--no-ladder", "--json")
    assert ran.exit_code == 0, ran.stderr
    assert json.loads(ran.stdout)["matching"] == pytest.approx({"gain_db": 0.0, "lag_s": 0.0}, abs=0.02)


def test_another_rate_length_and_clipping_are_said_not_refused(folder: Path) -> None:
    names = [folder / "clipped-48k.flac", "--reference", folder / "reference.wav", "--no-ladder"]
    told = evaluate(*names)
    assert told.exit_code == 0, told.stderr
    assert "clipped-48k.flac 4.8 s" in told.stderr
    assert "the first 3.6 s of both are compared" in told.stderr
    found = json.loads(evaluate(*names, "--json").stdout)
    assert found["compared_s"] == pytest.approx(3.6, abs=0.05)
    assert found["condition"]["generated"]["clipped_samples"] > 1000
    assert found["condition"]["reference"]["clipped_samples"] == 0
    assert found["condition"]["generated"]["quietest_dbfs"] == -180
    clean = json.loads(evaluate(folder / "louder.wav", *names[1:], "--json").stdout)
    assert clean["distances"]["absolute_db"] < 0.01 < 0.1 < found["distances"]["absolute_db"]


def test_without_a_ladder_there_is_one_column(folder: Path) -> None:
    ran = evaluate(folder / "reference.wav", "--reference", folder / "reference.wav", "--no-ladder", "--json")
    assert "ladder" not in json.loads(ran.stdout)
    assert ran.stderr == ""


def test_another_piano_can_be_given(folder: Path) -> None:
    same = folder / "reference.wav"
    ran = evaluate(same, "--reference", same, "--other", folder / "louder.wav", "--json")
    other = json.loads(ran.stdout)["ladder"]["another piano"]
    assert other["gain_db"] == pytest.approx(-3.0, abs=0.02)
    assert other["absolute_db"] == pytest.approx(0, abs=0.01)


def test_probing_a_recording(folder: Path, probe_wav: Path) -> None:
    ran = evaluate("--probe", probe_wav, "--json", "--plot", folder / "probe.svg")
    assert ran.exit_code == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert [key["inversions"] for key in found["velocity"]] == [0, 0, 0]
    assert found["pedal"]["sustained_db"] == pytest.approx(0.0, abs=0.01)
    assert found["t60_s"] == pytest.approx([plain_piano.DECAY_S] * 7, rel=0.05)
    assert found["sampled_grand"]["edt_s"][0] > 10
    assert found["cpu_s_per_s"] is None  # nobody was seen at work
    drawn = (folder / "probe.svg").read_bytes()
    assert b"<svg" in drawn
    assert evaluate("--probe", probe_wav, "--quiet", "--plot", folder / "again.svg").exit_code == 0
    assert (folder / "again.svg").read_bytes() == drawn
    text = evaluate("--probe", probe_wav).stdout.splitlines()
    assert "sampled grand" in text[0]
    assert len({len(line) for line in text}) == 1


def test_probing_an_engine(fluidsynth_env: dict[str, str]) -> None:
    # The stand-in plays one tone throughout: a piano without any answer.
    ran = evaluate("--probe", "--engine", "fluidsynth", "--json", env=fluidsynth_env)
    assert ran.exit_code == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["probed"] == "fluidsynth"
    assert 0 < found["cpu_s_per_s"] < 10
    assert [key["range_db"] for key in found["velocity"]] == pytest.approx([0.0] * 3, abs=0.01)
    assert found["edt_s"] == [None] * 7


def test_the_probe_can_be_played_elsewhere(folder: Path) -> None:
    path = folder / "probe.mid"
    assert evaluate("--write-probe", path).exit_code == 0
    written = formats.read_performance(path.read_bytes()).notes
    expected = plan.schedule().performance.notes
    assert np.abs(np.sort(written["onset_s"]) - np.sort(expected["onset_s"])).max() < 0.002
    again = evaluate("--write-probe", path)
    assert again.exit_code == 1
    assert "--force" in again.stderr


@pytest.mark.parametrize("more", [("x.wav",), ("--engine", "modal"), ("--plot", "x.png"), ("--room", "hall")])
def test_writing_the_probe_measures_nothing(tmp_path: Path, more: tuple[str, ...]) -> None:
    ran = evaluate("--write-probe", tmp_path / "p.mid", *more)
    assert (ran.exit_code, ran.stderr.count("\n")) == (2, 1)
    assert "add --probe" in ran.stderr
    assert not (tmp_path / "p.mid").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "--reference"),
        (["a.wav"], 2, "--reference"),
        (["-", "--reference", "-"], 2, "stdin"),
        (["a.wav", "--reference", "b.wav", "--engine", "modal"], 2, "--probe"),
        (["--probe"], 2, "--engine"),
        (["a.wav", "--probe", "--engine", "modal"], 2, "one of them"),
        (["--probe", "--engine", "modal", "--reference", "a.wav"], 2, "--probe"),
        (["--probe", "--engine", "no-such-engine"], 2, "no-such-engine"),
        (["--probe", "--engine", "modal", "--plot", "a.txt"], 2, ".png"),
        (["no-such.wav", "--reference", "reference.wav"], 1, "no-such.wav"),
        (["played.mid", "--reference", "reference.wav"], 1, "played.mid"),
        (
            ["silent.wav", "--reference", "reference.wav"],
            1,
            "silent.wav against reference.wav: generated audio is silent",
        ),
        (["reference.wav", "--reference", "silent.wav"], 1, "reference audio is silent"),
        (["soft.wav", "--reference", "reference.wav"], 1, "raise its level"),
        (["short.wav", "--reference", "reference.wav"], 1, "lasts 0.50 s; at least 1 s"),
        (["empty.wav", "--reference", "reference.wav"], 1, "empty.wav: empty"),
        (["nan.wav", "--reference", "reference.wav"], 1, "nan.wav: holds samples that are not finite"),
        (["reference.wav", "--reference", "reference.wav", "--performance", "reference.wav"], 1, "reference.wav"),
        (["reference.wav", "--reference", "reference.wav", "--plot", "no-folder/a.png"], 1, "no-folder"),
        (["--probe", "reference.wav"], 1, "reference.wav: the audio lasts"),
        (["reference.wav", "--reference", "reference.wav", "--instruments"], 2, "--performance"),
    ],
)
def test_what_makes_no_sense_gets_one_line(
    arguments: list[str], code: int, words: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    ran = evaluate(*arguments)
    assert (ran.exit_code, ran.stdout, ran.stderr.count("\n")) == (code, "", 1), ran.stderr
    assert words in ran.stderr


def test_the_program_says_the_same(folder: Path) -> None:
    arguments = ["evaluate", "audio", "silent.wav", "--reference", "reference.wav", "--json"]
    ran = subprocess.run([sys.executable, "-m", "perfsynth", *arguments], capture_output=True, cwd=folder, timeout=120)
    assert (ran.returncode, ran.stdout) == (1, b"")
    assert "silent" in json.loads(ran.stderr)["error"]
