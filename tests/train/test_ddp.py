"""Two processes of one batch each learn what one process with twice the batch learns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perfsynth.train.ddp import Process
from perfsynth.train.loop import train
from tests.train import toy

ROOT = Path(__file__).parents[2]
STEPS = 8
LEARNED = ("Plain", "Duel")
STOPPED, RESUMED = "stopped", "resumed"
BALANCED = ("Balanced", "Balanced-resumed")
ALIKE = 1e-4  # of every figure of the log, one process against two; measured: 2e-6
ALIKE_BALANCED = 1e-6  # of the weights of losses, likewise; measured: 0


def in_each_process(out: Path) -> None:
    """What the processes run, one run after the other; in the last one the second process alone wants to stop."""
    rank = int(os.environ["RANK"])
    for name in LEARNED:
        task = made(name, seed=rank)  # other weights in each, of which the first ones must win
        train(toy.run_config(steps=STEPS), task, out / name, report=lambda step, figures: None)
    asked = iter(range(STEPS))
    task = made("Plain", seed=rank)
    config = toy.run_config(steps=STEPS, validate_every=100)
    train(config, task, out / STOPPED, report=lambda *_: None, stop=lambda: rank == 1 and next(asked) == 2)
    for steps in (2, 3, STEPS):  # stopped after the second step, after three more, and then not again
        left = iter(range(steps - 1, -1, -1))
        task = made("Plain", seed=rank)
        train(
            toy.run_config(steps=STEPS),
            task,
            out / RESUMED,
            report=lambda *_: None,
            stop=lambda left=left: not next(left),
        )
    for out_name, stops in zip(BALANCED, ((STEPS,), (3, STEPS)), strict=True):
        for stop_at in stops:
            left = iter(range(stop_at - 1, -1, -1))
            balanced(out / out_name, seed=rank, stop=lambda left=left: not next(left))


def made(name: str, seed: int) -> Any:
    """A toy whose networks depend on a seed of its own."""
    task = getattr(toy, name)()
    fresh = task.network

    def network() -> Any:
        torch.manual_seed(seed)
        return fresh()

    task.network = network
    return task


def balanced(out: Path, seed: int, batches: int = 1, stop: Callable[[], bool] = lambda: False) -> None:
    """Train the toy whose heads are balanced."""
    config = toy.run_config(steps=STEPS, learning_rate=1e-3, batches=batches)
    train(config, made("Balanced", seed), out, report=lambda *_: None, stop=stop)


def twice(rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """The batches that both processes draw in a step."""
    seed, step, _ = rng.bit_generator.seed_seq.entropy  # type: ignore[attr-defined]
    parts = [toy.batch_of(np.random.default_rng([seed, step, number])) for number in (0, 1)]
    return torch.cat([x for x, _ in parts]), torch.cat([y for _, y in parts])


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of two processes that torchrun started."""
    out = tmp_path_factory.mktemp("two")
    script = out / "script.py"
    script.write_text(
        f"import os, sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\nimport torch\nfrom perfsynth.train.ddp import joined\n"
        "from tests.train.test_ddp import in_each_process\n"
        f"with joined('cpu'):\n    in_each_process(Path({str(out)!r}))\n"
        # Not by way of the interpreter's end, at which gloo's threads abort now and then, with everything written.
        "    torch.distributed.barrier()\n    os._exit(0)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    return out


def figures(out: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "minutes"} for row in rows]


@pytest.mark.parametrize("name", LEARNED)
def test_two_processes_learn_what_one_does_with_twice_the_batch(name: str, two: Path, tmp_path: Path) -> None:
    task = made(name, seed=0)
    task.batch = twice
    train(toy.run_config(steps=STEPS), task, tmp_path, report=lambda step, figures: None)
    one = figures(tmp_path)
    assert len(one) == len(figures(two / name)) == STEPS + 2
    for a, b in zip(one, figures(two / name), strict=True):
        assert a == pytest.approx(b, rel=ALIKE)
    weights = [torch.load(out / "latest.pt")["network"] for out in (tmp_path, two / name)]
    for key, value in weights[0].items():
        assert torch.allclose(value, weights[1][key], rtol=ALIKE, atol=1e-6), key
    assert len({json.dumps(row) for row in one}) == len(one)


def test_the_first_process_alone_writes(two: Path) -> None:
    assert [row["step"] for row in figures(two / "Plain")] == [1, 2, 3, 4, 4, 5, 6, 7, 8, 8]
    assert "processes = 2" in (two / "Plain/best/config.toml").read_text()
    assert "x 2 processes" in (two / "Plain/best/CARD.md").read_text()


def test_one_process_that_is_told_to_stop_stops_both(two: Path) -> None:
    assert figures(two / STOPPED)[-1]["step"] == 3
    assert torch.load(two / STOPPED / "latest.pt")["step"] == 3


def test_two_processes_go_on_from_any_step_as_if_they_had_never_stopped(two: Path) -> None:
    assert figures(two / RESUMED) == figures(two / "Plain")
    resumed, whole = (torch.load(two / name / "latest.pt") for name in (RESUMED, "Plain"))
    for key, value in whole["network"].items():
        assert torch.equal(value, resumed["network"][key]), key


def test_heads_are_balanced_by_what_all_processes_and_batches_found(two: Path, tmp_path: Path) -> None:
    balanced(tmp_path, seed=0, batches=2)
    one, many, resumed = (torch.load(out / "latest.pt") for out in (tmp_path, *(two / name for name in BALANCED)))
    weights = one["task"]["weights"]
    assert float(weights.max() - weights.min()) > 0.1
    for key in ("weights", "first"):
        assert torch.allclose(one["task"][key], many["task"][key], rtol=ALIKE_BALANCED, atol=0)
        assert torch.equal(resumed["task"][key], many["task"][key])
    for key, value in many["network"].items():
        assert torch.equal(value, resumed["network"][key]), key
        assert torch.allclose(value, one["network"][key], rtol=ALIKE, atol=1e-6), key


def test_one_process_alone_changes_nothing() -> None:
    alone = Process(0, 1, "cpu")
    parameter = torch.nn.Parameter(torch.ones(2))
    alone.average([parameter])
    assert parameter.grad is None
    assert alone.mean({"loss": 0.1}) == {"loss": 0.1}
    assert alone.most(2) == 2
