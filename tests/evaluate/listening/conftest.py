"""Sounds to make tests of, and whether there is a browser to open them in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from perfsynth.evaluate.listening.page import page
from perfsynth.evaluate.listening.plan import make_plan
from perfsynth.evaluate.listening.questions import preset
from perfsynth.evaluate.listening.samples import collect
from tests.evaluate.listening.chromium import PROGRAM
from tests.evaluate.listening.listener import Listener

collect_ignore = [] if PROGRAM else ["test_pages_in_chromium.py", "test_safety_in_chromium.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it when they are left out; a header would not be seen, since pytest is quiet here."""
    if not PROGRAM:
        terminalreporter.write_line("chromium is not installed: tests/evaluate/*/*_in_chromium.py are left out")


RATE = 22050  # Hz


def tone(seconds: float, *, hertz: float = 220.0, level: float = 0.1, n_channels: int = 1) -> np.ndarray:
    """A struck tone with harmonics up to 6 kHz, (n, n_channels)."""
    time = np.arange(round(seconds * RATE)) / RATE
    partials = np.arange(1, int(6000 / hertz) + 1)[:, None]
    wave = (np.sin(2 * np.pi * hertz * partials * time) / partials).sum(axis=0) * np.exp(-2 * (time % 0.5))
    return np.repeat(level * wave[:, None], n_channels, axis=1)


@pytest.fixture
def systems(tmp_path: Path) -> dict[str, Path]:
    """Three systems that play two pieces, each at a level of its own."""
    folders = {}
    for index, system in enumerate(("human", "model", "deadpan")):
        folders[system] = tmp_path / system
        folders[system].mkdir()
        for number, piece in enumerate(("bach", "mozart")):
            sound = tone(1.2, hertz=220.0 * (number + 1), level=0.02 * (index + 1), n_channels=1 + number)
            soundfile.write(folders[system] / f"{piece}.wav", sound, RATE)
    return folders


@pytest.fixture(scope="module")
def chromium() -> Iterator[Listener]:
    """A browser."""
    started = Listener()
    yield started
    started.close()


@pytest.fixture
def listener(chromium: Listener, tmp_path: Path) -> Listener:
    """A browser that has seen nothing yet."""
    chromium.downloads = tmp_path / "downloads"
    chromium.downloads.mkdir()
    chromium.renew(chromium.downloads)
    return chromium


@pytest.fixture
def test_page(systems: dict[str, Path], tmp_path: Path) -> Callable[..., str]:
    """A function that makes a test and gives its address."""

    def make(method: str = "rating", *, questions: str | None = None, **options: Any) -> str:
        reference = systems["human"] if method == "mushra" else None
        samples = collect(list(systems.values()), reference=reference, anchors_hz=[3500] if reference else [])
        asked = preset(questions, method)  # type: ignore[arg-type]
        plan = make_plan(samples, method=method, questions=asked, **{"headphones": False, **options})  # type: ignore[arg-type]
        path = tmp_path / f"{method}.html"
        path.write_bytes(page(plan))
        return path.as_uri()

    return make
