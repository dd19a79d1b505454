"""Configurations: what is wrong with one is said in a line that names it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from perfsynth.errors import InputError, PerfsynthError
from perfsynth.train.checkpoint import to_toml
from perfsynth.train.config import TASKS, RunConfig, Schedule, read_config
from perfsynth.train.learner import rate_at
from perfsynth.train.loop import make_task

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.toml"))
GOOD = 'system = "m2m"\ncorpus = "nasap"\n[train]\nsteps = 10\n'


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "run.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_configurations_that_ship_are_read(path: Path) -> None:
    assert read_config(path).system in TASKS


def test_values_are_read_and_changed_from_outside(tmp_path: Path) -> None:
    text = GOOD + "betas = [0.8, 0.99]\n[model]\nlayers = 2\n"
    run = read_config(written(tmp_path, 'splits = ["train", "valid"]\n' + text), steps=3, seed=7)
    assert run == RunConfig(
        "m2m", "nasap", Schedule(3, betas=(0.8, 0.99), seed=7), ("train", "valid"), model={"layers": 2}
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "corpus, system, train is missing"),
        ("system", "no TOML"),
        (GOOD.replace("m2m", "gpt"), "system 'gpt' cannot be trained; these can: cantabile"),
        (GOOD.replace("steps = 10", ""), r"\[train\]: steps is missing"),
        (GOOD + "stepz = 1", r"\[train\]: stepz means nothing here; known are averaging"),
        ("colour = 1\n" + GOOD, "colour means nothing here"),
        (GOOD.replace("10", "0"), r"\[train\] steps = 0: it is a whole number of at least 1"),
        (GOOD.replace("10", "1.5"), "steps = 1.5: it is a whole number"),
        (GOOD.replace("10", "true"), "steps = True: it is a whole number"),
        (GOOD + f"seed = {2**63}", rf"seed = {2**63}: it is at most {2**63 - 1}"),
        (GOOD + "learning_rate = -1", "learning_rate = -1: it is more than 0"),
        (GOOD + "learning_rate = nan", "learning_rate = nan: it is a number"),
        (GOOD + 'learning_rate = "fast"', "learning_rate = 'fast': it is a number"),
        (GOOD + "warmup = 2", "warmup = 2: it lies between 0 and 1"),
        (GOOD + 'decay = "linear"', "decay = 'linear': it is one of cosine"),
        (GOOD + 'precision = "float16"', "precision = 'float16': it is one of auto"),
        (GOOD + "betas = [0.9]", "betas"),
        (GOOD + "betas = 0.9", "betas = 0.9"),
        (GOOD + "weight_decay = -0.1", "weight_decay = -0.1: it is not negative"),
        ("model = 3\n" + GOOD, "model = 3: it is a table"),
        ("splits = []\n" + GOOD, "splits"),
        ('splits = ["training"]\n' + GOOD, "splits"),
        (GOOD.replace('"nasap"', "1"), "corpus = 1: it is a name"),
    ],
)  # fmt: skip
def test_a_bad_configuration_says_what_is_wrong_in_one_line(text: str, words: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError, match=words) as caught:
        read_config(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_configuration_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.toml: cannot be read"):
        read_config(tmp_path / "nowhere.toml")
    (tmp_path / "latin.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="no TOML"):
        read_config(tmp_path / "latin.toml")


@pytest.mark.parametrize("table", ["model", "task"])
def test_a_key_that_the_system_does_not_know_is_named(table: str, tmp_path: Path) -> None:
    run = read_config(written(tmp_path, GOOD + f"[{table}]\nwidht = 3\n"))
    with pytest.raises(InputError, match="'widht' means nothing to m2m"):
        make_task(run, tmp_path)


@pytest.mark.parametrize(
    ("system", "table", "line", "words"),
    [
        ("cantabile", "model", 'width = "48"', r"\[model\] width = '48': it is a whole number of at least 1"),
        ("cantabile", "model", "width = 48.5", "width = 48.5: it is a whole number"),
        ("cantabile", "model", "width = 0", "width = 0: it is a whole number of at least 1"),
        ("cantabile", "model", "width = -4", "width = -4: it is a whole number"),
        ("cantabile", "model", "width = true", "width = True: it is a whole number"),
        ("cantabile", "model", "dropout = 1.5", "dropout = 1.5: it lies between 0 and 1"),
        ("cantabile", "model", "flags = 5", "'flags' means nothing to cantabile"),
        ("m2a", "task", 'begin = "run/best"', "'begin' means nothing to m2a"),
        ("cantabile", "task", 'midi_share = "x"', r"\[task\] midi_share = 'x': it is a number"),
        ("cantabile", "task", "midi_share = -0.1", "midi_share = -0.1: it lies between 0 and 1"),
        ("cantabile", "task", "crops = 0", r"\[task\] crops = 0: it is a whole number of at least 1"),
        ("cantabile", "task", "weights = 3", "weights = 3: it is a table"),
        ("cantabile", "task", 'weights = {tempo = "x"}', r"\[task.weights\] tempo = 'x': it is a number"),
        ("cantabile", "task", "drop_column = 5.0", "drop_column = 5.0: it lies between 0 and 1"),
        ("cantabile", "task", "transpose = -1", "transpose = -1: it is a whole number of at least 0"),
        ("cantabile", "task", "weights = {tempo = -0.5}", r"\[task.weights\] tempo = -0.5: it is at least 0"),
        ("hifigan", "task", "mel = -45.0", "mel = -45.0: it is at least 0"),
        ("neural", "task", "valid_s = 0", "valid_s = 0: it is more than 0"),
        ("neural", "model", 'instruments = "salamander"', "instruments = 'salamander': it is a list"),
        ("deep-performer", "model", 'encoder = "no"', "encoder = 'no': it is true or false"),
        ("hifigan", "model", "rates = [8, 0]", r"rates = \[8, 0\]: of each, it is a whole number of at least 1"),
        ("m2a", "task", "part = 1", "part = 1: it is a text"),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_named_before_the_corpus_is_read(
    system: str, table: str, line: str, words: str, tmp_path: Path
) -> None:
    run = read_config(written(tmp_path, GOOD.replace("m2m", system) + f"[{table}]\n{line}\n"))
    with pytest.raises(InputError, match=words) as caught:
        make_task(run, tmp_path / "nowhere")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_values_of_the_configurations_that_ship_make_sense(path: Path, tmp_path: Path) -> None:
    with pytest.raises(PerfsynthError) as caught:
        make_task(read_config(path), tmp_path / "nowhere")
    assert "nowhere" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["deep-performer", "m2m-paper-size", "m2a-paper-size", "performancenet-paper-size", "lan-rnn"]
)
def test_papers_that_learn_by_adam_decay_no_weights(name: str) -> None:
    assert read_config(CONFIGS[0].parent / f"{name}.toml").train.weight_decay == 0


def test_m2m_learns_as_its_paper_says() -> None:
    schedule = read_config(CONFIGS[0].parent / "m2m-paper-size.toml").train
    rates = [schedule.learning_rate * rate_at(schedule, step) for step in (0, 39, 40, 1040)]
    assert rates == pytest.approx([2e-5 / 40, 2e-5, 2e-5, 2e-5 * 0.99995**1000])


def test_what_is_there_unless_said_otherwise_may_be_said(tmp_path: Path) -> None:
    from perfsynth.train.cantabile import Settings
    from perfsynth.train.values import check_values

    check_values(asdict(Settings()), Settings, "task")


def test_toml_comes_back_as_it_was() -> None:
    import tomllib

    table = {
        "text": 'a "quoted" Björk \U0001d11e', "rate": 2.5e-7, "whole": 3, "yes": True, "sizes": (1, 2),
        "inner": {"a b": 1.0, "deep": {"x": [0.5], "naïve": -1}}, "empty": {},
    }  # fmt: skip
    back = tomllib.loads(to_toml(table))
    assert back == {**{k: v for k, v in table.items() if k != "empty"}, "sizes": [1, 2]}
