"""Configurations: what is wrong with one is said in a line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfsynth.errors import InputError
from perfsynth.train.checkpoint import to_toml
from perfsynth.train.config import TASKS, RunConfig, Schedule, read_config
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


def test_toml_comes_back_as_it_was() -> None:
    import tomllib

    table = {
        "text": 'a "quoted" Björk \U0001d11e', "rate": 2.5e-7, "whole": 3, "yes": True, "sizes": (1, 2),
        "inner": {"a b": 1.0, "deep": {"x": [0.5], "naïve": -1}}, "empty": {},
    }  # fmt: skip
    back = tomllib.loads(to_toml(table))
    assert back == {**{k: v for k, v in table.items() if k != "empty"}, "sizes": [1, 2]}
