"""The loop: it learns, goes on exactly where it stopped, and stops when it is told to."""

from __future__ import annotations

import json
import math
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from perfsynth.errors import InputError, PerfsynthError
from perfsynth.train.checkpoint import best_score, load_weights
from perfsynth.train.config import Schedule
from perfsynth.train.ddp import Process
from perfsynth.train.learner import Learner, rate_at
from perfsynth.train.log import Log, Sample
from perfsynth.train.loop import moved, train
from tests.train.toy import Duel, Line, Pull, run_config


def lines(out: Path, key: str) -> list[tuple[int, float]]:
    """The values of a figure in a run's log, by step."""
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [(row["step"], row[key]) for row in rows if key in row]


def learn(task: Any, out: Path, config: Any = None, **options: Any) -> list[int]:
    """Train; the steps that were reported."""
    steps: list[int] = []
    train(config or run_config(), task, out, report=lambda step, figures: steps.append(step), **options)
    return steps


def state(out: Path) -> dict[str, Any]:
    return torch.load(out / "latest.pt", weights_only=True)


def same(a: Any, b: Any) -> bool:
    """Whether two states hold the same bits."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def test_the_loss_falls_and_the_best_model_is_the_averaged_one(tmp_path: Path) -> None:
    config = run_config(steps=150, validate_every=150, averaging=0.5)
    learn(Line(dropout=0.0), tmp_path, config)
    losses = [value for _, value in lines(tmp_path, "loss")]
    assert np.mean(losses[-20:]) < 0.25 * np.mean(losses[:10])
    best = load_file(tmp_path / "best/model.safetensors")
    averaged = state(tmp_path)["averaged"]
    assert best["0.weight"].dtype == torch.float16
    assert best["2.num_batches_tracked"].dtype == torch.int64
    assert torch.equal(best["0.weight"], averaged["0.weight"].half())
    assert len({path.stat().st_mode for path in (tmp_path / "best").iterdir()}) == 1


@pytest.mark.parametrize("task", [Line, Pull, Duel])
def test_a_run_taken_up_again_is_the_run_that_never_stopped(task: type, tmp_path: Path) -> None:
    config = run_config(batches=1 if task is Duel else 2)
    learn(task(), tmp_path / "whole", config)
    asked: list[None] = []

    def stop() -> bool:
        asked.append(None)
        return len(asked) == 5

    first = learn(task(), tmp_path / "halves", config, stop=stop)
    second = learn(task(), tmp_path / "halves", config)
    assert (first[-1], second[0], second[-1]) == (5, 6, 12)
    whole, halves = state(tmp_path / "whole"), state(tmp_path / "halves")
    for key in ("network", "averaged", "optimizer", "companions", "task", "best_score", "step"):
        assert same(whole[key], halves[key]), key
    for figure in ("loss", "generator", "score"):
        assert lines(tmp_path / "whole", figure) == lines(tmp_path / "halves", figure)


def test_steps_that_are_taken_again_are_logged_once(tmp_path: Path) -> None:
    learn(Line(), tmp_path)
    text = (tmp_path / "log.jsonl").read_text()
    ahead = '{"step": 13, "minutes": 1.0, "loss": 5.0}\n{"step": 14, "min'  # of a run that was killed while it wrote
    (tmp_path / "log.jsonl").write_text(text + ahead)
    learn(Line(), tmp_path, run_config(steps=14))
    assert [step for step, _ in lines(tmp_path, "loss")] == list(range(1, 15))


def test_max_minutes_stops_with_a_validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 20.0
        return now[0]

    monkeypatch.setattr("perfsynth.train.loop.time", types.SimpleNamespace(monotonic=clock))
    steps = learn(Line(), tmp_path, run_config(validate_every=100), max_minutes=1.0)
    assert steps == [1, 2, 3, 3]
    assert lines(tmp_path, "score")[0][0] == state(tmp_path)["step"] == 3
    assert state(tmp_path)["minutes"] == pytest.approx(1.0)
    learn(Line(), tmp_path, run_config(validate_every=100), max_minutes=1.0)
    assert state(tmp_path)["step"] == 6
    assert state(tmp_path)["minutes"] == pytest.approx(2.0)


def test_a_crash_costs_no_more_than_a_few_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 121.0
        return now[0]

    monkeypatch.setattr("perfsynth.train.loop.time", types.SimpleNamespace(monotonic=clock))

    def die(step: int, figures: dict[str, float]) -> None:
        if step == 5:
            raise RuntimeError("power")

    with pytest.raises(RuntimeError, match="power"):
        train(run_config(validate_every=100), Line(), tmp_path, report=die)
    assert state(tmp_path)["step"] == 3


def test_a_full_disk_is_an_error_of_the_system_and_leaves_the_checkpoint(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    learn(Line(), tmp_path)
    before = (tmp_path / "latest.pt").read_bytes()
    _, most = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, most))
    try:
        with pytest.raises(OSError, match="File too large"):
            learn(Line(), tmp_path, run_config(steps=14))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "latest.pt").read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


def test_an_adversary_learns_and_neither_gets_the_gradient_of_the_other(tmp_path: Path) -> None:
    learn(Duel(), tmp_path, run_config(steps=300, learning_rate=0.02, validate_every=300))
    scores = [value for _, value in lines(tmp_path, "score")]
    assert scores[-1] > -1.5  # of -5.3 for a generator that makes nothing
    process, schedule = Process(0, 1, "cpu"), Schedule(1)
    networks = {"network": nn.Linear(2, 2), "other": nn.Linear(2, 1)}
    learner = Learner(networks, nn.Linear(2, 2), schedule, process)
    learner.begin(0, 0)
    before = {name: network.weight.clone() for name, network in networks.items()}
    learner.descend("network", networks["other"](networks["network"](torch.ones(1, 2))).sum())
    assert networks["other"].weight.grad is None
    assert torch.equal(networks["other"].weight, before["other"])
    assert not torch.equal(networks["network"].weight, before["network"])


def test_a_task_that_steps_itself_takes_one_batch(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="batches = 2"):
        learn(Duel(), tmp_path, run_config(batches=2))


def test_gradients_of_several_batches_are_those_of_one_large_one() -> None:
    x = torch.arange(8.0).view(4, 2)
    grown = []
    for parts in (1, 2):
        torch.manual_seed(0)
        network = nn.Linear(2, 1)
        learner = Learner(
            {"network": network}, nn.Linear(2, 1), Schedule(1, batches=parts, clip=1e9), Process(0, 1, "cpu")
        )
        for index, part in enumerate(x.chunk(parts)):
            learner.begin(0, index)
            learner.descend("network", (network(part) ** 2).mean())
        grown.append((network.weight.detach().clone(), network.weight.grad))
    assert torch.allclose(grown[0][1], grown[1][1], rtol=1e-6)
    assert torch.allclose(grown[0][0], grown[1][0], rtol=1e-6)


class Broken(Line):
    """Gives a loss that is no number on some of its batches."""

    def __init__(self, every: int) -> None:
        super().__init__()
        self.every, self.given = every, 0

    def loss(self, network: nn.Module, batch: Any) -> tuple[torch.Tensor, dict[str, float]]:
        """Not a number, now and then."""
        self.given += 1
        loss, parts = super().loss(network, batch)
        return loss * (float("nan") if self.given % self.every == 0 else 1.0), parts


def test_a_broken_batch_is_skipped_and_a_broken_run_ends(tmp_path: Path) -> None:
    learn(Broken(every=3), tmp_path / "some", run_config(steps=30))
    assert all(value.isfinite().all() for value in state(tmp_path / "some")["network"].values())
    assert [value for _, value in lines(tmp_path / "some", "loss")][2] is None
    with pytest.raises(PerfsynthError, match="lower learning_rate"):
        learn(Broken(every=1), tmp_path / "all", run_config(steps=80))


def test_a_score_that_is_no_number_keeps_no_model(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Blind(Line):
        def validate(self, network: nn.Module) -> dict[str, float]:
            return {"score": float("nan")}

    learn(Blind(), tmp_path)
    assert not (tmp_path / "best").exists()
    assert "not a number" in caplog.text


def test_the_best_model_stays_when_later_ones_are_worse(tmp_path: Path) -> None:
    class Falling(Line):
        scores = iter([1.0, 3.0, 2.0])

        def validate(self, network: nn.Module) -> dict[str, float]:
            assert not network.training
            return {"score": next(self.scores)}

    learn(Falling(), tmp_path)
    assert "score = 3.0" in (tmp_path / "best/config.toml").read_text()
    assert "steps = 8" in (tmp_path / "best/config.toml").read_text()
    assert state(tmp_path)["step"] == 12


def test_another_run_is_not_gone_on_with(tmp_path: Path) -> None:
    learn(Line(), tmp_path)
    with pytest.raises(InputError, match=r"train.learning_rate = 0.05, not 0.1"):
        learn(Line(), tmp_path, run_config(learning_rate=0.1))
    with pytest.raises(InputError, match="no run of this m2m"):
        learn(Duel(), tmp_path)
    assert math.isfinite(best_score(tmp_path))
    for broken in (b"PK\3\4garbage", b"some text\n", b""):
        (tmp_path / "latest.pt").write_bytes(broken)
        with pytest.raises(InputError, match="train into another folder"):
            learn(Line(), tmp_path)
        assert best_score(tmp_path) == -math.inf
    assert learn(Line(), tmp_path / "new")[0] == 1


def test_a_run_on_another_corpus_is_not_gone_on_with(tmp_path: Path) -> None:
    learn(Line(), tmp_path, corpus="a" * 64)
    with pytest.raises(InputError, match=r"a run on another corpus \(manifest aaaaaaaaaaaa, not bbbbbbbbbbbb\)"):
        learn(Line(), tmp_path, run_config(steps=14), corpus="b" * 64)
    assert learn(Line(), tmp_path, run_config(steps=14), corpus="a" * 64)[0] == 13
    old = state(tmp_path)
    del old["corpus"]
    torch.save(old, tmp_path / "latest.pt")
    assert learn(Line(), tmp_path, run_config(steps=15), corpus="b" * 64)[0] == 15


def test_another_system_is_named_before_its_settings(tmp_path: Path) -> None:
    learn(Line(), tmp_path)
    with pytest.raises(InputError, match=r"a run with system = 'm2m', not 'm2a'"):
        learn(Line(), tmp_path, replace(run_config(), system="m2a", corpus="others", model={"width": 3}))


def test_a_checkpoint_without_companions_and_configuration_is_read(tmp_path: Path) -> None:
    learn(Line(), tmp_path)
    old = {key: state(tmp_path)[key] for key in ("step", "minutes", "best_score", "network", "averaged", "optimizer")}
    torch.save(old, tmp_path / "latest.pt")
    assert learn(Line(), tmp_path, run_config(steps=14))[0] == 13


def test_weights_to_begin_with(tmp_path: Path) -> None:
    learn(Line(), tmp_path / "first", run_config(steps=100))
    learn(Line(), tmp_path / "second", run_config(steps=1, learning_rate=1e-9), init=tmp_path / "first/best")
    first, second = (load_file(tmp_path / run / "best/model.safetensors") for run in ("first", "second"))
    assert torch.allclose(first["0.weight"].float(), second["0.weight"].float(), atol=1e-3)
    with pytest.raises(InputError, match="no weights"):
        load_weights(tmp_path / "nowhere", nn.Linear(1, 1))
    with pytest.raises(InputError, match="another network"):
        load_weights(tmp_path / "first/best/model.safetensors", nn.Linear(1, 1))
    (tmp_path / "broken.safetensors").write_bytes(b"garbage")
    with pytest.raises(InputError, match="no weights"):
        load_weights(tmp_path / "broken.safetensors", nn.Linear(1, 1))


def test_of_several_networks_that_ship_as_one_the_first_is_begun_with(tmp_path: Path) -> None:
    networks = [nn.Linear(3, 2) for _ in range(3)]
    joined = {f"{i}.{name}": value for i, each in enumerate(networks) for name, value in each.state_dict().items()}
    save_file(joined, tmp_path / "model.safetensors")
    fresh = nn.Linear(3, 2)
    load_weights(tmp_path, fresh)
    assert torch.equal(fresh.weight, networks[0].weight)
    with pytest.raises(InputError, match="another network"):
        load_weights(tmp_path, nn.Linear(4, 2))


def test_bfloat16_is_used_where_it_is_asked_for(tmp_path: Path) -> None:
    seen = set()

    class Watching(Line):
        def loss(self, network: nn.Module, batch: Any) -> tuple[torch.Tensor, dict[str, float]]:
            seen.add(network(batch[0]).dtype)
            return super().loss(network, batch)

    learn(Watching(), tmp_path / "auto", run_config(steps=1))
    assert seen == {torch.float32}
    learn(Watching(), tmp_path / "half", run_config(steps=60, precision="bfloat16"))
    assert seen == {torch.float32, torch.bfloat16}
    losses = [value for _, value in lines(tmp_path / "half", "loss")]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    assert state(tmp_path / "half")["network"]["0.weight"].dtype == torch.float32


@pytest.mark.parametrize(
    ("decay", "shares"),
    [("cosine", [0.5, 1.0, 1.0, 0.5]), ("none", [0.5, 1.0, 1.0, 1.0]), ("exponential", [0.5, 1.0, 1.0, 0.5**4])],
)
def test_the_learning_rate_warms_up_and_decays(decay: str, shares: list[float]) -> None:
    schedule = Schedule(10, warmup=0.2, decay=decay, decay_rate=0.5)
    assert [rate_at(schedule, step) for step in (0, 1, 2, 6)] == pytest.approx(shares)


def test_tensorboard_gets_the_same_figures_as_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, float, int]] = []

    class Writer:
        def __init__(self, folder: str, purge_step: int) -> None:
            assert (folder, purge_step) == (str(tmp_path), 4)

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, value, step))

        def close(self) -> None:
            written.append(("closed", 0, 0))

    fake = types.ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    log = Log(tmp_path, 3)
    log.write(4, {"loss": 0.25}, 1.0)
    log.close()
    assert written == [("loss", 0.25, 4), ("closed", 0, 0)]
    assert lines(tmp_path, "loss") == [(4, 0.25)]


def test_tensorboard_gets_what_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, tuple[int, ...], int]] = []

    class Writer:
        def __init__(self, folder: str, purge_step: int) -> None: ...

        def add_scalar(self, name: str, value: float, step: int) -> None: ...

        def add_audio(self, name: str, audio: np.ndarray, step: int, rate: int) -> None:
            assert rate == 16000
            assert np.abs(audio).max() == 1.0
            shown.append((name, audio.shape, step))

        def add_image(self, name: str, image: np.ndarray, step: int) -> None:
            assert image.max() == 1.0
            assert image[0, -1, 0] == 0.0  # the lowest band lies at the bottom
            shown.append((name, image.shape, step))

        def close(self) -> None: ...

    class Loud(Line):
        def samples(self, network: torch.nn.Module) -> dict[str, Sample]:
            bands = np.full((5, 3), -1.0)
            bands[0, 0] = -50.0
            return {"made": Sample(np.array([0.0, 2.0]), 16000), "bands": Sample(bands)}

    fake = types.ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    learn(Loud(), tmp_path)
    steps = [step for step, _ in lines(tmp_path, "score")]
    assert shown == [one for step in steps for one in (("made", (1, 2), step), ("bands", (1, 3, 5), step))]
    assert steps


def test_without_tensorboard_there_is_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    learn(Line(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best", "latest.pt", "log.jsonl"]
    assert len(lines(tmp_path, "loss")) == 12


def test_batches_of_any_make_are_moved() -> None:
    batch = {"a": [torch.zeros(1), (torch.ones(2), 3)], "s": Schedule(1)}
    there = moved(batch, "meta")
    assert there["a"][0].is_meta
    assert there["a"][1][0].is_meta
    assert there["a"][1][1] == 3
    assert there["s"] == Schedule(1)
