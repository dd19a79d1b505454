"""The whole road in Python: each option reaches the stage that has it."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import perfsynth
from perfsynth import formats
from perfsynth.errors import InputError, UsageError
from perfsynth.pipeline import sound
from perfsynth.types import PERFORMED_NOTE, Audio, Performance, Score


@pytest.fixture(scope="module")
def score(example: bytes) -> Score:
    return formats.read_score(example)


@pytest.mark.parametrize("loudness", [float("nan"), -100.0, 5.0])
def test_a_loudness_that_makes_no_sense_is_refused(loudness: float) -> None:
    with pytest.raises(UsageError, match="LUFS"):
        sound(Performance(np.zeros(1, PERFORMED_NOTE)), loudness_lufs=loudness)


def test_options_go_to_the_performance_model_or_to_the_engine(score: Score) -> None:
    made = perfsynth.render(score, expression=0.0, variation=2, room="hall", seed=3)
    told = {step.stage: step for step in made.history}
    played, sounded = told["render-performance"], told["synth-audio"]
    assert {"expression": 0.0, "variation": 2, "ornaments": True}.items() <= played.options.items()
    assert sounded.options["room"] == "hall"
    assert played.seed == sounded.seed == 3


def test_ornaments_are_played_unless_they_are_not_wanted(example: bytes) -> None:
    trilled = example.replace(b"</note>", b"<notations><ornaments><trill-mark/></ornaments></notations></note>", 1)
    score = formats.read_score(trilled)
    with_them, without = (
        np.concatenate(list(perfsynth.render(score, model="deadpan", engine="modal", ornaments=wanted).blocks))
        for wanted in (True, False)
    )
    assert not np.array_equal(with_them, without)
    default = np.concatenate(list(perfsynth.render(score, model="deadpan", engine="modal").blocks))
    assert np.array_equal(default, with_them)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"rubatoo": 1.0}, UsageError, "no performance model and no engine takes rubatoo; leave it out"),
        ({"model": "deadpan", "rubato": 1.0}, UsageError, "deadpan takes no --rubato"),
        ({"model": "deadpan", "pedal": False}, UsageError, "deadpan takes no --no-pedal"),
        ({"engine": "fluidsynth", "room": "hall"}, UsageError, "fluidsynth takes no --room"),
        ({"weights": "/nowhere"}, InputError, "no weights of cantabile"),
        ({"engine": "neural", "sound_weights": "/nowhere"}, InputError, "no weights of neural"),
    ],
)
def test_what_nobody_takes_is_one_line(
    score: Score, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        perfsynth.render(score, **options)
    assert "\n" not in str(caught.value)


def test_a_fresh_import_has_every_verb() -> None:
    code = "import perfsynth; print([name for name in perfsynth.__all__ if callable(getattr(perfsynth, name))])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    verbs = ["align", "perform", "render", "sound", "synthesize", "synthesize_spectrogram", "tokenize", "vocode"]
    assert ran.returncode == 0, ran.stderr
    assert set(verbs) <= set(ast.literal_eval(ran.stdout))
    assert set(ast.literal_eval(ran.stdout)) == set(perfsynth.__all__) - {"__version__"}


def test_sound_by_way_of_a_spectrogram_is_aligned_to_its_score(score: Score) -> None:
    performance = perfsynth.perform(score, model="deadpan", bpm=120)
    made = perfsynth.vocode(perfsynth.synthesize_spectrogram(performance))
    found = perfsynth.align(made, score)
    onset_s = dict(zip(performance.notes["note_id"], performance.notes["onset_s"], strict=True))
    played = found.notes[found.notes["status"] != "unplayed"]
    off_s = [note["onset_s"] - onset_s[note["note_id"]] for note in played]
    assert len(played) > 0.95 * len(score.notes)
    assert np.median(np.abs(off_s)) < 0.02


def test_an_alignment_takes_a_recording_and_a_score(score: Score) -> None:
    with pytest.raises(UsageError, match=r"this takes a Audio, not a Score; .+ a file of sound"):
        perfsynth.align(score, score)
    with pytest.raises(UsageError, match=r"this takes a Score, not a Audio; .+ MusicXML or MIDI"):
        perfsynth.align(*[Audio(np.zeros((10, 1), np.float32), 22050)] * 2)


@pytest.mark.parametrize(
    "verb",
    [
        "perform", "render", "sound", "synthesize", "synthesize_spectrogram", "vocode", "tokenize", "detokenize",
    ],
)  # fmt: skip
def test_what_is_of_another_type_is_refused_by_its_name(verb: str, score: Score) -> None:
    other = Performance(np.zeros(1, PERFORMED_NOTE)) if verb in ("perform", "render") else score
    with pytest.raises(UsageError, match=rf"this takes a \w+, not a {type(other).__name__}; .+"):
        getattr(perfsynth, verb)(other)
