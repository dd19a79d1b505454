"""``perfsynth train``: a configuration and a corpus in, a model out."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer

from perfsynth.cli import _io, app
from perfsynth.cli._item import alone
from perfsynth.cli._progress import Progress
from perfsynth.errors import UsageError
from perfsynth.folders import shipped
from perfsynth.nn.device import checked

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="A run's TOML, as those in configs/.")]
Corpus = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="What perfsynth data NAME prepare made; else where that puts it."),
]
# Of the ablations: Dong et al. 2022, Table 2; Wang and Yang 2019.
PARTS = {
    "note-wise-position": "note_position", "performer": "performer", "encoder": "encoder",
    "onset-offset-encoder": "edges", "texture": "texture",
}  # fmt: skip
Run = Annotated[
    Path, typer.Option("--output", "-o", metavar="RUN", help="Folder of the run; one there is gone on with.")
]
MaxMinutes = Annotated[
    float | None, typer.Option(metavar="MINUTES", help="Stop then, after a last validation; the same line goes on.")
]
Steps = Annotated[int | None, typer.Option(metavar="N", help="Steps, instead of the configuration's.")]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Seed of everything random, instead of its own.")]
Resume = Annotated[bool, typer.Option("--resume/--no-resume", help="Go on with the run in RUN, or refuse to.")]
Init = Annotated[
    Path | None,
    typer.Option(
        metavar="WEIGHTS",
        help="Begin with these weights: safetensors, the folder of a model, or one that ships (of several, its first).",
    ),
]
PaperSize = Annotated[
    bool, typer.Option("--paper-size", help="The configuration beside CONFIG that has the size of its paper.")
]
Without = Annotated[
    list[str] | None,
    typer.Option(metavar="PART", help="Leave a part of the model out, as a paper's ablation does; repeatable."),
]
Device = Annotated[str, typer.Option(metavar="DEVICE", help="cpu, cuda, or auto: cuda where there is one.")]


@_io.report(
    app,
    "train",
    examples=(
        "perfsynth train configs/m2m.toml --corpus corpus -o runs/m2m --max-minutes 60",
        "torchrun --nproc-per-node 2 -m perfsynth train configs/m2m.toml --corpus corpus -o runs/m2m",
    ),
)
def train(
    session: _io.Session,
    config: Config,
    output: Run,
    corpus: Corpus = None,
    max_minutes: MaxMinutes = None,
    steps: Steps = None,
    seed: Seed = None,
    resume: Resume = True,
    init: Init = None,
    paper_size: PaperSize = False,
    without: Without = None,
    device: Device = "auto",
) -> None:
    """Train a model: RUN/best is what it is by its best validation, RUN/latest.pt where it goes on.

    An interrupt saves and exits with 130; the same line goes on.
    """
    from perfsynth.cli.data import corpus_folder
    from perfsynth.data.pieces import digest
    from perfsynth.train.card import about_corpus
    from perfsynth.train.config import read_config

    if max_minutes is not None and not max_minutes > 0:
        raise UsageError(f"--max-minutes {max_minutes:g}: a run takes more than none")
    if (output / "latest.pt").exists() and not resume:
        raise UsageError(f"{output}: holds a run; go on with it, or name another folder")
    config = _of_paper(config) if paper_size else config
    run = read_config(config, **{k: v for k, v in {"steps": steps, "seed": seed}.items() if v is not None})
    run = replace(run, model=run.model | _left_out(without or []))
    folder = corpus or corpus_folder(run.corpus)
    about = about_corpus(folder, run)
    device = checked(device)
    is_first = os.environ.get("RANK", "0") == "0"  # of torchrun's processes
    if not is_first:
        session = replace(session, quiet=True)
    from perfsynth.train.checkpoint import best_score
    from perfsynth.train.loop import make_task
    from perfsynth.train.loop import train as learn

    if find_spec("tensorboard") is None:
        session.say("no TensorBoard files are written: pip install tensorboard; log.jsonl says the same")
    session.say(f"{run.system}: learning from {run.corpus} ({about.get('train', folder)}) on {device}")
    task = make_task(run, folder)
    with session.progress() as progress:
        progress.begin(run.system)
        shown = Shown(session, progress, run.train.steps, max_minutes or math.inf, best=best_score(output))
        # Of torchrun's processes the first alone writes.
        with _signals(session) as received, alone(output, "training") if is_first else nullcontext():
            best = learn(
                run, task, output, device=device, max_minutes=max_minutes or math.inf, report=shown,
                stop=lambda: bool(received), init=_weights(init), about=about,
                corpus=digest(folder),
            )  # fmt: skip
    if received:
        session.say(f"{output}: saved after step {shown.step}; the same line goes on")
        if received[0] == signal.SIGINT:
            raise KeyboardInterrupt
        raise typer.Exit(128 + received[0])
    if is_first:
        _conclude(session, best, shown)


def _of_paper(config: Path) -> Path:
    """The configuration of the paper's size: ``NAME-paper-size.toml``, or ``NAME.toml`` beside ``NAME-small.toml``.

    Raises
    ------
    UsageError
        When there is none.
    """
    larger = [config.with_name(f"{config.stem}-paper-size.toml")]
    if config.stem.endswith("-small"):
        larger.append(config.with_name(f"{config.stem.removesuffix('-small')}.toml"))
    for path in larger:
        if path.is_file():
            return path
    raise UsageError(f"--paper-size: there is no {larger[0]}; {config} is all that there is of its system")


def _left_out(parts: list[str]) -> dict[str, bool]:
    """What ``[model]`` says without some parts.

    Raises
    ------
    UsageError
        When nothing is called so.
    """
    for part in parts:
        if part not in PARTS:
            raise UsageError(f"--without {part}: no model has such a part to leave out; there are {', '.join(PARTS)}")
    return {PARTS[part]: False for part in parts}


def _weights(init: Path | None) -> Path | None:
    """Where weights are; the name of a model that ships stands for its folder."""
    if init is None or init.exists():
        return init
    place = shipped(str(init))
    return place if len(init.parts) == 1 and place.is_dir() else init


@dataclass
class Shown:
    """What the user sees of a run: a bar, and a line for each validation."""

    session: _io.Session
    progress: Progress
    steps: int
    max_minutes: float
    step: int = 0
    begun: int = -1
    started: float = 0.0
    best: float = -math.inf
    figures: dict[str, float] | None = None

    def __call__(self, step: int, figures: dict[str, float]) -> None:
        """Show a step, or the validation after it."""
        if self.begun < 0:
            self.begun, self.started = step, monotonic()
        self.step = step
        if "score" in figures:
            self.figures = figures
            mark = " (best)" if figures["score"] > self.best else ""
            self.best = max(self.best, figures["score"])
            self.session.say(f"step {step}: " + ", ".join(f"{k} {v:.4g}" for k, v in figures.items()) + mark)
            return
        seconds = monotonic() - self.started
        rate = (step - self.begun) / seconds if seconds > 0 else 0.0
        done = max(step / self.steps, seconds / 60 / self.max_minutes)
        loss = f"  loss {figures['loss']:.4g}" if "loss" in figures else ""
        self.progress(f"{step}/{self.steps}{loss}  {rate:.3g} steps/s", min(done, 1.0))


@contextmanager
def _signals(session: _io.Session) -> Iterator[list[int]]:
    """Note the first interrupt or termination instead of dying of it; the second ends the program at once."""
    received: list[int] = []
    old = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: Any) -> None:
        received.append(number)
        for each, handler in old.items():
            signal.signal(each, handler)
        session.say("stopping after this step; once more to stop at once, without saving")

    for number in old:
        signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _conclude(session: _io.Session, best: Path, shown: Shown) -> None:
    """Say where the model is."""
    if session.as_json:
        known = {k: v if math.isfinite(v) else None for k, v in (shown.figures or {}).items()}
        typer.echo(json.dumps({"model": str(best), "steps": shown.step or shown.steps, "validation": known}))
    else:
        if not shown.step:
            session.say(f"all {shown.steps} steps were done already; --steps takes more")
        typer.echo(best)
