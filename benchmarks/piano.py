"""The engine table: every piano against the sampler, on six human performances of (n)ASAP.

``python benchmarks/piano.py DATA --samples SALAMANDER`` prints a Markdown table of the mean over the performances
of each distance of `perfsynth.evaluate.audio` (mono, 44.1 kHz, 20 s each, dry), and CPU seconds per second of
stereo audio. The ladder below it shows what the numbers mean.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soxr

from perfsynth import formats
from perfsynth.evaluate.audio import RATE, Distances, distances
from perfsynth.synth.core import synthesize
from perfsynth.types import Performance

EXCERPT_S = 20.0
# Folder, performer, start in seconds.
EXCERPTS = (
    ("Chopin/Ballades/1", "McNamara", 60.0),
    ("Bach/Fugue/bwv_870", "", 20.0),
    ("Debussy/Images_Book_1/1_Reflets_dans_lEau", "", 60.0),
    ("Beethoven/Piano_Sonatas/26-1", "", 60.0),
    ("Schumann/Kreisleriana/4", "", 30.0),
    ("Mozart/Piano_Sonatas/12-3", "", 30.0),
)


def excerpt(path: Path, start_s: float) -> Performance:
    """Twenty seconds of a performance: what begins in them, and the pedals with their state at the start."""
    whole = formats.read_performance(path.read_bytes(), name=str(path))
    notes = whole.notes[(whole.notes["onset_s"] >= start_s) & (whole.notes["onset_s"] < start_s + EXCERPT_S)].copy()
    controls = whole.controls[whole.controls["time_s"] < start_s + EXCERPT_S].copy()
    notes["onset_s"] -= start_s
    controls["time_s"] = np.maximum(controls["time_s"] - start_s, 0.0)
    return Performance(notes, controls, whole.parts)


def performance_file(data: Path, folder: str, performer: str) -> Path | None:
    """The performance of a folder by a performer, or the first one there."""
    found = sorted(
        path for path in (data / folder).glob("*.mid") if path.stem != "midi_score" and performer in path.stem
    )
    return found[0] if found else None


def sounded(performance: Performance, engine: str, **options: object) -> tuple[np.ndarray, float]:
    """Mono audio at 44.1 kHz, and CPU seconds per second of audio."""
    started = time.process_time()
    stream = synthesize(performance, engine=engine, **options)
    audio = np.concatenate(list(stream.blocks))
    cost = (time.process_time() - started) / (len(audio) / stream.sample_rate)
    mono = soxr.resample(audio.mean(axis=1), stream.sample_rate, RATE)
    return mono[: round(EXCERPT_S * RATE)], cost


def hiss(audio: np.ndarray) -> np.ndarray:
    """The audio with white noise 40 dB below it."""
    noise = np.random.default_rng(0).normal(size=len(audio))
    return audio + noise * np.sqrt((audio**2).mean()) * 10 ** (-40 / 20)


LADDER: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sampler against itself": lambda audio: audio,
    "sampler + hiss at -40 dB": hiss,
    "sampler + 12 ms, unmatched lag": lambda audio: np.roll(audio, round(0.062 * RATE)),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--samples", required=True)
    arguments = parser.parse_args()
    as_sampled = {"resonance": 0.0, "pedal_noise": 0.0}  # which the sampler lacks
    engines: dict[str, dict] = {
        "modal E2": {"engine": "modal", **as_sampled},
        "modal A": {"engine": "modal", "variant": "A", **as_sampled},
        "fluidsynth": {"engine": "fluidsynth"},
    }
    files = [(performance_file(arguments.data, folder, who), start) for folder, who, start in EXCERPTS]
    performances = [excerpt(path, start) for path, start in files if path is not None]
    references = [sounded(performance, "sampler", samples=arguments.samples)[0] for performance in performances]
    columns = list(Distances.__dataclass_fields__)
    print(f"{len(performances)} performances: {', '.join(str(path.stem) for path, _ in files if path)}\n")
    print("| engine | " + " | ".join(columns) + " | RTF |\n|" + "---|" * (len(columns) + 2))
    for name, options in engines.items():
        sounded(performances[0], **options)  # compiles and loads
        made = [sounded(performance, **options) for performance in performances]
        report(
            name,
            [distances(audio, ref) for (audio, _), ref in zip(made, references, strict=True)],
            [c for _, c in made],
        )
    for name, change in LADDER.items():
        report(name, [distances(change(reference), reference) for reference in references], [])


def report(name: str, found: list[Distances], costs: list[float]) -> None:
    """One row."""
    means = [np.mean([row.to_json()[column] for row in found]) for column in Distances.__dataclass_fields__]
    cost = f"{np.mean(costs):.3f}" if costs else ""
    print(f"| {name} | " + " | ".join(f"{mean:.3f}" for mean in means) + f" | {cost} |", flush=True)


if __name__ == "__main__":
    main()
