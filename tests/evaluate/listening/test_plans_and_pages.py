"""The plan of a test, the page it becomes, and its export."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import soundfile

from perfsynth.errors import InputError, UsageError
from perfsynth.evaluate.listening import webmushra
from perfsynth.evaluate.listening.page import page
from perfsynth.evaluate.listening.plan import Plan, make_plan, uneven
from perfsynth.evaluate.listening.questions import PRESETS, Question, preset, read_questions
from perfsynth.evaluate.listening.samples import collect
from tests.evaluate.listening.conftest import RATE, tone


@pytest.fixture
def plan(systems: dict[str, Path]):
    """A function that plans a test of the three systems."""

    def make(method: str = "rating", *, anchors: tuple[float, ...] = (), **options: Any) -> Plan:
        reference = systems["human"] if method == "mushra" else None
        samples = collect(list(systems.values()), reference=reference, anchors_hz=anchors)
        return make_plan(samples, method=method, questions=preset(None, method), **options)  # type: ignore[arg-type]

    return make


def shown(data: bytes) -> dict[str, Any]:
    """What the page's script reads."""
    found = re.search(r'<script type="application/json" id="test">(.*?)</script>', data.decode(), re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_trials_of_each_method(plan) -> None:
    rating = plan()
    assert sorted(len(trial.stimuli) for trial in rating.trials) == [1] * 6
    assert {key for trial in rating.trials for key in trial.stimuli} == set(rating.stimuli)
    mushra = plan("mushra", anchors=(3500,))
    assert [len(trial.stimuli) for trial in mushra.trials] == [4, 4]
    for trial in mushra.trials:
        assert mushra.stimuli[trial.reference].role == "reference"
        assert trial.reference in trial.stimuli
        assert {mushra.stimuli[key].piece for key in trial.stimuli} == {trial.piece}
    pairs = plan("ab")
    named = {(trial.piece, *sorted(pairs.stimuli[key].system for key in trial.stimuli)) for trial in pairs.trials}
    assert named == {
        (piece, *pair)
        for piece in ("bach", "mozart")
        for pair in (("deadpan", "human"), ("deadpan", "model"), ("human", "model"))
    }


def test_a_test_has_one_identity(plan) -> None:
    assert plan().test_id == plan().test_id
    assert len({plan().test_id, plan(seed=1).test_id, plan(title="B").test_id, plan("ab").test_id}) == 4


def test_the_page_is_one_file_with_its_sounds_and_a_policy(plan) -> None:
    made = plan()
    data = page(made)
    assert data == page(plan())
    text = data.decode()
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])  # type: ignore[index]
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", text)
    assert "{{" not in text.split("<script>")[0]
    for key, sample in made.stimuli.items():
        uri = re.search(rf'id="sound-{key}">data:audio/ogg;base64,([^<]*)<', text)
        assert uri, key
        sound, rate = soundfile.read(io.BytesIO(base64.b64decode(uri[1])))
        assert (rate, len(sound) / rate) == (44100, pytest.approx(sample.duration_s, abs=1e-3))


def test_lossless_sounds(plan) -> None:
    assert page(plan(), sound_format="flac").count(b"data:audio/flac;base64,ZkxhQ") == 6


def test_nothing_readable_in_the_page_names_a_system_or_piece(plan) -> None:
    for method in ("rating", "mushra", "ab"):
        text = page(plan(method, anchors=(3500.0,) if method == "mushra" else ())).decode()
        sounds = b"".join(base64.b64decode(part) for part in re.findall(r"base64,([^<]*)<", text))
        for word in ("deadpan", "mozart", "anchor-3500"):
            assert word not in text
            assert word.encode() not in sounds
        names = json.loads(base64.b64decode(shown(text.encode())["names"]))
        assert {entry["piece"] for entry in names.values()} == {"bach", "mozart"}


def test_titles_and_questions_cannot_break_out_of_the_page(plan) -> None:
    evil = '</title><script>alert(1)</script>{{sounds}} "&'
    data = page(plan(title=evil, instructions=["</script><b>"]))
    assert b"<script>alert" not in data
    assert shown(data)["title"] == evil
    assert shown(data)["instructions"] == ["</script><b>"]


def test_a_post_url_opens_that_host_alone(plan) -> None:
    text = page(plan(post_url="https://user:secret@example.org:8443/answers?x=1")).decode()
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])  # type: ignore[index]
    assert "connect-src https://example.org:8443;" in policy
    for wrong in ("ftp://example.org", "example.org", "https://", "javascript:alert(1)"):
        with pytest.raises(UsageError, match="post URL"):
            plan(post_url=wrong)


def test_what_makes_no_test_is_refused(plan, systems: dict[str, Path]) -> None:
    questions = preset("mushra", "mushra")
    with pytest.raises(InputError, match="no reference; MUSHRA compares with one"):
        make_plan(collect(list(systems.values())), method="mushra", questions=questions)
    with pytest.raises(InputError, match="nothing but the reference"):
        make_plan(collect([], reference=systems["human"]), method="mushra", questions=questions)
    with pytest.raises(InputError, match=r"only one system \(human\)"):
        make_plan(collect([systems["human"]]), method="ab", questions=preset(None, "ab"))
    with pytest.raises(InputError, match="13 sounds in one trial"):
        plan("mushra", anchors=tuple(range(1000, 11000, 1000)))
    with pytest.raises(UsageError, match="must_hear 2"):
        plan(must_hear=2.0)


