"""Check the pages for listeners and readers with axe-core, in a headless Chromium at every step of the way.

axe-core comes from npm and needs no server: ``npm pack axe-core && tar xf axe-core-*.tgz``, then
``python tools/check_accessibility.py package/axe.min.js``. It makes a listening test of each method and the reports
of three commands, walks through them on a phone and a desk, in light and dark, and prints what axe finds. Reports of
your own are checked instead when they are named. ``--screenshots FOLDER`` keeps a picture of every step.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from perfsynth.evaluate.listening.page import page
from perfsynth.evaluate.listening.plan import make_plan
from perfsynth.evaluate.listening.questions import preset
from perfsynth.evaluate.listening.samples import collect
from tests.evaluate.listening.listener import Listener

EXAMPLE = Path(__file__).parents[1] / "examples" / "beethoven-elise.musicxml"
RATE = 22050  # Hz
HEARD_S = 6.0
WIDTHS = (390, 1100)  # CSS pixels of a phone and a desk
SCHEMES = ("light", "dark")
TESTS = {
    "rating": ("rating", None),
    "rating, 0 to 10": ("rating", "s2a-quality"),
    "mushra": ("mushra", None),
    "ab": ("ab", None),
}
RUN = "axe.run(document, {resultTypes: ['violations', 'incomplete']}).then(({violations, incomplete, passes}) => ({"
RUN += "rules: passes.length, violations: violations.map(told), unsure: incomplete.map(told)}))"
TOLD = "const told = ({id, impact, nodes}) => [id, impact || '-', nodes.map((one) => one.html.slice(0, 160))];"


def main() -> int:
    """Walk through all pages; the exit code says whether axe found anything."""
    options = argparse.ArgumentParser(description="Check the pages with axe-core.")
    options.add_argument("axe", type=Path, help="axe.min.js of the npm package axe-core")
    options.add_argument("reports", nargs="*", type=Path, help="reports to check; else all pages are made and checked")
    options.add_argument("--screenshots", type=Path, metavar="FOLDER", help="keep a picture of every step")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        reports = {path.stem: path.resolve() for path in chosen.reports}
        tests = {} if reports else make_tests(folder)
        reports = reports or make_reports(folder)
        checker = Checker(chosen.axe.read_text(encoding="utf-8"), chosen.screenshots, folder)
        for width in WIDTHS:
            for scheme in SCHEMES:
                checker.renew(width, scheme)
                for name, path in tests.items():
                    checker.walk(name, path.as_uri())
                for name, path in reports.items():
                    checker.read(name, path.as_uri())
        return checker.end()


class Checker:
    """A browser with axe in it, and what was found so far."""

    def __init__(self, axe: str, screenshots: Path | None, downloads: Path) -> None:
        self.listener = Listener()
        self.listener.downloads = downloads
        self.axe = axe
        self.screenshots = screenshots
        self.views: Counter[str] = Counter()
        self.rules = 0
        self.faults = 0
        if screenshots is not None:
            screenshots.mkdir(parents=True, exist_ok=True)

    def renew(self, width: int, scheme: str) -> None:
        """A browser that has seen nothing yet."""
        self.look = f"{width} px {scheme}"
        self.listener.renew(self.listener.downloads)
        self.listener.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 600
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.listener.call("Emulation.setEmulatedMedia", features=[feature])

    def walk(self, name: str, address: str) -> None:
        """A listening test: the welcome, the headphone check, an unanswered and an answered trial, the end."""
        listener = self.listener
        listener.open(address)
        for step in steps(listener):
            self.check(f"{name}, {step}")

    def read(self, name: str, address: str) -> None:
        """A report, with all that it folds away."""
        self.listener.open(address)
        self.listener.js("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        self.check(f"report {name}")

    def check(self, step: str) -> None:
        """Run axe here, and say what it finds."""
        self.listener.js(f"typeof axe === 'undefined' && (() => {{ {self.axe}\n return true; }})()")
        found: dict[str, Any] = self.listener.js(f"(() => {{ {TOLD} return {RUN}; }})()")
        width = self.listener.js("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if width > 0:
            found["violations"].append(["wider-than-the-screen", "serious", [f"by {width} px"]])
        self.views[step] += 1
        self.rules += found["rules"]
        self.faults += len(found["violations"])
        for kind in ("violations", "unsure"):
            for rule, impact, places in found[kind]:
                print(f"{self.look}, {step}: {kind} {rule} ({impact})", *places[:3], sep="\n    ")
        if self.screenshots is not None:
            name = f"{step} {self.look}".replace(",", "").replace(" ", "-")
            self.listener.screenshot(self.screenshots / f"{name}.png")

    def end(self) -> int:
        """The sum of it."""
        version = self.listener.js("axe.version")
        self.listener.close()
        looks = len(WIDTHS) * len(SCHEMES)
        print(
            f"axe-core {version}: {len(self.views)} views, each in {looks} looks; {self.rules} rules passed, "
            f"{self.faults} violations"
        )
        return 1 if self.faults else 0


def steps(listener: Listener) -> Iterator[str]:
    """Go through a test, stopping at each kind of page."""
    yield "welcome"
    listener.click("Begin")
    yield "headphone check"
    listener.click("First")
    yield "headphone check unheard"
    listener.click("Skip the check")
    yield "trial"
    listener.click("Next")
    yield "trial unanswered"
    count = int(listener.heading.split()[-1])
    for number in range(count):
        listener.listen()
        _judge(listener)
        if number == 0:
            yield "trial answered"
        listener.click("Next")
    yield "end"
    listener.click("Save answers (JSON)")
    yield "end saved"


def _judge(listener: Listener) -> None:
    """Answer everything on the page."""
    for index in range(listener.js("document.querySelectorAll('fieldset').length")):
        listener.click_on(f"document.querySelectorAll('fieldset')[{index}].querySelectorAll('input')[1]")
    for index in range(listener.js("document.querySelectorAll('.rating input').length")):
        listener.click_on(f"document.querySelectorAll('.rating input')[{index}]")


def make_tests(folder: Path) -> dict[str, Path]:
    """A page for each kind of test, from a second of tone."""
    import soundfile

    time = np.arange(RATE) / RATE
    systems = []
    for number, system in enumerate(("human", "model")):
        systems.append(folder / system)
        systems[-1].mkdir()
        tone = 0.1 * np.sin(2 * np.pi * 220 * (number + 1) * time) + 0.02 * np.sin(2 * np.pi * 5000 * time)
        for piece in ("bach", "mozart"):
            soundfile.write(systems[-1] / f"{piece}.wav", tone, RATE)
    made = {}
    for name, (method, questions) in TESTS.items():
        reference = systems[0] if method == "mushra" else None
        samples = collect(systems, reference=reference, anchors_hz=[3500.0] if reference else [])
        plan = make_plan(samples, method=method, questions=preset(questions, method))
        made[name] = folder / f"{name}.html"
        made[name].write_bytes(page(plan))
    return made


def make_reports(folder: Path) -> dict[str, Path]:
    """The page of each command that has one, about the bagatelle among the examples."""
    score, notes, truth = str(EXAMPLE), str(folder / "notes.jsonl"), str(folder / "truth.jsonl")
    midi = {number: str(folder / f"{number}.mid") for number in (0, 1, 2)}
    sound = {number: str(folder / f"{number}.flac") for number in (0, 1)}
    made = {name: folder / f"{name}.html" for name in ("performance", "audio", "alignment")}
    for number, path in midi.items():
        run("render-performance", score, "--variation", str(number), "-o", path)
    run("synth-audio", midi[0], "-o", sound[0])
    run("synth-audio", midi[0], "--room", "hall", "-o", sound[1])
    run("align", sound[0], score, "-o", notes)
    for path in sound.values():
        shorten(path)
    run("align", midi[0], score, "-o", truth)
    people = ("-H", midi[1], "-H", midi[2])
    run("evaluate", "performance", "-S", score, "-G", midi[0], *people, "--report", str(made["performance"]))
    run("evaluate", "audio", sound[1], "--reference", sound[0], "--report", str(made["audio"]))
    run("evaluate", "alignment", notes, "--reference", truth, "--report", str(made["alignment"]))
    return made


def shorten(path: str) -> None:
    """Keep so much of a sound as the measures need to be done soon."""
    import soundfile

    samples, rate = soundfile.read(path, frames=round(HEARD_S * soundfile.info(path).samplerate))
    soundfile.write(path, samples, rate)


def run(*words: str) -> None:
    """A command of perfsynth, without what it prints."""
    subprocess.run([sys.executable, "-m", "perfsynth", *words, "--quiet"], stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    sys.exit(main())
