"""Play the scores of examples/ as several systems do: docs/gallery/*.ogg, the curves as SVG, and docs/gallery.md.

``python tools/gallery.py`` takes some minutes on one core. The same version of perfsynth gives the same files. The
section about the systems of the papers needs networks: ``--runs FOLDER`` makes it, and nothing else, anew.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from perfsynth import formats
from perfsynth.evaluate.canvas import figure
from perfsynth.evaluate.performance import traits
from perfsynth.evaluate.report.playing import excerpts
from perfsynth.evaluate.report.sounds import opus
from perfsynth.expression import chords, quarters
from perfsynth.perform.core import perform
from perfsynth.pipeline import sound
from perfsynth.types import Performance, Score
from tools import gallery_systems

ROOT = Path(__file__).parents[1]
EXCERPT_S = 19.0  # of the production model; the others play the same passage
LONGEST_S = 25.0
FADE_S = 1.5
SMOOTH_BEATS = 2.0


@dataclass(frozen=True)
class Version:
    """One way to play a score: its name, what the command line says for it, and what Python does."""

    name: str
    label: str
    command: str
    options: dict[str, Any]


CANTABILE = Version("cantabile", "`cantabile`", "", {"model": "cantabile"})
DEADPAN = Version("deadpan", "`deadpan`", " --model deadpan", {"model": "deadpan"})
VARIATIONS = tuple(
    Version(
        f"variation-{number}",
        f"variation {number}",
        f" --variation {number}",
        {"model": "cantabile", "variation": number},
    )
    for number in (1, 2)
)
PAPERS = (
    Version("m2m", "`m2m`", " --model m2m", {"model": "m2m"}),
    Version(
        "deep-performer-align",
        "`deep-performer-align`",
        " --model deep-performer-align",
        {"model": "deep-performer-align"},
    ),
)
USUAL = (DEADPAN, CANTABILE, *VARIATIONS)
ALIGNED = "beethoven-elise"
PIECES = {"petzold-minuet": (*USUAL, *PAPERS), "bach-prelude": USUAL, "beethoven-elise": USUAL}


def main() -> None:
    """Render everything, or the section of the systems, and write the page."""
    options = argparse.ArgumentParser(description="Make the gallery.")
    options.add_argument("--runs", type=Path, metavar="FOLDER", help="of trained systems, by name; makes their section")
    options.add_argument("--vocoder", type=Path, metavar="DIR", help="hifigan for deep-performer; else Griffin-Lim")
    options.add_argument("--samples", type=Path, metavar="DIR", help="of the grand that they learnt from")
    chosen = options.parse_args()
    folder, page = ROOT / "docs" / "gallery", ROOT / "docs" / "gallery.md"
    folder.mkdir(parents=True, exist_ok=True)
    if chosen.runs is None:
        pieces, aligned = _pieces(folder), _alignment(folder)
        parts = [*pieces, gallery_systems.kept(page.read_text(encoding="utf-8")), aligned]
        page.write_text("\n".join(part for part in parts if part), encoding="utf-8")
        return
    made = gallery_systems.section(folder, gallery_systems.Runs(chosen.runs, chosen.vocoder, chosen.samples))
    page.write_text(with_section(page.read_text(encoding="utf-8"), made), encoding="utf-8")


def with_section(page: str, section: str) -> str:
    """The page with another section of systems, before the last one if it had none."""
    old = gallery_systems.kept(page)
    if old:
        return page.replace(old, section)
    head, title, rest = page.rpartition("## A recording and its score\n")
    return f"{head}{section}\n{title}{rest}"


def _pieces(folder: Path) -> list[str]:
    """Render the pieces; the head of the page and their sections."""
    parts = [HEAD]
    for piece, versions in PIECES.items():
        score = formats.read_score((ROOT / "examples" / f"{piece}.musicxml").read_bytes(), name=piece)
        played = {one.name: perform(score, ornaments=True, **one.options) for one in versions}
        lengths = _sounds(folder, piece, score, played)
        (folder / f"{piece}.svg").write_bytes(_curves(score, played))
        parts.append(_section(piece, score, versions, lengths))
    return parts


def _sounds(folder: Path, piece: str, score: Score, played: dict[str, Performance]) -> dict[str, float]:
    """Write an excerpt of each; how long they are, in seconds."""
    first = {CANTABILE.name: played[CANTABILE.name]}  # which says where the excerpts end
    lengths = {}
    for name, excerpt in excerpts(score, first | played, longest_s=EXCERPT_S).items():
        audio = sound(excerpt.performance).audio()
        lengths[name] = min(len(audio.samples) / audio.sample_rate, LONGEST_S)
        data = opus(audio.samples, audio.sample_rate, longest_s=LONGEST_S, fade_s=FADE_S)
        (folder / f"{piece}-{name}.ogg").write_bytes(data)
        print(f"{piece} {name}: {lengths[name]:.1f} s, {len(data) / 1000:.0f} kB", flush=True)
    return lengths


def _curves(score: Score, played: dict[str, Performance]) -> bytes:
    """Tempo and velocity of all versions along the score."""
    import io

    import matplotlib

    _, beat = chords(score.notes)
    grid = quarters(beat)
    canvas = figure(9, 5.5)
    tempo, loud = canvas.subplots(2, 1, sharex=True)
    order = np.argsort(score.notes["onset_beat"], kind="stable")
    for index, (name, performance) in enumerate(played.items()):
        found = traits(score, performance)
        style = {"color": "0.35" if name == DEADPAN.name else f"C{index - 1}", "label": name}
        style |= {"linewidth": 2.0 if name == CANTABILE.name else 1.0}
        at, period_s = _smooth(grid[:-1] + 0.5, np.exp(found.log_beat_period))
        tempo.plot(at, 60 / period_s, **style)
        loud.plot(*_smooth(score.notes["onset_beat"][order], found.velocity[order]), **style)
    tempo.set_yscale("log")
    tempo.yaxis.set_major_formatter("{x:.0f}")
    tempo.yaxis.set_minor_formatter("{x:.0f}")
    tempo.set_ylabel("quarter notes a minute")
    loud.set_ylabel("velocity")
    lengths = np.diff(score.measures["onset_beat"], append=np.inf)
    whole = score.measures[lengths > np.median(lengths) * 0.7]  # not a pick-up, nor the rest of its bar
    bars = whole[:: max(1, len(whole) // 12)]
    loud.set_xticks(bars["onset_beat"], [str(number) for number in bars["number"]])
    loud.set_xlabel("bar")
    tempo.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(played), frameon=False, fontsize=8)
    made = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "perfsynth", "path.simplify_threshold": 0.5}):
        canvas.savefig(made, format="svg", metadata={"Date": None})
    return made.getvalue()


def _smooth(beat: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean within two quarter notes, four times a quarter note."""
    known = np.isfinite(values)
    beat, values = beat[known], values[known]
    at = np.arange(beat[0], beat[-1] + 0.25, 0.25)
    total = np.concatenate([[0.0], np.cumsum(values)])
    low, high = (np.searchsorted(beat, at + side * (SMOOTH_BEATS / 2 + 1e-6)) for side in (-1, 1))
    return at, (total[high] - total[low]) / np.maximum(high - low, 1)