def test_versions_of_unlike_length_are_noticed(plan, systems: dict[str, Path]) -> None:
    assert uneven(plan("ab")) == []
    soundfile.write(systems["model"] / "bach.wav", tone(2.4), RATE)
    assert uneven(plan("ab")) == ["bach: 1.2 to 2.4 s"]


def test_the_questions_of_the_papers() -> None:
    asked = {name: [question.id for question in questions] for name, (_, questions) in PRESETS.items()}
    assert asked["performancenet"] == ["timbre", "naturalness", "audio-quality", "emotion", "overall"]
    assert asked["deep-performer"] == ["pitch-accuracy", "timbre", "noise-level", "overall"]
    for name in ("s2a-expressiveness", "s2a-quality"):
        (question,) = PRESETS[name][1]
        assert (question.minimum, question.maximum) == (0, 10)
    with pytest.raises(UsageError, match="'mushra' are for the method mushra, not rating"):
        preset("mushra", "rating")
    with pytest.raises(UsageError, match="'none' is no set of questions"):
        preset("none", "rating")


def test_questions_of_ones_own() -> None:
    data = b'[[question]]\nid = "swing"\ntext = "Does it swing?"\nmaximum = 7\nlow = "No"\nhigh = "Yes"\n'
    assert read_questions(data, "rating") == (Question("swing", "Does it swing?", 1, 7, "No", "Yes"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "asks nothing"),
        ("[[question]", "not TOML"),
        ("question = 3", "asks nothing"),
        ('[[question]]\nid = "a"', "needs a text"),
        ('[[question]]\nid = "A b"\ntext = "x"', "question id 'A b'"),
        ('[[question]]\nid = "a"\ntext = "x"\nmaximum = 1', "a scale from 1 to 1"),
        ('[[question]]\nid = "a"\ntext = "x"\nmaximum = 5.5', "whole numbers"),
        ('[[question]]\nid = "a"\ntext = "x"\ncolour = "red"', "'colour' is no field"),
        ('[[question]]\nid = "a"\ntext = "x"\nlabels = ["one"]', "one label for each step"),
        ('[[question]]\nid = "a"\ntext = "x"\n[[question]]\nid = "a"\ntext = "y"', "two questions have the id 'a'"),
    ],
)
def test_questions_that_cannot_be_asked(text: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        read_questions(text.encode(), "rating", name="mine.toml")
    assert str(refused.value).startswith("mine.toml: ")
    assert message in str(refused.value)


def test_webmushra_has_the_same_mushra_test(plan, systems: dict[str, Path], tmp_path: Path) -> None:
    soundfile.write(systems["model"] / "bach.wav", tone(1.9), RATE)
    made = plan("mushra", anchors=(3500.0,), title="Pianos: a test")
    written = webmushra.export(made, tmp_path, name="pianos")
    assert written == tmp_path / "configs" / "pianos.yaml"
    text = written.read_text()
    assert text.startswith(f'"testname": "Pianos: a test"\n"testId": "{made.test_id}"\n')
    pages = webmushra.configuration(made, "configs/resources/pianos")["pages"]
    assert [entry["type"] for entry in (pages[0], pages[-1])] == ["generic", "finish"]
    assert pages[1][0] == "random"
    for shown_page in pages[1][1:]:
        assert shown_page["type"] == "mushra"
        assert set(shown_page["stimuli"]) == {"model", "deadpan", "anchor-3500"}  # it adds the hidden reference
        files = [tmp_path / path for path in (shown_page["reference"], *shown_page["stimuli"].values())]
        assert len({soundfile.info(file).frames for file in files}) == 1
        assert {soundfile.info(file).samplerate for file in files} == {44100}


def test_webmushra_has_the_same_questions(plan) -> None:
    made = plan()
    random, *pages = webmushra.configuration(made, "sounds")["pages"][1]
    assert random == "random"
    assert len(pages) == 2 * 5
    assert all(len(entry["stimuli"]) == 3 for entry in pages)
    assert [step["value"] for step in pages[0]["response"]] == [1, 2, 3, 4, 5]
    assert pages[0]["response"][0]["label"] == "1 Not at all"


def test_webmushra_cannot_ask_for_preferences(plan, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no preference page"):
        webmushra.export(plan("ab"), tmp_path, name="x")


def test_yaml_by_hand() -> None:
    value = {"a": 1, "b": ["x: y", {"c": True, "d": None}, ["random", {"e": 0.5}]], "f": []}
    assert webmushra.yaml(value) == (
        '"a": 1\n"b":\n  - "x: y"\n  -\n    "c": true\n    "d": null\n'
        '  -\n    - "random"\n    -\n      "e": 0.5\n"f": []\n'
    )
