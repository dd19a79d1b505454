"""The section of the gallery in which the sound systems of the papers play the same passage, from runs of training."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from perfsynth import formats
from perfsynth.dsp.loudness import LOUDNESS_LUFS, normalise
from perfsynth.evaluate.matching import RATE
from perfsynth.evaluate.report.playing import excerpts
from perfsynth.evaluate.report.sounds import opus
from perfsynth.evaluate.score_informed import score_informed
from perfsynth.perform.core import perform
from perfsynth.pipeline import sound
from perfsynth.synth.spectrogram import synthesize_spectrogram
from perfsynth.types import AudioStream, Performance
from perfsynth.vocode.core import vocode

TITLE = "## The systems of the papers"
ROOT = Path(__file__).parents[1]
PIECE = "petzold-minuet"
EXCERPT_S = 10.0  # of the production model
LONGEST_S = 13.0  # with what rings on
FADE_S = 1.5
CUT_S = 0.01  # at least, so that all fade out: some networks hum on to the last sample
# Each system and its paper, in the order of the page.
SYSTEMS = {
    "performancenet": "Wang and Yang 2019",
    "lan-rnn": "Lan, Leung and Yang",
    "deep-performer": "Dong et al. 2022",
    "hifigan-roll": "Dong et al. 2022, baseline",
    "m2a": "Tang et al. 2025",
    "m2a-baseline": "Tang et al. 2025, baseline",
}
SEVERAL = ("hifigan-roll", "m2a-baseline", "deep-performer")  # learn several instruments


@dataclass(frozen=True)
class Runs:
    """Where networks are: folders of runs by name, a vocoder, and the samples of the piano that they learnt from."""

    folder: Path
    vocoder: Path | None = None
    samples: Path | None = None

    def weights(self, name: str) -> Path | None:
        """The best step of a run, if there is one."""
        best = self.folder / name / "best"
        return best if (best / "model.safetensors").is_file() else None


@dataclass(frozen=True)
class Row:
    """A sound of the section and the cells beside it."""

    name: str
    cells: tuple[str, ...]
    stream: AudioStream
    notes: np.ndarray  # what it was to play


def section(folder: Path, runs: Runs) -> str:
    """Write the sounds, and return the text."""
    score = formats.read_score((ROOT / "examples" / f"{PIECE}.musicxml").read_bytes(), name=PIECE)
    played = {name: perform(score, model=name, ornaments=True) for name in ("cantabile", "deadpan")}
    passage = {name: one.performance for name, one in excerpts(score, played, longest_s=EXCERPT_S).items()}
    rows = []
    for row in _rows(passage, runs):
        samples = normalise(row.stream, loudness_lufs=LOUDNESS_LUFS).audio().samples
        figures = " | ".join(_found_again(samples, row.stream.sample_rate, row.notes))
        kept_s = min(LONGEST_S, len(samples) / row.stream.sample_rate - CUT_S)
        data = opus(samples, row.stream.sample_rate, longest_s=kept_s, fade_s=FADE_S)
        (folder / f"systems-{row.name}.ogg").write_bytes(data)
        print(f"{row.name}: {len(samples) / row.stream.sample_rate:.1f} s, {len(data) / 1000:.0f} kB", flush=True)
        rows.append(f"| [`{row.name}`](gallery/systems-{row.name}.ogg) | {' | '.join(row.cells)} | {figures} |")
    return TEXT.format(title=TITLE, rows="\n".join(rows), missing=_missing(runs))


def _found_again(samples: np.ndarray, sample_rate: int, notes: np.ndarray) -> tuple[str, str]:
    """How much of the notes detectors find: the F1 of onsets, the share of pitches."""
    import soxr

    found = score_informed(soxr.resample(samples, sample_rate, RATE), notes)
    return f"{found.onset_f1:.2f}", f"{found.pitch_recall:.2f}"


def _rows(passage: dict[str, Performance], runs: Runs) -> Iterator[Row]:
    """What the networks learnt from, the piano that ships, then the systems that have a run."""
    played = passage["cantabile"]
    if runs.samples is not None:
        taught = sound(played, engine="sampler", samples=str(runs.samples))
        yield Row("sampler", ("the samples that the networks learnt from", "", ""), taught, played.notes)
    yield Row(
        "modal",
        ("the default, learnt from the same samples", "2.4 MB", ""),
        sound(played, engine="modal"),
        played.notes,
    )
    for name, paper in SYSTEMS.items():
        weights = runs.weights(name)
        if weights is None:
            continue
        config = _config(weights)
        given = passage["deadpan" if name == "m2a-baseline" else "cantabile"]
        several = config["model"].get("instruments") or config["model"].get("albums") if name in SEVERAL else None
        chosen = {"weights": str(weights), "instrument": several[0] if several else None}
        if name != "deep-performer":
            sounded = sound(given, engine=name, loudness_lufs=None, **chosen)
            yield Row(name, (paper, *_trained(config)), sounded, given.notes)
            continue
        made = synthesize_spectrogram(given, model=name, **chosen)
        learnt = _trained(config)
        for vocoder, label in (
            ("griffin-lim", "by Griffin-Lim"),
            ("source-filter", "by the modal piano filtered"),
        ):
            own = name if vocoder == "griffin-lim" else f"{name}-{vocoder}"
            yield Row(own, (f"{paper}, {label}", *learnt), vocode(made, model=vocoder), given.notes)
        if runs.vocoder is not None:
            cells = (f"{paper}, by `hifigan`; size and time are that one's", *_trained(_config(runs.vocoder)))
            yield Row(f"{name}-hifigan", cells, vocode(made, model="hifigan", weights=str(runs.vocoder)), given.notes)


def _config(weights: Path) -> dict[str, Any]:
    return tomllib.loads((weights / "config.toml").read_text(encoding="utf-8"))


def _trained(config: dict[str, Any]) -> tuple[str, str]:
    made = config["made"]
    return f"{made['parameters'] / 1e6:.2f} M parameters", f"{made['minutes']:.0f} min, {made['steps']:,} steps"


def _missing(runs: Runs) -> str:
    absent = [name for name in SYSTEMS if runs.weights(name) is None]
    return f" Not trained here: {', '.join(f'`{name}`' for name in absent)}." if absent else ""


def kept(page: str) -> str:
    """The section as a page has it; empty where it has none."""
    _, title, rest = page.partition(TITLE + "\n")
    return title + rest.partition("\n## ")[0].rstrip("\n") + "\n" if title else ""


TEXT = """{title}

The same passage of the minuet, played by `cantabile` and sounded by each. These networks are small and learnt for
some ten minutes on one processor core (`hifigan` for 25, on a busy one), from 160 excerpts of 12 s that sampled
pianos played: they show that each system runs from end to end, and what it sounds like so early: dull, noisy, and in
part nothing but noise. The last two columns say how much of the notes detectors find again in the sound: the F1 of
onsets (steady noise reaches up to .4) and the share of pitches. The sounds say nothing about what the papers' own
networks reach with more data, width and days. `m2a-baseline` reads the score as written, without a performance
between. How to train them, and their figures: [The systems of the papers](seed-systems.md). A `deep-performer` and
a `hifigan` that learnt longer ship. All learnt from performances under CC BY-NC-SA 4.0.{missing}

| listen | what it is | size | learnt for | onsets | pitches |
|---|---|---:|---:|---:|---:|
{rows}

`python tools/gallery.py --runs RUNS` makes this section anew from a folder of runs.
"""