def _section(piece: str, score: Score, versions: tuple[Version, ...], lengths: dict[str, float]) -> str:
    rows = "\n".join(
        f"| [{one.label}](gallery/{piece}-{one.name}.ogg) | {lengths[one.name]:.0f} s "
        f"| `perfsynth render examples/{piece}.musicxml{one.command} -o out.wav` |"
        for one in versions
    )
    return f"""## {score.title}

{score.composer}; [the score](../examples/{piece}.musicxml), {len(score.notes)} notes with its repeats.

| listen | length | the whole piece |
|---|---:|---|
{rows}

![Tempo and velocity of each version along the score](gallery/{piece}.svg)
"""


def _alignment(folder: Path) -> str:
    """Find the notes of a score in its own rendering, and draw them."""
    commands = (
        f"render examples/{ALIGNED}.musicxml -o {ALIGNED}.wav",
        f"align {ALIGNED}.wav examples/{ALIGNED}.musicxml --plot {ALIGNED}.png -o {ALIGNED}.jsonl",
    )
    with tempfile.TemporaryDirectory() as made:
        (Path(made) / "examples").symlink_to(ROOT / "examples")
        for command in commands:
            subprocess.run([sys.executable, "-m", "perfsynth", *command.split()], cwd=made, check=True)
        shutil.copy(Path(made) / f"{ALIGNED}.png", folder / f"{ALIGNED}-aligned.png")
    shown = "\n".join(f"perfsynth {command}" for command in commands)
    return f"""## A recording and its score

`perfsynth align` finds the notes of a score in a recording. Here the recording is the `cantabile` version of the piece
above:

```sh
{shown}
```

![The spectrum of the recording, the notes found in it, their tempo, how sure each is](gallery/{ALIGNED}-aligned.png)
"""


HEAD = """# Gallery

The beginnings of the scores in [examples/](../examples/README.md), played by several systems and sounded by the
`modal` piano at one loudness. All versions of a piece play the same passage; what is longer than 25 s fades out. The
pictures show tempo and velocity over the whole piece, each the mean within two quarter notes.
`python tools/gallery.py` makes this page and all it shows; the systems of the papers need their runs (below).

- `deadpan` plays what is written: the notated dynamics as velocity, the articulation as duration.
- `cantabile` is the default: learned from human performances.
- A variation is another interpretation by `cantabile`; every number is one of its own.
- `m2m` and `deep-performer-align` follow the papers named in [Models](models.md).
"""

if __name__ == "__main__":
    main()
